import { migrate } from '../../src/connections.ts';
import { connectCrm } from '../../dev/demo/wire.ts';
import { freePort } from '../../dev/stack/ports.ts';
import { type PartName, type Stack, startStack } from '../../dev/stack/index.ts';
import { type Database, openDatabase } from '../../src/platform/database.ts';
import { createLogger } from '../../src/platform/logging.ts';
import { readSettings, SERVICE_SETTINGS, type ServiceSettings } from '../../src/settings.ts';
import { startSimulator } from '../../src/simulator/simulator.ts';
import { ALONE } from '../stack/processes.ts';
import { type Ran, startCli } from '../support/cli.ts';
import type { JournalEntry, Surroundings } from '../support/world.ts';
import { byWayOf, type RoughProxy, startRoughProxy } from './rough-proxy.ts';

/** What the service is connected to. */
export type Neighbour = 'kafka' | 'registry' | 'postgres' | 'cas';
export const NEIGHBOURS: readonly Neighbour[] = ['kafka', 'registry', 'postgres', 'cas'];

/** Servers of their own, migrated, with a proxy on each way to them. */
export interface Neighbours {
  readonly settings: ServiceSettings;
  /** What an instance of the service gets to reach them by way of the proxies; HTTP_PORT is still to be added. */
  readonly env: Readonly<Record<string, string>>;
  /** Past the proxy. */
  readonly db: Database;
  readonly stack: Stack;
  readonly proxies: Readonly<Record<Neighbour, RoughProxy>>;
  /** A call to the simulator's HTTP view; the parsed answer. */
  readonly simulator: Surroundings['simulator'];
  /** What the checks of the promises look at. Reads the outcome topics from their beginning. */
  surroundings(): Promise<Surroundings>;
  close(): Promise<void>;
}

/** One instance of the service, a process of its own, beside its neighbours. */
export interface WholeService extends Omit<Neighbours, 'close'> {
  readonly url: string;
  /** Stops all of it; gives what the service wrote, and how it ended. */
  close(): Promise<Ran>;
}

/** Of SHUTDOWN_TIMEOUT_MS and a little. */
const STOPS_WITHIN_MS = 25_000;

const TOPICS = {
  CRM_TOPICS: 'crm.subscription-events',
  OUTCOME_TOPIC: 'conax.provisioning-outcomes',
  ACTION_OUTCOME_TOPIC: 'conax.action-outcomes',
  DEAD_LETTER_TOPIC: 'crm.subscription-events.dead-letter',
};

/** Starts it; the service's settings are the defaults but for addresses and `overrides`. */
export async function startWholeService(
  seed: number,
  overrides: Readonly<Record<string, string>> = {},
): Promise<WholeService> {
  const neighbours = await startNeighbours(seed, overrides);
  const url = `http://127.0.0.1:${await freePort()}`;
  const service = startCli(['serve'], { ...neighbours.env, HTTP_PORT: new URL(url).port });
  const close = async (): Promise<Ran> => {
    service.signal('SIGTERM');
    const late = setTimeout(() => service.signal('SIGKILL'), STOPS_WITHIN_MS);
    const ended = await service.ended;
    clearTimeout(late);
    await neighbours.close();
    return ended;
  };
  await service.line(/HTTP server listens/);
  return { ...neighbours, url, close };
}

/** Starts the servers and the proxies, and nothing of the service. */
export async function startNeighbours(
  seed: number,
  overrides: Readonly<Record<string, string>> = {},
): Promise<Neighbours> {
  const closers: (() => Promise<unknown>)[] = [];
  const stack = await startStack({ env: { ...process.env, ...ALONE } });
  closers.push(() => stack.stop());
  const simulator = await startSimulator({ host: '127.0.0.1', port: 0 });
  closers.push(() => simulator.close());
  const direct = {
    ...TOPICS,
    DATABASE_URL: stack.databaseUrl,
    KAFKA_BROKERS: stack.kafkaBrokers,
    SCHEMA_REGISTRY_URL: stack.schemaRegistryUrl,
    CONAX_BASE_URL: simulator.url,
    HTTP_HOST: '127.0.0.1',
    LOG_LEVEL: 'info',
    ...overrides,
  };
  const settings = readSettings(SERVICE_SETTINGS, direct);
  await migrate(settings, createLogger('silent'));
  const proxyTo = async (url: string, kafka = false): Promise<RoughProxy> => {
    const { hostname: host, port } = new URL(url);
    const proxy = await startRoughProxy({ target: { host, port: Number(port) }, seed, kafka });
    closers.push(() => proxy.close());
    return proxy;
  };
  const proxies: Record<Neighbour, RoughProxy> = {
    kafka: await proxyTo(`kafka://${stack.kafkaBrokers}`, true),
    registry: await proxyTo(stack.schemaRegistryUrl),
    postgres: await proxyTo(stack.databaseUrl),
    cas: await proxyTo(simulator.url),
  };
  const db = openDatabase({ url: stack.databaseUrl, maxConnections: 2, applicationName: 'test' });
  closers.push(() => db.close());
  const call = async <T>(method: string, path: string, body?: unknown): Promise<T> => {
    const answer = await fetch(`${simulator.url}/simulator/${path}`, {
      method,
      ...(body === undefined ? {} : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
    });
    if (!answer.ok) throw new Error(`simulator: ${method} ${path} answers ${answer.status}: ${await answer.text()}`);
    return (await answer.json()) as T;
  };

  return {
    settings,
    env: {
      ...direct,
      DATABASE_URL: byWayOf(proxies.postgres, stack.databaseUrl),
      KAFKA_BROKERS: `127.0.0.1:${proxies.kafka.port}`,
      SCHEMA_REGISTRY_URL: byWayOf(proxies.registry, stack.schemaRegistryUrl),
      CONAX_BASE_URL: byWayOf(proxies.cas, simulator.url),
    },
    db,
    stack,
    proxies,
    simulator: call,
    async surroundings() {
      const wire = await connectCrm({
        brokers: stack.kafkaBrokers,
        registryUrl: stack.schemaRegistryUrl,
        topics: {
          events: TOPICS.CRM_TOPICS,
          requestOutcomes: TOPICS.OUTCOME_TOPIC,
          actionOutcomes: TOPICS.ACTION_OUTCOME_TOPIC,
          deadLetters: TOPICS.DEAD_LETTER_TOPIC,
        },
      });
      closers.push(() => wire.close());
      const journal = async (): Promise<JournalEntry[]> =>
        (await call<{ entries: JournalEntry[] }>('GET', 'journal?after=0')).entries;
      return {
        env: direct,
        settings,
        db,
        wire,
        simulatorUrl: simulator.url,
        simulator: call,
        journal,
        startService: () => Promise.reject(new Error('The whole service runs as a process of its own.')),
        close: () => wire.close(),
      };
    },
    async close() {
      for (const close of closers.splice(0).toReversed()) await close();
    },
  };
}

/** The server of the stack that a neighbour is; the CAS is a simulator in this process, and stopped by its proxy. */
export function partOf(neighbour: Neighbour): PartName | null {
  return neighbour === 'cas' ? null : neighbour;
}
