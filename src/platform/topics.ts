import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Admin, ITopicConfig, Kafka, PartitionMetadata } from 'kafkajs';
import kafkajs from './kafkajs/index.ts';
import { messageOf } from './errors.ts';
import type { Logger } from './logging.ts';
import type { SchemaRegistryClient } from './schema-registry.ts';

export interface TopicsAndSchemasOptions {
  readonly kafka: Kafka;
  readonly registry: SchemaRegistryClient;
  readonly crmTopics: readonly string[];
  readonly outcomeTopic: string;
  readonly actionOutcomeTopic: string;
  readonly deadLetterTopic: string;
  /** Partitions of topics that do not exist yet. */
  readonly partitions: number;
  /** Replicas of topics that do not exist yet; -1 takes what the brokers have set. */
  readonly replicationFactor: number;
  readonly logger: Logger;
}

/** A dead letter is as large as the message was, and carries headers of ours, too: space beyond the brokers' 1 MB. */
const DEAD_LETTER_BYTES_MAX = 4 * 1024 * 1024;

const TOPICS_TIMEOUT_MS = 20_000;
const TOPICS_LOOK_MS = 100;

const INBOUND = [
  'com.crm.subscription.v1.SubscriptionActionEvent',
  'com.crm.subscription.v1.ServiceActionEvent',
  'com.crm.subscription.v1.InstalledItemActionEvent',
] as const;

/** The records that the service publishes, as full names of the contract. */
export const OUTCOME_RECORDS = {
  REQUEST_OUTCOME: 'com.conax.provisioning.v1.ProvisioningRequestOutcome',
  ACTION_OUTCOME: 'com.conax.provisioning.v1.CrmActionOutcome',
} as const;

/** TopicRecordNameStrategy. */
export function subjectOf(topic: string, recordName: string): string {
  return `${topic}-${recordName}`;
}

/** The Avro schema of a record of the contract, as JSON text without needless space. */
export function contractSchema(recordName: string): string {
  const file = new URL(`../../schemas/${recordName}.avsc`, import.meta.url);
  return JSON.stringify(JSON.parse(readFileSync(file, 'utf8')));
}

/**
 * Creates the topics that are missing and registers the schemas that are missing. Existing topics and the CRM's own
 * subjects are left as they are. Safe to run twice, and by two at once.
 * @throws Error naming the topic or the subject that could not be created.
 */
export async function migrateTopicsAndSchemas(options: TopicsAndSchemasOptions): Promise<void> {
  await createTopics(options);
  await registerSchemas(options);
}

async function createTopics(options: TopicsAndSchemasOptions): Promise<void> {
  const { kafka, crmTopics, outcomeTopic, actionOutcomeTopic, deadLetterTopic, logger } = options;
  const names = [...new Set([...crmTopics, outcomeTopic, actionOutcomeTopic, deadLetterTopic])];
  const admin = kafka.admin();
  await admin.connect();
  try {
    const existing = new Set(await admin.listTopics());
    const missing = names.filter((name) => !existing.has(name));
    if (missing.length === 0) return;
    const replicationFactor =
      options.replicationFactor === -1 ? await defaultReplicationFactor(admin) : options.replicationFactor;
    const topics = missing.map((topic): ITopicConfig => ({
      topic,
      numPartitions: options.partitions,
      replicationFactor,
      ...(topic === deadLetterTopic
        ? { configEntries: [{ name: 'max.message.bytes', value: String(DEAD_LETTER_BYTES_MAX) }] }
        : {}),
    }));
    await createLedTopics(admin, topics);
    logger.info({ topics: missing }, 'topics created');
  } finally {
    await admin.disconnect();
  }
}

/**
 * Creates those of the topics that do not exist, and waits until every partition can be written to.
 * @throws Error naming the topics that cannot be used in time.
 */
export async function createLedTopics(admin: Admin, topics: readonly ITopicConfig[]): Promise<void> {
  // One call per topic: if somebody else creates one of several at the same time, a call for all would fail.
  for (const topic of topics)
    await admin.createTopics({ topics: [topic], waitForLeaders: false, timeout: TOPICS_TIMEOUT_MS });
  await untilLed(
    admin,
    topics.map(({ topic }) => topic),
  );
}

/** kafkajs can wait too, but gives up if a broker in KRaft mode has not heard of the new topic yet. */
async function untilLed(admin: Admin, names: readonly string[]): Promise<void> {
  const deadline = performance.now() + TOPICS_TIMEOUT_MS;
  for (;;) {
    const problem = await admin.fetchTopicMetadata({ topics: [...names] }).then(
      ({ topics }) => (topics.every(isLed) ? null : 'partitions without a leader'),
      (error: unknown) => messageOf(error),
    );
    if (problem === null) return;
    if (performance.now() > deadline) {
      throw new Error(
        `The topics ${names.join(', ')} cannot be used ${TOPICS_TIMEOUT_MS} ms after creation: ${problem}`,
      );
    }
    await sleep(TOPICS_LOOK_MS);
  }
}

function isLed({ partitions }: { readonly partitions: readonly PartitionMetadata[] }): boolean {
  return partitions.length > 0 && partitions.every(({ leader }) => leader >= 0);
}

/** kafkajs speaks a version of the protocol in which -1 is refused: so the brokers' own setting is looked up. */
async function defaultReplicationFactor(admin: Admin): Promise<number> {
  const { controller, brokers } = await admin.describeCluster();
  const name = String(controller ?? brokers[0]?.nodeId ?? 0);
  const { resources } = await admin.describeConfigs({
    includeSynonyms: false,
    resources: [{ type: kafkajs.ConfigResourceTypes.BROKER, name, configNames: ['default.replication.factor'] }],
  });
  return Number(resources[0]?.configEntries[0]?.configValue ?? 1);
}

async function registerSchemas(options: TopicsAndSchemasOptions): Promise<void> {
  const { registry, crmTopics, logger } = options;
  for (const topic of crmTopics) {
    for (const recordName of INBOUND) {
      const subject = subjectOf(topic, recordName);
      // The CRM owns its subjects: ours is registered only if there is none, with the default compatibility of the
      // registry.
      if (await registry.hasVersions(subject)) continue;
      const id = await registry.register(subject, contractSchema(recordName), 'BACKWARD');
      logger.info({ subject, id }, 'schema registered');
    }
  }
  const outcomes = [
    [options.outcomeTopic, OUTCOME_RECORDS.REQUEST_OUTCOME],
    [options.actionOutcomeTopic, OUTCOME_RECORDS.ACTION_OUTCOME],
  ] as const;
  for (const [topic, recordName] of outcomes) {
    const subject = subjectOf(topic, recordName);
    const id = await registry.register(subject, contractSchema(recordName), 'FULL_TRANSITIVE');
    logger.info({ subject, id }, 'schema registered');
  }
}
