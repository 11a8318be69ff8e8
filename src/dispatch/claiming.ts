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
/** How far to claim ahead of the rate, in seconds: a claim and its commit take a few milliseconds. */
const AHEAD_S = 0.5;
/** One was too few with a slow CAS: a claim that waited for a core left slots idle (docs/benchmarks.md). */
const AHEAD_OF_EACH_SLOT = 3;
/**
 * The maximum number of unwritten answers: ten transactions. Without it, a CAS that answers faster than the database
 * writes would fill the memory with answers and their bodies. Nor could a stop write them all in its time.
 */
const UNWRITTEN_MAX = 1_000;
/** How often an instance asks for the probe of a half-open breaker. */
const PROBE_MS = 250;

/** The claimed requests not yet started, the most urgent class first. Claims more in time. */
export interface Claiming {
  buffered(): number;
  /** Removes and returns the next request to start. */
  take(): ClaimedRequest | undefined;
  takeAll(): ClaimedRequest[];
  /** Removes and returns requests that cannot be started: the lease is too short, or sending was switched off. */
  unfit(callMs: number): ClaimedRequest[];
  /** Removes claims whose lease was lost. */
  drop(claims: readonly Held[]): void;
  /** Claims more if there is space and may be work. */
  refill(): void;
  /** Notes that there may be work again after a claim came back short. */
  mayHaveWork(): void;
  /**
   * Notes that requests of this class arrived. If enough of a later class is already claimed, the next claim looks only
   * for them. Otherwise they would wait until half of what was claimed ahead is done.
   */
  came(requestClass: number): void;
  /** Returns whether this request may be sent: all of them, or only the one that probes a half-open breaker. */
  mayBeSent(request: { readonly number: number }): boolean;
  /** Notes that this instance no longer has the request. */
  ended(request: { readonly number: number }): void;
  /** Stops claiming; resolves when no claim is running. */
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
  /** The number of requests being carried out. */
  readonly carrying: () => number;
  /** The number of requests with unwritten answers. */
  readonly unwritten: () => number;
  readonly onClaimed: () => void;
  readonly onError: (error: unknown) => void;
}

export function createClaiming(options: ClaimingOptions): Claiming {
  const { db, leaseMs, limits, share, provider, leases, metrics, except, carrying, unwritten, onClaimed, onError } =
    options;
  let buffer: ClaimedRequest[] = [];
  let underWay: Promise<void> | null = null;
  /** True if the last claim found less than it asked for, and nothing has happened since. */
  let dry = false;
  let stopped = false;
  /** The most urgent class of which requests arrived since the last claim; null if none did. */
  let newcomers: number | null = null;
  /** The number of the request that probes a half-open breaker. */
  let probing: number | null = null;
  /** When the next probe may be claimed. */
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

  /** Returns how many more requests to claim; 0 while that is not worth a statement. */
  function room(): number {
    const slots = share.slots();
    if (slots === 0) return 0;
    const ahead = Math.max(1, Math.ceil(rateOf(share.share(), limits) * AHEAD_S));
    const free = Math.min((1 + AHEAD_OF_EACH_SLOT) * slots - carrying(), ahead) - buffer.length;
    return buffer.length > 0 && free < slots / 2 ? 0 : Math.max(0, free);
  }

  /** Returns how many of this class to claim before the claimed ones of later classes; 0 if there are none of these. */
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

  /** Claims only requests up to this class, so it does not show whether there are later ones. */
  async function claimNewcomers(upToClass: number, limit: number): Promise<void> {
    const claimed = await claim(limit, { upToClass });
    if (claimed.length === limit) newcomers = Math.min(newcomers ?? upToClass, upToClass);
  }

  /** Claims the one request that probes a half-open breaker, if no other instance does. */
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
      // If the answer does not show whether the CAS is reached, the next caller gets the probe.
      if (provider.mode() === 'half-open') provider.releaseProbe().catch(onError);
    },
    async stop() {
      stopped = true;
      await underWay;
    },
  };
}
