import type { Database } from '../../src/platform/database.ts';

/** What a database has written so far. */
export interface Writes {
  readonly walBytes: number;
  /** New entries of indexes, if each row version that is not HOT has one in every index of its table. */
  readonly indexEntries: number;
  readonly updates: number;
  /** Updates that touched no index. */
  readonly hotUpdates: number;
}

export async function writesOf(db: Database): Promise<Writes> {
  await db.query('select pg_stat_force_next_flush()');
  const [row] = await db.query<Writes & Record<string, unknown>>(`
    select pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')::float8 as "walBytes",
           (select sum((t.n_tup_ins + t.n_tup_upd - t.n_tup_hot_upd) * i.indexes)
              from pg_stat_user_tables t
              join (select indrelid, count(*) as indexes from pg_index group by 1) i on i.indrelid = t.relid)::float8 as "indexEntries",
           (select sum(n_tup_upd) from pg_stat_user_tables)::float8 as updates,
           (select sum(n_tup_hot_upd) from pg_stat_user_tables)::float8 as "hotUpdates"`);
  if (row === undefined) throw new Error('No statistics');
  return row;
}

/** Returns what was written for each of so many commands. */
export function writesLine(before: Writes, after: Writes, commands: number): string {
  const each = (key: keyof Writes): number => (after[key] - before[key]) / commands;
  const hot = (100 * each('hotUpdates')) / Math.max(each('updates'), 1e-9);
  return (
    `${(each('walBytes') / 1000).toFixed(2)} kB of WAL and at most ${each('indexEntries').toFixed(1)} index entries per command; ` +
    `${each('updates').toFixed(1)} updates, ${hot.toFixed(0)} % HOT`
  );
}
