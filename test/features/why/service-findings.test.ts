import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { addService } from '../../../dev/demo/crm.ts';
import type { Explanation } from '../../../src/features/why/explanation.ts';
import type { FindingCode } from '../../../src/features/why/finding-codes.ts';
import { createLogger } from '../../../src/platform/logging.ts';
import { type Service, startService } from '../../../src/service.ts';
import { readSettings, SERVICE_SETTINGS } from '../../../src/settings.ts';
import { runCli, startCli } from '../../support/cli.ts';
import { act, eventually, household, outcomeOf, spoil } from '../../support/scene.ts';
import { schemaRegistryUrl } from '../../support/stack.ts';
import { startTcpProxy, type TcpProxy } from '../../support/tcp-proxy.ts';
import { openSurroundings, type Surroundings } from '../../support/world.ts';
import { codesOf, type Desk, openDesk } from './desk.ts';

const CARD = '46000000001';

let world: Surroundings;
let registry: TcpProxy;
let desk: Desk;
const services: Service[] = [];
beforeAll(async () => {
  world = await openSurroundings({
    BREAKER_FAILURES: '2',
    BREAKER_OPEN_MS: '60000',
    BREAKER_MAX_OPEN_MS: '60000',
    CONAX_MAX_REQUESTS_PER_SECOND: '1',
  });
  const { hostname, port } = new URL(schemaRegistryUrl());
  registry = await startTcpProxy({ host: hostname, port: Number(port) });
  desk = openDesk(world.env);
});
afterEach(stopAll);
afterAll(async () => {
  await world.close();
  await registry.close();
});

/** Starts an instance whose way to the registry can be cut. */
async function start(overrides: Readonly<Record<string, string>> = {}): Promise<Service> {
  const url = new URL(schemaRegistryUrl());
  url.port = String(registry.port);
  const settings = readSettings(SERVICE_SETTINGS, { ...world.env, SCHEMA_REGISTRY_URL: url.href, ...overrides });
  const service = await startService(settings, createLogger('silent'));
  services.push(service);
  await service.started;
  return service;
}

async function stopAll(): Promise<void> {
  await Promise.all(services.splice(0).map((service) => service.stop()));
}

const foundIn = ({ findings }: Explanation, code: FindingCode) => findings.find((one) => one.code === code);

/** Asks until the sentence of INTAKE_STOPPED fits, and returns the finding. */
function stopped(of: string, sentence: RegExp) {
  return eventually(async () => {
    const found = foundIn(await desk.why(of, '--no-ask'), 'INTAKE_STOPPED');
    return found !== undefined && sentence.test(found.sentence) ? found : undefined;
  }, `reading stopped: ${sentence.source}`);
}

const continues = (of: string): Promise<true> =>
  eventually(
    async () => (codesOf(await desk.why(of, '--no-ask')).includes('INTAKE_STOPPED') ? undefined : true),
    'reading continues',
  );

test('reading that waits for the registry is reported with its cause, start and unread messages, and continues by itself', async () => {
  registry.cut();
  const since = Date.now();
  const subscription = household('S0000460001', CARD, ['1001']);
  await start();
  const made = await act(world, subscription, { action: 'S:BECOME_SUBSCRIBER' });
  const found = await stopped(subscription.number, /At least 1 messages are not read yet/);
  expect(found.sentence).toMatch(
    /^Events of partition \S+ are not read: .*registry.*\. At least 1 messages are not read yet\.$/,
  );
  expect(Date.parse(found.since ?? '')).toBeGreaterThan(since - 1_000);
  expect(Date.parse(found.since ?? '')).toBeLessThanOrEqual(Date.now());
  expect((await desk.why(subscription.number, '--no-ask')).verdict).toBe(found.sentence);
  registry.heal();
  await outcomeOf(world, made);
  await continues(subscription.number);
});

test('an instance whose topic is missing reports that it reads nothing, until another one reads', async () => {
  await start({ CRM_TOPICS: `${world.settings.CRM_TOPICS[0]}.missing`, KAFKA_GROUP_ID: 'missing' });
  const found = await stopped(CARD, /^No events are read: /);
  expect(found).toMatchObject({ severity: 'blocking', sentence: expect.stringMatching(/topic/i) as string });
  await start();
  await continues(CARD);
});

test('no instance runs: since when; the command starts one', async () => {
  await start();
  await continues(CARD);
  await stopAll();
  const shown = await desk.until('INTAKE_STOPPED', CARD, '--no-ask');
  expect(foundIn(shown, 'INTAKE_STOPPED')).toMatchObject({
    sentence: 'No instance of the service runs: no event is read, and nothing is sent.',
    since: expect.any(String) as string,
  });
  const serving = startCli(await desk.command('INTAKE_STOPPED', CARD, '--no-ask'), { ...world.env, LOG_LEVEL: 'info' });
  await serving.line(/the service has started/);
  await continues(CARD);
  serving.signal('SIGTERM');
  expect((await serving.ended).exitCode).toBe(0);
});

test('a request in line: how many go before it; the command sends it first', async () => {
  await start();
  const subscription = household('S0000460002', '46000000002', ['1001']);
  const others = Array.from({ length: 60 }, (_, index) => ['--card', `4610000${String(index).padStart(4, '0')}`]);
  const sent = await runCli(['message', 'bark', 'The match begins', ...others.flat(), '--no-wait'], world.env);
  expect(sent.exitCode).toBe(0);
  await act(world, subscription, { action: 'S:BECOME_SUBSCRIBER' });
  const shown = await desk.until('WAITING_IN_LINE', '46000000002', '--no-ask');
  expect(foundIn(shown, 'WAITING_IN_LINE')?.sentence).toMatch(
    /^CREATE_PAIRING \(request \d+, GIVING\) is in line after [3-6]\d requests of other cards, about [3-6]\d s\.$/,
  );
  const ran = await runCli(await desk.command('WAITING_IN_LINE', '46000000002', '--no-ask'), world.env);
  expect(ran).toMatchObject({ exitCode: 0, stdout: expect.stringMatching(/COMPLETED/) as string });
  const first = (await world.journal()).find(({ parameters }) => parameters.smartcards?.includes('46000000002'));
  const before = (await world.journal()).filter(({ seq }) => seq < (first?.seq ?? 0));
  expect(before.filter(({ command }) => command === 'SEND_BARK_MESSAGE_TO_CLIENT').length).toBeLessThan(40);
});

test('the CAS is away: the breaker with the last error, and when it is tried next', async () => {
  await start();
  await spoil(world, { match: {}, times: null, fault: 'http:503' });
  const subscription = household('S0000460003', '46000000003', ['1001']);
  addService(subscription, 'second', '1002');
  await act(world, subscription, { action: 'S:BECOME_SUBSCRIBER' });
  const shown = await desk.until('BREAKER_OPEN', '46000000003');
  expect(foundIn(shown, 'BREAKER_OPEN')?.sentence).toMatch(
    /^The CAS does not answer( \(CAS_UNAVAILABLE\))?, so \d of its requests wait\.$/,
  );
  expect(shown.cas_not_asked).toBe('the CAS does not answer');
  const ran = await runCli(await desk.command('BREAKER_OPEN', '46000000003', '--no-ask'), world.env);
  expect(ran.stdout).toMatch(/breaker +(open until \d{4}-|half-open)/);
});
