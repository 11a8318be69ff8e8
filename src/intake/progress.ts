import type { Logger } from '../platform/logging.ts';
import { type TopicPartition, partitionKey } from './restored-offsets.ts';

/** A partition on which reading does not advance although there is more. */
export interface Stall {
  /** The partition, position, end and likely cause, for people. */
  readonly detail: string;
}

/** How far reading of a partition is. Times are milliseconds until now. */
export interface PlaceProgress extends TopicPartition {
  /** Messages that are not read yet, by what is known last; null if position or end were never known. */
  readonly unread: number | null;
  /** How long its end has been ahead without a break; null if it is not. */
  readonly behindMs: number | null;
  /** Why it is not read, for people; null if it is. */
  readonly problem: string | null;
  readonly problemMs: number | null;
}

/**
 * How far this instance has read its partitions, and whether they advance. A partition is stalled if its position has
 * not moved for a time while its end is ahead.
 */
export interface Progress {
  /** Notes that the group assigned exactly these partitions. */
  assigned(places: readonly TopicPartition[]): void;
  /**
   * Sets the end of the partition that Kafka reported; `stable` is where the first open transaction starts, null if
   * unknown.
   */
  ends(place: TopicPartition, end: number, stable: number | null): void;
  /** Notes why Kafka delivers nothing of the partition now, until `ends` has the result of a fetch. */
  fails(place: TopicPartition, reason: string): void;
  /** Notes that everything before the position is read. */
  reached(place: TopicPartition, position: number): void;
  /** Sets how many messages are unread, as long as it is not known where reading has to start. */
  estimated(place: TopicPartition, unread: number): void;
  /** Notes that positions were skipped unread, because their messages are gone. */
  lost(place: TopicPartition, from: number, to: number, why: string): void;
  /** Notes that the partition is no longer read because of KAFKA_OFFSET_LOST=stop. */
  stopped(place: TopicPartition, detail: string): void;
  /** Returns the partitions of which Kafka reported nothing for `ms`. */
  silent(ms: number): TopicPartition[];
  stalls(): Stall[];
  places(): PlaceProgress[];
  /** Ends the watch and forgets the partitions. */
  close(): void;
}

interface State {
  readonly place: TopicPartition;
  position: number | null;
  end: number | null;
  stable: number | null;
  /** The end minus the position, by what was known last: it stays when the partition is assigned again. */
  unread: number | null;
  /** Why Kafka delivers nothing of it; null if it does. */
  fault: string | null;
  /**
   * When the end was first ahead, Kafka first failed, or the position last moved; null while there is nothing to wait
   * for.
   */
  since: number | null;
  /** When the end was first ahead of everything that was read since; null while nothing is unread. */
  behindSince: number | null;
  heardAt: number;
  stopped: string | null;
  stoppedAt: number;
  isReported: boolean;
}

const WATCH_MS = 1_000;

export function watchProgress(options: {
  readonly stalledMs: number;
  readonly metrics: {
    assigned(places: readonly TopicPartition[]): void;
    lost(place: TopicPartition, messages: number): void;
  };
  readonly logger: Logger;
}): Progress {
  const { stalledMs, metrics, logger } = options;
  const states = new Map<string, State>();
  const timer = setInterval(report, WATCH_MS);
  timer.unref();
  return {
    assigned(places) {
      metrics.assigned(places);
      const before = new Map(states);
      states.clear();
      for (const place of places) {
        const known = before.get(partitionKey(place));
        states.set(partitionKey(place), {
          place,
          position: null,
          end: null,
          stable: null,
          unread: known?.unread ?? null,
          fault: null,
          // The start is not known yet, which must not last either.
          since: performance.now(),
          behindSince: known?.behindSince ?? null,
          heardAt: performance.now(),
          stopped: null,
          stoppedAt: 0,
          isReported: false,
        });
      }
    },
    ends(place, end, stable) {
      const state = states.get(partitionKey(place));
      if (!state) return;
      state.heardAt = performance.now();
      if (stable !== null && state.fault !== null) {
        logger.info(place, 'Kafka delivers this partition again');
        state.fault = null;
      }
      state.stable = stable ?? state.stable;
      // A request for only the end is answered up to the first open transaction.
      state.end = stable === null ? Math.max(state.end ?? 0, end) : end;
      measure(state);
    },
    fails(place, reason) {
      const state = states.get(partitionKey(place));
      if (!state) return;
      state.heardAt = performance.now();
      // The end is unknown, so there may be more.
      state.since ??= performance.now();
      if (state.fault === reason) return;
      state.fault = reason;
      logger.warn(
        { ...place, reason },
        'Kafka does not deliver this partition: it is tried again, and the others go on',
      );
    },
    reached(place, position) {
      const state = states.get(partitionKey(place));
      if (!state || state.position === position) return;
      state.position = position;
      state.since = null;
      measure(state);
    },
    estimated(place, unread) {
      const state = states.get(partitionKey(place));
      if (!state || state.position !== null) return;
      state.heardAt = performance.now();
      setUnread(state, unread);
    },
    lost(place, from, to, why) {
      metrics.lost(place, to - from);
      logger.error(
        { ...place, from, to, count: to - from },
        `up to ${to - from} messages were lost unread: ${why}; reading continues at ${to}. See what the CRM did in that time, and compare the CAS (reconcile)`,
      );
    },
    stopped(place, detail) {
      const state = states.get(partitionKey(place));
      if (!state || state.stopped === detail) return;
      state.stopped = detail;
      state.stoppedAt = performance.now();
      logger.error(place, detail);
    },
    silent: (ms) =>
      [...states.values()].filter(({ heardAt }) => performance.now() - heardAt > ms).map(({ place }) => place),
    stalls,
    places: () => [...states.values()].map(placeProgress),
    close() {
      clearInterval(timer);
      states.clear();
    },
  };

  function measure(state: State): void {
    const { position, end } = state;
    if (position === null || end === null) return;
    setUnread(state, Math.max(end - position, 0));
    if (position >= end) state.since = null;
    else state.since ??= performance.now();
  }

  function setUnread(state: State, unread: number): void {
    state.unread = unread;
    if (unread === 0) state.behindSince = null;
    else state.behindSince ??= performance.now();
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

  function placeProgress(state: State): PlaceProgress {
    const { place, unread, behindSince, stopped, stoppedAt, since } = state;
    const stalled = stopped === null && isStalled(state);
    return {
      ...place,
      unread,
      behindMs: ageOf(behindSince),
      problem: stalled ? detailOf(state) : stopped,
      problemMs: stalled ? ageOf(since) : ageOf(stopped === null ? null : stoppedAt),
    };
  }

  function detailOf(state: State): string {
    const { place, position, end, stable, fault } = state;
    const seconds = Math.round((performance.now() - (state.since ?? 0)) / 1000);
    if (fault !== null) {
      const at = position === null ? '' : ` after offset ${position}`;
      return `${partitionKey(place)} is not read${at} for ${seconds} s: Kafka does not deliver it: ${fault}. See the brokers (kafka-topics.sh --describe --unavailable-partitions lists partitions without a leader); reading then continues by itself`;
    }
    if (position === null)
      return `${partitionKey(place)} is not read since ${seconds} s: it is not known where reading has to start; see the log`;
    const cause =
      position === stable
        ? `a transaction is open from offset ${stable} on: its producer must commit or abort it (kafka-transactions.sh find-hanging lists it)`
        : 'Kafka delivers nothing from there, or its messages are still being processed: see the log';
    return `${partitionKey(place)} stays at offset ${position} for ${seconds} s, and ends at ${end}: ${cause}`;
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

function ageOf(at: number | null): number | null {
  return at === null ? null : Math.round(performance.now() - at);
}
