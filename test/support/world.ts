import { connectCrm, type CrmWire } from '../../dev/demo/wire.ts';
import { migrate } from '../../src/connections.ts';
import { createLogger } from '../../src/platform/logging.ts';
import { type Database, openDatabase } from '../../src/platform/database.ts';
import { type Service, startService } from '../../src/service.ts';
import { readSettings, SERVICE_SETTINGS, type ServiceSettings } from '../../src/settings.ts';
import { startSimulator } from '../../src/simulator/simulator.ts';
import { createTestDatabase, kafkaBrokers, schemaRegistryUrl, testTopics } from './stack.ts';

/** One entry of the simulator's journal. */
export interface JournalEntry {
  readonly seq: number;
  readonly command: string;
  readonly parameters: {
    readonly smartcard?: string;
    readonly smartcards?: readonly string[];
    readonly existingSmartcard?: string;
    readonly setTopBox?: string;
    readonly setTopBoxes?: readonly string[];
    readonly serviceCaId?: string;
  };
  readonly statusCode: string | null;
  readonly effect: boolean;
}

/** Everything around the service, on real parts: Kafka, registry, PostgreSQL, SOAP; nothing is a mock. */
export interface Surroundings {
  readonly env: Readonly<Record<string, string>>;
  readonly settings: ServiceSettings;
  readonly wire: CrmWire;
  readonly db: Database;
  readonly simulatorUrl: string;
  /** A call to the simulator's HTTP view; the parsed answer. */
  simulator<T>(method: string, path: string, body?: unknown): Promise<T>;
  journal(): Promise<JournalEntry[]>;
  /** Starts an instance of the service; it is stopped with its surroundings, or earlier by the test. */
  startService(): Promise<Service>;
  close(): Promise<void>;
}

/** The whole main job: one service and all that it needs. */
export interface World extends Surroundings {
  readonly service: Service;
}

/** Starts a service of its own (database, topics, simulator) on the test run's stack. */
export async function startWorld(overrides: Readonly<Record<string, string>> = {}): Promise<World> {
  const surroundings = await openSurroundings(overrides);
  return { ...surroundings, service: await surroundings.startService() };
}

/**
 * A database, topics and a simulator of their own, and no service yet.
 * @param migrateEmpty makes tables, topics and schemas from nothing; by default they are those of this version.
 */
export async function openSurroundings(
  overrides: Readonly<Record<string, string>> = {},
  migrateEmpty?: (env: Readonly<Record<string, string>>) => Promise<void>,
): Promise<Surroundings> {
  const database = await createTestDatabase({ empty: migrateEmpty !== undefined });
  const topics = testTopics('world');
  const simulator = await startSimulator({ host: '127.0.0.1', port: 0 });
  const env = {
    DATABASE_URL: database.url,
    KAFKA_BROKERS: kafkaBrokers(),
    KAFKA_GROUP_ID: topics.CRM_TOPICS,
    SCHEMA_REGISTRY_URL: schemaRegistryUrl(),
    ...topics,
    CONAX_BASE_URL: simulator.url,
    HTTP_HOST: '127.0.0.1',
    HTTP_PORT: '0',
    LOG_LEVEL: process.env['TEST_LOG_LEVEL'] ?? 'silent',
    ...overrides,
  };
  const settings = readSettings(SERVICE_SETTINGS, env);
  const logger = createLogger(settings.LOG_LEVEL);
  await (migrateEmpty === undefined ? migrate(settings, logger) : migrateEmpty(env));
  const wire = await connectCrm({
    brokers: env.KAFKA_BROKERS,
    registryUrl: env.SCHEMA_REGISTRY_URL,
    topics: {
      events: topics.CRM_TOPICS,
      requestOutcomes: topics.OUTCOME_TOPIC,
      actionOutcomes: topics.ACTION_OUTCOME_TOPIC,
      deadLetters: topics.DEAD_LETTER_TOPIC,
    },
  });
  const db = openDatabase({ url: database.url, maxConnections: 2, applicationName: 'test' });
  const services: Service[] = [];
  const call = async <T>(method: string, path: string, body?: unknown): Promise<T> => {
    const response = await fetch(`${simulator.url}/simulator/${path}`, {
      method,
      ...(body === undefined ? {} : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`simulator: ${method} ${path} answers ${response.status}: ${text}`);
    return (text === '' ? undefined : JSON.parse(text)) as T;
  };
  return {
    env,
    settings,
    wire,
    db,
    simulatorUrl: simulator.url,
    simulator: call,
    journal: async () => (await call<{ entries: JournalEntry[] }>('GET', 'journal?after=0')).entries,
    async startService() {
      const service = await startService(settings, logger);
      services.push(service);
      await service.started;
      return service;
    },
    close: async () => {
      await Promise.all(services.map((service) => service.stop()));
      await wire.close();
      await db.close();
      await simulator.close();
      await database.drop();
    },
  };
}
