import { randomUUID } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import type { Counter, Registry } from '@prometheus-io/client';
import { messageOf } from '../../platform/errors.ts';
import type { Logger } from '../../platform/logging.ts';
import { counter } from '../../platform/metrics.ts';
import { repeat } from '../../platform/repeat.ts';
import { type Publishing, topicExists, withDestination } from './destination.ts';
import { isOutage, NoSuchTopicError } from './kafka-range.ts';
import {
  DEFAULT_LIMITS,
  type OpenedEvents,
  pinnedTo,
  type StoredSelection,
  type TopicReading,
  withEvents,
} from './open-events.ts';
import { replayOutcomes, type StoredOutcomeSelection } from './outcomes.ts';
import { type PlanWork, writePlan } from './hosted-plan.ts';
import {
  advanceReplay,
  endReplay,
  HANDED_BACK,
  interruptedBy,
  noteOutage,
  pinSelection,
  type Replay,
  type ReplayState,
  ReplayTakenError,
  takeHosted,
} from './record.ts';
import { runEvents } from './run-events.ts';
import { progressReporter } from './progress.ts';

export interface ReplayHostOptions extends Pick<PlanWork, 'db' | 'evaluation'> {
  readonly reading: TopicReading;
  readonly publishing: Publishing;
  readonly facetWaitMs: number;
  readonly metrics: ReplayMetrics;
  readonly logger: Logger;
  /** Called after requests or outcomes were made. */
  readonly onOutbox: () => void;
}

export interface ReplayHost {
  /**
   * Stops, so that another instance can continue the running replays. A replay that does not end within five seconds,
   * for example because Kafka does not answer, is taken over once its lease has ended. Safe to call twice.
   */
  stop(): Promise<void>;
}

const LOOK_MS = 1_000;
const STOPS_WITHIN_MS = 5_000;
/** Two, so that a plan of a year's events does not delay a small one. */
const AT_ONCE_MAX = 2;
/** The abort reason when a person asked to stop the replay. */
const ASKED = 'somebody asked to stop it';

/**
 * Works on the hosted replays, a few at a time. Every instance of the service has one host.
 *
 * A replay belongs to one instance while that instance renews its lease. Another instance continues where it was
 * stopped or killed. A replay that fails is STOPPED with the reason, and a person resumes it. During an outage of
 * PostgreSQL, Kafka or the registry the replay waits.
 */
export function startReplayHost(options: ReplayHostOptions): ReplayHost {
  const { db, logger, metrics } = options;
  const owner = randomUUID();
  const underWay = new Map<number, { readonly abort: AbortController; readonly done: Promise<void> }>();
  let lastLookFailed = false;
  const looking = repeat(
    LOOK_MS,
    async () => {
      await Promise.all([...underWay].map(([id, { abort }]) => giveSign(id, abort)));
      while (underWay.size < AT_ONCE_MAX) {
        const replay = await takeHosted(db, owner, [...underWay.keys()]);
        if (replay === null) break;
        start(replay);
      }
      lastLookFailed = false;
    },
    (error) => {
      if (!lastLookFailed) logger.warn({ problem: messageOf(error) }, 'replays: cannot look for replays; trying again');
      lastLookFailed = true;
    },
  );
  let stopping: Promise<void> | undefined;

  return {
    stop: () =>
      (stopping ??= (async () => {
        for (const { abort } of underWay.values()) abort.abort(HANDED_BACK);
        await looking.stop();
        for (const { abort } of underWay.values()) abort.abort(HANDED_BACK);
        const late = wait(STOPS_WITHIN_MS, undefined, { ref: false });
        await Promise.race([Promise.all([...underWay.values()].map(({ done }) => done)), late]);
      })()),
  };

  async function giveSign(id: number, abort: AbortController): Promise<void> {
    try {
      if (await advanceReplay(db, id, owner, null)) abort.abort(ASKED);
    } catch (error) {
      if (!(error instanceof ReplayTakenError)) throw error;
      // Another instance took it over because this one stood still for too long, or it has just ended.
      abort.abort(HANDED_BACK);
    }
  }

  function start(replay: Replay): void {
    const abort = new AbortController();
    const done = workOn(replay, abort.signal).finally(() => underWay.delete(replay.id));
    underWay.set(replay.id, { abort, done });
  }

  async function workOn(replay: Replay, signal: AbortSignal): Promise<void> {
    const logFields = { replay: replay.id, kind: replay.kind };
    logger.info(logFields, 'replays: one started or continues');
    try {
      // Somebody asked to stop it while no instance worked on it.
      if (replay.stopRequestedBy !== null) return await endReplay(db, replay.id, owner, 'STOPPED');
      const state = await WORK[replay.kind](replay, { ...options, owner, signal });
      logger.info({ ...logFields, state }, 'replays: one has ended');
      if (state !== 'RUNNING') metrics.ended.inc({ kind: replay.kind, outcome: state });
    } catch (error) {
      const problem = messageOf(error);
      if (!signal.aborted) logger.error({ ...logFields, problem }, 'replays: one failed');
      if (error instanceof ReplayTakenError) return;
      // During an outage it stays RUNNING, and is taken again once its lease has ended.
      if (isOutage(error) && !signal.aborted) return await noteOutage(db, replay.id, owner, problem).catch(() => {});
      const failure = signal.aborted ? {} : { failure: problem };
      const state = interruptedBy(signal);
      if (state !== 'RUNNING') metrics.ended.inc({ kind: replay.kind, outcome: signal.aborted ? state : 'FAILED' });
      await endReplay(db, replay.id, owner, state, failure).catch((cause: unknown) =>
        logger.warn({ ...logFields, problem: messageOf(cause) }, 'replays: cannot store that one failed'),
      );
    }
  }
}

/** The metrics of replays; every name starts with `conax_replays_`. */
export interface ReplayMetrics {
  readonly ended: Counter<'kind' | 'outcome'>;
}

/** Creates the metrics in a registry; call it once per registry. */
export function replayMetrics(registry: Registry): ReplayMetrics {
  return {
    ended: counter(registry, {
      name: 'conax_replays_ended_total',
      help: 'Replays that ended while this instance worked on them, by kind and outcome. ALERT when FAILED grows: somebody must read the reason (`replay show`), and resume it.',
      labels: { kind: Object.keys(WORK), outcome: ['COMPLETED', 'STOPPED', 'FAILED'] },
    }),
  };
}

type HostedWork = ReplayHostOptions & PlanWork;

const WORK: Readonly<Record<Replay['kind'], (replay: Replay, work: HostedWork) => Promise<ReplayState>>> = {
  PLAN: (replay, work) => opened(replay, work, (events, selection) => writePlan(replay, events, selection, work)),
  EVENTS: (replay, work) =>
    opened(replay, work, (events, { again, limits = DEFAULT_LIMITS }) =>
      runEvents(work.db, replay, events.pages(replay.cursor), {
        ...work.evaluation,
        ...limits,
        again,
        owner: work.owner,
        facetWaitMs: work.facetWaitMs,
        signal: work.signal,
        onProgress: work.onOutbox,
      }),
    ),
  OUTCOMES: async (replay, { db, publishing, owner, signal, onOutbox }) => {
    const { topic } = replay.selection as StoredOutcomeSelection;
    if (topic !== null && !(await topicExists(publishing.kafka, topic))) {
      throw new NoSuchTopicError(`There is no topic ${topic}: create it first`);
    }
    return withDestination(
      topic,
      () => publishing,
      (destination) => replayOutcomes(db, replay, { owner, destination, signal, onProgress: onOutbox }),
    );
  },
};

/** Opens the same events that the replay was started with. */
async function opened(
  replay: Replay,
  { db, reading, owner, signal }: HostedWork,
  use: (events: OpenedEvents, selection: StoredSelection) => Promise<ReplayState>,
): Promise<ReplayState> {
  const selection = replay.selection as StoredSelection;
  const progress = progressReporter(replay, db, owner);
  const onRead = (read: number): void => {
    signal.throwIfAborted();
    progress.report({ ...replay.counts, read });
  };
  return withEvents(selection, { db, reading: () => reading, ranges: selection.ranges, onRead }, async (events) => {
    await progress.settled();
    const pinned = pinnedTo(replay.id, selection, events);
    if (selection.fingerprint === null) await pinSelection(db, replay.id, owner, pinned);
    return use(events, pinned);
  });
}
