import { randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { playDemo } from '../demo/whole.ts';
import { freePort } from '../stack/ports.ts';
import { untilReady } from '../stack/supervised.ts';
import { messageOf } from '../../src/platform/errors.ts';
import { execute } from './engine.ts';

const PROGRAMS = [['docker', 'compose'], ['docker-compose']] as const;
const PULLED_WITHIN_MS = 300_000;
const STARTED_WITHIN_MS = 300_000;
const READY_WITHIN_MS = 60_000;
const STOPPED_WITHIN_MS = 90_000;

/**
 * Brings docker-compose.yml up whole with the image, plays the demo through it from outside, and stops it. The ports on
 * this machine are free ones. Docker Compose asks the engine that `DOCKER_HOST` or the usual socket leads to, which must have
 * the image. Returns what went wrong, in sentences; where Compose or its images cannot be had, only prints that.
 */
export async function playCompose(image: string, print: (line: string) => void): Promise<string[]> {
  const program = await findCompose();
  if (program === null) {
    print('docker-compose.yml was NOT run: there is no Docker Compose with an engine');
    return [];
  }
  const directory = await mkdtemp(join(tmpdir(), 'conax-compose-'));
  const overrides = join(directory, 'overrides.yml');
  const ports = {
    kafka: await freePort(),
    registry: await freePort(),
    simulator: await freePort(),
    service: await freePort(),
  };
  await writeFile(overrides, overridesOf(image, ports));
  const project = `conax-provisioning-test-${randomBytes(4).toString('hex')}`;
  const compose = (args: readonly string[], withinMs = READY_WITHIN_MS): Promise<{ stdout: string }> => {
    const [name, ...first] = program;
    const files = ['--project-name', project, '--file', 'docker-compose.yml', '--file', overrides];
    return execute(name, [...first, ...files, ...args], withinMs);
  };
  try {
    try {
      await compose(['pull', '--quiet', '--ignore-buildable', '--policy', 'missing'], PULLED_WITHIN_MS);
    } catch (error) {
      print(`docker-compose.yml was NOT run: its images cannot be had\n${messageOf(error)}`);
      return [];
    }
    const startedAt = performance.now();
    await compose(['up', '--detach', '--no-build'], STARTED_WITHIN_MS);
    await untilReady(() => answers(`http://127.0.0.1:${ports.service}/health/ready`), READY_WITHIN_MS);
    print(`docker-compose.yml: ready after ${((performance.now() - startedAt) / 1000).toFixed(1)} s`);
    const wrong = await playDemo({
      kafkaBrokers: `127.0.0.1:${ports.kafka}`,
      schemaRegistryUrl: `http://127.0.0.1:${ports.registry}/apis/ccompat/v7`,
      simulatorUrl: `http://127.0.0.1:${ports.simulator}`,
    });
    await compose(['stop', 'service', 'simulator'], STOPPED_WITHIN_MS);
    const stopped = (await exitCodes(compose)).filter(([name]) => ['service', 'simulator', 'migrate'].includes(name));
    print(`docker-compose.yml: ${stopped.map(([name, code]) => `${name} ended with ${code}`).join(', ')}`);
    return [
      ...(wrong === 0 ? [] : [`in docker-compose.yml ${wrong} outcomes or cards of the demo are not as expected`]),
      ...(stopped.length === 3 ? [] : ['docker-compose.yml lacks one of service, simulator and migrate']),
      // The simulator is only a tool: its exit code is printed, not judged.
      ...stopped.flatMap(([name, code]) =>
        code === 0 || name === 'simulator' ? [] : [`in docker-compose.yml ${name} ends with ${code}`],
      ),
    ];
  } catch (error) {
    const { stdout } = await compose(['logs', '--no-color', '--tail', '50']);
    return [`docker-compose.yml: ${messageOf(error)}\n${stdout}`];
  } finally {
    await compose(['down', '--volumes', '--timeout', '30'], STOPPED_WITHIN_MS);
    await rm(directory, { recursive: true, force: true });
  }
}

/** The first Docker Compose that has an engine. */
async function findCompose(): Promise<readonly [string, ...string[]] | null> {
  for (const [name, ...first] of PROGRAMS) {
    try {
      await execute(name, [...first, 'ls']);
      return [name, ...first];
    } catch {
      // The next one, if there is one.
    }
  }
  return null;
}

/** Kafka's port is also what it tells its clients. */
function overridesOf(
  image: string,
  ports: Readonly<Record<'kafka' | 'registry' | 'simulator' | 'service', number>>,
): string {
  return `services:
  postgres: { ports: !reset [] }
  kafka:
    ports: !override ['127.0.0.1:${ports.kafka}:29092']
    environment: { KAFKA_ADVERTISED_LISTENERS: 'INSIDE://kafka:9092,HOST://127.0.0.1:${ports.kafka}' }
  registry: { ports: !override ['127.0.0.1:${ports.registry}:8080'] }
  migrate: { image: '${image}' }
  simulator: { image: '${image}', ports: !override ['127.0.0.1:${ports.simulator}:8090'] }
  service: { image: '${image}', ports: !override ['127.0.0.1:${ports.service}:8080'] }
`;
}

async function exitCodes(
  compose: (args: readonly string[]) => Promise<{ stdout: string }>,
): Promise<[string, number][]> {
  const { stdout } = await compose(['ps', '--all', '--format', 'json']);
  return stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { Service: string; ExitCode: number })
    .map(({ Service, ExitCode }) => [Service, ExitCode]);
}

async function answers(url: string): Promise<void> {
  const response = await fetch(url, { signal: AbortSignal.timeout(5_000) });
  if (!response.ok) throw new Error(`${url} answers ${response.status}: ${await response.text()}`);
}
