import { setTimeout as wait } from 'node:timers/promises';
import type { Consumer, ConsumerCrashEvent, ConsumerGroupJoinEvent, EachBatchPayload } from 'kafkajs';
import { rangeOf } from '../platform/kafkajs/batch.ts';
import type { ReceivedMessage } from '../platform/kafkajs/unreadable.ts';
import { ASK_AGAIN_MS, type Assignment, type AssignmentOptions, createAssignment } from './assignment.ts';
import { storeOffset } from './inbox.ts';
import type { TopicPartition } from './restored-offsets.ts';

/** Messages of one partition, in their order, with what may be done about them. */
export interface PartitionBatch {
  readonly topic: string;
  readonly partition: number;
  readonly messages: readonly ReceivedMessage[];
  /** False once the consumer stops, or the partition is read from somewhere else: leave the rest alone. */
  goesOn(): boolean;
  /**
   * Commits an offset to Kafka, after everything before it is stored. @throws a kafkajs error on a rebalance; pass it
   * on.
   */
  done(nextOffset: number): Promise<void>;
  /** Stops fetching from the partition for a while; the rest of the batch comes again. */
  pauseFor(ms: number): void;
}

export interface ConsumerOptions extends AssignmentOptions {
  readonly topics: readonly string[];
  /** How long the group waits for a member that died. */
  readonly sessionTimeoutMs: number;
  /** Called for one batch of a partition at a time. */
  readonly onBatch: (batch: PartitionBatch) => Promise<void>;
  /** Called with the id that the group gave this instance, whenever it joined. */
  readonly onJoined: (memberId: string) => void;
  /** Called if a fetch of a partition found nothing that is left to do. */
  readonly onIdle: (place: TopicPartition) => void;
  /** Called whenever Kafka answered a request. */
  readonly onHeard: () => void;
}

/** How long a stop waits for a consumer that is only starting. */
const START_GRACE_MS = 5_000;
/** Partitions that are worked on at once; each takes a database connection. */
const PARTITIONS_AT_ONCE = 3;

/**
 * Runs one Kafka consumer until the signal; returns when it has left the group and is disconnected.
 *
 * kafkajs ends a consumer for good on errors that it does not know, and after its retries on those that it knows: both
 * come out here as a rejection, and the caller starts again with a fresh consumer.
 * @throws Error that ended the consumer.
 */
export async function runConsumer(options: ConsumerOptions): Promise<void> {
  const { kafka, groupId, topics, signal } = options;
  const consumer = kafka.consumer({
    groupId,
    // How long the partitions of an instance lie idle whose death nobody noticed (members.ts), and those of all after a
    // crash of Kafka itself, because a consumer that was started again is another member. A busy instance sends heartbeats during its work.
    sessionTimeout: options.sessionTimeoutMs,
    heartbeatInterval: heartbeatMs(options),
    // How long the others wait for a member that is busy; what it has in hand is stored nevertheless.
    rebalanceTimeout: 15_000,
    // How soon a pause or a stop is noticed while there is nothing to read.
    maxWaitTimeInMs: 500,
    // How soon partitions that are added to a topic are seen, and read from their start.
    metadataMaxAge: 10_000,
    allowAutoTopicCreation: false,
    retry: { initialRetryTime: 100, maxRetryTime: 2_000, retries: 5, restartOnFailure: () => Promise.resolve(false) },
  });
  const timers = new Set<NodeJS.Timeout>();
  try {
    if (signal.aborted) return;
    await consumer.connect();
    await consumer.subscribe({ topics: [...topics], fromBeginning: true });
    await untilEnded(consumer, options, timers);
  } finally {
    for (const timer of timers) clearTimeout(timer);
    await consumer.disconnect().catch(() => {});
  }
}

function untilEnded(consumer: Consumer, options: ConsumerOptions, timers: Set<NodeJS.Timeout>): Promise<void> {
  // A consumer that ended must leave nothing at the signal, which outlives it.
  const ended = new AbortController();
  return new Promise<void>((resolve, reject) => {
    const assignment = createAssignment(consumer, options, ended.signal);
    consumer.on(consumer.events.CRASH, ({ payload }: ConsumerCrashEvent) => reject(payload.error));
    consumer.on(consumer.events.GROUP_JOIN, ({ payload }: ConsumerGroupJoinEvent) => {
      assignment.joined(payload.memberAssignment);
      options.onJoined(payload.memberId);
    });
    consumer.on(consumer.events.REQUEST, options.onHeard);
    const running = consumer.run({
      autoCommit: false,
      eachBatchAutoResolve: false,
      partitionsConsumedConcurrently: PARTITIONS_AT_ONCE,
      eachBatch: (payload) => handleBatch(payload, assignment, options, timers),
    });
    running.catch(reject);
    // kafkajs forgets a stop that comes before it runs. Stopping waits for the batch in hand.
    const stop = (): void => {
      const soon = wait(START_GRACE_MS, undefined, { ref: false });
      void Promise.race([running, soon])
        .then(() => consumer.stop())
        .then(resolve, reject);
    };
    options.signal.addEventListener('abort', stop, { once: true, signal: ended.signal });
    if (options.signal.aborted) stop();
  }).finally(() => ended.abort());
}

async function handleBatch(
  payload: EachBatchPayload,
  assignment: Assignment,
  options: ConsumerOptions,
  timers: Set<NodeJS.Timeout>,
): Promise<void> {
  const { batch } = payload;
  const { topic, partition } = batch;
  const place = { topic, partition };
  const range = rangeOf(batch);
  const heartbeats = keepAlive(() => payload.heartbeat(), heartbeatMs(options));
  const pauseFor = (ms: number): void => {
    const resume = payload.pause();
    const timer = setTimeout(() => {
      timers.delete(timer);
      if (!assignment.isStopped(place)) resume();
    }, ms);
    timers.add(timer);
  };
  const commit = async (nextOffset: number): Promise<void> => {
    heartbeats.throwIfLost();
    await payload.commitOffsetsIfNecessary({
      topics: [{ topic, partitions: [{ partition, offset: String(nextOffset) }] }],
    });
    assignment.record(place, nextOffset);
    options.progress.reached(place, nextOffset);
  };
  try {
    if (range.fault !== null) {
      options.progress.fails(place, range.fault);
      return pauseFor(ASK_AGAIN_MS);
    }
    if (!range.isOutOfRange) options.progress.ends(place, range.highWatermark, range.lastStableOffset);
    if (!(await assignment.checked(place))) return pauseFor(ASK_AGAIN_MS);
    if (!payload.isRunning() || payload.isStale() || assignment.isStopped(place)) return;
    if (range.isOutOfRange) return await outOfRange();
    options.progress.reached(place, range.position);
    if (batch.messages.length === 0) return await nothing();
    await options.onBatch({
      topic,
      partition,
      messages: batch.messages,
      goesOn: () => payload.isRunning() && !payload.isStale(),
      async done(nextOffset) {
        payload.resolveOffset(String(nextOffset - 1));
        await commit(nextOffset);
      },
      pauseFor,
    });
    heartbeats.throwIfLost();
  } finally {
    heartbeats.stop();
  }

  async function outOfRange(): Promise<void> {
    try {
      await assignment.outOfRange(place, range.position);
    } catch (error) {
      options.logger.warn({ err: error, ...place }, 'it is not known yet where reading has to go on');
      pauseFor(ASK_AGAIN_MS);
    }
  }

  /**
   * Positions without a message count as read: PostgreSQL has to know before Kafka does, which would look like a
   * restored database otherwise. If the database does not take it, the next fetch tries again.
   */
  async function nothing(): Promise<void> {
    payload.resolveOffset(batch.lastOffset());
    if (range.nextOffset > assignment.recorded(place)) {
      try {
        await storeOffset(options.database, options.groupId, topic, partition, range.nextOffset);
      } catch (error) {
        options.logger.warn({ err: error, ...place }, 'the offset after positions without a message is not stored yet');
        return pauseFor(ASK_AGAIN_MS);
      }
      await commit(range.nextOffset);
    }
    options.progress.reached(place, range.nextOffset);
    if (range.nextOffset > range.position || range.nextOffset >= range.highWatermark) options.onIdle(place);
  }
}

/** Several may be lost before the session is. */
function heartbeatMs({ sessionTimeoutMs }: ConsumerOptions): number {
  return Math.min(2_000, sessionTimeoutMs / 5);
}

/** Heartbeats while a batch is worked on, however long the database takes: the consumer stays in its group. */
function keepAlive(heartbeat: () => Promise<void>, everyMs: number): { throwIfLost(): void; stop(): void } {
  let lost: { readonly error: unknown } | null = null;
  const timer = setInterval(() => {
    heartbeat().catch((error: unknown) => {
      lost ??= { error };
    });
  }, everyMs);
  return {
    throwIfLost() {
      if (lost) throw lost.error;
    },
    stop: () => clearInterval(timer),
  };
}
