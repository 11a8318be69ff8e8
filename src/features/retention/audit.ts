import { archiveLine, archiveLines, countRows, type RetentionKind, type Walked } from './rows.ts';

/** Entries of the audit, by the time at which they started, also those whose end was never recorded. */
export const audit: RetentionKind = {
  walk: (db, { after, before, limit }) => db.query<Walked>(WALK, [after, limit, before]),
  count: (db, keys) => countRows(db, COUNT, keys),
  lines: (db, keys) => archiveLines(db, LINES, keys),
  remove: async (tx, keys) => ({ rows: { audit: (await tx.query(REMOVE, [keys])).length }, more: false }),
};

// Each walks audit's primary key.
const WALK = /* sql */ `
select w.id as key, w.started_at < $3::timestamptz as aged, w.started_at < $3::timestamptz as goes
  from (select id, started_at from audit where id > $1::bigint order by id limit $2::int) w
 order by w.id`;

const COUNT = /* sql */ `select count(*) as audit from audit where id = any($1::bigint[])`;

const LINES = /* sql */ `select ${archiveLine('audit', 'a')} as line from audit a where a.id = any($1::bigint[])`;

const REMOVE = /* sql */ `delete from audit where id = any($1::bigint[]) returning 1 as gone`;
