import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { createKafka } from '../../../src/platform/kafka.ts';
import { createLogger } from '../../../src/platform/logging.ts';
import { kafkaBrokers } from '../../support/stack.ts';

const PARTITIONS = 4;
const RECORDS = 8_000;
/** `OBJECTS_MAX` in fetch.ts. */
const OBJECTS_MAX = 20_000;

describe('The answer of a fetch', () => {
  it('gives each of its partitions an equal share of what may be decoded, so that none waits for the others', async () => {
    const brokers = kafkaBrokers().split(',');
    const kafka = createKafka({ brokers, clientId: 'kafkajs-test', ssl: false, logger: createLogger('silent') });
    const topic = `kafkajs.${randomBytes(6).toString('hex')}`;
    const admin = kafka.admin();
    await admin.connect();
    await admin.createTopics({ waitForLeaders: true, topics: [{ topic, numPartitions: PARTITIONS }] });
    await admin.disconnect();
    const producer = kafka.producer({ allowAutoTopicCreation: false });
    await producer.connect();
    const messages = Array.from({ length: PARTITIONS * RECORDS }, (_, index) => ({
      value: 'x',
      partition: index % PARTITIONS,
    }));
    await producer.send({ topic, messages });
    await producer.disconnect();

    const consumer = kafka.consumer({ groupId: topic });
    await consumer.connect();
    await consumer.subscribe({ topic, fromBeginning: true });
    const first = new Map<number, number>();
    try {
      await new Promise<void>((resolve, reject) => {
        // A broker that has just started is still loading the groups: kafkajs starts again by itself.
        consumer.on(consumer.events.CRASH, ({ payload }) => payload.restart || reject(payload.error));
        const eachBatch = ({ batch }: { batch: { partition: number; messages: unknown[] } }): Promise<void> => {
          if (!first.has(batch.partition)) first.set(batch.partition, batch.messages.length);
          if (first.size === PARTITIONS) resolve();
          return Promise.resolve();
        };
        consumer.run({ autoCommit: false, eachBatch }).catch(reject);
      });
    } finally {
      await consumer.disconnect();
    }
    expect([...first.values()]).toEqual(Array.from({ length: PARTITIONS }, () => OBJECTS_MAX / PARTITIONS));
  });
});
