import type { Counter, Registry } from '@prometheus-io/client';
import { defaultCasFile, loadCasDefinition } from './conax-checks/cas-definition.ts';
import type { CasDefinition } from './conax/cas-definition.types.ts';
import type { ConaxClientOptions } from './conax/client.ts';
import kafkajs, { type Kafka } from './platform/kafkajs/index.ts';
import { isDatabaseOutage } from './platform/database-errors.ts';
import { messageOf } from './platform/errors.ts';
import { UnfitDatabaseError } from './platform/fitness.ts';
import { createKafka, type KafkaOptions } from './platform/kafka.ts';
import { oauthLogin } from './platform/kafka-login.ts';
import type { Logger } from './platform/logging.ts';
import { counter } from './platform/metrics.ts';
import { migrateDatabase } from './platform/migrate.ts';
import { createTokenSource } from './platform/oauth-token.ts';
import { patiently } from './platform/repeat.ts';
import {
  openSchemaRegistry,
  type SchemaRegistryClient,
  SchemaRegistryUnavailableError,
} from './platform/schema-registry.ts';
import { migrateTopicsAndSchemas } from './platform/topics.ts';
import { addressOf, namingPart } from './platform/unreachable.ts';
import type { TraceMetrics } from './platform/trace-metrics.ts';
import type { Tracing } from './platform/tracing.ts';
import type { Settings } from './settings.ts';

/** The Kafka client of the settings; connects to nothing yet. */
export function kafkaOf(settings: Settings<'kafka'>, logger: Logger): Kafka {
  return createKafka({
    brokers: settings.KAFKA_BROKERS,
    clientId: settings.KAFKA_CLIENT_ID,
    ssl: settings.KAFKA_SSL,
    tls: { ca: settings.KAFKA_SSL_CA, cert: settings.KAFKA_SSL_CERT, key: settings.KAFKA_SSL_KEY },
    sasl: loginOf(settings, logger),
    logger,
  });
}

function loginOf(settings: Settings<'kafka'>, logger: Logger): KafkaOptions['sasl'] {
  const { KAFKA_SASL_MECHANISM: mechanism, KAFKA_SASL_USERNAME: username, KAFKA_SASL_PASSWORD: password } = settings;
  if (mechanism === undefined) return undefined;
  if (mechanism !== 'oauthbearer') return { mechanism, username: username ?? '', password: password ?? '' };
  const tokens = createTokenSource({
    url: settings.KAFKA_OAUTH_TOKEN_URL ?? '',
    clientId: settings.KAFKA_OAUTH_CLIENT_ID ?? '',
    clientSecret: settings.KAFKA_OAUTH_CLIENT_SECRET ?? '',
    scope: settings.KAFKA_OAUTH_SCOPE,
    ca: settings.KAFKA_OAUTH_CA,
    logger,
  });
  return oauthLogin(tokens, settings.KAFKA_OAUTH_EXTENSIONS ?? {});
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

/** Loads the conax.json of the settings. @throws CasDefinitionError with every mistake. */
export function casDefinitionOf(settings: Settings<'mapping'>): Promise<CasDefinition> {
  return loadCasDefinition(settings.CONAX_MAPPING_FILE ?? defaultCasFile, settings.ENTITLEMENT_MONTHS > 0);
}

/** The options of the CAS client in the settings; its caller loads the definition and decides how many connections it has. */
export function conaxOptionsOf(
  settings: Settings<'conax' | 'mapping'>,
): Omit<ConaxClientOptions, 'definition' | 'mappingFile' | 'maxConnections'> {
  return {
    baseUrl: settings.CONAX_BASE_URL,
    username: settings.CONAX_USERNAME,
    password: settings.CONAX_PASSWORD,
    tls: { cert: settings.CONAX_CLIENT_CERT, key: settings.CONAX_CLIENT_KEY, ca: settings.CONAX_CA },
    timeoutMs: settings.CONAX_TIMEOUT_MS,
    entitlementMonths: settings.ENTITLEMENT_MONTHS,
  };
}

/** Creates the counter of connections with bytes that nobody asked for; once per registry. */
export function surplusCounter(registry: Registry): Counter {
  return counter(registry, {
    name: 'conax_cas_surplus_total',
    help: 'ALERT: connections on which the CAS, or a proxy, sent bytes that no request asked for, such as a second answer.',
  });
}

/** Returns what a client calls when the CAS sent bytes that no request asked for: counts each time, logs the first. */
export function reportSurplus(surplus: Counter, logger: Logger): () => void {
  let isLogged = false;
  return () => {
    surplus.inc();
    if (isLogged) return;
    isLogged = true;
    logger.error(
      'conax: the CAS or a proxy sent bytes that no request asked for, such as a second answer; the connection is closed, and from now on every call has its own. Logged once; conax_cas_surplus_total counts them',
    );
  };
}

export interface MigrateOptions {
  /** How long PostgreSQL, Kafka and the registry are waited for, in all; default 60,000. */
  readonly patienceMs?: number;
  /** Fills in again what older instances leave out, although it was done (docs/upgrade.md); default false. */
  readonly fillAgain?: boolean;
}

const PATIENCE_MS = 60_000;

const PUT_OFF =
  'instances of an older version run, and leave some rows out: run migrate once more after the last of them has stopped';

/**
 * Brings tables, topics and schemas up to date; safe to run twice and by two at once. A neighbour that does not answer
 * yet is waited for.
 * @throws UnfitDatabaseError, or the last error of the neighbour that could not be waited for.
 */
export async function migrate(
  settings: Settings<'database' | 'kafka'>,
  logger: Logger,
  { patienceMs = PATIENCE_MS, fillAgain = false }: MigrateOptions = {},
): Promise<void> {
  const patience = {
    until: performance.now() + patienceMs,
    problemOf: (error: unknown) => (isAway(error) ? problemOf(error, settings) : null),
    onProblem: (problem: string) => logger.warn({ problem }, 'migrate waits and tries again'),
  };
  await patiently(async () => {
    const onStep = (step: string): void => logger.info({ step }, 'migrate works beside running instances');
    const { filled, putOff } = await migrateDatabase(settings.DATABASE_URL, { again: fillAgain, onStep });
    logger.info({ filled }, 'tables are up to date');
    if (putOff.length > 0) logger.warn({ putOff }, PUT_OFF);
  }, patience);
  const options = {
    kafka: kafkaOf(settings, logger),
    registry: registryOf(settings),
    crmTopics: settings.CRM_TOPICS,
    outcomeTopic: settings.OUTCOME_TOPIC,
    actionOutcomeTopic: settings.ACTION_OUTCOME_TOPIC,
    deadLetterTopic: settings.DEAD_LETTER_TOPIC,
    partitions: settings.TOPIC_PARTITIONS,
    replicationFactor: settings.TOPIC_REPLICATION_FACTOR,
    logger,
  };
  await patiently(() => migrateTopicsAndSchemas(options), patience);
  logger.info('topics and schemas are up to date');
}

/** Whether the same step may succeed a little later, because the neighbour is away or still starting. */
function isAway(error: unknown): boolean {
  if (error instanceof UnfitDatabaseError) return false;
  if (error instanceof SchemaRegistryUnavailableError) {
    return error.status === null || error.status >= 500 || STILL_STARTING.has(error.status);
  }
  if (error instanceof kafkajs.KafkaJSProtocolError) {
    // Fewer brokers than replicas: the others may still be starting.
    return error.retriable || error.type === 'INVALID_REPLICATION_FACTOR';
  }
  if (error instanceof kafkajs.KafkaJSSASLAuthenticationError) return false;
  return error instanceof kafkajs.KafkaJSError || isDatabaseOutage(error);
}

/** Names the neighbour, its address, and what is wrong with it. */
function problemOf(error: unknown, settings: Settings<'database' | 'kafka'>): string {
  if (error instanceof SchemaRegistryUnavailableError) return messageOf(error);
  if (error instanceof kafkajs.KafkaJSError) {
    return `Kafka at ${settings.KAFKA_BROKERS.join(', ')} cannot be used: ${messageOf(error)}`;
  }
  const named = namingPart('PostgreSQL', addressOf(settings.DATABASE_URL), error);
  return named === error ? `PostgreSQL cannot be used: ${messageOf(error)}` : messageOf(named);
}

/** What proxies and registries answer before the registry is there. */
const STILL_STARTING = new Set([404, 408, 429]);

/** The traces of the settings. Returns null without OTEL_EXPORTER_OTLP_ENDPOINT: then the code that traces is not even loaded. */
export async function tracingOf(
  settings: Settings<'tracing'>,
  metrics: TraceMetrics,
  logger: Logger,
): Promise<Tracing | null> {
  const endpoint = settings.OTEL_EXPORTER_OTLP_ENDPOINT;
  if (endpoint === undefined) return null;
  const { startTracing } = await import('./platform/otlp-tracing.ts');
  return startTracing({
    endpoint,
    headers: settings.OTEL_EXPORTER_OTLP_HEADERS ?? {},
    serviceName: settings.OTEL_SERVICE_NAME,
    resourceAttributes: settings.OTEL_RESOURCE_ATTRIBUTES ?? {},
    sampler: settings.OTEL_TRACES_SAMPLER,
    ratio: settings.OTEL_TRACES_SAMPLER_ARG,
    metrics,
    logger: logger.child({ part: 'tracing' }),
  });
}
