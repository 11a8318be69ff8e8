import type { Database } from '../../src/platform/database.ts';

/**
 * Returns what was written to the WAL since a position, by table and index, as lines; empty if the server has no
 * pg_walinspect or the role may not use it. A record counts for the relation of its first block.
 */
export async function walLines(db: Database, from: string, commands: number): Promise<string[]> {
  await db.query('create extension if not exists pg_walinspect').catch(() => []);
  const rows = await db
    .query<{ relation: string; bytes: number; entries: number; kinds: string }>(WAL, [from, commands])
    .catch(() => []);
  if (rows.length === 0) return [];
  const entries = rows.reduce((sum, row) => sum + row.entries, 0);
  return [
    `  ${entries.toFixed(1)} index entries per command; bytes of WAL per command:`,
    ...rows.map(({ relation, bytes, kinds }) => `  ${bytes.toFixed(0).padStart(6)} ${relation}: ${kinds}`),
  ];
}

const WAL = /* sql */ `
with record as (
  select distinct on (b.start_lsn) b.record_length as bytes, b.resource_manager || ' ' || b.record_type as kind,
         coalesce(c.relname, 'other') as relation
    from pg_get_wal_block_info($1::pg_lsn, pg_current_wal_flush_lsn(), false) b
    left join pg_class c on c.relfilenode = b.relfilenode
   where b.reldatabase in (0, (select oid from pg_database where datname = current_database()))
   order by b.start_lsn, b.block_id
), kinds as (
  select relation, kind, sum(bytes)::float8 / $2::int as bytes, count(*)::float8 / $2::int as records,
         (kind ~ '^Btree (INSERT_LEAF|INSERT_POST|SPLIT)' or kind ~ '^Gin (UPDATE_META_PAGE|INSERT_LISTPAGE|INSERT)$') as enters
    from record group by 1, 2
)
select relation, sum(bytes) as bytes, coalesce(sum(records) filter (where enters), 0) as entries,
       string_agg(format('%s %s (%s B)', kind, round(records::numeric, 2), round(bytes)), ', ' order by bytes desc)
         filter (where bytes >= 1) as kinds
  from kinds group by 1 having sum(bytes) >= 1 order by 2 desc`;
