import { archiveLine, archiveLines, countRows, type RetentionKind, type Walked } from './rows.ts';

/** A run may have a hundred thousand targets: this number of them is removed, or read, at once. */
const TARGETS = 500;

/**
 * COMPLETED runs with their changes and targets, by the time at which they ended. Their counts, schedules and entries of
 * the communication queue name them no more.
 */
export const runs: RetentionKind = {
  walk: (db, { after, before, limit }) => db.query<Walked>(WALK, [after, limit, before]),
  count: (db, keys) => countRows(db, COUNT, keys),
  async *lines(db, keys) {
    yield* archiveLines(db, LINES, keys);
    for (const key of keys) {
      for (let after: string | null = ''; after !== null;) {
        const rows: { target: string; line: string }[] = await db.query(TARGET_LINES, [key, after, TARGETS]);
        yield rows.map(({ line }) => line);
        after = rows.length === TARGETS ? (rows.at(-1)?.target ?? null) : null;
      }
    }
  },
  async remove(tx, keys) {
    const targets = (await tx.query(REMOVE_TARGETS, [keys, TARGETS])).length;
    if (targets === TARGETS) return { rows: { run_target: targets }, more: true };
    const changes = await tx.query(REMOVE_CHANGES, [keys]);
    const gone = await tx.query(REMOVE_RUNS, [keys]);
    return { rows: { run: gone.length, run_change: changes.length, run_target: targets }, more: false };
  },
};

// Each walks a primary key: run's, run_change's or run_target's.
const WALK = /* sql */ `
select w.id as key, w.created_at < $3::timestamptz as aged,
  coalesce(w.state = 'COMPLETED' and not w.open and w.ended_at < $3::timestamptz, false) as goes
  from (select id, state, open, created_at, ended_at from run where id > $1::bigint order by id limit $2::int) w
 order by w.id`;

const COUNT = /* sql */ `
select (select count(*) from run where id = any($1::bigint[])) as run,
  (select count(*) from run_change where run_id = any($1::bigint[])) as run_change,
  (select count(*) from run_target where run_id = any($1::bigint[])) as run_target`;

const LINES = /* sql */ `
select ${archiveLine('run', 'u')} as line from run u where u.id = any($1::bigint[])
union all
select ${archiveLine('run_change', 'c')} from run_change c where c.run_id = any($1::bigint[])`;

const TARGET_LINES = /* sql */ `
select t.target, ${archiveLine('run_target', 't')} as line from run_target t
 where t.run_id = $1::bigint and t.target > $2::text order by t.target limit $3::int`;

const REMOVE_TARGETS = /* sql */ `
delete from run_target t using (
  select run_id, target from run_target where run_id = any($1::bigint[]) order by run_id, target limit $2::int) few
 where t.run_id = any (array[few.run_id]) and t.target = any (array[few.target])
returning 1 as gone`;

const REMOVE_CHANGES = /* sql */ `delete from run_change where run_id = any($1::bigint[]) returning 1 as gone`;

const REMOVE_RUNS = /* sql */ `
delete from run where id = any($1::bigint[]) and state = 'COMPLETED' and not open returning 1 as gone`;
