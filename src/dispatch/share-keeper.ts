import type { Database } from '../platform/database.ts';
import { createBucket } from './bucket.ts';
import { type HeartbeatResult, type Limits, NO_SHARE, rateOf, removeShare, renewShare, type Share } from './shares.ts';

/** The share of the limits that this instance uses. */
export interface ShareKeeper {
  /** Returns how many requests may be carried out at once now. */
  slots(): number;
  /** Takes the permission for one SOAP call if there is one now and the share outlasts the call. */
  tryCall(): boolean;
  /** Returns a permission whose call was not made. */
  putBack(): void;
  /** Returns the milliseconds until `tryCall` may succeed; Infinity if that needs another heartbeat. */
  waitMs(): number;
  share(): Share;
  /** Returns whether the last heartbeat still counts. */
  inForce(): boolean;
  /** Renews the share, and changes it towards the fair share. */
  beat(): Promise<HeartbeatResult>;
  /** Releases the share at once. Call it when no call is running any more. */
  leave(): Promise<void>;
}

export interface ShareKeeperOptions {
  readonly db: Database;
  readonly id: string;
  readonly limits: Limits;
  readonly ttlMs: number;
  /** The maximum duration of a SOAP call. */
  readonly callMs: number;
  /** The number of running calls, as the concurrency limit counts them. */
  readonly underWay: () => number;
}

export function createShareKeeper({ db, id, limits, ttlMs, callMs, underWay }: ShareKeeperOptions): ShareKeeper {
  const bucket = createBucket();
  let share: Share = NO_SHARE;
  /** The end by our clock, counted from before the heartbeat was sent: never later than the row's expiry. */
  let until = 0;

  const use = (next: Share): void => {
    share = next;
    bucket.resize(performance.now(), rateOf(next, limits), next.burst);
  };
  /** Others may use an expired share, so none of it counts. */
  const current = (): Share => {
    if (performance.now() >= until && share !== NO_SHARE) use(NO_SHARE);
    return share;
  };
  const outlastsCall = (): boolean => until - performance.now() >= callMs;
  return {
    slots: () => (outlastsCall() ? current().slots : 0),
    tryCall: () => current().slots > 0 && outlastsCall() && bucket.tryTake(performance.now()),
    putBack: () => bucket.putBack(),
    waitMs: () => (current().slots > 0 && outlastsCall() ? bucket.waitMs(performance.now()) : Infinity),
    share: current,
    inForce: () => performance.now() < until,
    async beat() {
      const sentAt = performance.now();
      const result = await renewShare(db, {
        id,
        limits,
        ttlMs,
        lower: (target) => {
          const now = current();
          const lowered = { slots: Math.min(now.slots, target.slots), burst: Math.min(now.burst, target.burst) };
          if (lowered.slots !== now.slots || lowered.burst !== now.burst) use(lowered);
          return { slots: Math.max(lowered.slots, underWay()), burst: lowered.burst };
        },
      });
      until = sentAt + ttlMs;
      use(result.share);
      return result;
    },
    leave: () => removeShare(db, id),
  };
}
