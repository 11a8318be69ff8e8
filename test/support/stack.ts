/**
 * What a test file needs of the local stack. Importing this waits for all three parts; a file that needs only
 * PostgreSQL imports `database.ts`, and waits for less.
 */
import { randomBytes } from 'node:crypto';
import { Kafka, logLevel } from '../../src/platform/kafkajs/index.ts';
import { stackPart } from './stack-door.ts';
import { createLedTopics } from '../../src/platform/topics.ts';

export { createTestDatabase, type TestDatabase } from './database.ts';

const [kafka, registry] = await Promise.all([stackPart('kafka'), stackPart('registry'), stackPart('postgres')]);

/** As `KAFKA_BROKERS` has it. */
export function kafkaBrokers(): string {
  return kafka.url;
}

/** As `SCHEMA_REGISTRY_URL` has it, the path of Confluent's API included. */
export function schemaRegistryUrl(): string {
  return registry.url;
}

/** Topic names that nobody else uses, by the name of the setting that takes them. They do not exist yet. */
export type TestTopics = {
  readonly CRM_TOPICS: string;
  readonly OUTCOME_TOPIC: string;
  readonly ACTION_OUTCOME_TOPIC: string;
  readonly DEAD_LETTER_TOPIC: string;
};

/** Names for one test's topics: `<prefix>.<random>.<topic>`. */
export function testTopics(prefix: string): TestTopics {
  const own = `${prefix}.${randomBytes(4).toString('hex')}`;
  return {
    CRM_TOPICS: `${own}.subscription-events`,
    OUTCOME_TOPIC: `${own}.provisioning-outcomes`,
    ACTION_OUTCOME_TOPIC: `${own}.action-outcomes`,
    DEAD_LETTER_TOPIC: `${own}.dead-letter`,
  };
}

/** Creates the topics, each with this many partitions, and waits until they have leaders. */
export async function createTopics(topics: TestTopics, partitions = 3): Promise<void> {
  const client = new Kafka({ clientId: 'test-topics', brokers: [kafkaBrokers()], logLevel: logLevel.NOTHING });
  const admin = client.admin();
  await admin.connect();
  try {
    await createLedTopics(
      admin,
      Object.values(topics).map((topic) => ({ topic, numPartitions: partitions, replicationFactor: 1 })),
    );
  } finally {
    await admin.disconnect();
  }
}
