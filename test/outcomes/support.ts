import { createLogger } from '../../src/platform/logging.ts';
import { Registry } from '@prometheus-io/client';
import type { Kafka } from 'kafkajs';
import { connectCrm, type CrmWire } from '../../dev/demo/wire.ts';
import type { CrmEvent } from '../../dev/demo/crm.ts';
import { type Intake, type IntakeOptions, startIntake } from '../../src/intake/intake.ts';
import { intakeMetrics } from '../../src/intake/metrics.ts';
import { outcomeMetrics } from '../../src/outcomes/metrics.ts';
import { type Outcomes, type OutcomesOptions, startOutcomes } from '../../src/outcomes/outcomes.ts';
import { type Database, openDatabase } from '../../src/platform/database.ts';
import { createKafka } from '../../src/platform/kafka.ts';
import { openSchemaRegistry, type SchemaRegistryClient } from '../../src/platform/schema-registry.ts';
import { contractSchema, migrateTopicsAndSchemas, subjectOf } from '../../src/platform/topics.ts';
import { plan } from '../../src/planning/plan.ts';
import { createTestDatabase, kafkaBrokers, schemaRegistryUrl, testTopics, type TestTopics } from '../support/stack.ts';
import { RULES, schemaType, wire as wireFormat } from '../intake/support.ts';

export const logger = createLogger(process.env['TEST_LOG_LEVEL'] ?? 'silent');

/** Topics, schemas and a database of their own, and the CRM at the other end; intake and outcomes are started by the test. */
export interface Ground {
  readonly topics: TestTopics;
  readonly databaseUrl: string;
  readonly db: Database;
  readonly kafka: Kafka;
  readonly registry: SchemaRegistryClient;
  readonly metrics: Registry;
  readonly wire: CrmWire;
  intake(options?: Partial<IntakeOptions>): Intake;
  outcomes(options?: Partial<OutcomesOptions>): Outcomes;
  /** Puts events into the CRM's topic, keyed by subscription number. */
  send(events: readonly CrmEvent[]): Promise<void>;
  /** An event in the wire format, under the id that its schema has in the registry. */
  encode(event: CrmEvent): Promise<Buffer>;
  /** Puts bytes into the CRM's topic. */
  sendRaw(message: RawMessage): Promise<void>;
  close(): Promise<void>;
}

export interface RawMessage {
  readonly value: Buffer | null;
  readonly key?: string;
  readonly headers?: Record<string, string>;
}

export async function openGround(
  prefix: string,
  options: { readonly partitions?: number; readonly brokers?: string } = {},
): Promise<Ground> {
  const brokers = options.brokers ?? kafkaBrokers();
  const database = await createTestDatabase();
  const db = openDatabase({ url: database.url, maxConnections: 10, applicationName: 'test' });
  const topics = testTopics(prefix);
  const kafka = createKafka({ brokers: brokers.split(','), clientId: prefix, ssl: false, logger });
  const registry = openSchemaRegistry({ url: schemaRegistryUrl() });
  await migrateTopicsAndSchemas({
    kafka,
    registry,
    crmTopics: [topics.CRM_TOPICS],
    outcomeTopic: topics.OUTCOME_TOPIC,
    actionOutcomeTopic: topics.ACTION_OUTCOME_TOPIC,
    deadLetterTopic: topics.DEAD_LETTER_TOPIC,
    partitions: options.partitions ?? 3,
    replicationFactor: -1,
    logger,
  });
  const wire = await connectCrm({
    brokers,
    registryUrl: schemaRegistryUrl(),
    topics: {
      events: topics.CRM_TOPICS,
      requestOutcomes: topics.OUTCOME_TOPIC,
      actionOutcomes: topics.ACTION_OUTCOME_TOPIC,
      deadLetters: topics.DEAD_LETTER_TOPIC,
    },
  });
  const metrics = new Registry();
  const ofIntake = intakeMetrics(metrics);
  const ofOutcomes = outcomeMetrics(metrics);
  const running = new Set<{ stop(): Promise<void> }>();
  let relay: Outcomes | null = null;

  return {
    topics,
    databaseUrl: database.url,
    db,
    kafka,
    registry,
    metrics,
    wire,
    intake(more) {
      const intake = startIntake({
        sessionTimeoutMs: 6_000,
        offsetLost: 'skip',
        stalledMs: 30_000,
        kafka,
        groupId: topics.CRM_TOPICS,
        topics: [topics.CRM_TOPICS],
        database: db,
        databaseUrl: null,
        schemas: registry,
        plan,
        rules: RULES,
        stalePolicy: 'plan',
        facetWaitMs: 30_000,
        bulkExecutedBy: new Set(),
        metrics: ofIntake,
        logger,
        onOutbox: () => relay?.wake(),
        ...more,
      });
      running.add(intake);
      return intake;
    },
    outcomes(more) {
      relay = startOutcomes({
        kafka,
        database: db,
        registry,
        outcomeTopic: topics.OUTCOME_TOPIC,
        actionOutcomeTopic: topics.ACTION_OUTCOME_TOPIC,
        deadLetterTopic: topics.DEAD_LETTER_TOPIC,
        source: '/conax-provisioning',
        metrics: ofOutcomes,
        logger,
        ...more,
      });
      running.add(relay);
      return relay;
    },
    send: (events) =>
      wire.send(events.map((event) => ({ key: event.value.subscription.number, message: { kind: 'event', event } }))),
    async encode(event) {
      const id = await registry.registeredId(subjectOf(topics.CRM_TOPICS, event.schema), contractSchema(event.schema));
      if (id === null) throw new Error(`${event.schema} is not registered`);
      return wireFormat(id, schemaType(event.schema).toBuffer(event.value));
    },
    async sendRaw({ key, value, headers }) {
      const producer = kafka.producer({ allowAutoTopicCreation: false });
      await producer.connect();
      const message = { key: key ?? null, value, ...(headers ? { headers } : {}) };
      await producer.send({ topic: topics.CRM_TOPICS, messages: [message] });
      await producer.disconnect();
    },
    async close() {
      await Promise.all([...running].map((one) => one.stop()));
      await wire.close();
      await db.close();
      await database.drop();
    },
  };
}

/** Polls until `probe` gives a value; no fixed sleeps in tests. */
export async function eventually<T>(
  probe: () => Promise<T | undefined> | T | undefined,
  what: string,
  deadlineMs = 20_000,
): Promise<T> {
  const end = performance.now() + deadlineMs;
  for (;;) {
    const found = await probe();
    if (found !== undefined) return found;
    if (performance.now() > end) throw new Error(`Not seen within ${deadlineMs} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** What a metric without labels says now. */
export async function metric(ground: Ground, name: string): Promise<number> {
  const text = await ground.metrics.metrics();
  return Number(new RegExp(`^${name} (\\S+)$`, 'm').exec(text)?.[1]);
}
