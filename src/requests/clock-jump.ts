import type { Queryable, Transaction } from '../platform/database.ts';

/** Rows that one statement of the note's transaction corrects at most. */
const BATCH = 10_000;
/** Ready requests of a rank that one transaction corrects at most: who waits for one of them waits for about 0.2 s. */
const READY_BATCH = 2_000;
/** Of requests that were never claimed (work.ts): EXPRESS, REGULAR, bulk. */
const NEW_RANKS = [1, 3, 5];

/**
 * Corrects what the clock of the database blocks after that went back by `ms`: a back-off lasts as long as it would have,
 * a claimed request that was given back is ready, and a lease ends `leaseMs` from now unless it is renewed. Dates that were
 * asked for (`waits < 0`) stay: they follow the clock. `correctReady` corrects the ready requests that nobody claimed, of
 * which there may be millions; those that wait for others of their cards are corrected when their turn comes (hand-on.ts).
 */
export async function shiftWork(tx: Transaction, ms: number, leaseMs: number): Promise<void> {
  for (const statement of [SHIFT_RETRIES, SHIFT_WAITING_RETRIES]) {
    // Each row once: one that was shifted may still be in the future.
    for (let last = 0; ;) {
      const shifted = await tx.query<{ number: number }>(statement, [ms, last, BATCH]);
      last = shifted.reduce((highest, { number }) => Math.max(highest, number), last);
      if (shifted.length < BATCH) break;
    }
  }
  // Last, because live holders wait for these rows to renew their leases.
  await tx.query(CUT_LEASES, [leaseMs]);
}

/** What `correctReady` did, and whether it must be called again. */
export interface ReadyCorrected {
  readonly corrected: number;
  readonly left: boolean;
}

/**
 * Makes requests ready again that were ready before the clock of the database went back and that nobody ever claimed: at
 * most 2,000 of each class, the ones that waited longest first, one transaction a class. Such a request is ready from its
 * submission on, so a time more than `stepMs` ahead can only come from before the clock went back. Therefore nobody has to
 * know how far it went: the newest one is ready now, and the others keep their distance to it and so their order.
 *
 * A corrected row is in the future no more, so no row is corrected twice. Any number of instances may call this at the same
 * time, and one that died leaves the rest to the others. Without a jump it costs one look at an index for each class.
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
 * Lets every lease last `leaseMs` from now after the clock of the database went forward: those of live instances seem to
 * have ended, and their commands would be sent again while the CAS still has them.
 */
export async function extendWorkLeases(tx: Transaction, leaseMs: number): Promise<void> {
  await tx.query(EXTEND_LEASES, [leaseMs]);
}

/**
 * Walks work_ready, once per rank. A live holder renews its lease long before the end that this sets, and a claim from
 * after the jump is left alone: it cannot end later than that.
 */
const CUT_LEASES = /* sql */ `
with locked as (
  select number from work
   where waits = 0 and rank = any(array[0, 2, 4]::smallint[]) and token is not null
     and ready_at > clock_timestamp() + $1::float8 * interval '1 millisecond'
   order by number for update
)
update work w set ready_at = clock_timestamp() + $1::float8 * interval '1 millisecond' from locked where w.number = locked.number`;

/** Of requests that were claimed once, the numbers after the last batch; rows that come meanwhile are not in the future. */
const shiftWaits = (condition: string): string => /* sql */ `
with locked as (
  select number from work
   where ${condition} and number > $2::bigint and token is null and ready_at > now()
   order by number limit $3::int for update
)
update work w set ready_at = w.ready_at - $1::float8 * interval '1 millisecond' from locked
 where w.number = locked.number
returning w.number`;

/** Walks work_ready, once per rank. */
const SHIFT_RETRIES = shiftWaits('waits = 0 and rank = any(array[0, 2, 4]::smallint[])');

/** Those that a lower number overtook. Walks work's primary key. */
const SHIFT_WAITING_RETRIES = shiftWaits('waits > 0 and retries > 0');

/**
 * Walks work_ready, from the first entry in the future; its last one says how far all of them must go back. `left` is true
 * if anything was found, also if others hold all of it: the next call tells. Never waits for a lock.
 *
 * A row that another instance corrected after this statement's snapshot is looked at again in its new version. That one may
 * be later than our now(), and is never later than the clock.
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
  update work w set ready_at = w.ready_at - newest.ahead from locked, newest where w.number = locked.number
  returning w.number
)
select (select count(*) from corrected)::int as corrected, exists (select from newest) as left`;

/** Walks work_ready, once per rank. */
const EXTEND_LEASES = /* sql */ `
with locked as (
  select number from work
   where waits = 0 and rank = any(array[0, 2, 4]::smallint[]) and token is not null
     and ready_at < now() + $1::float8 * interval '1 millisecond'
   order by number for update
)
update work w set ready_at = now() + $1::float8 * interval '1 millisecond' from locked where w.number = locked.number`;
