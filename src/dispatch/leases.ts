import type { Database } from '../platform/database.ts';
import { type Held, renewLeases } from '../requests/claim.ts';

/** The leases that this instance holds, by its own monotonic clock, which never lags the database's. */
export interface Leases {
  /** Adds claims from a statement that was sent at `sentAt` (performance.now()). */
  hold(requests: readonly Held[], sentAt: number): void;
  /** Forgets a claim. */
  release(claim: Held): void;
  /** Returns the milliseconds left; 0 if the lease was lost or has run out, or the request was claimed again. */
  leftMs(claim: Held): number;
  /** Renews all leases with one statement; forgets and returns the lost ones. */
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
        // Released or claimed again while the statement ran.
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
