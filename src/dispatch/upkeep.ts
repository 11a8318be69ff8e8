import type { Database } from '../platform/database.ts';
import { faultPoint } from '../platform/fault-points.ts';
import type { Logger } from '../platform/logging.ts';
import { repeat } from '../platform/repeat.ts';
import { activateDueRequests } from '../requests/activate.ts';
import { endPatience } from '../requests/patience.ts';
import { CLASS, classNames, RAISED } from '../requests/request-class.ts';
import type { Claiming } from './claiming.ts';
import { countReady, oldestRequests, PENDING_AGES_S } from './count-ready.ts';
import type { Leases } from './leases.ts';
import type { DispatchMetrics, DispatchPart } from './metrics.ts';
import type { ProviderWatch } from './provider-watch.ts';
import type { ShareKeeper } from './share-keeper.ts';
import { type Limits, rateOf } from './shares.ts';
import type { UnopenedPins } from './unopened-pins.ts';
import { listenForWork } from './wake-up.ts';

const ACTIVATION_MS = 500;
const ACTIVATION_BATCH = 500;
const PATIENCE_MS = 500;
/** More than the CAS can be sent meanwhile; the others follow with the next look. */
const PATIENCE_BATCH = 1_000;
const PENDING_MS = 10_000;
/** How soon an instance asks again if others still use its share. */
const SHORT_OF_SHARE_MS = 250;

export interface UpkeepOptions {
  readonly db: Database;
  /** Null: nobody notifies the dispatcher of new work, and it looks every `pollMs`. */
  readonly databaseUrl: string | null;
  readonly pollMs: number;
  readonly heartbeatMs: number;
  readonly leaseMs: number;
  readonly cancelPatienceMs: number;
  readonly share: ShareKeeper;
  readonly leases: Leases;
  readonly provider: ProviderWatch;
  readonly claiming: Claiming;
  readonly unopenedPins: UnopenedPins;
  readonly metrics: DispatchMetrics;
  readonly logger: Logger;
  readonly limits: Limits;
  /** Something may have changed: send what can be sent. */
  readonly pump: () => void;
  /** Reports the failure of a part by its name. */
  readonly failed: (part: DispatchPart) => (error: unknown) => void;
}

/**
 * What the dispatcher does by the clock, besides sending. It owns no state of the dispatcher: each part below has its
 * own.
 *
 * - The heartbeat renews this instance's share of the limits, and sees the provider's switch and breaker.
 * - The renewal extends the leases of the claimed requests; a lost one leaves the buffer.
 * - The look-out finds new work: by PostgreSQL's notifications, by polling, and by activating requests that are due.
 * - Twice a second it makes cancellations urgent that waited long enough (R13).
 * - Every ten seconds it counts what is ready.
 *
 * It starts with the dispatcher. A stop ends the look-out first, and the heartbeat and the renewal last, because
 * requests that are being sent need both.
 */
export interface Upkeep {
  stopLookingOut(): Promise<unknown>;
  stopHolding(): Promise<unknown>;
}

export function startUpkeep(options: UpkeepOptions): Upkeep {
  const { db, share, leases, provider, claiming, unopenedPins, metrics, logger, pump, failed } = options;
  const lookOutEnded = new AbortController();

  const heartbeat = repeat(
    options.heartbeatMs,
    async () => {
      const { provider: row, short } = await share.beat();
      metrics.slots.set(share.share().slots);
      metrics.rate.set(rateOf(share.share(), options.limits));
      provider.saw(row);
      pump();
      if (short) setTimeout(() => heartbeat.now(), SHORT_OF_SHARE_MS);
    },
    failed('heartbeat'),
  );
  const renewal = repeat(
    options.leaseMs / 4,
    async () => {
      const lost = await leases.renew();
      if (leases.count() > 0) faultPoint('dispatch: after renewal');
      if (lost.length === 0) return;
      claiming.drop(lost);
      metrics.leasesLost.inc(lost.length);
      logger.warn(
        { requestNumbers: lost.map(({ number }) => number) },
        'dispatch: leases ran out while they were held',
      );
    },
    failed('renewal'),
  );

  function look(): void {
    claiming.mayHaveWork();
    pump();
  }

  async function activateAll(): Promise<void> {
    for (let activated = ACTIVATION_BATCH; activated === ACTIVATION_BATCH && !lookOutEnded.signal.aborted;) {
      activated = await db.transaction(async (tx) => {
        const due = await activateDueRequests(tx, ACTIVATION_BATCH);
        if (due > 0) faultPoint('activation: before commit');
        return due;
      });
      if (activated === 0) return;
      faultPoint('activation: after commit');
      look();
    }
  }

  async function endPatienceOfAll(): Promise<void> {
    const raised = await endPatience(db, options.cancelPatienceMs, PATIENCE_BATCH);
    await claiming.reorder();
    if (raised > 0) {
      claiming.came(CLASS.GIVING);
      look();
    }
  }

  async function countPending(): Promise<void> {
    metrics.pending.set({ ready: await countReady(db, PENDING_AGES_S), oldest: await oldestRequests(db) });
    await unopenedPins.refresh(db);
    metrics.pinsUnopened.set(unopenedPins.numbers().length);
  }

  const lookOut = [
    repeat(options.pollMs, () => Promise.resolve(look()), failed('poll')),
    repeat(ACTIVATION_MS, activateAll, failed('activation')),
    repeat(PATIENCE_MS, endPatienceOfAll, failed('patience')),
    repeat(PENDING_MS, countPending, failed('pending')),
  ];
  const onMessage = (message: string): void => {
    const came = classNames.findIndex((name) => name === message);
    if (came !== -1) claiming.came(came);
    // From an instance of the version before, and when listening starts.
    if (message === 'work') claiming.came(CLASS.GIVING);
    if (message === RAISED) void claiming.reorder().then(pump, failed('reorder'));
    else if (message === 'provider') heartbeat.now();
    else look();
  };
  const listener = options.databaseUrl === null ? null : listenForWork(options.databaseUrl, onMessage, logger);

  return {
    stopLookingOut() {
      lookOutEnded.abort();
      return Promise.allSettled([...lookOut.map((one) => one.stop()), listener?.stop()]);
    },
    stopHolding: () => Promise.allSettled([heartbeat.stop(), renewal.stop()]),
  };
}
