import type { Kafka } from 'kafkajs';

/** A message as it came, its value not decoded yet. */
export interface Arrival {
  readonly ceId: string;
  readonly value: Buffer;
}

/** Everything that comes out of a topic, from its beginning. */
export interface ArrivalReader {
  readonly arrivals: readonly Arrival[];
  close(): Promise<void>;
}

/** Reads a topic with a consumer group of its own; resolves once it has its partitions. */
export async function readArrivals(kafka: Kafka, topic: string): Promise<ArrivalReader> {
  const arrivals: Arrival[] = [];
  const consumer = kafka.consumer({ groupId: `bench-${topic}-${process.pid}-${Date.now()}`, maxWaitTimeInMs: 100 });
  await consumer.connect();
  await consumer.subscribe({ topic, fromBeginning: true });
  const joined = new Promise<void>((resolve) => {
    consumer.on(consumer.events.GROUP_JOIN, () => resolve());
  });
  await consumer.run({
    autoCommit: false,
    eachBatch: ({ batch }) => {
      for (const { headers, value } of batch.messages) {
        arrivals.push({ ceId: String(headers?.['ce_id'] ?? ''), value: value ?? Buffer.alloc(0) });
      }
      return Promise.resolve();
    },
  });
  await joined;
  return { arrivals, close: () => consumer.disconnect() };
}
