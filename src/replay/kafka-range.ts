import { randomUUID } from 'node:crypto';
import type { Kafka } from 'kafkajs';
import { rangeOf } from '../platform/kafkajs/batch.ts';
import { incomingMessage, type IncomingMessage } from '../intake/message.ts';
import type { EventSource } from './select-events.ts';

/** Messages of one partition: from an offset to the one behind the last. */
export interface PartitionRange {
  readonly partition: number;
  readonly from: number;
  readonly to: number;
}

/** Times are those of the messages. */
export type AskedRange = Omit<Extract<EventSource, { readonly kind: 'kafka' }>, 'kind'>;

/** Kafka gives nothing of a partition for so long: whoever waits is told. */
const SILENT_MS = 30_000;
/** How soon a partition that a broker could not read is asked for again. */
const ASK_AGAIN_MS = 1_000;

/** Kafka is there, and gives nothing of what it has. */
export class KafkaSilentError extends Error {
  override readonly name = 'KafkaSilentError';
}

/** The topic or the partition does not exist: waiting does not help. */
export class NoSuchTopicError extends Error {
  override readonly name = 'NoSuchTopicError';
}

/**
 * Where the messages lie that were asked for, as Kafka has them now: what is written from now on is no part of them.
 * @throws NoSuchTopicError where the topic or the partition does not exist.
 */
export async function partitionRanges(kafka: Kafka, asked: AskedRange): Promise<PartitionRange[]> {
  const admin = kafka.admin();
  await admin.connect();
  try {
    if (!(await admin.listTopics()).includes(asked.topic))
      throw new NoSuchTopicError(`There is no topic ${asked.topic}`);
    const bounds = await admin.fetchTopicOffsets(asked.topic);
    const at = async (time: string | null): Promise<Map<number, number> | null> => {
      if (time === null) return null;
      const offsets = await admin.fetchTopicOffsetsByTimestamp(asked.topic, new Date(time).getTime());
      return new Map(offsets.map(({ partition, offset }) => [partition, Number(offset)]));
    };
    const [from, to] = [await at(asked.from), await at(asked.to)];
    const ranges = bounds
      .filter(({ partition }) => asked.partition === null || asked.partition === partition)
      .map(({ partition, low, high }) => ({
        partition,
        from: Math.max(Number(low), asked.fromOffset ?? 0, found(from, partition, Number(high), 0)),
        to: Math.min(Number(high), asked.toOffset ?? Infinity, found(to, partition, Number(high), Infinity)),
      }));
    if (ranges.length === 0) throw new NoSuchTopicError(`Topic ${asked.topic} has no partition ${asked.partition}`);
    return ranges.filter((range) => range.from < range.to).toSorted((one, other) => one.partition - other.partition);
  } finally {
    await admin.disconnect();
  }
}

/** Kafka answers -1 where no message is as young as that: then the end of the partition is meant. */
function found(offsets: Map<number, number> | null, partition: number, high: number, unlimited: number): number {
  if (offsets === null) return unlimited;
  const offset = offsets.get(partition) ?? -1;
  return offset < 0 ? high : offset;
}

/**
 * Reads ranges of a topic, each partition in its order, without touching the service's consumer group: in a group of its
 * own, which is deleted afterwards, and in which nothing is committed.
 * @param onMessages waited for, so that no more is fetched than can be taken.
 * @throws KafkaSilentError where Kafka gives nothing for 30 seconds; what `onMessages` throws.
 */
export async function readRanges(
  kafka: Kafka,
  topic: string,
  ranges: readonly PartitionRange[],
  onMessages: (messages: IncomingMessage[]) => Promise<void>,
): Promise<void> {
  if (ranges.length === 0) return;
  const groupId = `conax-provisioning-replay-${randomUUID()}`;
  const consumer = kafka.consumer({
    groupId,
    allowAutoTopicCreation: false,
    maxWaitTimeInMs: 200,
    retry: { restartOnFailure: () => Promise.resolve(false) },
  });
  const left = new Map(ranges.map(({ partition, to }) => [partition, to]));
  try {
    await consumer.connect();
    await consumer.subscribe({ topic, fromBeginning: true });
    await new Promise<void>((resolve, reject) => {
      let timer = setTimeout(silent, SILENT_MS);
      const faults = new Map<number, string>();
      function silent(): void {
        const partitions = [...left.keys()].map((one) => (faults.has(one) ? `${one} (${faults.get(one)})` : `${one}`));
        reject(
          new KafkaSilentError(
            `Kafka gave nothing of ${topic} for ${SILENT_MS} ms; left: partitions ${partitions.join(', ')}`,
          ),
        );
      }
      const settle = (outcome: () => void): void => {
        clearTimeout(timer);
        outcome();
      };
      consumer.on(consumer.events.CRASH, ({ payload }) => settle(() => reject(payload.error)));
      consumer
        .run({
          autoCommit: false,
          eachBatchAutoResolve: true,
          eachBatch: async (payload) => {
            const { batch } = payload;
            const { partition } = batch;
            const to = left.get(partition);
            if (to === undefined) return;
            const range = rangeOf(batch);
            if (range.fault !== null) {
              faults.set(partition, range.fault);
              setTimeout(payload.pause(), ASK_AGAIN_MS).unref();
              return;
            }
            faults.delete(partition);
            if (range.isOutOfRange) {
              const lost = `Kafka does not have offset ${range.position} of ${topic}/${partition} any more`;
              return settle(() => reject(new Error(`${lost}: it was removed while it was being read`)));
            }
            // Kafka answered, and had nothing.
            if (range.nextOffset === range.position) return;
            clearTimeout(timer);
            const messages = batch.messages.filter(({ offset }) => Number(offset) < to);
            try {
              await onMessages(messages.map((message) => incomingMessage(topic, partition, message)));
            } catch (error) {
              return settle(() => reject(error));
            }
            await payload.heartbeat();
            if (Number(batch.lastOffset()) + 1 >= to) {
              left.delete(partition);
              consumer.pause([{ topic, partitions: [partition] }]);
            }
            if (left.size === 0) settle(resolve);
            else timer = setTimeout(silent, SILENT_MS);
          },
        })
        .catch((error: unknown) => settle(() => reject(error)));
      for (const { partition, from } of ranges) consumer.seek({ topic, partition, offset: String(from) });
    });
  } finally {
    await consumer.disconnect().catch(() => {});
    const admin = kafka.admin();
    // Where Kafka is away the group, in which nothing was committed, ends by itself.
    await admin
      .connect()
      .then(() => admin.deleteGroups([groupId]))
      .catch(() => {});
    await admin.disconnect().catch(() => {});
  }
}
