import { CLOCK_IS_TRUSTED } from '../platform/clock-watch.ts';
import type { Database, Transaction } from '../platform/database.ts';
import { faultPoint } from '../platform/fault-points.ts';

/**
 * How the instances share the CAS's limits (docs/decisions/0002-shared-limits.md).
 *
 * Each holds a share of the slots (concurrent calls) and of the rate, stored in dispatcher_instance with an expiry. It
 * keeps to its share by itself, so a call costs no round trip. At every heartbeat, under the lock on the provider's
 * row, each instance computes the fair share. It takes what no other row claims of it, and gives up what exceeds it. A
 * reduction takes effect here before it is written, an increase after it is committed. So the shares in effect never
 * exceed the limits.
 */
export interface Limits {
  readonly maxConcurrency: number;
  readonly maxRequestsPerSecond: number;
  /** How many calls may follow each other without a pause; 1 or more. Each token stands for its part of the rate. */
  readonly burst: number;
}

/** What one instance may use. */
export interface Share {
  readonly slots: number;
  /** The maximum number of `burst` tokens in its bucket. */
  readonly burst: number;
}

export const NO_SHARE: Share = { slots: 0, burst: 0 };

/** Returns the rate of a share in calls per second, in proportion to its part of the burst. */
export function rateOf(share: Share, limits: Limits): number {
  return (limits.maxRequestsPerSecond * share.burst) / limits.burst;
}

/** The provider's row as the heartbeat read it. */
export interface ProviderRow {
  readonly paused: boolean;
  readonly pausedReason: string | null;
  readonly failuresInARow: number;
  /** Null: the breaker is closed. Otherwise the milliseconds until it may be probed, 0 or less if it may. */
  readonly breakerOpenMs: number | null;
}

export interface Heartbeat {
  readonly id: string;
  readonly limits: Limits;
  /** How long the share lasts without another heartbeat; longer than any SOAP call. */
  readonly ttlMs: number;
  /**
   * Called while the provider's row is locked. Lowers the use to the target at once, and returns what is still in use,
   * which may be more slots than the target. May be called more than once.
   */
  readonly lower: (target: Share) => Share;
}

export interface HeartbeatResult {
  /** The share from now on, for the caller to use. */
  readonly share: Share;
  readonly provider: ProviderRow;
  readonly instances: number;
  /** True if the share is less than its fair part because others have not given up theirs yet: ask again soon. */
  readonly short: boolean;
}

/** Renews this instance's share; see `Limits`. Locks the provider's row, the last in the service's lock order. */
export async function renewShare(db: Database, heartbeat: Heartbeat): Promise<HeartbeatResult> {
  const result = await db.transaction(async (tx) => {
    const beaten = await beat(tx, heartbeat);
    faultPoint('share: before commit');
    return beaten;
  });
  faultPoint('share: after commit');
  return result;
}

async function beat(tx: Transaction, { id, limits, ttlMs, lower }: Heartbeat): Promise<HeartbeatResult> {
  const [provider] = await tx.query<ProviderRow & Record<string, unknown>>(LOCK_PROVIDER);
  if (!provider) throw new Error(`The table provider has no row 'conax': run "conax-provisioning migrate"`);
  const others = await tx.query<OtherInstance>(OTHER_INSTANCES, [id]);
  const fair = fairShare(limits, others.length + 1, others.filter(({ before }) => before).length);
  const free: Share = {
    slots: limits.maxConcurrency - sum(others, ({ slots }) => slots),
    // Converts another instance's rate into our tokens, rounded up, as its settings may differ for a while.
    burst:
      limits.burst -
      sum(others, (other) => Math.ceil((other.rate * limits.burst) / limits.maxRequestsPerSecond - 1e-3)),
  };
  const share: Share = { slots: available(fair.slots, free.slots), burst: available(fair.burst, free.burst) };
  const inUse = lower(share);
  const held: Share = { slots: Math.max(share.slots, inUse.slots), burst: Math.max(share.burst, inUse.burst) };
  await tx.query(WRITE_INSTANCE, [id, held.slots, rateOf(held, limits), ttlMs]);
  return {
    share,
    provider,
    instances: others.length + 1,
    short: share.slots < fair.slots || share.burst < fair.burst,
  };
}

/**
 * Returns an equal part for each instance; the remainder goes to the oldest. An instance without a whole burst token or
 * without a slot may send nothing, and then it takes neither.
 */
export function fairShare(limits: Limits, instances: number, elders: number): Share {
  const part = (whole: number): number => Math.floor(whole / instances) + (elders < whole % instances ? 1 : 0);
  const share: Share = { slots: part(limits.maxConcurrency), burst: part(limits.burst) };
  return share.slots === 0 || share.burst === 0 ? NO_SHARE : share;
}

function available(fair: number, free: number): number {
  return Math.max(0, Math.min(fair, free));
}

function sum<T>(items: readonly T[], value: (item: T) => number): number {
  return items.reduce((total, item) => total + value(item), 0);
}

interface OtherInstance {
  slots: number;
  rate: number;
  /** True if it started before this one. */
  before: boolean;
}

/** Removes this instance's share at once. Call it when none of it is in use any more. */
export async function removeShare(db: Database, id: string): Promise<void> {
  await db.query('delete from dispatcher_instance where id = $1', [id]);
}

const LOCK_PROVIDER = /* sql */ `
select paused, paused_reason as "pausedReason", failures_in_a_row as "failuresInARow",
       (extract(epoch from breaker_open_until - now()) * 1000)::float8 as "breakerOpenMs"
  from provider where name = 'conax' for update`;

/** Shortens every share to `ttlMs` from now after the database's clock went back; live instances renew theirs. */
export async function cutShares(tx: Transaction, ttlMs: number): Promise<void> {
  await tx.query(CUT_SHARES, [ttlMs]);
}

/**
 * Extends every share to `ttlMs` from now after the clock went forward; otherwise live instances seem to have ended.
 */
export async function extendShares(tx: Transaction, ttlMs: number): Promise<void> {
  await tx.query(EXTEND_SHARES, [ttlMs]);
}

const CUT_SHARES = /* sql */ `
update dispatcher_instance set expires_at = least(expires_at, now() + $1::float8 * interval '1 millisecond')`;
const EXTEND_SHARES = /* sql */ `
update dispatcher_instance set expires_at = greatest(expires_at, now() + $1::float8 * interval '1 millisecond')`;

/**
 * Reads a few rows. `now()` is the start of the transaction, at or before the lock. So rows expire late rather than
 * early, and never by an untrusted clock.
 */
const OTHER_INSTANCES = /* sql */ `
with clock_now as materialized (
  select ${CLOCK_IS_TRUSTED} as trusted
), expired as (
  delete from dispatcher_instance
   where expires_at < now() and id <> $1::uuid and (select trusted from clock_now)
)
select slots, requests_per_second as rate,
       (started_at, id) < (coalesce((select started_at from dispatcher_instance where id = $1::uuid), now()), $1::uuid)
         as before
  from dispatcher_instance
 where id <> $1::uuid and (expires_at >= now() or not (select trusted from clock_now))`;

const WRITE_INSTANCE = /* sql */ `
insert into dispatcher_instance (id, slots, requests_per_second, expires_at)
values ($1::uuid, $2, $3, now() + $4::float8 * interval '1 millisecond')
on conflict (id) do update
   set slots = excluded.slots, requests_per_second = excluded.requests_per_second, expires_at = excluded.expires_at`;
