import type { Queryable, Transaction } from '../../platform/database.ts';
import type { RetentionKindName } from './kinds.ts';
import type { RowCounts } from './rows.ts';

/** How far the last pass over a kind has come. */
export interface RetentionPass {
  readonly kind: RetentionKindName;
  readonly beganAt: Date;
  /** Null while it is under way, or after it stopped early. */
  readonly endedAt: Date | null;
  readonly position: number;
  /** Rows removed so far, by table. */
  readonly removed: RowCounts;
}

/** The last pass over each kind. */
export function retentionPasses(db: Queryable): Promise<RetentionPass[]> {
  return db.query<RetentionPass>(`select ${COLUMNS} from retention_pass p order by began_at, ended_at, kind`);
}

/** Whether one of the kinds was never searched, or its pass stopped early, or started that long ago. */
export async function isDue(db: Queryable, kinds: readonly RetentionKindName[], everyMs: number): Promise<boolean> {
  const [row] = await db.query<{ due: boolean }>(DUE, [kinds, everyMs]);
  return row?.due === true;
}

/**
 * Continues the passes of the last round that stopped early. If there are none, starts a new round over all kinds.
 * Returns the passes to make.
 */
export async function beginRound(db: Queryable, kinds: readonly RetentionKindName[]): Promise<RetentionPass[]> {
  await db.query(BEGIN, [kinds]);
  return await db.query<RetentionPass>(OPEN, [kinds]);
}

/** Notes how far the pass has come, with the counts of all that was removed so far. */
export async function movePass(
  tx: Transaction,
  kind: RetentionKindName,
  position: number,
  removed: RowCounts,
): Promise<void> {
  await tx.query(MOVE, [kind, position, JSON.stringify(removed)]);
}

/** Takes the beginnings of passes back by `ms` after the clock of the database went back: the next round is not late. */
export async function shiftPasses(tx: Transaction, ms: number): Promise<void> {
  await tx.query(SHIFT, [ms]);
}

export async function endPass(db: Queryable, kind: RetentionKindName): Promise<void> {
  await db.query('update retention_pass set ended_at = now() where kind = $1', [kind]);
}

const COLUMNS = `p.kind, p.began_at as "beganAt", p.ended_at as "endedAt", p.position, p.removed`;

/** A row for each kind. */
const SHIFT = /* sql */ `
update retention_pass set began_at = began_at - $1::float8 * interval '1 millisecond' where began_at > now()`;

// Each walks retention_pass's primary key.
const DUE = /* sql */ `
select exists (
  select from unnest($1::text[]) k (kind) left join retention_pass p on p.kind = k.kind
   where p.kind is null or p.ended_at is null or p.began_at <= now() - $2::float8 * interval '1 millisecond') as due`;

const BEGIN = /* sql */ `
insert into retention_pass as p (kind, began_at)
select k.kind, now() from unnest($1::text[]) k (kind)
 where not exists (select from retention_pass o where o.kind = any($1::text[]) and o.ended_at is null)
 order by k.kind
on conflict (kind) do update set began_at = excluded.began_at, position = 0, removed = '{}', ended_at = null`;

const OPEN = /* sql */ `
select ${COLUMNS} from unnest($1::text[]) with ordinality k (kind, place) join retention_pass p on p.kind = k.kind
 where p.ended_at is null order by k.place`;

const MOVE = /* sql */ `update retention_pass set position = $2, removed = $3::jsonb where kind = $1`;
