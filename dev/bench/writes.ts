import type { Database } from '../../src/platform/database.ts';

/** What a database has written so far. */
export interface Writes {
  /** Of the WAL. */
  readonly position: string;
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
    select pg_current_wal_insert_lsn()::text as position, pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')::float8 as "walBytes",
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
  const each = (key: Exclude<keyof Writes, 'position'>): number => (after[key] - before[key]) / commands;
  const hot = (100 * each('hotUpdates')) / Math.max(each('updates'), 1e-9);
  return (
    `${(each('walBytes') / 1000).toFixed(2)} kB of WAL and at most ${each('indexEntries').toFixed(1)} index entries per command; ` +
    `${each('updates').toFixed(1)} updates, ${hot.toFixed(0)} % HOT`
  );
}

/** Returns the rows of each table for each of so many commands, since the tables were created, as lines. */
export async function tableLines(db: Database, commands: number): Promise<string[]> {
  const rows = await db.query<{ name: string; counts: number[]; indexes: number }>(
    `select relname as name, array[n_tup_ins, n_tup_upd, n_tup_hot_upd, n_tup_del]::float8[] as counts, i.indexes
       from pg_stat_user_tables t
       join (select indrelid, count(*) as indexes from pg_index group by 1) i on i.indrelid = t.relid
      where n_tup_ins + n_tup_upd >= $1::int / 100
      order by (n_tup_ins + n_tup_upd - n_tup_hot_upd) * i.indexes desc`,
    [commands],
  );
  return rows.map(({ name, counts, indexes }) => {
    const [inserted, updated, hot, deleted] = counts.map((count) => (count / commands).toFixed(2));
    return `  ${name}: ${inserted} inserted, ${updated} updated (${hot} HOT), ${deleted} deleted; ${indexes} indexes`;
  });
}

/** Returns what the tables with their indexes take on the disk, per command, the largest first, as lines. */
export async function diskLines(db: Database, commands: number): Promise<string[]> {
  const rows = await db.query<{ relation: string; bytes: number }>(DISK, [commands]);
  const all = rows.reduce((sum, { bytes }) => sum + bytes, 0);
  return [
    `  ${all.toFixed(0)} bytes on the disk per command, with the indexes:`,
    ...rows.map(({ relation, bytes }) => `  ${bytes.toFixed(0).padStart(6)} ${relation}`),
  ];
}

/** Without tables that hold only a few rows. */
const DISK = /* sql */ `
select relname as relation, pg_total_relation_size(oid)::float8 / $1::int as bytes
  from pg_class
 where relkind = 'r' and relnamespace = current_schema()::regnamespace and pg_total_relation_size(oid) > 32 * $1::int
 order by 2 desc`;
