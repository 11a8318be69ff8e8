import type { Queryable, Transaction } from '../../platform/database.ts';

/** Rows removed or to be removed, by table. */
export type RowCounts = Readonly<Record<string, number>>;

/** A part of the table, in the order of its keys. */
export interface Stretch {
  /** It starts after this key. */
  readonly after: number;
  /** What is older than this may go. */
  readonly before: Date;
  /** How many keys it has at most. */
  readonly limit: number;
}

/** One key of a stretch. */
export interface Walked {
  readonly key: number;
  /** Whether its rows go. */
  readonly goes: boolean;
  /** Whether it was made before the time: after a stretch without such rows, nothing can go. */
  readonly aged: boolean;
}

/** Rows that belong to one key and go together. */
export interface RetentionKind {
  /** Walks a stretch by the table's primary key. */
  walk(db: Queryable, stretch: Stretch): Promise<Walked[]>;
  /** How many rows of each table go with the keys. */
  count(db: Queryable, keys: readonly number[]): Promise<RowCounts>;
  /** Every row that goes with the keys, each as a line `{"table":…,"row":{…}}`, referenced tables first; in pages. */
  lines(db: Queryable, keys: readonly number[]): AsyncIterable<readonly string[]>;
  /** Removes what goes with the keys, or as much of it as one transaction should; what is gone already counts nothing. */
  remove(tx: Transaction, keys: readonly number[]): Promise<Removal>;
}

export interface Removal {
  readonly rows: RowCounts;
  /** Whether there may be more that goes with the same keys. */
  readonly more: boolean;
}

/** The CRM action that a removed row belonged to. */
export interface ActionOfRow {
  readonly subscription_number: string | null;
  readonly action_id: string | null;
}

/** An SQL expression for one archive line of the row that `alias` names. */
export function archiveLine(table: string, alias: string): string {
  return `jsonb_build_object('table', '${table}', 'row', to_jsonb(${alias}))::text`;
}

/** Runs a query for one row of counts, by table. */
export async function countRows(
  db: Queryable,
  query: string,
  keys: readonly number[],
): Promise<Readonly<Record<string, number>>> {
  const [counts] = await db.query<Record<string, number>>(query, [keys]);
  return counts ?? {};
}

/** Keys whose rows are read at once for the archive: an attempt may have two bodies of 128 Ki characters. */
const PAGE_KEYS = 50;

/** Runs a query for archive lines, a page of the keys at a time. */
export async function* archiveLines(
  db: Queryable,
  query: string,
  keys: readonly number[],
): AsyncGenerator<readonly string[]> {
  for (let from = 0; from < keys.length; from += PAGE_KEYS) {
    const rows = await db.query<{ line: string }>(query, [keys.slice(from, from + PAGE_KEYS)]);
    yield rows.map(({ line }) => line);
  }
}

/**
 * Whether the action of a row still waits for something: a request, a facet, or its outcome; then everything of it
 * stays. Walks crm_action's primary key; without the offset, PostgreSQL may read the whole table into a hash instead.
 */
export function actionIsOpen(alias: string): string {
  return `exists (select from crm_action a
    where a.subscription_number = ${alias}.subscription_number and a.id = ${alias}.action_id
      and (a.unfinished > 0 or a.outcome_due_at is not null) offset 0)`;
}

/**
 * Removes those of the actions of which neither an event nor a request is left; gives how many. Actions that somebody has
 * locked are in use and stay: retention waits for nobody. Walks crm_action's primary key, inbox_action and request_action.
 */
export async function removeEmptyActions(tx: Transaction, rows: readonly ActionOfRow[]): Promise<number> {
  const actions = rows.filter((row) => row.subscription_number !== null && row.action_id !== null);
  if (actions.length === 0) return 0;
  const gone = await tx.query(REMOVE_EMPTY_ACTIONS, [
    actions.map((row) => row.subscription_number),
    actions.map((row) => row.action_id),
  ]);
  return gone.length;
}

const REMOVE_EMPTY_ACTIONS = /* sql */ `
with emptied as (
  select a.subscription_number, a.id from crm_action a
    join (select distinct * from unnest($1::text[], $2::text[]) k (subscription_number, id)) k
      on a.subscription_number = any (array[k.subscription_number]) and a.id = any (array[k.id])
   where a.unfinished = 0 and a.outcome_due_at is null
     and not exists (select from inbox where action_id = a.id and subscription_number = a.subscription_number offset 0)
     and not exists (select from request where action_id = a.id and subscription_number = a.subscription_number offset 0)
     for update of a skip locked
)
delete from crm_action a using emptied e
 where a.subscription_number = any (array[e.subscription_number]) and a.id = any (array[e.id])
returning 1 as gone`;
