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

/** What this instance knows of the provider's row, and what it tells it. */
export interface ProviderWatch {
  /** Whether requests may be sent now, as far as this instance knows. */
  mode(): 'open' | 'paused' | 'breaker-open' | 'half-open';
  /** Why, for people. */
  detail(): string;
  /** Milliseconds until the breaker is half-open; Infinity where it is not open. */
  waitMs(): number;
  /** Takes over what a heartbeat read. */
  saw(row: ProviderRow): void;
  /** Tells what an answer says about the way to the CAS. Resolves when it is written. */
  heard(answer: ConaxAnswer): Promise<void>;
  takeProbe(): Promise<boolean>;
  releaseProbe(): Promise<void>;
}

export interface ProviderWatchOptions {
  readonly db: Database;
  readonly breaker: BreakerSettings;
  /** How long a probe is ours: longer than its SOAP call and what is before and after it. */
  readonly probeMs: number;
  readonly instance: string;
  readonly metrics: DispatchMetrics;
  readonly logger: Logger;
  /** Called when the mode may have changed. */
  readonly onChange: () => void;
}

/** Something answered, and not the CAS that the templates are for. A lost answer says nothing about the next call. */
const unreadableCodes: ReadonlySet<string> = new Set<ConaxCode>(['CAS_ANSWER_UNREADABLE', 'CAS_ANSWER_TOO_LARGE']);

export function createProviderWatch(options: ProviderWatchOptions): ProviderWatch {
  const { db, breaker, probeMs, instance, metrics, logger, onChange } = options;
  let paused: string | null = null;
  let failures = 0;
  /** What the last answer said that no CAS of ours would give; null once one can be read. */
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
      logger.error({ reason }, 'dispatch: sending is paused; mend the credentials, then "provider resume"');
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
          // A proxy's page instead of answers, or templates for another CAS: repeating at the queue's pace helps nobody.
          if (!unreadableCodes.has(answer.code)) return;
          unreadable = answer.description;
          metrics.unreadable.inc();
          return await reached.add(false);
        case 'accepted':
        case 'refused':
        case 'try-later':
          unreadable = null;
          // The usual case costs nothing.
          if (failures > 0 || halfOpenAt !== null || reached.pending() > 0) await reached.add(true);
          return;
        // An invalid command never left.
        case 'invalid':
      }
    },
    takeProbe: () => takeProbe(db, probeMs),
    releaseProbe: () => releaseProbe(db),
  };
}
