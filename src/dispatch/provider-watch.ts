import type { ConaxAnswer } from '../conax/client.types.ts';
import type { ConaxCode } from '../conax/codes.ts';
import type { Database } from '../platform/database.ts';
import type { Logger } from '../platform/logging.ts';
import { createBatcher } from '../platform/batcher.ts';
import {
  type BreakerSettings,
  type BreakerView,
  recordNotReached,
  recordReached,
  releaseProbe,
  takeProbe,
} from './breaker.ts';
import type { DispatchMetrics } from './metrics.ts';
import { pauseProvider } from './provider.ts';
import type { ProviderRow } from './shares.ts';

/** What this instance knows about the provider's row, and what it reports to it. */
export interface ProviderWatch {
  /** Returns whether requests may be sent now, as far as this instance knows. */
  mode(): 'open' | 'paused' | 'breaker-open' | 'half-open';
  /** Returns the reason, for people. */
  detail(): string;
  /** Returns the milliseconds until the breaker is half-open; Infinity if it is not open. */
  waitMs(): number;
  /** Updates from the row that a heartbeat read. */
  saw(row: ProviderRow): void;
  /** Records what an answer shows about the connection to the CAS. Resolves when it is stored. */
  heard(answer: ConaxAnswer): Promise<void>;
  takeProbe(): Promise<boolean>;
  releaseProbe(): Promise<void>;
}

export interface ProviderWatchOptions {
  readonly db: Database;
  readonly breaker: BreakerSettings;
  /** How long this instance holds a probe: longer than its SOAP call and the work around it. */
  readonly probeMs: number;
  readonly instance: string;
  readonly metrics: DispatchMetrics;
  readonly logger: Logger;
  /** Called when the mode may have changed. */
  readonly onChange: () => void;
}

/** Something answered that does not fit the templates. (A lost answer predicts nothing about the next call.) */
const unreadableCodes: ReadonlySet<string> = new Set<ConaxCode>(['CAS_ANSWER_UNREADABLE', 'CAS_ANSWER_TOO_LARGE']);

export function createProviderWatch(options: ProviderWatchOptions): ProviderWatch {
  const { db, breaker, probeMs, instance, metrics, logger, onChange } = options;
  let paused: string | null = null;
  let failures = 0;
  /** Why the last answer could not be read; null if it could. */
  let unreadable: string | null = null;
  /** When the breaker becomes half-open, by our clock; null while it is closed. */
  let halfOpenAt: number | null = null;

  const whyOpen = (): string =>
    unreadable === null ? 'the CAS cannot be reached' : `no answer of the CAS can be read: ${unreadable}`;

  const sawBreaker = ({ failuresInARow, breakerOpenMs }: BreakerView): void => {
    failures = failuresInARow;
    const opened = breakerOpenMs !== null;
    if (opened !== (halfOpenAt !== null)) {
      if (opened) logger.warn({ failures }, `dispatch: the breaker opened, ${whyOpen()}`);
      else logger.info('dispatch: the breaker closed, the CAS is reached again');
    }
    halfOpenAt = opened ? performance.now() + breakerOpenMs : null;
    metrics.breakerOpen.set(opened ? 1 : 0);
  };

  const reached = createBatcher<boolean, void>(async (calls) => {
    const last = calls.lastIndexOf(true);
    const failed = calls.length - 1 - last;
    if (failed > 0) {
      sawBreaker(await recordNotReached(db, failed, last !== -1, breaker));
    } else if (failures > 0 || halfOpenAt !== null) {
      await recordReached(db);
      sawBreaker({ failuresInARow: 0, breakerOpenMs: null });
    }
    onChange();
    return calls.map(() => undefined);
  }, 1000);

  const pause = async (code: string, description: string): Promise<void> => {
    const reason = `${code}: ${description}`;
    paused = reason;
    metrics.paused.set(1);
    if (await pauseProvider(db, { reason, by: instance })) {
      metrics.pauses.inc({ why: code });
      logger.error({ reason }, 'dispatch: sending is paused; correct the credentials, then run "provider resume"');
    }
    onChange();
  };

  const mode = (): 'open' | 'paused' | 'breaker-open' | 'half-open' => {
    if (paused !== null) return 'paused';
    if (halfOpenAt === null) return 'open';
    return performance.now() < halfOpenAt ? 'breaker-open' : 'half-open';
  };
  return {
    mode,
    detail: () => {
      if (paused !== null) return `paused: ${paused}`;
      if (halfOpenAt === null) return 'sending';
      return `breaker ${mode() === 'half-open' ? 'half-open' : 'open'}: ${whyOpen()}`;
    },
    waitMs: () => (paused === null && halfOpenAt !== null ? Math.max(0, halfOpenAt - performance.now()) : Infinity),
    saw(row) {
      const now = row.paused ? (row.pausedReason ?? 'no reason given') : null;
      if ((now === null) !== (paused === null)) logger.info({ paused: now }, 'dispatch: sending was switched');
      paused = now;
      metrics.paused.set(now === null ? 0 : 1);
      sawBreaker(row);
      onChange();
    },
    async heard(answer) {
      switch (answer.kind) {
        case 'not-authorised':
          return await pause(answer.code, answer.description);
        case 'not-sent':
          unreadable = null;
          return await reached.add(false);
        case 'unknown':
          // The answer may be a proxy's page, or the templates are for another CAS. Repeating at full speed helps
          // nobody.
          if (!unreadableCodes.has(answer.code)) return;
          unreadable = answer.description;
          metrics.unreadable.inc();
          return await reached.add(false);
        case 'accepted':
        case 'refused':
        case 'try-later':
          unreadable = null;
          // Skips the statement in the usual case.
          if (failures > 0 || halfOpenAt !== null || reached.pending() > 0) await reached.add(true);
          return;
        // An invalid command was never sent.
        case 'invalid':
      }
    },
    takeProbe: () => takeProbe(db, probeMs),
    releaseProbe: () => releaseProbe(db),
  };
}
