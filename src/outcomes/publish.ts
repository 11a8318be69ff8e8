import type { Producer, TopicMessages } from 'kafkajs';
import { messageOf } from '../platform/errors.ts';
import type { EncodedMessage } from './encode.ts';

/** All in-sync replicas must have a message, so that an acknowledged one is not lost. */
const ACKS_ALL = -1;

/**
 * The maximum size of messages sent together. Those of one partition form a record batch, which the broker limits to 1
 * MB by default.
 */
const BATCH_BYTES_MAX = 512 * 1024;

/** The result of publishing messages. */
export interface Publication {
  readonly published: readonly EncodedMessage[];
  /** Messages that this broker will never accept, with the reason. */
  readonly refused: readonly { readonly message: EncodedMessage; readonly reason: string }[];
}

/**
 * Publishes messages in their order. A message that is too large for the broker is left out, and later ones continue.
 * @throws a kafkajs error if the broker refused a batch for any other reason. Then nothing of that batch counts as
 * published, and the whole call may be repeated. Messages of earlier batches are then published again, with the same
 * ce_id and in the same order.
 */
export async function publish(producer: Producer, messages: readonly EncodedMessage[]): Promise<Publication> {
  const published: EncodedMessage[] = [];
  const refused: { message: EncodedMessage; reason: string }[] = [];
  for (const batch of batchesOf(messages)) await publishBatch(batch);
  return { published, refused };

  async function publishBatch(batch: readonly EncodedMessage[]): Promise<void> {
    try {
      await producer.sendBatch({ acks: ACKS_ALL, topicMessages: byTopic(batch) });
      published.push(...batch);
    } catch (error) {
      if (!isTooLarge(error)) throw error;
      const [only] = batch;
      if (batch.length === 1 && only) {
        refused.push({ message: only, reason: messageOf(error) });
        return;
      }
      // The broker does not name the message, and reports the same if the whole batch is too large.
      const half = Math.ceil(batch.length / 2);
      await publishBatch(batch.slice(0, half));
      await publishBatch(batch.slice(half));
    }
  }
}

function batchesOf(messages: readonly EncodedMessage[]): EncodedMessage[][] {
  const batches: EncodedMessage[][] = [];
  let batch: EncodedMessage[] = [];
  let bytes = 0;
  for (const message of messages) {
    if (batch.length > 0 && bytes + message.bytes > BATCH_BYTES_MAX) {
      batches.push(batch);
      batch = [];
      bytes = 0;
    }
    batch.push(message);
    bytes += message.bytes;
  }
  if (batch.length > 0) batches.push(batch);
  return batches;
}

function byTopic(batch: readonly EncodedMessage[]): TopicMessages[] {
  return [...Map.groupBy(batch, ({ topic }) => topic)].map(([topic, messages]) => ({
    topic,
    messages: messages.map(({ message }) => message),
  }));
}

function isTooLarge(error: unknown): boolean {
  for (let cause: unknown = error; cause instanceof Error; cause = cause.cause) {
    const { type } = cause as { type?: string };
    if (type === 'MESSAGE_TOO_LARGE' || type === 'RECORD_LIST_TOO_LARGE') return true;
  }
  return false;
}
