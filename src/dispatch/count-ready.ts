import type { Queryable } from '../platform/database.ts';
import { RANKS } from '../requests/request-class.ts';

/** Counting stops here for each rank, at the age 0 and at other ages. More would walk a backlog of millions. */
const BACKLOG_MAX = 100_001;
const AGED_MAX = 1_001;

/** How many requests of a class could have been sent for at least some seconds and were not. */
export interface ReadyCount {
  readonly requestClass: number;
  readonly seconds: number;
  readonly requests: number;
}

/**
 * Counts requests that could have been sent for at least the given seconds and were not, by class, for an alert. No
 * request is ahead of them, no date or back-off holds them, and no instance has them.
 */
export async function countReady(db: Queryable, olderThanSeconds: readonly number[]): Promise<ReadyCount[]> {
  return await db.query<ReadyCount & Record<string, unknown>>(COUNT_READY, [olderThanSeconds]);
}

/** Returns how many seconds the longest waiting ready request of each class could have been sent; 0 if there is none. */
export async function oldestReady(db: Queryable): Promise<Map<number, number>> {
  const rows = await db.query<{ requestClass: number; seconds: number }>(OLDEST_READY);
  return new Map(rows.map(({ requestClass, seconds }) => [requestClass, seconds]));
}

/** Walks work_ready from each rank's oldest entry. */
const COUNT_READY = /* sql */ `
select "requestClass", seconds, sum(requests)::int as requests
  from unnest($1::int[]) seconds
 cross join lateral (${RANKS.map(
   (rank) => `select ${rank >> 1} as "requestClass", count(*) as requests from (select from work
    where waits = 0 and rank = ${rank} and ready_at <= now() - seconds * interval '1 second'
    limit case when seconds = 0 then ${BACKLOG_MAX} else ${AGED_MAX} end) as ready`,
 ).join(' union all ')}) counted
 group by "requestClass", seconds`;

/** Walks work_ready to each rank's oldest entry. */
const OLDEST_READY = /* sql */ `
select "requestClass", coalesce(extract(epoch from now() - min(ready_at)), 0)::float8 as seconds
  from (${RANKS.map(
    (rank) => `select ${rank >> 1} as "requestClass", (select ready_at from work
    where waits = 0 and rank = ${rank} and ready_at <= now() order by ready_at limit 1) as ready_at`,
  ).join(' union all ')}) oldest
 group by "requestClass"`;
