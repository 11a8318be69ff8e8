import { randomUUID } from 'node:crypto';
import type { Kafka } from 'kafkajs';
import pg from 'pg';
import { isDatabaseOutage } from '../../platform/database-errors.ts';
import { rangeOf } from '../../platform/kafkajs/batch.ts';
import { SchemaRegistryUnavailableError } from '../../platform/schema-registry.ts';
import { incomingMessage, type IncomingMessage } from '../../intake/message.ts';
import type { EventSource } from './select-events.ts';

/** Messages of one partition, from the offset `from` up to, but not including, the offset `to`. */
export interface PartitionRange {
  readonly partition: number;
  readonly from: number;
  readonly to: number;
}

/** Times are the timestamps of the messages. */
export type AskedRange = Omit<Extract<EventSource, { readonly kind: 'kafka' }>, 'kind'>;

/** How long Kafka may return nothing of a partition before reading fails. */
const SILENT_MS = 30_000;
/** When to ask again for a partition that a broker could not read. */
const ASK_AGAIN_MS = 1_000;

/** Kafka is up but returns none of the messages that it has. */
export class KafkaSilentError extends Error {
  override readonly name = 'KafkaSilentError';
}

/** The topic or the partition does not exist: waiting does not help. */
export class NoSuchTopicError extends Error {
  override readonly name = 'NoSuchTopicError';
}

/**
 * Returns where the selected messages are in Kafka now. Messages written later are not included.
 * @throws NoSuchTopicError if the topic or the partition does not exist.
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

/** Kafka answers -1 if no message is that new; then the offset is the end of the partition. */
function found(offsets: Map<number, number> | null, partition: number, high: number, unlimited: number): number {
  if (offsets === null) return unlimited;
  const offset = offsets.get(partition) ?? -1;
  return offset < 0 ? high : offset;
}

/**
 * Reads ranges of a topic, each partition in order. It uses a consumer group of its own, commits nothing in it and
 * deletes it afterwards, so it does not affect the service's group.
 * @param onMessages is awaited before more messages are fetched.
 * @throws KafkaSilentError if Kafka returns nothing for 30 seconds; and what `onMessages` throws.
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
            `Kafka returned nothing of ${topic} for ${SILENT_MS} ms; unread partitions: ${partitions.join(', ')}`,
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
              const lost = `Kafka no longer has offset ${range.position} of ${topic}/${partition}`;
              return settle(() => reject(new Error(`${lost}: it was deleted before it was read`)));
            }
            // Kafka answered without messages.
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
    // If Kafka is down, the group disappears by itself, since nothing was committed in it.
    await admin
      .connect()
      .then(() => admin.deleteGroups([groupId]))
      .catch(() => {});
    await admin.disconnect().catch(() => {});
  }
}

/** The SQLSTATE for a statement that took too long; it would take too long again. */
const STATEMENT_TOO_LONG = '57014';

/** Returns whether waiting helps: PostgreSQL, Kafka or the schema registry is unreachable. */
export function isOutage(error: unknown): boolean {
  if (error instanceof NoSuchTopicError) return false;
  if (error instanceof pg.DatabaseError && error.code === STATEMENT_TOO_LONG) return false;
  if (error instanceof KafkaSilentError || error instanceof SchemaRegistryUnavailableError) return true;
  return (error instanceof Error && error.name.startsWith('KafkaJS')) || isDatabaseOutage(error);
}
