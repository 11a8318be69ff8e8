import type { Queryable, Transaction } from '../platform/database.ts';
import type { RetentionKindName, RowCounts } from './retention-kinds.ts';

/** How far the last pass over a kind has come. */
export interface RetentionPass {
  readonly kind: RetentionKindName;
  readonly beganAt: Date;
  /** Null while it is under way, or since it was broken off. */
  readonly endedAt: Date | null;
  readonly position: number;
  /** Rows removed so far, by table. */
  readonly removed: RowCounts;
}

/** The last pass over each kind. */
export function retentionPasses(db: Queryable): Promise<RetentionPass[]> {
  return db.query<RetentionPass>(`select ${COLUMNS} from retention_pass p order by began_at, kind`);
}

/** Kinds that were never looked through, whose pass was broken off, or whose last pass began so long ago. */
export async function dueKinds(
  db: Queryable,
  kinds: readonly RetentionKindName[],
  everyMs: number,
): Promise<RetentionKindName[]> {
  const rows = await db.query<{ kind: RetentionKindName }>(DUE, [kinds, everyMs]);
  return rows.map(({ kind }) => kind);
}

/** A pass, and the time before which rows may go. */
export type OpenPass = RetentionPass & { readonly before: Date };

/** Goes on with the kind's pass where the last one was broken off, else begins a new one. */
export async function beginPass(db: Queryable, kind: RetentionKindName, days: number): Promise<OpenPass> {
  const [pass] = await db.query<OpenPass>(BEGIN, [kind, days]);
  if (!pass) throw new Error(`No pass over ${kind} could be begun`);
  return pass;
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

export async function endPass(db: Queryable, kind: RetentionKindName): Promise<void> {
  await db.query('update retention_pass set ended_at = now() where kind = $1', [kind]);
}

const COLUMNS = `p.kind, p.began_at as "beganAt", p.ended_at as "endedAt", p.position, p.removed`;

// Each walks retention_pass's primary key.
const DUE = /* sql */ `
select k.kind from unnest($1::text[]) with ordinality k (kind, place) left join retention_pass p on p.kind = k.kind
 where p.kind is null or p.ended_at is null or p.began_at <= now() - $2::float8 * interval '1 millisecond'
 order by k.place`;

/** Days are counted from when the pass began, also where it goes on later. */
const BEGIN = /* sql */ `
insert into retention_pass as p (kind, began_at) values ($1, now())
on conflict (kind) do update set
  began_at = case when p.ended_at is null then p.began_at else now() end,
  position = case when p.ended_at is null then p.position else 0 end,
  removed = case when p.ended_at is null then p.removed else '{}' end,
  ended_at = null
returning ${COLUMNS}, p.began_at - $2::float8 * interval '1 day' as before`;

const MOVE = /* sql */ `update retention_pass set position = $2, removed = $3::jsonb where kind = $1`;
