import type { Database } from '../platform/database.ts';
import { createBucket } from './bucket.ts';
import { type HeartbeatResult, type Limits, NO_SHARE, rateOf, removeShare, renewShare, type Share } from './shares.ts';

/** This instance's share of the limits, in use. */
export interface ShareKeeper {
  /** Requests that may be carried out at once now. */
  slots(): number;
  /** Takes the permission for one SOAP call, where there is one now and the share will outlast the call. */
  tryCall(): boolean;
  /** Puts a permission back whose call was not made. */
  putBack(): void;
  /** Milliseconds until `tryCall` may succeed; Infinity when that takes another heartbeat. */
  waitMs(): number;
  share(): Share;
  /** Whether the last heartbeat still counts. */
  inForce(): boolean;
  /** Renews it, and takes or gives up what the fair share asks for. */
  beat(): Promise<HeartbeatResult>;
  /** Gives it back at once: to be called when no call is under way any more. */
  leave(): Promise<void>;
}

export interface ShareKeeperOptions {
  readonly db: Database;
  readonly id: string;
  readonly limits: Limits;
  readonly ttlMs: number;
  /** The longest that a SOAP call takes. */
  readonly callMs: number;
  /** Calls under way, as the limit on concurrency counts them. */
  readonly underWay: () => number;
}

export function createShareKeeper({ db, id, limits, ttlMs, callMs, underWay }: ShareKeeperOptions): ShareKeeper {
  const bucket = createBucket();
  let share: Share = NO_SHARE;
  /** By our clock, from before the heartbeat was sent: never later than the row's expiry. */
  let until = 0;

  const use = (next: Share): void => {
    share = next;
    bucket.resize(performance.now(), rateOf(next, limits), next.burst);
  };
  /** A share that has run out may be in use elsewhere: what is left of it counts for nothing. */
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
