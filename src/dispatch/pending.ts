import type { Queryable } from '../platform/database.ts';

const RANKS = [0, 1, 2, 3, 4, 5];
/** Counting stops here, for each rank: more would walk a backlog of millions for a figure that says no more. */
const AT_MOST = 1001;

/**
 * How many requests could have been sent for at least so many seconds and were not: nobody is ahead of them, no date
 * and no back-off holds them, no instance has them. For an alert on what waits too long.
 */
export async function countReady(db: Queryable, olderThanSeconds: readonly number[]): Promise<Map<number, number>> {
  const rows = await db.query<{ seconds: number; requests: number }>(COUNT_READY, [olderThanSeconds]);
  return new Map(rows.map(({ seconds, requests }) => [seconds, requests]));
}

/** Walks work_ready from each rank's oldest entry. */
const COUNT_READY = /* sql */ `
select seconds, ${RANKS.map(
  (rank) => `(select count(*) from (select from work
    where waits = 0 and rank = ${rank} and ready_at <= now() - seconds * interval '1 second' limit ${AT_MOST}) as ready)`,
).join(' + ')} as requests
  from unnest($1::int[]) seconds`;
