import type { Database } from '../platform/database.ts';
import { type Held, renewLeases } from '../requests/claim.ts';

/** The leases that this instance holds, by its own monotonic clock, which is never behind the database's. */
export interface Leases {
  /** Takes over what was claimed by a statement that was sent at `sentAt` (performance.now()). */
  hold(requests: readonly Held[], sentAt: number): void;
  /** Is no longer concerned with a request. */
  release(number: number): void;
  /** Milliseconds that are left; 0 where the lease was lost or has run out. */
  leftMs(number: number): number;
  /** Prolongs all of them with one statement, and forgets those that were lost. Gives their numbers. */
  renew(): Promise<number[]>;
  count(): number;
}

export function createLeases(db: Database, leaseMs: number): Leases {
  const held = new Map<number, { token: string; until: number }>();
  return {
    hold(requests, sentAt) {
      for (const { number, token } of requests) held.set(number, { token, until: sentAt + leaseMs });
    },
    release: (number) => void held.delete(number),
    leftMs: (number) => Math.max(0, (held.get(number)?.until ?? 0) - performance.now()),
    async renew() {
      const asked = [...held].map(([number, { token }]) => ({ number, token }));
      const sentAt = performance.now();
      const kept = new Set(await renewLeases(db, asked, leaseMs));
      const lost: number[] = [];
      for (const { number, token } of asked) {
        const lease = held.get(number);
        // Released or claimed anew while the statement was under way.
        if (lease?.token !== token) continue;
        if (kept.has(number)) lease.until = sentAt + leaseMs;
        else {
          held.delete(number);
          lost.push(number);
        }
      }
      return lost;
    },
    count: () => held.size,
  };
}
