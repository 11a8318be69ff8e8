import type { Queryable } from '../platform/database.ts';
import { CLASS } from './request-class.ts';

/**
 * Makes ready cancellations that waited longer than `patienceMs` as urgent as the commands that give (R13), at most
 * `limit` of those that were never tried and as many of the others. They keep their age, and so go before younger ones.
 * Leaves claimed requests to their holders. Never waits for a lock.
 * @returns how many it raised.
 */
export async function endPatience(db: Queryable, patienceMs: number, limit: number): Promise<number> {
  const raised = await db.query<{ number: number }>(END_PATIENCE, [patienceMs, limit]);
  return raised.length;
}

/**
 * Walks work_ready from the oldest entry of both ranks, and request's primary key. A request that was put off is ready
 * since the end of its back-off, so its age comes from the date on which it was due first.
 */
const END_PATIENCE = /* sql */ `
with untried as (
  select number from work
   where waits = 0 and rank = ${CLASS.TAKING * 2 + 1} and ready_at <= now() - $1::float8 * interval '1 millisecond'
   order by ready_at limit $2::int
     for update skip locked
), tried as materialized (
  select number from work
   where waits = 0 and rank = ${CLASS.TAKING * 2} and ready_at <= now() and token is null
   order by ready_at limit $2::int
     for update skip locked
)
update work w set rank = ${CLASS.GIVING * 2} | (w.rank & 1::smallint)
 where w.number = any (array(
         select number from untried
         union all
         select number from tried
          where (select scheduled_at from request r where r.number = tried.number)
                <= now() - $1::float8 * interval '1 millisecond'))
returning w.number`;
