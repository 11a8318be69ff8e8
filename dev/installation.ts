import { randomBytes } from 'node:crypto';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from './stack/ports.ts';
import { startStack, type Stack } from './stack/index.ts';
import { runSupervised, type Supervised, type SupervisedCommand, superviseUntilReady } from './stack/supervised.ts';

/** A whole installation on this machine: servers, CAS simulator and service, each a process of its own. */
export interface Installation {
  readonly stack: Stack;
  readonly serviceUrl: string;
  readonly simulatorUrl: string;
  /** The settings of the service, for commands that look into the same installation. */
  readonly env: Readonly<Record<string, string>>;
  /** Resolves when the service or the simulator has ended by itself, with a sentence about it. */
  readonly ended: Promise<string>;
  stop(): Promise<void>;
}

const GRACE_MS = 25_000;

/**
 * Starts what is missing, migrates, and starts simulator and service from the sources. Nothing of it outlives this process.
 * What the environment names (DATABASE_URL, KAFKA_BROKERS, SCHEMA_REGISTRY_URL, …) is used as it is.
 * @param casUrl a CAS to use in place of the simulator, which is then not started.
 * @throws when a part does not start; what was started is stopped before.
 */
export async function startInstallation(print: (line: string) => void, casUrl?: string): Promise<Installation> {
  const started: { stop(): Promise<void> }[] = [];
  const logs = mkdtempSync(join(tmpdir(), 'conax-provisioning-logs-'));
  const stop = async (): Promise<void> => {
    for (const part of started.splice(0).toReversed()) await part.stop();
  };
  try {
    const stack = await startStack({ print });
    started.push(stack);
    const [httpPort, simulatorPort] = [await freePort(), await freePort()];
    const serviceUrl = `http://127.0.0.1:${httpPort}`;
    const simulatorUrl = `http://127.0.0.1:${simulatorPort}`;
    const env = {
      DATABASE_URL: stack.databaseUrl,
      KAFKA_BROKERS: stack.kafkaBrokers,
      SCHEMA_REGISTRY_URL: stack.schemaRegistryUrl,
      CONAX_BASE_URL: casUrl ?? simulatorUrl,
      HTTP_HOST: '127.0.0.1',
      HTTP_PORT: String(httpPort),
      SIMULATOR_PORT: String(simulatorPort),
      ...pinKey(),
    };
    const command = (name: string): SupervisedCommand => ({
      command: process.execPath,
      args: ['--disable-warning=TimeoutNegativeWarning', 'src/cli.ts', name],
      cwd: new URL('..', import.meta.url).pathname,
      env: { ...stringsOf(process.env), ...env },
      logFile: join(logs, `${name}.log`),
      orphanSignal: 'SIGTERM',
      removeWhenOrphaned: [],
    });
    await timed(print, 'tables, topics and schemas', () => runSupervised('migrate', command('migrate')));
    const parts: Record<string, Supervised> = {};
    if (casUrl === undefined) {
      const simulator = await timed(print, `CAS simulator at ${simulatorUrl}`, () =>
        superviseUntilReady(
          'the CAS simulator',
          command('simulator'),
          () => answers(`${simulatorUrl}/simulator/journal?after=0`),
          20_000,
        ),
      );
      started.push({ stop: () => simulator.stop('SIGTERM', GRACE_MS) });
      parts['simulator'] = simulator;
    }
    const service = await timed(print, `service at ${serviceUrl}`, () =>
      superviseUntilReady('the service', command('serve'), () => answers(`${serviceUrl}/health/ready`), 30_000),
    );
    started.push({ stop: () => service.stop('SIGTERM', GRACE_MS) });
    print(`logs in ${logs}`);
    return { stack, serviceUrl, simulatorUrl, env, ended: firstToEnd({ ...parts, service }, logs), stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** A key of this run, like its data, where the environment names none. */
function pinKey(): { PIN_KEY?: string } {
  const { PIN_KEY: key, PIN_KEY_FILE: file } = process.env;
  if (file !== undefined && file !== '') return {};
  return { PIN_KEY: key || randomBytes(32).toString('hex') };
}

async function firstToEnd(processes: Record<string, Supervised>, logs: string): Promise<string> {
  return Promise.race(
    Object.entries(processes).map(
      async ([name, { exited }]) => `the ${name} ended with exit code ${await exited}; its log is in ${logs}`,
    ),
  );
}

async function timed<T>(print: (line: string) => void, what: string, work: () => Promise<T>): Promise<T> {
  const startedAt = performance.now();
  const result = await work();
  print(`${what}: ready after ${((performance.now() - startedAt) / 1000).toFixed(1)} s`);
  return result;
}

async function answers(url: string): Promise<void> {
  const response = await fetch(url, { signal: AbortSignal.timeout(2_000) });
  const body = await response.text();
  if (!response.ok) throw new Error(`${url} answers ${response.status}: ${body.slice(0, 500)}`);
}

function stringsOf(env: NodeJS.ProcessEnv): Record<string, string> {
  return Object.fromEntries(
    Object.entries(env).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
  );
}
