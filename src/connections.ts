import type { Kafka } from 'kafkajs';
import { createKafka } from './platform/kafka.ts';
import type { Logger } from './platform/logging.ts';
import { migrateDatabase } from './platform/migrate.ts';
import { openSchemaRegistry, type SchemaRegistryClient } from './platform/schema-registry.ts';
import { migrateTopicsAndSchemas } from './platform/topics.ts';
import { addressOf, namingPart } from './platform/unreachable.ts';
import type { Settings } from './settings.ts';

/** The Kafka client of the settings; connects to nothing yet. */
export function kafkaOf(settings: Settings<'kafka'>, logger: Logger): Kafka {
  const { KAFKA_SASL_MECHANISM: mechanism, KAFKA_SASL_USERNAME: username, KAFKA_SASL_PASSWORD: password } = settings;
  return createKafka({
    brokers: settings.KAFKA_BROKERS,
    clientId: settings.KAFKA_CLIENT_ID,
    ssl: settings.KAFKA_SSL,
    tls: { ca: settings.KAFKA_SSL_CA, cert: settings.KAFKA_SSL_CERT, key: settings.KAFKA_SSL_KEY },
    sasl: mechanism === undefined ? undefined : { mechanism, username: username ?? '', password: password ?? '' },
    logger,
  });
}

/** The schema registry of the settings; connects to nothing yet. */
export function registryOf(settings: Settings<'kafka'>): SchemaRegistryClient {
  return openSchemaRegistry({
    url: settings.SCHEMA_REGISTRY_URL,
    ca: settings.SCHEMA_REGISTRY_CA,
    username: settings.SCHEMA_REGISTRY_USERNAME,
    password: settings.SCHEMA_REGISTRY_PASSWORD,
  });
}

/** Brings tables, topics and schemas up to date; safe to run twice and by two at once. */
export async function migrate(settings: Settings<'database' | 'kafka'>, logger: Logger): Promise<void> {
  await migrateDatabase(settings.DATABASE_URL).catch((error: unknown) => {
    throw namingPart('PostgreSQL', addressOf(settings.DATABASE_URL), error);
  });
  logger.info('tables are up to date');
  await migrateTopicsAndSchemas({
    kafka: kafkaOf(settings, logger),
    registry: registryOf(settings),
    crmTopics: settings.CRM_TOPICS,
    outcomeTopic: settings.OUTCOME_TOPIC,
    actionOutcomeTopic: settings.ACTION_OUTCOME_TOPIC,
    deadLetterTopic: settings.DEAD_LETTER_TOPIC,
    partitions: settings.TOPIC_PARTITIONS,
    replicationFactor: settings.TOPIC_REPLICATION_FACTOR,
    logger,
  });
  logger.info('topics and schemas are up to date');
}
