import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import type { Database, Queryable } from '../../../src/platform/database.ts';
import type { RetentionDays } from '../../../src/features/retention/kinds.ts';
import { openTestIntake, type TestIntake } from '../../intake/support.ts';
import { finishPending } from '../../support/finish.ts';
import { avroRecord, carelesslyDelivered, randomHistories } from '../../support/histories.ts';
import { randomFrom } from '../../support/random.ts';

/** What retention may remove, referenced tables first. */
export const TABLES = [
  'crm_action',
  'inbox',
  'withheld',
  'request',
  'request_final',
  'attempt',
  'operator_action',
  'outbox',
] as const;
export type Table = (typeof TABLES)[number];

/** Every row of the tables as JSON text. */
export type Rows = Readonly<Record<Table, ReadonlySet<string>>>;

export async function allRows(db: Queryable): Promise<Rows> {
  const rows: Partial<Record<Table, ReadonlySet<string>>> = {};
  for (const table of TABLES) {
    const found = await db.query<{ row: string }>(`select to_jsonb(t)::text as row from ${table} t`);
    rows[table] = new Set(found.map(({ row }) => row));
  }
  return rows as Rows;
}

/** What retention has no business with, as one text. */
export async function otherRows(db: Queryable): Promise<string> {
  const [row] = await db.query<{ rows: string }>(
    `select jsonb_build_array(${[
      'subscription',
      'subscription_card',
      'work',
      'lane',
      'request_pin',
      'provider',
      'consumer_offset',
    ]
      .map((table) => `(select jsonb_agg(t order by t::text) from ${table} t)`)
      .join(', ')})::text as rows`,
  );
  return row?.rows ?? '';
}

/** Puts the tables back to what they were. */
export async function restore(db: Queryable, rows: Readonly<Record<Table, Iterable<string>>>): Promise<void> {
  await db.query(`truncate retention_pass, ${TABLES.join(', ')} cascade`);
  for (const table of TABLES) {
    await db.query(
      `insert into ${table} overriding system value
       select (jsonb_populate_record(null::${table}, row)).* from unnest($1::jsonb[]) row on conflict do nothing`,
      [[...rows[table]]],
    );
  }
}

/** The rows that each table has lost. */
export function lost(before: Rows, after: Rows): Record<Table, string[]> {
  return Object.fromEntries(
    TABLES.map((table) => [table, [...before[table]].filter((row) => !after[table].has(row))]),
  ) as Record<Table, string[]>;
}

/**
 * A database with histories of all ages: events delivered out of order and some of them held, requests of which some are
 * pending, with attempts, outcomes of which some wait or are parked.
 */
export async function openAgedHistory(seed: number, subscriptions: number): Promise<TestIntake> {
  const intake = await openTestIntake();
  const { db } = intake;
  const random = randomFrom(seed);
  const { events } = randomHistories(seed, { subscriptions, actions: 10, sharedCards: true });
  const delivered = carelesslyDelivered(seed, events, { late: true, repeats: true });
  for (const part of slices(delivered, 40)) {
    await intake.apply(part.map(avroRecord), { facetWaitMs: 0, stalePolicy: random.chance(0.3) ? 'hold' : 'plan' });
  }
  await intake.apply([{ raw: Buffer.from('no event'), key: 'S1' }]);
  await finishPending(db, { state: 'REJECTED', code: 'CLIENT_NOT_FOUND' }, 'number % 7 = 3');
  await finishPending(db, { state: 'COMPLETED' }, 'number % 11 <> 5');
  await db.query(`insert into attempt (request_number, attempt, command, operation, url, answer, request_body, started_at,
                                       duration_ms, instance)
    select number, a, type, 'op', 'http://cas', 'accepted', '<sent/>', now(), 1.25, 'test'
      from request, generate_series(1, 1 + number::int % 2) a where life_cycle_state <> 'PENDING'`);
  await db.query(`insert into operator_action (action, by_user, request_number)
    select 'requests.process', 'olga', number from request where number % 3 = 1`);
  await db.query(`update outbox set published_at = now() where id % 9 <> 4`);
  await db.query(`update outbox set published_at = null, parked_reason = 'too large' where id % 9 = 5`);
  await agedAtRandom(db);
  return intake;
}

/** Each row between 0 and 100 days old, rows of one transaction alike or not. */
async function agedAtRandom(db: Database): Promise<void> {
  const days = (column: string): string => `now() - (${column} * 7919 % 101) * interval '1 day' - interval '1 hour'`;
  await db.query(`update inbox set received_at = ${days('id')}`);
  await db.query(`update request set submitted_at = now() - interval '200 days',
    executed_at = case when life_cycle_state = 'PENDING' then null else ${days('number')} end`);
  await db.query(`update outbox set created_at = now() - interval '200 days',
    published_at = case when published_at is null then null else ${days('id')} end`);
}

/** Keys of the rows that have to be there afterwards, worked out row by row. */
export async function keptKeys(db: Queryable, days: RetentionDays): Promise<Record<Table, Set<string>>> {
  const rows = await allRows(db);
  const parsed = (table: Table): Record<string, unknown>[] =>
    [...rows[table]].map((row) => JSON.parse(row) as Record<string, unknown>);
  const old = (time: unknown, limit: number): boolean =>
    limit > 0 && typeof time === 'string' && Date.parse(time) < Date.now() - limit * 86_400_000;
  const actionOf = (row: Record<string, unknown>, id = 'action_id'): string =>
    JSON.stringify([row['subscription_number'], row[id]]);
  const open = new Set(
    parsed('crm_action').flatMap((row) =>
      row['unfinished'] !== 0 || row['outcome_due_at'] !== null ? [actionOf(row, 'id')] : [],
    ),
  );
  const planned = new Set<unknown>(['PLANNED', 'NOTHING_TO_DO', 'STALE']);
  const inbox = parsed('inbox');
  const needed = new Set<string>();
  for (const [number, own] of Map.groupBy(inbox, (row) => row['subscription_number'])) {
    const aged = own.filter((row) => planned.has(row['disposition']) && old(row['received_at'], days.events));
    const versions = [...new Set(aged.map((row) => Number(row['subscription_version'])))].toSorted((a, b) => b - a);
    for (const version of versions.slice(0, 2)) needed.add(JSON.stringify([number, version]));
  }
  const keptInbox = inbox.filter(
    (row) =>
      !old(row['received_at'], days.events) ||
      row['disposition'] === 'STALE' ||
      open.has(actionOf(row)) ||
      (planned.has(row['disposition']) &&
        needed.has(JSON.stringify([row['subscription_number'], row['subscription_version']]))),
  );
  const keptRequests = parsed('request').filter(
    (row) =>
      row['life_cycle_state'] === 'PENDING' || !old(row['executed_at'], days.requests) || open.has(actionOf(row)),
  );
  const ids = new Set(keptInbox.map((row) => row['id']));
  const numbers = new Set(keptRequests.map((row) => row['number']));
  const actions = new Set([...keptInbox, ...keptRequests].map((row) => actionOf(row)));
  const texts = (kept: readonly Record<string, unknown>[]): Set<string> =>
    new Set(kept.map((row) => JSON.stringify(row)));
  return {
    inbox: texts(keptInbox),
    withheld: texts(parsed('withheld').filter((row) => ids.has(row['inbox_id']))),
    request: texts(keptRequests),
    request_final: texts(parsed('request_final').filter((row) => numbers.has(row['number']))),
    attempt: texts(parsed('attempt').filter((row) => numbers.has(row['request_number']))),
    operator_action: texts(parsed('operator_action').filter((row) => numbers.has(row['request_number']))),
    outbox: texts(parsed('outbox').filter((row) => !old(row['published_at'], days.outcomes))),
    crm_action: texts(
      parsed('crm_action').filter((row) => open.has(actionOf(row, 'id')) || actions.has(actionOf(row, 'id'))),
    ),
  };
}

/** The rows as `keptKeys` writes them. */
export function normalized(rows: Rows): Record<Table, Set<string>> {
  return Object.fromEntries(
    TABLES.map((table) => [table, new Set([...rows[table]].map((row) => JSON.stringify(JSON.parse(row))))]),
  ) as Record<Table, Set<string>>;
}

/** Every row in the sealed volumes, by table, as the database wrote it. */
export function archived(directory: string): Record<Table, string[]> {
  const found = Object.fromEntries(TABLES.map((table) => [table, [] as string[]])) as Record<Table, string[]>;
  for (const name of readdirSync(directory)) {
    if (!name.endsWith('.jsonl.gz')) continue;
    for (const line of gunzipSync(readFileSync(join(directory, name)))
      .toString()
      .split('\n')) {
      if (line === '') continue;
      const { table, row } = JSON.parse(line) as { table: Table; row: object };
      found[table].push(JSON.stringify(row));
    }
  }
  return found;
}

/** Those of the rows that are not among the archived ones. */
export function unfound(rows: readonly string[], among: readonly string[]): string[] {
  const found = new Set(among);
  return rows.filter((row) => !found.has(JSON.stringify(JSON.parse(row))));
}

export function slices<T>(all: readonly T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(all.length / size) }, (_, index) =>
    all.slice(index * size, (index + 1) * size),
  );
}
