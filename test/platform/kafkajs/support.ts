import { randomBytes } from 'node:crypto';
import type { Batch, Producer } from 'kafkajs';
import { createKafka } from '../../../src/platform/kafka.ts';
import { rangeOf } from '../../../src/platform/kafkajs/batch.ts';
import type { FetchedRange } from '../../../src/platform/kafkajs/fetch.ts';
import type { Kafka } from '../../../src/platform/kafkajs/index.ts';
import type { ReceivedMessage } from '../../../src/platform/kafkajs/unreadable.ts';
import { createLogger } from '../../../src/platform/logging.ts';
import { kafkaBrokers } from '../../support/stack.ts';
import { createLedTopics } from '../../../src/platform/topics.ts';

/** A topic of one partition on the real broker. */
export interface Site {
  readonly kafka: Kafka;
  readonly topic: string;
  /** What a consumer gets from an offset up to the end that Kafka tells. */
  read(from: number): Promise<Reading>;
}

export interface Reading {
  readonly messages: readonly ReceivedMessage[];
  /** What each fetch covered, in order. */
  readonly ranges: readonly FetchedRange[];
}

export async function openSite(
  config: readonly { readonly name: string; readonly value: string }[] = [],
  brokers: readonly string[] = kafkaBrokers().split(','),
): Promise<Site> {
  const kafka = createKafka({ brokers, clientId: 'kafkajs-test', ssl: false, logger: createLogger('silent') });
  const topic = `kafkajs.${randomBytes(6).toString('hex')}`;
  const admin = kafka.admin();
  await admin.connect();
  await createLedTopics(admin, [{ topic, numPartitions: 1, replicationFactor: 1, configEntries: [...config] }]);
  await admin.disconnect();
  return { kafka, topic, read: (from) => read(kafka, topic, from) };
}

/** Until a fetch reaches the end of the partition. */
async function read(kafka: Kafka, topic: string, from: number): Promise<Reading> {
  const consumer = kafka.consumer({ groupId: `${topic}-${randomBytes(6).toString('hex')}`, maxWaitTimeInMs: 100 });
  const messages: ReceivedMessage[] = [];
  const ranges: FetchedRange[] = [];
  await consumer.connect();
  await consumer.subscribe({ topic, fromBeginning: true });
  try {
    await new Promise<void>((resolve, reject) => {
      // A broker that has just started is still loading the groups: kafkajs starts again by itself.
      consumer.on(consumer.events.CRASH, ({ payload }) => payload.restart || reject(payload.error));
      const eachBatch = ({ batch }: { batch: Batch }): Promise<void> => {
        const range = rangeOf(batch);
        ranges.push(range);
        messages.push(...batch.messages);
        if (range.isOutOfRange || range.nextOffset >= range.highWatermark) resolve();
        return Promise.resolve();
      };
      consumer.run({ autoCommit: false, eachBatch }).catch(reject);
      consumer.seek({ topic, partition: 0, offset: String(from) });
    });
  } finally {
    await consumer.disconnect();
  }
  return { messages, ranges };
}

/** A producer of transactions. */
export async function transactional(site: Site, id: string): Promise<Producer> {
  const producer = site.kafka.producer({
    transactionalId: `${site.topic}-${id}`,
    idempotent: true,
    maxInFlightRequests: 1,
    allowAutoTopicCreation: false,
  });
  await producer.connect();
  return producer;
}

/** Sends messages in one batch, and returns the offset of the first. */
export async function send(
  site: Site,
  messages: Parameters<Producer['send']>[0]['messages'],
  more: { readonly compression?: number } = {},
): Promise<number> {
  const producer = site.kafka.producer({ allowAutoTopicCreation: false });
  await producer.connect();
  try {
    const [sent] = await producer.send({ topic: site.topic, messages, ...more });
    return Number(sent?.baseOffset);
  } finally {
    await producer.disconnect();
  }
}

export function values({ messages }: Reading): (string | undefined)[] {
  return messages.map(({ value }) => value?.toString());
}
