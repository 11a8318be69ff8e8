import { setTimeout as sleep } from 'node:timers/promises';
import type { Consumer } from 'kafkajs';
import { messageOf } from '../platform/errors.ts';
import type { ConsumerOptions } from './consumer.ts';
import { storeOffset } from './inbox.ts';
import { boundsOf, type Place, placeKey, type Start, startsOf } from './restored-offsets.ts';

/** The partitions that the group gave to this instance, and where reading of each starts. */
export interface Assignment {
  /** The group gave us these partitions. */
  joined(assigned: Record<string, number[]>): void;
  /** Whether it is known where the partition's reading has to start; false: Kafka or the database did not say yet. */
  checked(place: Place): Promise<boolean>;
  /** The partition must not be read (KAFKA_OFFSET_LOST=stop). */
  isStopped(place: Place): boolean;
  /** Kafka does not have the position: goes on at one that exists, or stops the partition. @throws if Kafka is away. */
  outOfRange(place: Place, position: number): Promise<void>;
  /** What both PostgreSQL and Kafka have as read. */
  recorded(place: Place): number;
  record(place: Place, offset: number): void;
}

/** How soon it is asked again where reading has to start. */
export const ASK_AGAIN_MS = 1_000;
/** While Kafka answers no fetch of a partition (it is paused, or a batch is in work), its end is asked for. */
const SILENT_MS = 3_000;

/**
 * Ensures, after every assignment and before the first batch is taken, that reading goes back where PostgreSQL was
 * restored, and that messages which are gone unread are reported. Also for partitions in which nothing new comes.
 */
export function createAssignment(consumer: Consumer, options: ConsumerOptions, ended: AbortSignal): Assignment {
  const { kafka, database, groupId, logger, progress } = options;
  /** Partitions of which it is not known yet where reading has to start, by `placeKey`. */
  let open = new Map<string, Place>();
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
      open = new Map(places.map((place) => [placeKey(place), place]));
      generation += 1;
      check = null;
      stopped.clear();
      recorded.clear();
      progress.assigned(places);
      keepChecking(generation);
    },
    async checked(place) {
      const mine = generation;
      if (open.has(placeKey(place))) await checkAll();
      return mine === generation && !open.has(placeKey(place));
    },
    isStopped: (place) => stopped.has(placeKey(place)),
    async outOfRange(place, position) {
      const bounds = (await boundsOf(kafka, [place]))(place);
      if (bounds instanceof Error) throw bounds;
      if (bounds === undefined || (position >= bounds.low && position <= bounds.high)) return;
      await jump(place, position, bounds.low);
    },
    recorded: (place) => recorded.get(placeKey(place)) ?? 0,
    record: (place, offset) => void recorded.set(placeKey(place), offset),
  };

  /** One look at a time for all that is open. */
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
      const starts = await startsOf(kafka, database, groupId, asked);
      for (const place of asked) {
        // A seek of a partition that is not ours any more would move it when it comes back.
        if (mine !== generation) return;
        const start = starts.get(placeKey(place));
        if (start instanceof Error) progress.fails(place, messageOf(start));
        else {
          if (start) await apply(start);
          if (mine === generation) open.delete(placeKey(place));
        }
      }
    } catch (error) {
      logger.warn({ err: error }, 'it is not known yet where reading has to start');
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
    recorded.set(placeKey(start), start.recorded);
    progress.ends({ topic, partition }, start.end, null);
    progress.reached({ topic, partition }, start.lostFrom ?? position);
    if (start.lostFrom !== null) await jump({ topic, partition }, start.lostFrom, position);
    else if (start.isSeek) consumer.seek({ topic, partition, offset: String(position) });
  }

  /** From a position that is gone to one that exists; stored first, so that the loss is reported once. */
  async function jump(place: Place, from: number, to: number): Promise<void> {
    const why =
      from < to
        ? 'Kafka removed them (retention, deleted records), or the offset of the group was moved'
        : 'the partition ends before that: the topic was created again, or it lost messages';
    if (options.offsetLost === 'stop') {
      stopped.add(placeKey(place));
      consumer.pause([{ topic: place.topic, partitions: [place.partition] }]);
      progress.stopped(
        place,
        `${placeKey(place)} is not read: offset ${from} is gone, and the next one is ${to} (${Math.max(to - from, 0)} messages missing): ${why}. Compare the CAS with the CRM (reconcile), then start the service with KAFKA_OFFSET_LOST=skip`,
      );
      return;
    }
    await storeOffset(database, groupId, place.topic, place.partition, to);
    progress.lost(place, from, to, why);
    consumer.seek({ ...place, offset: String(to) });
    progress.reached(place, to);
    // Fails while the group changes: what is read next commits too, and PostgreSQL knows already.
    await consumer.commitOffsets([{ ...place, offset: String(to) }]).catch((error: unknown) => {
      logger.debug({ ...place, reason: messageOf(error) }, 'the offset after the lost messages is committed later');
    });
  }

  /** Also if no batch asks for it; nobody asks any more for a consumer that ended. */
  function keepChecking(mine: number): void {
    const isOver = (): boolean => mine !== generation || ended.aborted || options.signal.aborted;
    const again = async (): Promise<void> => {
      if (isOver()) return;
      await checkAll();
      if (open.size > 0 && !isOver()) setTimeout(() => void again(), ASK_AGAIN_MS).unref();
    };
    void again();
  }

  /** How far a partition is behind must show also while nothing is fetched from it. */
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
