import { setTimeout as sleep } from 'node:timers/promises';
import type { Consumer, Kafka } from 'kafkajs';
import type { Queryable } from '../platform/database.ts';
import { messageOf } from '../platform/errors.ts';
import type { Logger } from '../platform/logging.ts';
import { storeOffset } from './inbox.ts';
import type { Progress } from './progress.ts';
import { boundsOf, type TopicPartition, partitionKey, type Start, startsOf } from './restored-offsets.ts';

/** The partitions assigned to this instance, and where to start reading each. */
export interface Assignment {
  /** Notes which partitions the group assigned. */
  joined(assigned: Record<string, number[]>): void;
  /** Returns whether the partition's start is known; false: Kafka or the database has not answered yet. */
  checked(place: TopicPartition): Promise<boolean>;
  /** Returns whether the partition must not be read (KAFKA_OFFSET_LOST=stop). */
  isStopped(place: TopicPartition): boolean;
  /**
   * Handles a position that Kafka does not have: continues at one that exists, or stops the partition.
   * @throws if Kafka is unreachable.
   */
  outOfRange(place: TopicPartition, position: number): Promise<void>;
  /** Returns the position before which both PostgreSQL and Kafka have everything as read. */
  recorded(place: TopicPartition): number;
  record(place: TopicPartition, offset: number): void;
}

/** What it needs of the consumer's options. */
export interface AssignmentOptions {
  readonly kafka: Kafka;
  readonly groupId: string;
  readonly database: Queryable;
  readonly logger: Logger;
  readonly signal: AbortSignal;
  /** What happens if the next position of a partition does not exist any more (KAFKA_OFFSET_LOST). */
  readonly offsetLost: 'skip' | 'stop';
  /** Receives the positions of the partitions. */
  readonly progress: Progress;
}

/** How soon to ask again where reading starts. */
export const ASK_AGAIN_MS = 1_000;
/**
 * After this time without a fetch answer for a partition (it is paused, or a batch is in work), its end is requested.
 */
const SILENT_MS = 3_000;

/**
 * Makes sure, after every assignment and before the first batch, that reading goes back if PostgreSQL was restored, and
 * that messages lost unread are reported. This includes partitions without new messages.
 */
export function createAssignment(consumer: Consumer, options: AssignmentOptions, ended: AbortSignal): Assignment {
  const { kafka, database, groupId, logger, progress } = options;
  /** Partitions whose start is not known yet, by `partitionKey`. */
  let open = new Map<string, TopicPartition>();
  let check: Promise<void> | null = null;
  let generation = 0;
  const stopped = new Set<string>();
  const recorded = new Map<string, number>();
  void watchEnds();

  return {
    joined(assigned) {
      const places = Object.entries(assigned).flatMap(([topic, numbers]) =>
        numbers.map((partition) => ({ topic, partition })),
      );
      open = new Map(places.map((place) => [partitionKey(place), place]));
      generation += 1;
      check = null;
      stopped.clear();
      recorded.clear();
      progress.assigned(places);
      keepChecking(generation);
    },
    async checked(place) {
      const mine = generation;
      if (open.has(partitionKey(place))) await checkAll();
      return mine === generation && !open.has(partitionKey(place));
    },
    isStopped: (place) => stopped.has(partitionKey(place)),
    async outOfRange(place, position) {
      const bounds = (await boundsOf(kafka, [place]))(place);
      if (bounds instanceof Error) throw bounds;
      if (bounds === undefined || (position >= bounds.low && position <= bounds.high)) return;
      await jump(place, position, bounds.low);
    },
    recorded: (place) => recorded.get(partitionKey(place)) ?? 0,
    record: (place, offset) => void recorded.set(partitionKey(place), offset),
  };

  /** Checks all open partitions, one check at a time. */
  function checkAll(): Promise<void> {
    if (check !== null) return check;
    const mine = checkOnce(generation).finally(() => {
      if (check === mine) check = null;
    });
    check = mine;
    return mine;
  }

  async function checkOnce(mine: number): Promise<void> {
    try {
      const asked = [...open.values()];
      const starts = await startsOf(kafka, database, groupId, asked, (place, unread) => {
        if (mine === generation) progress.estimated(place, Math.max(unread, 0));
      });
      for (const place of asked) {
        // A seek in a partition that we lost would move it when it comes back.
        if (mine !== generation) return;
        const start = starts.get(partitionKey(place));
        if (start instanceof Error) progress.fails(place, messageOf(start));
        else {
          if (start) await apply(start);
          if (mine === generation) open.delete(partitionKey(place));
        }
      }
    } catch (error) {
      logger.warn({ err: error }, 'cannot find out yet where reading must start; trying again');
    }
  }

  async function apply(start: Start): Promise<void> {
    const { topic, partition, position } = start;
    if (start.restoredBefore !== null) {
      logger.warn(
        { topic, partition, committed: start.restoredBefore, from: position },
        'the database is older than what was acknowledged to Kafka: reading again from there',
      );
    }
    recorded.set(partitionKey(start), start.recorded);
    progress.ends({ topic, partition }, start.end, null);
    progress.reached({ topic, partition }, start.lostFrom ?? position);
    if (start.lostFrom !== null) await jump({ topic, partition }, start.lostFrom, position);
    else if (start.isSeek) consumer.seek({ topic, partition, offset: String(position) });
  }

  /** Moves from a lost position to one that exists. Stores it first, so that the loss is reported once. */
  async function jump(place: TopicPartition, from: number, to: number): Promise<void> {
    const why =
      from < to
        ? 'Kafka removed them (retention, deleted records), or the offset of the group was moved'
        : 'the partition ends before that: the topic was created again, or it lost messages';
    if (options.offsetLost === 'stop') {
      stopped.add(partitionKey(place));
      consumer.pause([{ topic: place.topic, partitions: [place.partition] }]);
      progress.stopped(
        place,
        `${partitionKey(place)} is not read: offset ${from} is gone, and the next one is ${to} (${Math.max(to - from, 0)} messages missing): ${why}. Compare the CAS with the CRM (reconcile), then start the service with KAFKA_OFFSET_LOST=skip`,
      );
      return;
    }
    await storeOffset(database, groupId, place.topic, place.partition, to);
    progress.lost(place, from, to, why);
    consumer.seek({ ...place, offset: String(to) });
    progress.reached(place, to);
    // This fails while the group changes. The next batch commits too, and PostgreSQL already has the position.
    await consumer.commitOffsets([{ ...place, offset: String(to) }]).catch((error: unknown) => {
      logger.debug({ ...place, reason: messageOf(error) }, 'the offset after the lost messages is committed later');
    });
  }

  /** Checks even if no batch asks for it, until the consumer has ended. */
  function keepChecking(mine: number): void {
    const isOver = (): boolean => mine !== generation || ended.aborted || options.signal.aborted;
    const again = async (): Promise<void> => {
      if (isOver()) return;
      await checkAll();
      if (open.size > 0 && !isOver()) setTimeout(() => void again(), ASK_AGAIN_MS).unref();
    };
    void again();
  }

  /** Updates the ends, so that the lag shows even if nothing is fetched. */
  async function watchEnds(): Promise<void> {
    for (;;) {
      await sleep(SILENT_MS, undefined, { ref: false, signal: ended }).catch(() => {});
      if (ended.aborted) return;
      const silent = progress.silent(SILENT_MS);
      if (silent.length === 0) continue;
      try {
        const bounds = await boundsOf(kafka, silent);
        for (const place of silent) {
          const of = bounds(place);
          if (of instanceof Error) progress.fails(place, messageOf(of));
          else progress.ends(place, of?.high ?? 0, null);
        }
      } catch (error) {
        logger.debug({ reason: messageOf(error) }, 'the ends of the partitions are not known');
      }
    }
  }
}
