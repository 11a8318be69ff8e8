import type { Kafka } from 'kafkajs';
import kafkajs from '../../platform/kafkajs/index.ts';
import { createEncoder, EVENT_SOURCE } from '../../outcomes/encode.ts';
import type { SchemaRegistryClient } from '../../platform/schema-registry.ts';
import type { Destination } from './outcomes.ts';

/** What is needed to publish to a topic, with the settings of the topics that the service writes. */
export interface Publishing {
  readonly kafka: Kafka;
  readonly registry: SchemaRegistryClient;
  readonly OUTCOME_TOPIC: string;
  readonly ACTION_OUTCOME_TOPIC: string;
  readonly DEAD_LETTER_TOPIC: string;
}

/** Calls `use` with the place where outcomes are published again: the topic, or the outbox if `topic` is null. */
export async function withDestination<T>(
  topic: string | null,
  publishing: () => Publishing,
  use: (destination: Destination) => Promise<T>,
): Promise<T> {
  if (topic === null) return use({ kind: 'outbox' });
  const { kafka, registry, ...topics } = publishing();
  const encoder = createEncoder({
    registry,
    outcomeTopic: topics.OUTCOME_TOPIC,
    actionOutcomeTopic: topics.ACTION_OUTCOME_TOPIC,
    deadLetterTopic: topics.DEAD_LETTER_TOPIC,
    source: EVENT_SOURCE,
  });
  const producer = kafka.producer({
    // The relay uses it too, so a key keeps its partition.
    createPartitioner: kafkajs.Partitioners.DefaultPartitioner,
    allowAutoTopicCreation: false,
    maxInFlightRequests: 1,
  });
  await producer.connect();
  try {
    return await use({
      kind: 'topic',
      producer,
      encoder: {
        encode: async (messages) => (await encoder.encode(messages)).map((message) => ({ ...message, topic })),
      },
    });
  } finally {
    await producer.disconnect();
  }
}

/** Returns whether Kafka has the topic. */
export async function topicExists(kafka: Kafka, topic: string): Promise<boolean> {
  const admin = kafka.admin();
  await admin.connect();
  try {
    return (await admin.listTopics()).includes(topic);
  } finally {
    await admin.disconnect();
  }
}
