import type { Queryable } from '../platform/database.ts';

const RANKS = [0, 1, 2, 3, 4, 5];
/** Counting stops here for each rank. More would walk a backlog of millions without telling people more. */
const AT_MOST = 1001;

/**
 * Counts requests that could have been sent for at least the given seconds and were not, for an alert. No request is
 * ahead of them, no date or back-off holds them, and no instance has them.
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
