import type { Database } from '../platform/database.ts';
import { type Held, renewLeases } from '../requests/claim.ts';

/** The leases that this instance holds, by its own monotonic clock, which is never behind the database's. */
export interface Leases {
  /** Takes over what was claimed by a statement that was sent at `sentAt` (performance.now()). */
  hold(requests: readonly Held[], sentAt: number): void;
  /** Is no longer concerned with a claim. */
  release(claim: Held): void;
  /** Milliseconds that are left; 0 where the lease was lost or has run out, also where it was claimed again since. */
  leftMs(claim: Held): number;
  /** Prolongs all of them with one statement, and forgets those that were lost. Gives these. */
  renew(): Promise<Held[]>;
  count(): number;
}

export function createLeases(db: Database, leaseMs: number): Leases {
  const held = new Map<number, { token: string; until: number }>();
  return {
    hold(requests, sentAt) {
      for (const { number, token } of requests) held.set(number, { token, until: sentAt + leaseMs });
    },
    release({ number, token }) {
      if (held.get(number)?.token === token) held.delete(number);
    },
    leftMs({ number, token }) {
      const lease = held.get(number);
      return lease?.token === token ? Math.max(0, lease.until - performance.now()) : 0;
    },
    async renew() {
      const asked = [...held].map(([number, { token }]) => ({ number, token }));
      const sentAt = performance.now();
      const kept = new Set(await renewLeases(db, asked, leaseMs));
      const lost: Held[] = [];
      for (const { number, token } of asked) {
        const lease = held.get(number);
        // Released or claimed anew while the statement was under way.
        if (lease?.token !== token) continue;
        if (kept.has(number)) lease.until = sentAt + leaseMs;
        else {
          held.delete(number);
          lost.push({ number, token });
        }
      }
      return lost;
    },
    count: () => held.size,
  };
}
