import { setTimeout as sleep } from 'node:timers/promises';
import type { Kafka } from 'kafkajs';
import { createEventDecoder } from '../events/decode.ts';
import type { Database } from '../platform/database.ts';
import { messageOf } from '../platform/errors.ts';
import { faultPoint } from '../platform/fault-points.ts';
import type { ReceivedMessage } from '../platform/kafkajs/unreadable.ts';
import type { Logger } from '../platform/logging.ts';
import type { SchemaRegistryClient } from '../platform/schema-registry.ts';
import type { Tracing } from '../platform/tracing.ts';
import type { PlanningInput, Plan, PlanningRules } from '../planning/types.ts';
import type { Applied } from './apply.ts';
import { CHUNK_MESSAGES_MAX, nextSliceMax, slicesOf } from './chunks.ts';
import { type PartitionBatch, runConsumer } from './consumer.ts';
import { traceEvents } from './event-traces.ts';
import { createExperiment } from './experiment.ts';
import type { Decision } from './fold.ts';
import { incomingMessage, type IncomingMessage, nextOffsetAfter, type ReadMessage } from './message.ts';
import { readableCount } from './look-ahead.ts';
import { watchMembers } from './members.ts';
import type { IntakeMetrics } from './metrics.ts';
import { describeOutage, isCertainOutage, isKafkaError, type Neighbour, neighbourOf } from './outage.ts';
import { type PlaceProgress, watchProgress } from './progress.ts';
import { readMessages } from './read.ts';
import { reportIntake } from './report.ts';
import { partitionKey } from './restored-offsets.ts';
import { type Source, trialOf, type TrialOptions } from './trial.ts';

export interface IntakeOptions {
  readonly kafka: Kafka;
  /** The consumer group; the same for all instances. */
  readonly groupId: string;
  /** Topics with CRM action events. They have to exist. */
  readonly topics: readonly string[];
  /** How long the group waits for a member that died (KAFKA_SESSION_TIMEOUT_MS). */
  readonly sessionTimeoutMs: number;
  /** What happens if the next position of a partition does not exist any more (KAFKA_OFFSET_LOST). */
  readonly offsetLost: 'skip' | 'stop';
  /** How long a position may stay although its end is ahead (KAFKA_STALLED_MS). */
  readonly stalledMs: number;
  readonly database: Database;
  /** Where the instances notice that one of them died; null: only Kafka notices it. */
  readonly databaseUrl: string | null;
  readonly schemas: Pick<SchemaRegistryClient, 'findWriterSchema' | 'lookAtSchema'>;
  /** Planning (src/planning/plan.ts). */
  readonly plan: (input: PlanningInput) => Plan;
  readonly rules: PlanningRules;
  /** What becomes of a late event (STALE_POLICY). */
  readonly stalePolicy: 'plan' | 'hold';
  /** How long the outcome of an action waits for facets that it names (ACTION_FACET_WAIT_MS). */
  readonly facetWaitMs: number;
  /** CRM users whose actions are bulk work (BULK_EXECUTED_BY, R13). */
  readonly bulkExecutedBy: ReadonlySet<string>;
  readonly metrics: IntakeMetrics;
  readonly logger: Logger;
  /** Default: nothing is traced. */
  readonly tracing?: Tracing | null;
  /** Called after a commit that left messages in the outbox. */
  readonly onOutbox: () => void;
}

export interface IntakeState {
  /** Whether messages are read, or would be if there were any. */
  readonly ready: boolean;
  /** What reading waits for, for people. */
  readonly detail: string;
  /** The neighbour that reading waits for, if it is known to be one. */
  readonly waitsFor: Neighbour | null;
}

export interface Intake {
  state(): IntakeState;
  /** Finishes the chunk in hand, leaves the consumer group, and resolves when nothing runs any more. Safe to call twice. */
  stop(): Promise<void>;
}

interface Pause {
  readonly times: number;
  readonly reason: string;
  readonly waitsFor: Neighbour | null;
  readonly since: number;
}

const RESTART_DELAYS_MS = [100, 500, 1_000, 2_000, 5_000];
/** Heartbeats alone are answered more often than that. */
const KAFKA_SILENT_MS = 3_000;
const PAUSE_MIN_MS = 250;
const PAUSE_MAX_MS = 2_000;
/** How long one partition is worked on before the others have their turn. */
const BATCH_MS_MAX = 500;
/** How long a partition rests whose next message has a schema that the registry may not know yet. */
const DOUBT_PAUSE_MS = 250;

/**
 * Reads CRM events from Kafka into the database, until it is stopped. An outage of the database or of the schema
 * registry pauses it, an outage of Kafka restarts its consumer; it resumes by itself, and no message is given up for
 * it. A message is dead-lettered only if an experiment showed that it is to blame (experiment.ts).
 */
export function startIntake(options: IntakeOptions): Intake {
  const { logger, metrics } = options;
  const stopping = new AbortController();
  const decoder = createEventDecoder((id) => options.schemas.findWriterSchema(id));
  const experiment = createExperiment();
  const applyOptions: Omit<TrialOptions, 'onApplied'> = {
    decoder,
    database: options.database,
    consumerGroup: options.groupId,
    plan: options.plan,
    rules: options.rules,
    stalePolicy: options.stalePolicy,
    facetWaitMs: options.facetWaitMs,
    bulkExecutedBy: options.bulkExecutedBy,
    onFailure: ({ message, event }, error) =>
      logger.error(
        { err: error, topic: message.topic, partition: message.partition, offset: message.offset, ...trail(event) },
        'processing failed: the message is dead-lettered, and the others go on',
      ),
  };
  /** Why partitions pause, and how often in a row. */
  const pauses = new Map<string, Pause>();
  let sliceMax = CHUNK_MESSAGES_MAX;
  let connection = 'connecting to Kafka';
  let heardAt = performance.now();
  /** When Kafka last answered as a member of the group. After the session time-out others have our partitions. */
  let memberAt = -Infinity;
  const progress = watchProgress({ stalledMs: options.stalledMs, metrics, logger });

  metrics.watch({
    reading: () => state().ready,
    kafkaSilentMs,
    stalledPartitions: () => progress.stalls().length,
    pausedPartitions: () => pauses.size,
    places: () => (performance.now() - memberAt < options.sessionTimeoutMs ? progress.places() : []),
  });
  const members = options.databaseUrl === null ? null : watchMembers({ ...options, databaseUrl: options.databaseUrl });
  const done = run();
  const report = reportIntake(options.database, () => ({ problem: problem(), partitions: places() }), logger);
  return {
    state,
    async stop() {
      stopping.abort();
      await Promise.all([done, report.stop()]);
      await members?.stop();
      progress.close();
    },
  };

  function state(): IntakeState {
    const [paused] = pauses.values();
    if (paused) return { ready: false, detail: `paused: ${paused.reason}`, waitsFor: paused.waitsFor };
    const whole = problem();
    if (whole !== null) return { ready: false, detail: whole, waitsFor: 'KAFKA' };
    const detail = progress.stalls().map((stall) => stall.detail);
    if (detail.length > 0) return { ready: false, detail: detail.join('; '), waitsFor: null };
    return { ready: true, detail: connection, waitsFor: null };
  }

  /** Why nothing at all is read; null if reading works. */
  function problem(): string | null {
    const silentMs = Math.round(kafkaSilentMs());
    if (connection !== 'reading') return connection;
    return silentMs > KAFKA_SILENT_MS ? `waiting for Kafka: it has not answered for ${silentMs} ms` : null;
  }

  function places(): PlaceProgress[] {
    return progress.places().map((place) => {
      const paused = pauses.get(partitionKey(place));
      if (paused === undefined) return place;
      return { ...place, problem: paused.reason, problemMs: Math.round(performance.now() - paused.since) };
    });
  }

  function kafkaSilentMs(): number {
    return performance.now() - heardAt;
  }

  async function run(): Promise<void> {
    for (let failures = 0; !stopping.signal.aborted; failures += 1) {
      try {
        await runConsumer({
          ...options,
          signal: stopping.signal,
          progress,
          onBatch,
          // What the partition paused for is gone, and nothing came in its place.
          onIdle: (place) => unpause(partitionKey(place)),
          onHeard() {
            heardAt = performance.now();
            if (connection === 'reading') memberAt = heardAt;
          },
          onJoined(memberId) {
            members?.joined(memberId);
            failures = 0;
            connection = 'reading';
            memberAt = performance.now();
            // Partitions may have gone to another instance.
            experiment.forget();
            for (const key of pauses.keys()) unpause(key);
          },
        });
      } catch (error) {
        if (stopping.signal.aborted) break;
        metrics.restarted();
        connection = `waiting for Kafka: ${messageOf(error)}`;
        logger.warn({ err: error }, 'the Kafka consumer ended, and another one starts');
        const delayMs = RESTART_DELAYS_MS[Math.min(failures, RESTART_DELAYS_MS.length - 1)];
        await sleep(delayMs, undefined, { signal: stopping.signal }).catch(() => {});
      } finally {
        for (const key of pauses.keys()) unpause(key);
      }
    }
    connection = 'stopped';
  }

  async function onBatch(batch: PartitionBatch): Promise<void> {
    const { topic, partition } = batch;
    const key = `${topic}/${partition}`;
    const incoming = (message: ReceivedMessage): IncomingMessage => incomingMessage(topic, partition, message);
    const traces = options.tracing ? traceEvents(options.tracing) : null;
    const source: Source<ReceivedMessage> = {
      topic,
      partition,
      offsetOf: ({ offset }) => Number(offset),
      incoming,
      read(messages) {
        const all = messages.map(incoming);
        return traces === null ? readMessages(decoder, all) : traces.read(all, (one) => readMessages(decoder, one));
      },
    };
    let startedAt = performance.now();
    const steps = trialOf(source, {
      ...applyOptions,
      async onApplied(chunk, applied) {
        traces?.stored(applied.decisions);
        await stored(batch, chunk, applied, startedAt);
        startedAt = performance.now();
        return batch.goesOn();
      },
    });
    try {
      const values = batch.messages.map(({ value }) => value);
      const readable = await readableCount(values, options.schemas.lookAtSchema);
      if (readable === 0 && batch.goesOn()) return batch.pauseFor(DOUBT_PAUSE_MS);
      const begunAt = performance.now();
      for (const slice of slicesOf<ReceivedMessage>(batch.messages.slice(0, readable), sliceMax)) {
        // What is left is fetched again: other partitions of the same answer wait until this one returns.
        if (!batch.goesOn() || performance.now() - begunAt > BATCH_MS_MAX) return;
        startedAt = performance.now();
        const sliceAt = startedAt;
        if (!(await experiment.process(key, slice, steps))) return;
        sliceMax = nextSliceMax(slice.length, performance.now() - sliceAt);
      }
    } catch (error) {
      if (isKafkaError(error)) throw error;
      // The partition may be another instance's by now: nobody here would end the pause.
      if (batch.goesOn()) pause(key, error, batch);
    }
  }

  /** Reports messages that were just committed to all parts, Kafka last. */
  async function stored(
    batch: PartitionBatch,
    chunk: readonly ReadMessage[],
    applied: Applied,
    startedAt: number,
  ): Promise<void> {
    const { topic, partition } = batch;
    faultPoint('intake: after commit');
    if (applied.outboxMessages > 0) options.onOutbox();
    const last = chunk.at(-1);
    const nextOffset = last === undefined ? 0 : nextOffsetAfter(last.message);
    metrics.decided(applied.decisions);
    metrics.chunkDone((performance.now() - startedAt) / 1000, chunk);
    for (const decision of applied.decisions) logDecision(decision);
    unpause(`${topic}/${partition}`);
    await batch.done(nextOffset);
    faultPoint('intake: after offsets');
  }

  /** Nothing of the rest was done: it is fetched again after the pause. The consumer stays in its group meanwhile. */
  function pause(key: string, error: unknown, batch: PartitionBatch): void {
    const known = pauses.get(key);
    const times = (known?.times ?? 0) + 1;
    const reason = describeOutage(error);
    if (!known) {
      const details = { err: error, partition: key, reason };
      if (isCertainOutage(error)) logger.warn(details, 'reading pauses until the outage is over');
      else
        logger.error(details, 'reading pauses: not a message, but a neighbour or the service itself is out of order');
    }
    pauses.set(key, { times, reason, waitsFor: neighbourOf(error), since: known?.since ?? performance.now() });
    batch.pauseFor(Math.min(PAUSE_MIN_MS * 2 ** (times - 1), PAUSE_MAX_MS));
  }

  function unpause(key: string): void {
    if (!pauses.delete(key)) return;
    logger.info({ partition: key }, 'reading goes on');
  }

  function logDecision({ message, event, cause, disposition, late, remarks, plan }: Decision): void {
    const place = { topic: message.topic, partition: message.partition, offset: message.offset };
    const details = { ...place, ...trail(event), disposition, late, remarks };
    if (disposition === 'DEAD_LETTERED') logger.warn({ ...details, ...cause }, 'message dead-lettered');
    else if (plan?.unknownAction) {
      logger.error(details, 'unknown action: nothing was sent; see whether the CAS has to follow it');
    } else logger.debug(details, 'event processed');
  }
}

/** What a log line needs to be found by. */
function trail(event: Decision['event']): object {
  if (event === null) return {};
  return {
    correlationId: event.action.id,
    eventId: event.eventId,
    subscription: event.subscription.number,
    type: event.writerType,
  };
}
