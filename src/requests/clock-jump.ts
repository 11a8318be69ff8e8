import type { Transaction } from '../platform/database.ts';

/** Rows that one statement corrects at most. */
const BATCH = 10_000;

/**
 * Corrects what waits for the clock of the database after that went back by `ms`: requests that were ready are ready, a
 * back-off lasts as long as it would have, and a lease ends `leaseMs` from now unless it is renewed. Dates that were asked
 * for (`waits < 0`) stay: they follow the clock. Requests that wait for others of their cards and were never put off are
 * corrected when their turn comes (hand-on.ts).
 */
export async function shiftWork(tx: Transaction, ms: number, leaseMs: number): Promise<void> {
  // Each row once: one that was shifted may still be in the future.
  for (let last = 0; ;) {
    const shifted = await tx.query<{ number: number }>(SHIFT_WAITS, [ms, last, BATCH]);
    last = shifted.reduce((highest, { number }) => Math.max(highest, number), last);
    if (shifted.length < BATCH) break;
  }
  // Last, because live holders wait for these rows to renew their leases, and a million waits take minutes.
  await tx.query(CUT_LEASES, [leaseMs]);
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

/** Walks work's primary key from where the last batch ended; rows that were inserted meanwhile are not in the future. */
const SHIFT_WAITS = /* sql */ `
with locked as (
  select number from work
   where number > $2::bigint and (waits = 0 or waits > 0 and retries > 0) and token is null and ready_at > now()
   order by number limit $3::int for update
)
update work w set ready_at = w.ready_at - $1::float8 * interval '1 millisecond' from locked
 where w.number = locked.number
returning w.number`;

/** Walks work_ready, once per rank. */
const EXTEND_LEASES = /* sql */ `
with locked as (
  select number from work
   where waits = 0 and rank = any(array[0, 2, 4]::smallint[]) and token is not null
     and ready_at < now() + $1::float8 * interval '1 millisecond'
   order by number for update
)
update work w set ready_at = now() + $1::float8 * interval '1 millisecond' from locked where w.number = locked.number`;
