import { randomUUID } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import { faultPoint } from '../platform/fault-points.ts';
import { type ClaimedRequest, markSent } from '../requests/claim.ts';
import { extendWorkLeases, shiftWork } from '../requests/clock-jump.ts';
import type { FinishingParts } from '../requests/finish.ts';
import { CLASS } from '../requests/request-class.ts';
import { createBatcher } from '../platform/batcher.ts';
import { type CarriedOut, carryOut, type CarryOutPorts } from './carry-out.ts';
import { shiftBreaker } from './breaker.ts';
import { createCasSilence } from './cas-silence.ts';
import { createClaiming } from './claiming.ts';
import { createLeases } from './leases.ts';
import { createCallPermits } from './call-permits.ts';
import { createProviderWatch } from './provider-watch.ts';
import { failureReports, reportCall, reportEnding } from './reports.ts';
import type { Dispatcher, DispatcherOptions } from './options.ts';
import { settle, type Settlement } from './settle.ts';
import { createShareKeeper } from './share-keeper.ts';
import { cutShares, extendShares } from './shares.ts';
import { tracedCall, traceSettling } from './traces.ts';
import { createUnopenedPins } from './unopened-pins.ts';
import { startUpkeep } from './upkeep.ts';

export type { Dispatcher, DispatcherOptions, DispatcherState } from './options.ts';

/** How long a call may settle after its deadline (the port's promise). Marking a message takes its time before that. */
const CALL_MARGIN_MS = 250;
const MAX_BATCH = 100;
/** While one transaction waits for its commit, another one does its work, if there is enough of it. */
const FURTHER_SETTLING = { batches: 1, ifWaiting: 32 };
/** How much longer than its limit a stop may wait for a database that is down. */
const LAST_WORDS_MS = 1_000;

/**
 * Sends ready requests to the CAS. It claims requests ahead in small batches, and carries out as many at once as its
 * share of the limits allows. One or two transactions at a time write the answers, each all
 * that arrived meanwhile. Several dispatchers on one database share the work and the limits.
 *
 * This function connects the parts; each of them owns its state:
 * - `share`: how many calls at once, and how many a second, this instance may have. Entered by the heartbeat.
 * - `provider`: the switch and the breaker, as the heartbeat and the answers show them.
 * - `claiming`: the requests that are claimed and not started. They leave it by `take`, or when their claim is lost.
 * - `leases`: until when each claim holds. A request enters with its claim and leaves with `release`.
 * - `permits`: further calls of requests that were started, such as a question after a refusal.
 * - `marking`, `settling`: batches of writes. A request ends when `settling` has written its result.
 * - `carrying`, here: the requests whose calls are under way. `start` enters them, and its end removes them.
 * - `upkeep`: everything that goes by the clock.
 *
 * `pump` starts what may be started now; every part calls it when something changed.
 */
export function startDispatcher(options: DispatcherOptions): Dispatcher {
  const { db, conax, metrics, callTimeoutMs, leaseMs, pollMs = 200, tracing = null } = options;
  const heartbeatMs = options.heartbeatMs ?? Math.min(500, Math.max(250, callTimeoutMs / 8));
  if (leaseMs <= 2 * callTimeoutMs) {
    throw new RangeError(`leaseMs is ${leaseMs}: it has to be more than twice callTimeoutMs (${callTimeoutMs})`);
  }
  const instance = options.instance ?? randomUUID();
  const logger = options.logger.child({ instance });
  const parts: FinishingParts = { ...options.finishing, instance };
  const callMs = callTimeoutMs + CALL_MARGIN_MS;
  const shareMs = callMs + 4 * heartbeatMs;
  const limits = {
    maxConcurrency: options.maxConcurrency,
    maxRequestsPerSecond: options.maxRequestsPerSecond,
    burst: options.burst ?? Math.max(1, Math.ceil(options.maxRequestsPerSecond / 10)),
  };
  const carrying = new Set<ClaimedRequest>();
  const givingUp = new AbortController();
  let stopping: Promise<void> | null = null;

  const failed = failureReports(metrics, logger);
  const share = createShareKeeper({
    db,
    id: instance,
    limits,
    ttlMs: shareMs,
    callMs,
    underWay: () => carrying.size,
  });
  const leases = createLeases(db, leaseMs);
  const provider = createProviderWatch({
    db,
    breaker: options.breaker,
    probeMs: leaseMs,
    instance,
    metrics,
    logger,
    onChange: () => pump(),
  });
  const settling = createBatcher<Settlement, boolean>(
    async (settlements) => {
      const startedAt = performance.now();
      const settled = traceSettling(tracing, settlements);
      const onError = (): void => metrics.errors.inc({ part: 'settle' });
      const held = await settle(settlements, { db, parts, logger, onError, stopped: givingUp.signal });
      settled(held);
      metrics.settleSeconds.observe((performance.now() - startedAt) / 1000);
      metrics.settleSize.observe(settlements.length);
      options.onSettled?.();
      return held;
    },
    MAX_BATCH,
    FURTHER_SETTLING,
  );
  const marking = createBatcher<ClaimedRequest, boolean>(async (requests) => {
    faultPoint('dispatch: before mark');
    const marked = new Set(await markSent(db, requests));
    faultPoint('dispatch: after mark');
    return requests.map(({ number }) => marked.has(number));
  }, MAX_BATCH);
  const permits = createCallPermits({
    share,
    leftMs: (request) => leases.leftMs(request),
    callMs,
    halted: (request) => !claiming.mayBeSent(request),
    onWait: (ms) => wakeIn(ms),
  });
  const claiming = createClaiming({
    db,
    leaseMs,
    bulkShare: options.bulkShare,
    cancelPatienceMs: options.cancelPatienceMs,
    limits,
    share,
    provider,
    leases,
    metrics,
    except: () => unopenedPins.numbers(),
    carrying: () => carrying.size,
    unwritten: () => settling.pending(),
    onClaimed: () => pump(),
    onError: failed('claim'),
  });
  const silence = createCasSilence();
  const unopenedPins = createUnopenedPins();
  const ports: CarryOutPorts = {
    conax: {
      call: async (call) => {
        metrics.callsUnderWay.inc();
        faultPoint('dispatch: before send');
        const heard = silence.begin();
        const exchange = await tracedCall(tracing, conax, call).finally(() => metrics.callsUnderWay.dec());
        heard(exchange.answer);
        faultPoint('dispatch: after send');
        return exchange;
      },
      close: () => Promise.resolve(),
    },
    unsealPin: options.unsealPin,
    backOff: options.backOff,
    permission: (request) => {
      const permission = permits.ask(request);
      pump();
      return permission;
    },
    inTime: (request) => leases.leftMs(request) >= callMs && share.slots() > 0,
    mark: (request) => marking.add(request),
    onExchange: async (request, exchange) => {
      reportCall(metrics, logger, request, exchange);
      await provider.heard(exchange.answer).catch(failed('provider'));
    },
  };

  let wakeTimer: NodeJS.Timeout | undefined;
  function wakeIn(ms: number): void {
    clearTimeout(wakeTimer);
    if (Number.isFinite(ms)) wakeTimer = setTimeout(pump, Math.max(1, Math.ceil(ms)));
  }

  /** Does everything possible now; called whenever something may have changed. */
  function pump(): void {
    permits.serve();
    if (stopping) return;
    for (const request of claiming.unfit(callMs)) void putDown({ kind: 'give-back', request });
    while (carrying.size < share.slots() && permits.waiting() === 0 && claiming.buffered() > 0) {
      if (!share.tryCall()) {
        wakeIn(share.waitMs());
        break;
      }
      const request = claiming.take();
      if (request) void start(request);
      else share.putBack();
    }
    metrics.buffered.set(claiming.buffered());
    claiming.refill();
    if (provider.mode() === 'breaker-open') wakeIn(provider.waitMs());
  }

  async function start(request: ClaimedRequest): Promise<void> {
    carrying.add(request);
    try {
      const result = await carryOut(request, ports);
      carrying.delete(request);
      void conclude(request, result);
    } catch (error) {
      // A bug of ours: the lease runs out, and the request counts as unknown.
      carrying.delete(request);
      leases.release(request);
      claiming.ended(request);
      metrics.errors.inc({ part: 'carry-out' });
      logger.error({ requestNumber: request.number, err: error }, 'dispatch: a request could not be carried out');
    }
    pump();
  }

  async function conclude(request: ClaimedRequest, result: CarriedOut): Promise<void> {
    if (result === 'lost') {
      leases.release(request);
      claiming.ended(request);
      return;
    }
    // Noted before the request can be claimed again.
    if (result.why === 'pin-unopened') {
      unopenedPins.add(request);
      metrics.pinsUnopened.set(unopenedPins.numbers().length);
    }
    const held = await putDown(result.settlement, request.class);
    reportEnding(metrics, logger, request, result, held);
  }

  /**
   * Writes the result of a request and releases it. `carriedOut` is its class if it was carried out. Then its card may
   * now belong to an urgent request that waited for it.
   */
  async function putDown(settlement: Settlement, carriedOut: number | null = null): Promise<boolean> {
    const { request } = settlement;
    const held = await settling.add(settlement).catch((error: unknown) => {
      failed('settle')(error);
      return false;
    });
    leases.release(request);
    claiming.ended(request);
    claiming.mayHaveWork();
    if (carriedOut !== null && carriedOut < CLASS.BULK) claiming.came(Math.max(carriedOut, CLASS.GIVING));
    pump();
    return held;
  }

  const upkeep = startUpkeep({
    db,
    databaseUrl: options.databaseUrl,
    pollMs,
    heartbeatMs,
    leaseMs,
    cancelPatienceMs: options.cancelPatienceMs,
    share,
    leases,
    provider,
    claiming,
    unopenedPins,
    metrics,
    logger,
    limits,
    pump,
    failed,
  });

  async function drain(): Promise<void> {
    const until = performance.now() + options.drainMs;
    /** Waits for work that may hang while the database is down, but no longer than the stop may take. */
    const inTime = async (work: readonly Promise<unknown>[], atLeastMs = 0): Promise<void> => {
      const limit = wait(Math.max(atLeastMs, until - performance.now()), undefined, { ref: false });
      await Promise.race([Promise.allSettled(work), limit]);
    };
    await inTime([upkeep.stopLookingOut(), claiming.stop()]);
    for (const request of claiming.takeAll()) void putDown({ kind: 'give-back', request });
    while (carrying.size + settling.pending() > 0 && performance.now() < until) await wait(5);
    const left = carrying.size + settling.pending();
    if (left > 0) logger.warn({ requests: left }, 'dispatch: stopped before everything was written; leases will lapse');
    givingUp.abort();
    permits.stop();
    clearTimeout(wakeTimer);
    await inTime([upkeep.stopHolding()], LAST_WORDS_MS);
    if (carrying.size === 0) await inTime([share.leave()], LAST_WORDS_MS);
  }

  return {
    instance,
    state: () => ({
      part: 'dispatch',
      ready: stopping === null && share.inForce(),
      detail: stopping
        ? 'stopping'
        : share.inForce()
          ? provider.detail()
          : 'no share of the limits: the database is unreachable',
      mode: provider.mode(),
      casSilentMs: silence.silentMs(),
      underWay: carrying.size,
      buffered: claiming.buffered(),
      unwritten: settling.pending(),
      slots: share.slots(),
    }),
    pins: () => unopenedPins.state(),
    clock: {
      shiftWork: (tx, ms) => shiftWork(tx, ms, leaseMs),
      async shiftProvider(tx, ms) {
        await shiftBreaker(tx, ms, leaseMs);
        await cutShares(tx, shareMs);
      },
      async extendLeases(tx) {
        await extendWorkLeases(tx, leaseMs);
        await extendShares(tx, shareMs);
      },
    },
    stop: () => (stopping ??= drain()),
  };
}
