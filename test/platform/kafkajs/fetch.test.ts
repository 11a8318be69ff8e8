import { randomBytes } from 'node:crypto';
import type { Consumer, EachBatchPayload } from 'kafkajs';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createKafka } from '../../../src/platform/kafka.ts';
import { createLogger } from '../../../src/platform/logging.ts';
import { kafkaBrokers } from '../../support/stack.ts';
import { createLedTopics } from '../../../src/platform/topics.ts';

/** `OBJECTS_MAX` in fetch.ts. */
const OBJECTS_MAX = 20_000;

/** A topic with so many records in each of its partitions, and a consumer that starts at its beginning. */
async function filledTopic(partitions: number, recordsEach: number): Promise<Consumer> {
  const brokers = kafkaBrokers().split(',');
  const kafka = createKafka({ brokers, clientId: 'kafkajs-test', ssl: false, logger: createLogger('silent') });
  const topic = `kafkajs.${randomBytes(6).toString('hex')}`;
  const admin = kafka.admin();
  await admin.connect();
  await createLedTopics(admin, [{ topic, numPartitions: partitions }]);
  await admin.disconnect();
  const producer = kafka.producer({ allowAutoTopicCreation: false });
  await producer.connect();
  const messages = Array.from({ length: partitions * recordsEach }, (_, index) => ({
    value: 'x',
    partition: index % partitions,
  }));
  await producer.send({ topic, messages });
  await producer.disconnect();

  const consumer = kafka.consumer({ groupId: topic });
  await consumer.connect();
  onTestFinished(() => consumer.disconnect());
  await consumer.subscribe({ topic, fromBeginning: true });
  return consumer;
}

/** Passes batches to `onBatch` until it returns true. */
function consumeUntil(consumer: Consumer, onBatch: (payload: EachBatchPayload) => boolean): Promise<void> {
  return new Promise<void>((resolve, reject) => {
    // A broker that has just started is still loading the groups: kafkajs starts again by itself.
    consumer.on(consumer.events.CRASH, ({ payload }) => payload.restart || reject(payload.error));
    const eachBatch = (payload: EachBatchPayload): Promise<void> => {
      if (onBatch(payload)) resolve();
      return Promise.resolve();
    };
    consumer.run({ autoCommit: false, eachBatchAutoResolve: false, eachBatch }).catch(reject);
  });
}

describe('The answer of a fetch', () => {
  it('gives each of its partitions an equal share of what may be decoded, so that none waits for the others', async () => {
    const consumer = await filledTopic(4, 8_000);
    const first = new Map<number, number>();
    await consumeUntil(consumer, ({ batch }) => {
      if (!first.has(batch.partition)) first.set(batch.partition, batch.messages.length);
      return first.size === 4;
    });
    expect([...first.values()]).toEqual(Array.from({ length: 4 }, () => OBJECTS_MAX / 4));
  });

  it('is processed in the order in which its partitions got on: one whose position stays goes first', async () => {
    const consumer = await filledTopic(4, 100);
    const rounds: number[][] = [];
    consumer.on(consumer.events.FETCH_START, () => rounds.push([]));
    await consumeUntil(consumer, (payload) => {
      const { batch } = payload;
      rounds.at(-1)?.push(batch.partition);
      // The others get on by one record each time.
      const [record] = batch.messages;
      if (batch.partition !== 3 && record) payload.resolveOffset(record.offset);
      return rounds.filter(({ length }) => length === 4).length === 4;
    });
    const whole = rounds.filter(({ length }) => length === 4);
    expect(whole.slice(1).map(([first]) => first)).toEqual([3, 3, 3]);
  });
});
