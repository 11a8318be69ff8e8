import { chmodSync, mkdtempSync, readFileSync, statSync } from 'node:fs';
import { copyFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import packageJson from '../../package.json' with { type: 'json' };
import { Kafka, logLevel } from '../../src/platform/kafkajs/index.ts';
import { migrate } from '../../src/connections.ts';
import { type Database, openDatabase } from '../../src/platform/database.ts';
import { createLogger } from '../../src/platform/logging.ts';
import { migrateDatabase } from '../../src/platform/migrate.ts';
import { readSettings, SERVICE_SETTINGS, type ServiceSettings } from '../../src/settings.ts';
import { type PartName, startStack } from '../stack/index.ts';
import { freePort } from '../stack/ports.ts';
import { superviseUntilReady } from '../stack/supervised.ts';
import { createDatabase, dropDatabases, serverLine, watchStatements } from './databases.ts';
import { cpuSeconds, familyCpuSeconds, processesWith } from './processes.ts';
import { connectProfiler, type Profiler } from './profiler.ts';
import type { Report } from './report.ts';

export const TOPICS = {
  CRM_TOPICS: 'crm.subscription-events',
  OUTCOME_TOPIC: 'conax.provisioning-outcomes',
  ACTION_OUTCOME_TOPIC: 'conax.action-outcomes',
  DEAD_LETTER_TOPIC: 'crm.subscription-events.dead-letter',
};

/** A program of ours as a process of its own. */
export interface Program {
  readonly url: string;
  readonly pid: number;
  /** From the start of the process until it said that it is ready, in milliseconds; up to 40 ms too long. */
  readonly readyMs: number;
  /** CPU that it took until then, in milliseconds: depends less on what else the machine does. */
  readonly readyCpuMs: number;
  /** Only of a service that was started to be profiled. */
  readonly profiler: Profiler | null;
  stop(): Promise<void>;
}

/** Servers, a database and topics for one benchmark. */
export interface Site {
  readonly env: Readonly<Record<string, string>>;
  readonly databaseUrl: string;
  readonly db: Database;
  readonly kafka: Kafka;
  /** Where profiles and logs go; it stays. */
  readonly output: string;
  settings(overrides?: Readonly<Record<string, string>>): ServiceSettings;
  startSimulator(): Promise<Program>;
  startService(overrides: Readonly<Record<string, string>>, options?: { profiled?: boolean }): Promise<Program>;
  /** Starts the plain service of `plain-service.ts`, which works by message or by batch. */
  startPlain(overrides: Readonly<Record<string, string>>): Promise<Program>;
  /** A migrated database more, on the same server. */
  anotherDatabase(): Promise<string>;
  /** CPU seconds so far of each server and program that runs here. */
  cpu(): Record<string, number>;
  close(): Promise<void>;
}

export interface SiteOptions {
  readonly parts?: readonly PartName[];
  /** Slow statements go to a log of the output, with their plans. */
  readonly profiled?: boolean;
}

/** What is started, and which call it answers once it is ready. */
const PROGRAMS = {
  simulator: { args: ['src/cli.ts', 'simulator'], ready: '/simulator/stats' },
  service: { args: ['src/cli.ts', 'serve'], ready: '/health/ready' },
  plain: { args: ['dev/bench/plain-service.ts'], ready: '/health/ready' },
} as const;

/** The options of Node that `npm start` has. */
const START_FLAGS = packageJson.scripts.start.split(' ').filter((word) => word.startsWith('--'));

const openSites = new Set<() => Promise<void>>();

/** Stops everything that was started and removes its data, in the middle of whatever goes on. */
export async function closeSites(): Promise<void> {
  await Promise.all([...openSites].map((close) => close()));
}

/**
 * Starts the servers with data that survives a power cut (fsync, full_page_writes: what production pays), and
 * pg_stat_statements where it is to be profiled and the server is ours. What the environment names is used as it is, with a database of its own.
 */
export async function openSite(
  report: Report,
  { parts = ['postgres', 'kafka', 'registry'], profiled = false }: SiteOptions = {},
): Promise<Site> {
  const output = mkdtempSync(join(tmpdir(), 'conax-bench-'));
  // PostgreSQL may run as another account.
  chmodSync(output, 0o711);
  const dataDir = join(output, 'data');
  const closing: (() => Promise<unknown>)[] = [() => rm(dataDir, { recursive: true, force: true, maxRetries: 5 })];
  const close = async (): Promise<void> => {
    for (const one of closing.splice(0).toReversed()) await one();
    openSites.delete(close);
  };
  openSites.add(close);
  try {
    const stack = await startStack({ parts, dataDir });
    closing.push(() => stack.stop());
    if (profiled) {
      const log = join(dataDir, 'postgres', 'postgres.log');
      closing.push(() => copyFile(log, join(output, 'postgres.log')).catch(() => {}));
    }
    if (profiled) await watchStatements(stack);
    const databases: string[] = [];
    closing.push(() => dropDatabases(stack.databaseUrl, databases));
    const databaseUrl = await createDatabase(stack.databaseUrl, databases);
    const db = openDatabase({
      url: databaseUrl,
      maxConnections: 3,
      applicationName: 'bench',
      statementTimeoutMs: 300_000,
    });
    closing.push(() => db.close());
    const withKafka = parts.includes('kafka');
    const env = {
      DATABASE_URL: databaseUrl,
      KAFKA_BROKERS: withKafka ? stack.kafkaBrokers : '127.0.0.1:1',
      SCHEMA_REGISTRY_URL: parts.includes('registry') ? stack.schemaRegistryUrl : 'http://127.0.0.1:1',
      ...TOPICS,
      CONAX_BASE_URL: 'http://127.0.0.1:1',
      HTTP_HOST: '127.0.0.1',
      HTTP_PORT: '0',
      LOG_LEVEL: 'warn',
    };
    const settings = (overrides: Readonly<Record<string, string>> = {}): ServiceSettings =>
      readSettings(SERVICE_SETTINGS, { ...env, ...overrides });
    if (withKafka) await migrate(settings(), createLogger('silent'));
    else await migrateDatabase(databaseUrl);
    report.line(await serverLine(db));

    const programs = new Map<string, number>([['bench', process.pid]]);
    const start = async (
      name: 'simulator' | 'service' | 'plain',
      overrides: Readonly<Record<string, string>>,
      inspected = false,
    ): Promise<Program> => {
      const [port, inspectPort] = [await freePort(), await freePort()];
      const url = `http://127.0.0.1:${port}`;
      const pidFile = join(output, `${name}.pid`);
      const flags = [...START_FLAGS, ...(inspected ? [`--inspect=127.0.0.1:${inspectPort}`] : [])];
      const program = await superviseUntilReady(
        name,
        {
          command: '/bin/sh',
          // The supervisor does not tell the process id.
          args: [
            '-c',
            'echo $$ > "$0"; exec "$@"',
            pidFile,
            process.execPath,
            ...(name === 'plain' ? [] : flags),
            ...PROGRAMS[name].args,
          ],
          cwd: new URL('../..', import.meta.url).pathname,
          env: { ...env, ...overrides, HTTP_PORT: String(port), SIMULATOR_PORT: String(port) },
          logFile: join(output, `${name}.log`),
          orphanSignal: 'SIGTERM',
          removeWhenOrphaned: [dataDir],
        },
        () => answers(url + PROGRAMS[name].ready),
        30_000,
      );
      const readyMs = Date.now() - statSync(pidFile).mtimeMs;
      const pid = Number(readFileSync(pidFile, 'utf8'));
      const readyCpuMs = cpuSeconds(pid) * 1000;
      programs.set(name, pid);
      const profiler = inspected ? await connectProfiler(inspectPort) : null;
      let stopping: Promise<void> | undefined;
      const stop = (): Promise<void> => {
        profiler?.close();
        return (stopping ??= program.stop('SIGTERM', 25_000));
      };
      closing.push(stop);
      return { url, pid, readyMs, readyCpuMs, profiler, stop };
    };

    const servers = { postgres: postmaster(dataDir), kafka: processesWith(join(dataDir, 'kafka')).slice(-1) };
    return {
      env,
      databaseUrl,
      db,
      output,
      settings,
      kafka: new Kafka({ brokers: env.KAFKA_BROKERS.split(','), clientId: 'bench', logLevel: logLevel.NOTHING }),
      startSimulator: () => start('simulator', {}),
      startService: (overrides, how = {}) => start('service', overrides, how.profiled === true),
      startPlain: (overrides) => start('plain', overrides),
      anotherDatabase: () =>
        createDatabase(stack.databaseUrl, databases).then(async (url) => {
          await migrateDatabase(url);
          return url;
        }),
      cpu: () =>
        Object.fromEntries([
          ...Object.entries(servers).map(([name, pids]) => [
            name,
            pids.reduce((sum, pid) => sum + familyCpuSeconds(pid), 0),
          ]),
          ...[...programs].map(([name, pid]) => [name, familyCpuSeconds(pid)]),
        ]) as Record<string, number>,
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

/** The process whose children serve the connections; none where the server is in a container or was given. */
function postmaster(dataDir: string): number[] {
  try {
    return [Number(readFileSync(join(dataDir, 'postgres', 'data', 'postmaster.pid'), 'utf8').split('\n')[0])];
  } catch {
    return [];
  }
}

/** How the CPU time of the servers and programs grew, as a share of the time. */
export function cpuLine(before: Record<string, number>, after: Record<string, number>, seconds: number): string {
  return Object.entries(after)
    .map(([name, value]) => [name, value - (before[name] ?? 0)] as const)
    .filter(([, used]) => used > 0.005 * seconds)
    .map(([name, used]) => `${name} ${((100 * used) / seconds).toFixed(0)} %`)
    .join(', ');
}

async function answers(url: string): Promise<void> {
  const response = await fetch(url, { signal: AbortSignal.timeout(2_000) });
  const body = await response.text();
  if (!response.ok) throw new Error(`${url} answers ${response.status}: ${body.slice(0, 500)}`);
}

/** A call to the simulator's HTTP view; the parsed answer. */
export async function simulatorView<T>(url: string, method: string, path: string, body?: unknown): Promise<T> {
  const response = await fetch(`${url}/simulator/${path}`, {
    method,
    ...(body === undefined ? {} : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
  });
  if (!response.ok)
    throw new Error(`simulator: ${method} ${path} answers ${response.status}: ${await response.text()}`);
  return (await response.json()) as T;
}

/** Looks every `everyMs` until it finds something. @throws once `deadlineMs` have passed. */
export async function until<T>(
  what: string,
  deadlineMs: number,
  everyMs: number,
  find: () => Promise<T | false>,
): Promise<T> {
  const deadline = performance.now() + deadlineMs;
  for (;;) {
    const found = await find();
    if (found !== false) return found;
    if (performance.now() > deadline) throw new Error(`Not within ${deadlineMs} ms: ${what}`);
    await pause(everyMs);
  }
}
