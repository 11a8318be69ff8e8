import { randomUUID } from 'node:crypto';
import type { Database } from '../platform/database.ts';
import { faultPoint } from '../platform/fault-points.ts';
import { claimKey, type ClaimedRequest, claimRequests, type Held } from '../requests/claim.ts';
import type { Leases } from './leases.ts';
import type { DispatchMetrics } from './metrics.ts';
import type { ProviderWatch } from './provider-watch.ts';
import type { ShareKeeper } from './share-keeper.ts';
import { type Limits, rateOf } from './shares.ts';

const CLASS_NAMES = ['express', 'regular', 'bulk'];
/** Requests are claimed so much ahead of the rate, in seconds of it: a claim and its commit take a few milliseconds. */
const AHEAD_S = 0.5;
/** One was too few beside a slow CAS: a claim that waited for a core left slots idle (docs/benchmarks.md). */
const AHEAD_OF_EACH_SLOT = 3;
/**
 * Answers that wait to be written, at most: ten transactions. A CAS that answers faster than the database writes would
 * else have more and more of them in memory, each with its bodies, and a stop could not write them in its time.
 */
const UNWRITTEN_MAX = 1_000;
/** How often an instance asks for the probe of a half-open breaker. */
const PROBE_MS = 250;

/** What was claimed and is not begun, the highest class first; claims more in time. */
export interface Claiming {
  buffered(): number;
  /** The next request to begin. */
  take(): ClaimedRequest | undefined;
  takeAll(): ClaimedRequest[];
  /** Takes out what cannot be begun: its lease is too short, or sending was switched off. */
  unfit(callMs: number): ClaimedRequest[];
  /** Takes out claims whose lease was lost. */
  drop(claims: readonly Held[]): void;
  /** Claims, where there is room and may be work. */
  refill(): void;
  /** Something may be ready that was not when a claim came back short. */
  mayHaveWork(): void;
  /**
   * Requests of this class came: where enough is claimed already, of a later class, the next claim looks for them alone.
   * They would otherwise wait until half of what was claimed ahead is done.
   */
  came(requestClass: number): void;
  /** Whether sending is on for this request: for all of them, or for the one that tries a half-open breaker. */
  mayBeSent(request: { readonly number: number }): boolean;
  /** A request is no longer this instance's. */
  ended(request: { readonly number: number }): void;
  /** Claims nothing more; resolves when no claim is under way. */
  stop(): Promise<void>;
}

export interface ClaimingOptions {
  readonly db: Database;
  readonly leaseMs: number;
  readonly limits: Limits;
  readonly share: ShareKeeper;
  readonly provider: ProviderWatch;
  readonly leases: Leases;
  readonly metrics: DispatchMetrics;
  /** Numbers of requests that this instance cannot send. */
  readonly except: () => readonly number[];
  /** Requests being carried out. */
  readonly carrying: () => number;
  /** Requests whose answer waits to be written. */
  readonly unwritten: () => number;
  readonly onClaimed: () => void;
  readonly onError: (error: unknown) => void;
}

export function createClaiming(options: ClaimingOptions): Claiming {
  const { db, leaseMs, limits, share, provider, leases, metrics, except, carrying, unwritten, onClaimed, onError } =
    options;
  let buffer: ClaimedRequest[] = [];
  let underWay: Promise<void> | null = null;
  /** The last claim found less than it asked for, and nothing has happened since. */
  let dry = false;
  let stopped = false;
  /** The first class of which requests came since the last claim; null where none did. */
  let newcomers: number | null = null;
  /** The number of the request that tries a half-open breaker. */
  let probing: number | null = null;
  /** When the next one may be looked for. */
  let probeAt = 0;

  async function claim(
    limit: number,
    which: { readonly probing?: boolean; readonly upToClass?: number },
  ): Promise<ClaimedRequest[]> {
    const sentAt = performance.now();
    const claimed = await claimRequests(db, { limit, leaseMs, token: randomUUID(), except: except(), ...which });
    if (claimed.length > 0) faultPoint('dispatch: after claim');
    leases.hold(claimed, sentAt);
    buffer = [...buffer, ...claimed].toSorted((a, b) => a.class - b.class);
    metrics.claims.inc({ result: claimed.length > 0 ? 'found' : 'empty' });
    for (const request of claimed) {
      metrics.claimed.inc({ class: CLASS_NAMES[request.class] ?? 'bulk' });
      if (request.reclaimed) metrics.reclaimed.inc();
    }
    return claimed;
  }

  /** How many more requests there is room for; 0 while it is not worth a statement. */
  function room(): number {
    const slots = share.slots();
    if (slots === 0) return 0;
    const ahead = Math.max(1, Math.ceil(rateOf(share.share(), limits) * AHEAD_S));
    const free = Math.min((1 + AHEAD_OF_EACH_SLOT) * slots - carrying(), ahead) - buffer.length;
    return buffer.length > 0 && free < slots / 2 ? 0 : Math.max(0, free);
  }

  /** How many of this class there is room for before those of later classes that are claimed; 0 while there are none. */
  function roomBefore(requestClass: number): number {
    const before = buffer.filter((request) => request.class <= requestClass).length;
    return before === buffer.length ? 0 : Math.max(0, share.slots() - before);
  }

  function refill(): void {
    if (stopped || underWay || unwritten() >= UNWRITTEN_MAX) return;
    const mode = provider.mode();
    if (mode === 'open') {
      const first = newcomers;
      newcomers = null;
      const forFirst = first === null ? 0 : roomBefore(first);
      const limit = dry ? 0 : room();
      if (first !== null && forFirst > 0) underWay = run(() => claimNewcomers(first, forFirst));
      else if (limit > 0) underWay = run(() => claimRoom(limit));
    } else if (mode === 'half-open' && probing === null && share.slots() > 0 && performance.now() >= probeAt) {
      probeAt = performance.now() + PROBE_MS;
      underWay = run(claimProbe);
    }
  }

  async function run(work: () => Promise<void>): Promise<void> {
    await work().catch(onError);
    underWay = null;
    onClaimed();
  }

  async function claimRoom(limit: number): Promise<void> {
    dry = true;
    const claimed = await claim(limit, {});
    if (claimed.length === limit) dry = false;
  }

  /** Says nothing about the later classes. */
  async function claimNewcomers(upToClass: number, limit: number): Promise<void> {
    const claimed = await claim(limit, { upToClass });
    if (claimed.length === limit) newcomers = Math.min(newcomers ?? upToClass, upToClass);
  }

  /** Claims the one request that tries a half-open breaker, where no other instance does. */
  async function claimProbe(): Promise<void> {
    if (!(await provider.takeProbe())) return;
    const [request] = await claim(1, { probing: true });
    if (request) probing = request.number;
    else await provider.releaseProbe();
  }

  const mayBeSent = ({ number }: { readonly number: number }): boolean => {
    const mode = provider.mode();
    return mode === 'open' || (mode === 'half-open' && probing === number);
  };

  return {
    buffered: () => buffer.length,
    take: () => buffer.shift(),
    takeAll: () => buffer.splice(0),
    unfit(callMs) {
      const unfit = buffer.filter((request) => leases.leftMs(request) < callMs || !mayBeSent(request));
      if (unfit.length > 0) buffer = buffer.filter((request) => !unfit.includes(request));
      return unfit;
    },
    drop(claims) {
      const lost = new Set(claims.map(claimKey));
      buffer = buffer.filter((request) => !lost.has(claimKey(request)));
    },
    refill,
    mayHaveWork: () => {
      dry = false;
    },
    came: (requestClass) => {
      newcomers = Math.min(newcomers ?? requestClass, requestClass);
    },
    mayBeSent,
    ended({ number }) {
      if (probing !== number) return;
      probing = null;
      // An answer that says nothing about the way to the CAS leaves the probe to the next who asks.
      if (provider.mode() === 'half-open') provider.releaseProbe().catch(onError);
    },
    async stop() {
      stopped = true;
      await underWay;
    },
  };
}
