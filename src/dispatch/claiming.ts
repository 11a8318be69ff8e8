import { randomUUID } from 'node:crypto';
import type { Database } from '../platform/database.ts';
import { faultPoint } from '../platform/fault-points.ts';
import { claimKey, type ClaimedRequest, claimRequests, type Held, readClasses } from '../requests/claim.ts';
import { CLASS, classNames } from '../requests/request-class.ts';
import type { Leases } from './leases.ts';
import type { DispatchMetrics } from './metrics.ts';
import type { ProviderWatch } from './provider-watch.ts';
import type { ShareKeeper } from './share-keeper.ts';
import { type Limits, rateOf } from './shares.ts';

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

/** Ten times 0.1 is less than 1. */
const ROUNDING = 1e-9;
/** How often to look for bulk work that was not announced, while more urgent requests fill every claim. */
const BULK_LOOK_MS = 1_000;

/**
 * The claimed requests not yet started, the most urgent class first. Claims more in time.
 *
 * Bulk work has a share of the starts (R13). While other work fills every claim, some bulk requests are claimed apart
 * from it, and `take` starts one of them as often as their share asks for.
 */
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
  /**
   * Updates the class of the claimed requests: more urgent ones may wait for them now. A cancellation that waited long
   * enough becomes as urgent as the commands that give (R13).
   */
  reorder(): Promise<void>;
  /** Notes that this instance no longer has the request. */
  ended(request: { readonly number: number }): void;
  /** Stops claiming; resolves when no claim is running. */
  stop(): Promise<void>;
}

export interface ClaimingOptions {
  readonly db: Database;
  readonly leaseMs: number;
  /** The part of the starts that bulk work has while other work is ready, 0-1. */
  readonly bulkShare: number;
  /** How long a cancellation waits before it is as urgent as a command that gives, in milliseconds. */
  readonly cancelPatienceMs: number;
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

/** In each class the longest waiting first. */
function byUrgency(a: Buffered, b: Buffered): number {
  return a.class - b.class || a.readySince - b.readySince;
}

/** A claimed request, with the time (`performance.now()`) since when it could have been claimed. */
type Buffered = ClaimedRequest & { readonly readySince: number };

export function createClaiming(options: ClaimingOptions): Claiming {
  const { db, leaseMs, bulkShare, cancelPatienceMs, limits, share, provider, leases, metrics } = options;
  const { except, carrying, unwritten, onClaimed, onError } = options;
  let buffer: Buffered[] = [];
  /** How much of a start bulk work has saved up; it gets one at 1. */
  let bulkCredit = 0;
  /** True if the last claim of all classes was full and found no bulk work. */
  let crowded = false;
  /** True if the last claim of bulk work was full, or bulk work arrived since. */
  let bulkLeft = false;
  /** When to look for bulk work that nobody announced. */
  let bulkLookAt = 0;
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
    which: { readonly probing?: boolean; readonly classes?: readonly [number, number] },
  ): Promise<ClaimedRequest[]> {
    const sentAt = performance.now();
    const claimed = await claimRequests(db, { limit, leaseMs, token: randomUUID(), except: except(), ...which });
    if (claimed.length > 0) faultPoint('dispatch: after claim');
    leases.hold(claimed, sentAt);
    const since = claimed.map((request) => ({ ...request, readySince: sentAt - request.readyForMs }));
    buffer = [...buffer, ...since].toSorted(byUrgency);
    metrics.claims.inc({ result: claimed.length > 0 ? 'found' : 'empty' });
    for (const request of claimed) {
      metrics.claimed.inc({ class: classNames[request.class] ?? 'bulk' });
      if (request.reclaimed) metrics.reclaimed.inc();
    }
    return claimed;
  }

  /** Returns how many more requests to claim; 0 while that is not worth a statement. */
  function room(): number {
    const slots = share.slots();
    if (slots === 0) return 0;
    const free = ahead() - buffer.length;
    return buffer.length > 0 && free < slots / 2 ? 0 : Math.max(0, free);
  }

  /** Returns how many requests to have claimed and not started. */
  function ahead(): number {
    const ofRate = Math.max(1, Math.ceil(rateOf(share.share(), limits) * AHEAD_S));
    return Math.min((1 + AHEAD_OF_EACH_SLOT) * share.slots() - carrying(), ofRate);
  }

  /** Returns how many bulk requests to claim apart from others for their share; 0 if enough are claimed or none expected. */
  function roomForBulk(): number {
    const before = urgent();
    if (before === 0 || bulkShare === 0 || share.slots() === 0) return 0;
    if (!bulkLeft && performance.now() < bulkLookAt) return 0;
    const wanted = Math.max(1, Math.ceil(ahead() * bulkShare));
    const claimed = buffer.length - before;
    return claimed > wanted / 2 ? 0 : wanted - claimed;
  }

  /** Returns how many claimed requests are no bulk work; they come first in the buffer. */
  function urgent(): number {
    const bulkAt = buffer.findIndex((request) => request.class === CLASS.BULK);
    return bulkAt === -1 ? buffer.length : bulkAt;
  }

  /** Returns the position of the next request to start: the most urgent, or a bulk request whose share is due. */
  function nextAt(): number {
    const bulkAt = urgent();
    if (bulkAt === 0) return 0;
    bulkCredit = Math.min(1, bulkCredit + bulkShare);
    if (bulkCredit < 1 - ROUNDING || bulkAt === buffer.length) return 0;
    bulkCredit -= 1;
    return bulkAt;
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
      const forBulk = limit === 0 || crowded ? roomForBulk() : 0;
      if (first !== null && forFirst > 0) underWay = run(() => claimNewcomers(first, forFirst));
      else if (forBulk > 0) underWay = run(() => claimBulk(forBulk));
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
    else foundNoMoreBulk();
    crowded = claimed.length === limit && claimed.every((request) => request.class !== CLASS.BULK);
  }

  async function claimBulk(limit: number): Promise<void> {
    const claimed = await claim(limit, { classes: [CLASS.BULK, CLASS.BULK] });
    if (claimed.length === limit) bulkLeft = true;
    else foundNoMoreBulk();
  }

  function foundNoMoreBulk(): void {
    bulkLeft = false;
    bulkLookAt = performance.now() + BULK_LOOK_MS;
  }

  /** Claims only requests up to this class, so it does not show whether there are later ones. */
  async function claimNewcomers(upToClass: number, limit: number): Promise<void> {
    const claimed = await claim(limit, { classes: [CLASS.EXPRESS, upToClass] });
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
    take: () => buffer.splice(nextAt(), 1)[0],
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
      if (requestClass === CLASS.BULK) bulkLeft = true;
    },
    async reorder() {
      const mayRise = buffer.filter((request) => request.class > CLASS.EXPRESS).map(({ number }) => number);
      if (mayRise.length === 0) return;
      const classes = await readClasses(db, mayRise);
      const patientSince = performance.now() - cancelPatienceMs;
      buffer = buffer
        .map((request) => {
          const now = Math.min(request.class, classes.get(request.number) ?? request.class);
          const isPatient = now !== CLASS.TAKING || request.readySince > patientSince;
          return { ...request, class: isPatient ? now : CLASS.GIVING };
        })
        .toSorted(byUrgency);
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
