import type { Queryable } from '../platform/database.ts';
import { CLAIMED_RANKS, NEW_RANKS, RANKS } from '../requests/request-class.ts';

/** Counting stops here for each rank, at the age 0 and at other ages. More would walk a backlog of millions. */
const BACKLOG_MAX = 100_001;
const AGED_MAX = 1_001;

/** The ages by which ready requests are counted, in seconds. */
export const PENDING_AGES_S = [0, 10, 60, 600, 3_600] as const;

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

/** How old the oldest request of a class is, in seconds; 0 if there is none. */
export interface OldestRequest {
  readonly requestClass: number;
  /** How long it could have been sent. */
  readonly readyS: number;
  /** Since when it is due, also if it is being sent or waits for another try. */
  readonly pendingS: number;
}

/** Returns the ages of the oldest ready and the oldest pending request of each class. */
export async function oldestRequests(db: Queryable): Promise<OldestRequest[]> {
  return await db.query<OldestRequest & Record<string, unknown>>(OLDEST);
}

/** What waits to be sent. */
export interface Pending {
  readonly ready: readonly ReadyCount[];
  readonly oldest: readonly OldestRequest[];
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

/** Requests that were tried before are looked through up to this many of a class. */
const TRIED_MAX = 5_000;

/**
 * Walks work_ready to each rank's oldest entry, and through those of the ranks of requests that were claimed before, of
 * which it takes the lowest number: requests are numbered in the order in which they came. Then request's primary key.
 */
const OLDEST = /* sql */ `
${NEW_RANKS.map((fresh, requestClass) => {
  const tried = CLAIMED_RANKS[requestClass] ?? 0;
  const ready = (rank: number): string =>
    `(select ready_at from work where waits = 0 and rank = ${rank} and ready_at <= now() order by ready_at limit 1)`;
  const seconds = (time: string): string => `coalesce(extract(epoch from greatest(now() - ${time}, '0')), 0)::float8`;
  return `select ${requestClass} as "requestClass",
       ${seconds(`least(${ready(fresh)}, ${ready(tried)})`)} as "readyS",
       ${seconds(`least(${ready(fresh)}, (select greatest(submitted_at, scheduled_at) from request
        where number = (select min(number) from (select number from work where waits = 0 and rank = ${tried} limit ${TRIED_MAX}) tried)))`)} as "pendingS"`;
}).join('\nunion all\n')}`;
