import type { Queryable, Transaction } from '../platform/database.ts';
import { CLAIMED_RANKS, NEW_RANKS } from './request-class.ts';

/** How many rows one statement of the jump's transaction corrects. */
const BATCH = 10_000;
/** How many ready requests of a rank one transaction corrects; waiting for its locks takes about 0.2 s. */
const READY_BATCH = 2_000;
/** SQL: whether a request of a row was claimed before. */
const CLAIMED_BEFORE = `rank = any(array[${CLAIMED_RANKS.join(', ')}]::smallint[])`;

/**
 * Corrects work rows after the database's clock went back by `ms`. A back-off keeps its length, a claimed request that
 * was given back is ready, and a lease ends `leaseMs` from now unless renewed. Requested dates (`waits < 0`) stay,
 * since they follow the clock.
 *
 * `correctReady` corrects ready requests that nobody claimed, of which there may be millions. Those that wait for
 * others of their cards are corrected when their turn comes (hand-on.ts).
 */
export async function shiftWork(tx: Transaction, ms: number, leaseMs: number): Promise<void> {
  for (const statement of [SHIFT_RETRIES, SHIFT_WAITING_RETRIES]) {
    // Takes each row once, because a shifted row may still be in the future.
    for (let last = 0; ;) {
      const shifted = await tx.query<{ number: number }>(statement, [ms, last, BATCH]);
      last = shifted.reduce((highest, { number }) => Math.max(highest, number), last);
      if (shifted.length < BATCH) break;
    }
  }
  // Goes last, because live holders wait for these rows to renew their leases.
  await tx.query(CUT_LEASES, [leaseMs]);
}

/** What `correctReady` did, and whether it must be called again. */
export interface ReadyCorrected {
  readonly corrected: number;
  readonly left: boolean;
}

/**
 * Makes requests ready again that were ready before the clock went back and that nobody ever claimed. It takes at most
 * 2,000 of each class, the longest waiting first, with one transaction per class.
 *
 * Such a request is ready from its submission on. So a time more than `stepMs` ahead can only come from before the
 * clock went back, and nobody needs to know by how much. The newest request is ready now, and the others keep their
 * distance to it and so their order.
 *
 * A corrected row is no longer in the future, so none is corrected twice. Any number of instances may call this at
 * once, and if one dies the others do the rest. Without a jump it costs one index look-up per class.
 */
export async function correctReady(db: Queryable, stepMs: number): Promise<ReadyCorrected> {
  let corrected = 0;
  let left = false;
  for (const rank of NEW_RANKS) {
    const [row] = await db.query<ReadyCorrected>(CORRECT_READY, [rank, stepMs, READY_BATCH]);
    corrected += row?.corrected ?? 0;
    left ||= row?.left ?? false;
  }
  return { corrected, left };
}

/**
 * Extends every lease to `leaseMs` from now after the database's clock went forward. Otherwise leases of live instances
 * seem to have ended, and commands would be sent again that the CAS already has.
 */
export async function extendWorkLeases(tx: Transaction, leaseMs: number): Promise<void> {
  await tx.query(EXTEND_LEASES, [leaseMs]);
}

/**
 * Walks work_ready, once per rank; `number + 0` keeps it off the primary key (planner-settings.ts). A live holder renews
 * its lease long before the end that this sets. A claim made after the jump is left alone, since it cannot end later.
 */
const CUT_LEASES = /* sql */ `
with locked as (
  select number from work
   where waits = 0 and ${CLAIMED_BEFORE} and token is not null
     and ready_at > clock_timestamp() + $1::float8 * interval '1 millisecond'
   order by number + 0 for update
)
update work w set ready_at = clock_timestamp() + $1::float8 * interval '1 millisecond' from locked
 where w.number = any (array[locked.number])`;

/**
 * Shifts requests that were once claimed, from the number after the last batch. Rows added meanwhile are not in the
 * future.
 */
const shiftWaits = (condition: string): string => /* sql */ `
with locked as (
  select number from work
   where ${condition} and number > $2::bigint and token is null and ready_at > now()
   order by number limit $3::int for update
)
update work w set ready_at = w.ready_at - $1::float8 * interval '1 millisecond' from locked
 where w.number = any (array[locked.number])
returning w.number`;

/** Walks work_ready, once per rank. */
const SHIFT_RETRIES = shiftWaits(`waits = 0 and ${CLAIMED_BEFORE}`);

/** Requests that a lower number overtook. Walks work's primary key. */
const SHIFT_WAITING_RETRIES = shiftWaits('waits > 0 and retries > 0');

/**
 * Walks work_ready from the first entry in the future; the last entry shows how far all must go back. If anything was
 * found, `left` is true, even if others hold all of it; the next call finds out. Never waits for a lock.
 *
 * A row that another instance corrected after this statement's snapshot is read again in its new version. That version
 * may be later than our now(), but never later than the clock.
 */
const CORRECT_READY = /* sql */ `
with newest as materialized (
  select ready_at - now() as ahead from work
   where waits = 0 and rank = $1::smallint and ready_at > now() + $2::float8 * interval '1 millisecond'
   order by ready_at desc limit 1
), locked as (
  select number from work
   where waits = 0 and rank = $1::smallint and ready_at > now() and ready_at > clock_timestamp() and exists (select from newest)
   order by ready_at limit $3::int for update skip locked
), corrected as (
  update work w set ready_at = w.ready_at - newest.ahead from locked, newest
   where w.number = any (array[locked.number])
  returning w.number
)
select (select count(*) from corrected)::int as corrected, exists (select from newest) as left`;

/** Walks work_ready, once per rank, like CUT_LEASES. */
const EXTEND_LEASES = /* sql */ `
with locked as (
  select number from work
   where waits = 0 and ${CLAIMED_BEFORE} and token is not null
     and ready_at < now() + $1::float8 * interval '1 millisecond'
   order by number + 0 for update
)
update work w set ready_at = now() + $1::float8 * interval '1 millisecond' from locked
 where w.number = any (array[locked.number])`;
