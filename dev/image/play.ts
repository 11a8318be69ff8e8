import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import type { Journey, Step } from '../demo/journey.ts';
import { newCustomer, summerHouse } from '../demo/journeys/contracts.ts';
import { play } from '../demo/play.ts';
import { connectCrm, type CrmWire } from '../demo/wire.ts';
import { startStack, type Stack } from '../stack/index.ts';
import { freePort } from '../stack/ports.ts';
import { untilReady } from '../stack/supervised.ts';
import type { Container, Engine } from './engine.ts';
import { playPods } from './pod.ts';

const MIGRATED_WITHIN_MS = 60_000;
const READY_WITHIN_MS = 60_000;
/** SHUTDOWN_TIMEOUT_MS of the service, and a little for the rest. */
const STOPPED_WITHIN_MS = 25_000;
/** Long enough for SIGTERM to come while the CAS still works on a call. */
const CAS_LATENCY_MS = 2_000;
const TERMINATED = 128 + 15;
const START_CPU_SECONDS_MAX = 2;
const BUSY_PERCENT_MAX = 10;

/**
 * Runs `migrate`, the simulator and `serve` in containers, plays a customer's journey through Kafka, and stops the service
 * while a call is under way. Then a pod of the Helm chart takes its place. Returns what differs from what was expected, in sentences.
 */
export async function playInContainers(
  engine: Engine,
  image: string,
  user: string,
  print: (line: string) => void,
): Promise<string[]> {
  const problems: string[] = [];
  const stack = await startStack({ print });
  let wire: CrmWire | null = null;
  try {
    const [httpPort, simulatorPort] = [await freePort(), await freePort()];
    const simulatorUrl = `http://127.0.0.1:${simulatorPort}`;
    const env = settingsOf(stack, simulatorUrl, httpPort);
    const start = (args: readonly string[], settings: Readonly<Record<string, string>> = env): Promise<Container> =>
      engine.start({ image, user, args, env: settings });

    problems.push(...(await stoppedMigration(start, env, print)));
    const migration = await start(['migrate']);
    const migrated = await migration.ended(MIGRATED_WITHIN_MS);
    print(`migrate: exit code ${migrated}`);
    if (migrated !== 0) return [`migrate ends with ${migrated}:\n${await migration.logs()}`];

    const simulator = await start(['simulator'], { SIMULATOR_PORT: String(simulatorPort) });
    await ready('the simulator', simulator, `${simulatorUrl}/simulator/stats`);
    const readyUrl = `http://127.0.0.1:${httpPort}/health/ready`;
    // Its own user's start is the one that Node compiled for; the start as another user only has to work.
    const own = await started(() => engine.start({ image, args: ['serve'], env }), readyUrl, print);
    problems.push(...own.problems, ...(await stopped('serve', own.service, STOPPED_WITHIN_MS, print)));
    const service = await start(['serve']);
    await ready('the service', service, readyUrl);
    problems.push(...(await consoleOf(`http://127.0.0.1:${httpPort}`)));

    wire = await connectCrm({
      brokers: stack.kafkaBrokers,
      registryUrl: stack.schemaRegistryUrl,
      topics: {
        events: env.CRM_TOPICS,
        requestOutcomes: env.OUTCOME_TOPIC,
        actionOutcomes: env.ACTION_OUTCOME_TOPIC,
        deadLetters: env.DEAD_LETTER_TOPIC,
      },
    });
    const journey = newCustomer();
    const last = journey.steps.at(-1);
    if (last === undefined) throw new Error('The journey has no steps');
    problems.push(...(await played({ ...journey, steps: journey.steps.slice(0, -1) }, wire, simulatorUrl, print)));

    await callUnderWay(wire, last, simulatorUrl);
    problems.push(...(await stopped('serve', service, STOPPED_WITHIN_MS, print)));
    const log = await service.logs();
    if (!log.trim().endsWith('"msg":"stopped"}')) problems.push(`serve did not stop in order; it wrote:\n${log}`);
    const requests = journey.steps.flatMap(({ expected }) => ('outcome' in expected ? (expected.requests ?? []) : []));
    problems.push(...(await completed(start, requests.length, print)));

    await setCasLatency(simulatorUrl, 0);
    const crm = wire;
    const inPod = (): Promise<string[]> => played(summerHouse(), crm, simulatorUrl, print);
    problems.push(...(await playPods(engine, image, env, print, inPod)));
    problems.push(...(await stopped('simulator', simulator, STOPPED_WITHIN_MS, print)));
  } finally {
    await wire?.close();
    // The containers first: they would report that their servers are gone.
    await engine.removeContainers();
    await stack.stop();
  }
  return problems;
}

/** Starts the service, and judges the CPU that it takes until it is ready. */
async function started(
  start: () => Promise<Container>,
  readyUrl: string,
  print: (line: string) => void,
): Promise<{ service: Container; problems: string[] }> {
  const startedAt = performance.now();
  const service = await start();
  await ready('the service', service, readyUrl);
  const cpuSeconds = await service.cpuSeconds();
  const busy = busyPercent();
  print(
    `serve is ready ${Math.round(performance.now() - startedAt)} ms after its container was created, ` +
      `with ${cpuSeconds ?? 'unknown'} s of CPU; processes waited for the CPU ${busy ?? 'unknown'} % of the time`,
  );
  if (cpuSeconds === null || cpuSeconds < START_CPU_SECONDS_MAX) return { service, problems: [] };
  const problem = `the start of serve takes ${cpuSeconds} s of CPU, not less than ${START_CPU_SECONDS_MAX}`;
  // Threads that share a core slow each other down, which counts as CPU time of both.
  if (busy !== null && busy < BUSY_PERCENT_MAX) return { service, problems: [problem] };
  print(`NOT JUDGED, because the machine is busy: ${problem}`);
  return { service, problems: [] };
}

/** The part of the last minute in which a process of this machine waited for a CPU; null if Linux does not tell. */
function busyPercent(): number | null {
  try {
    return Number(/^some .*avg60=([\d.]+)/m.exec(readFileSync('/proc/pressure/cpu', 'utf8'))?.[1]);
  } catch {
    return null;
  }
}

/** The web console is built and served: its page, and the script that the page names. */
async function consoleOf(url: string): Promise<string[]> {
  const page = await (await fetch(`${url}/console/`)).text();
  const [script] = /\/console\/assets\/[\w.-]+\.js/.exec(page) ?? [];
  if (script === undefined) return [`/console/ has no page: ${page.slice(0, 200)}`];
  const { status } = await fetch(`${url}${script}`);
  return status === 200 ? [] : [`${script} of the console answers ${status}`];
}

type Start = (args: readonly string[], settings?: Readonly<Record<string, string>>) => Promise<Container>;

/** With topics and a group of this run, because others may use the Kafka that the environment names. */
function settingsOf(stack: Stack, simulatorUrl: string, httpPort: number) {
  const run = `image-${randomBytes(4).toString('hex')}`;
  return {
    KAFKA_GROUP_ID: run,
    CRM_TOPICS: `${run}.events`,
    OUTCOME_TOPIC: `${run}.outcomes`,
    ACTION_OUTCOME_TOPIC: `${run}.action-outcomes`,
    DEAD_LETTER_TOPIC: `${run}.dead-letters`,
    DATABASE_URL: stack.databaseUrl,
    KAFKA_BROKERS: stack.kafkaBrokers,
    SCHEMA_REGISTRY_URL: stack.schemaRegistryUrl,
    CONAX_BASE_URL: simulatorUrl,
    HTTP_HOST: '127.0.0.1',
    HTTP_PORT: String(httpPort),
    PIN_KEY: randomBytes(32).toString('hex'),
  };
}

/** SIGTERM ends a command that does not handle it, also as process 1: here `migrate`, at a database that says nothing. */
async function stoppedMigration(
  start: Start,
  env: Readonly<Record<string, string>>,
  print: (line: string) => void,
): Promise<string[]> {
  const silent = createServer();
  silent.listen(0, '127.0.0.1');
  await once(silent, 'listening');
  try {
    const { port } = silent.address() as AddressInfo;
    const connected = once(silent, 'connection');
    const migration = await start(['migrate'], { ...env, DATABASE_URL: `postgres://a:b@127.0.0.1:${port}/c` });
    const [socket] = (await connected) as [Socket];
    await migration.terminate();
    const exitCode = await migration.ended(5_000);
    socket.destroy();
    print(`migrate that waits for a silent database: exit code ${exitCode} after SIGTERM`);
    return exitCode === TERMINATED ? [] : [`SIGTERM ends migrate with ${exitCode}, not with ${TERMINATED}`];
  } finally {
    silent.close();
  }
}

/** Plays the journey, and returns which outcomes differ from what is expected. */
async function played(
  journey: Journey,
  wire: CrmWire,
  simulatorUrl: string,
  print: (line: string) => void,
): Promise<string[]> {
  const problems: string[] = [];
  await play(journey, wire, simulatorUrl, ({ step, outcome, tookMs, differences }) => {
    print(`${step.journey} ${step.says}: ${outcome} after ${Math.round(tookMs)} ms`);
    problems.push(...differences.map((difference) => `${step.says}: ${difference}`));
  });
  return problems;
}

async function setCasLatency(simulatorUrl: string, latencyMs: number): Promise<void> {
  await fetch(`${simulatorUrl}/simulator/settings`, {
    method: 'PUT',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ latencyMs }),
  });
}

/** Sends the step to a CAS that has become slow, and resolves when it works on the call. */
async function callUnderWay(wire: CrmWire, step: Step, simulatorUrl: string): Promise<void> {
  await setCasLatency(simulatorUrl, CAS_LATENCY_MS);
  await wire.send(step.messages.map((message) => ({ key: step.subscriptionNumber, message })));
  await untilReady(async () => {
    const { inFlight } = await getJson<{ inFlight: number }>(`${simulatorUrl}/simulator/stats`);
    if (inFlight === 0) throw new Error('no call is under way');
  }, READY_WITHIN_MS);
}

async function stopped(
  name: string,
  container: Container,
  withinMs: number,
  print: (line: string) => void,
): Promise<string[]> {
  const toldAt = performance.now();
  await container.terminate();
  const exitCode = await container.ended(withinMs);
  print(`${name}: exit code ${exitCode}, ${Math.round(performance.now() - toldAt)} ms after SIGTERM`);
  return exitCode === 0 ? [] : [`SIGTERM ends ${name} with ${exitCode}:\n${await container.logs()}`];
}

/** All requests are final, also the one whose call was under way at SIGTERM: nothing is left to a later start. */
async function completed(start: Start, expected: number, print: (line: string) => void): Promise<string[]> {
  const list = await start(['requests', 'list', '--state', 'COMPLETED', '--limit', '1000', '--json']);
  const exitCode = await list.ended(READY_WITHIN_MS);
  const shown = await list.logs();
  const count = shown.match(/"life_cycle_state": "COMPLETED"/g)?.length ?? 0;
  print(`requests list: exit code ${exitCode}, ${count} of ${expected} requests are COMPLETED`);
  return exitCode === 0 && count === expected ? [] : [`not all requests are COMPLETED:\n${shown}`];
}

async function ready(name: string, container: Container, url: string): Promise<void> {
  try {
    await untilReady(() => getJson(url), READY_WITHIN_MS);
  } catch (cause) {
    throw new Error(`${name} is not ready; it wrote:\n${await container.logs()}`, { cause });
  }
}

async function getJson<T>(url: string): Promise<T> {
  const response = await fetch(url, { signal: AbortSignal.timeout(5_000) });
  const body = await response.text();
  if (!response.ok) throw new Error(`${url} answers ${response.status}: ${body.slice(0, 500)}`);
  return JSON.parse(body) as T;
}
