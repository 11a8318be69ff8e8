import type { Logger } from '../platform/logging.ts';
import type { IntakeMetrics } from './metrics.ts';
import { type Place, placeKey } from './restored-offsets.ts';

/** Reading of a partition that does not go on although there is more. */
export interface Stall {
  /** Names partition, position, end and the likely cause, for people. */
  readonly detail: string;
}

/**
 * How far the partitions that this instance reads are, and whether they get on. A partition is stalled once its position
 * has not moved for a time while its end is ahead.
 */
export interface Progress {
  /** The group gave us these partitions, and no others. */
  assigned(places: readonly Place[]): void;
  /** Kafka said where the partition ends; `stable` is where the first open transaction starts, null if not known. */
  ends(place: Place, end: number, stable: number | null): void;
  /** Kafka delivers nothing of the partition now, for this reason; until `ends` says what a fetch found. */
  fails(place: Place, reason: string): void;
  /** Everything before the position is read. */
  reached(place: Place, position: number): void;
  /** Positions were jumped over that nobody read: the end of their messages. */
  lost(place: Place, from: number, to: number, why: string): void;
  /** The partition is not read any more, for what KAFKA_OFFSET_LOST=stop says. */
  stopped(place: Place, detail: string): void;
  /** Partitions of which Kafka said nothing for so long. */
  silent(ms: number): Place[];
  stalls(): Stall[];
  /** Ends the watch, and the metrics of the partitions with it. */
  close(): void;
}

interface State {
  readonly place: Place;
  position: number | null;
  end: number | null;
  stable: number | null;
  /** Why Kafka delivers nothing of it; null if it does. */
  fault: string | null;
  /** When the end was ahead first, Kafka failed first, or the position moved last; null while nothing is waited for. */
  since: number | null;
  heardAt: number;
  stopped: string | null;
  isReported: boolean;
}

const WATCH_MS = 1_000;

export function watchProgress(options: {
  readonly stalledMs: number;
  readonly metrics: Pick<IntakeMetrics, 'lag' | 'gone' | 'lost'>;
  readonly logger: Logger;
}): Progress {
  const { stalledMs, metrics, logger } = options;
  const states = new Map<string, State>();
  const timer = setInterval(report, WATCH_MS);
  timer.unref();
  return {
    assigned(places) {
      const keys = new Set(places.map(placeKey));
      for (const [key, { place }] of states) {
        if (keys.has(key)) continue;
        states.delete(key);
        metrics.gone(place.topic, place.partition);
      }
      for (const place of places) {
        states.set(placeKey(place), {
          place,
          position: null,
          end: null,
          stable: null,
          fault: null,
          // Not known yet where reading starts: that may not last either.
          since: performance.now(),
          heardAt: performance.now(),
          stopped: null,
          isReported: false,
        });
      }
    },
    ends(place, end, stable) {
      const state = states.get(placeKey(place));
      if (!state) return;
      state.heardAt = performance.now();
      if (stable !== null && state.fault !== null) {
        logger.info(place, 'Kafka delivers this partition again');
        state.fault = null;
      }
      state.stable = stable ?? state.stable;
      // Who asks for the end alone is answered up to the first open transaction.
      state.end = stable === null ? Math.max(state.end ?? 0, end) : end;
      measure(state);
    },
    fails(place, reason) {
      const state = states.get(placeKey(place));
      if (!state) return;
      state.heardAt = performance.now();
      // Its end is not known: there may be more.
      state.since ??= performance.now();
      if (state.fault === reason) return;
      state.fault = reason;
      logger.warn(
        { ...place, reason },
        'Kafka does not deliver this partition: it is tried again, and the others go on',
      );
    },
    reached(place, position) {
      const state = states.get(placeKey(place));
      if (!state || state.position === position) return;
      state.position = position;
      state.since = null;
      measure(state);
    },
    lost(place, from, to, why) {
      metrics.lost(place.topic, place.partition, to - from);
      logger.error(
        { ...place, from, to, count: to - from },
        `up to ${to - from} messages are gone that nobody read: ${why}; reading goes on at ${to}. See what the CRM did in that time, and compare the CAS (reconcile)`,
      );
    },
    stopped(place, detail) {
      const state = states.get(placeKey(place));
      if (!state || state.stopped === detail) return;
      state.stopped = detail;
      logger.error(place, detail);
    },
    silent: (ms) =>
      [...states.values()].filter(({ heardAt }) => performance.now() - heardAt > ms).map(({ place }) => place),
    stalls,
    close() {
      clearInterval(timer);
      for (const { place } of states.values()) metrics.gone(place.topic, place.partition);
      states.clear();
    },
  };

  function measure(state: State): void {
    const { place, position, end } = state;
    if (position === null || end === null) return;
    metrics.lag(place.topic, place.partition, Math.max(end - position, 0));
    if (position >= end) state.since = null;
    else state.since ??= performance.now();
  }

  function isStalled({ since }: State): boolean {
    return since !== null && performance.now() - since > stalledMs;
  }

  function stalls(): Stall[] {
    return [...states.values()].flatMap((state) => {
      if (state.stopped !== null) return [{ detail: state.stopped }];
      return isStalled(state) ? [{ detail: detailOf(state) }] : [];
    });
  }

  function detailOf(state: State): string {
    const { place, position, end, stable, fault } = state;
    const seconds = Math.round((performance.now() - (state.since ?? 0)) / 1000);
    if (fault !== null) {
      const at = position === null ? '' : ` after offset ${position}`;
      return `${placeKey(place)} is not read${at} for ${seconds} s: Kafka does not deliver it: ${fault}. See the brokers (kafka-topics.sh --describe --unavailable-partitions lists partitions without a leader); reading goes on by itself`;
    }
    if (position === null)
      return `${placeKey(place)} is not read since ${seconds} s: it is not known where reading has to start; see the log`;
    const cause =
      position === stable
        ? `a transaction is open from offset ${stable} on: its producer must commit or abort it (kafka-transactions.sh find-hanging lists it)`
        : 'Kafka delivers nothing from there, or its messages are still being processed: see the log';
    return `${placeKey(place)} stays at offset ${position} for ${seconds} s, and ends at ${end}: ${cause}`;
  }

  function report(): void {
    for (const state of states.values()) {
      const stalled = isStalled(state);
      if (stalled === state.isReported) continue;
      state.isReported = stalled;
      const { place, position, end } = state;
      if (stalled) logger.error({ ...place, position, end }, `reading does not get on: ${detailOf(state)}`);
      else logger.info({ ...place, position, end }, 'reading gets on again');
    }
  }
}
