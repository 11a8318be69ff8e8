import { archiveLine, archiveLines, countRows, type RetentionKind, type Walked } from './rows.ts';

/**
 * Published outcomes and dead letters, by the time at which they were published. What waits, and what is parked for a
 * person, stays.
 */
export const outcomes: RetentionKind = {
  walk: (db, { after, before, limit }) => db.query<Walked>(WALK, [after, limit, before]),
  count: (db, keys) => countRows(db, COUNT, keys),
  lines: (db, keys) => archiveLines(db, LINES, keys),
  remove: async (tx, keys) => ({ rows: { outbox: (await tx.query(REMOVE, [keys])).length }, more: false }),
};

// Each walks outbox's primary key.
const WALK = /* sql */ `
select w.id as key, w.created_at < $3::timestamptz as aged, coalesce(w.published_at < $3::timestamptz, false) as goes
  from (select id, created_at, published_at from outbox where id > $1::bigint order by id limit $2::int) w
 order by w.id`;

const COUNT = /* sql */ `select count(*) as outbox from outbox where id = any($1::bigint[])`;

const LINES = /* sql */ `select ${archiveLine('outbox', 'o')} as line from outbox o where o.id = any($1::bigint[])`;

const REMOVE = /* sql */ `
delete from outbox where id = any($1::bigint[]) and published_at is not null returning 1 as gone`;
