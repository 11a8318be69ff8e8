import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { pauseProvider, providerStatus, resumeProvider } from '../../src/dispatch/provider.ts';
import type { Database } from '../../src/platform/database.ts';
import { addTo, audit, openTestRequests, requestFor, submit, type TestRequests } from '../requests/support.ts';
import { ACCEPTED, dispatch, gate, NOT_SENT, scriptedConax, type TestDispatcher, UNKNOWN, until } from './support.ts';

let requests: TestRequests;
let db: Database;
let running: TestDispatcher[] = [];

beforeAll(async () => {
  requests = await openTestRequests();
  db = requests.db;
});
afterAll(() => requests.close());
beforeEach(async () => {
  await db.query('truncate work, lane, lane_pin, request, dispatcher_instance cascade');
  await resumeProvider(db, { by: 'test' });
  await db.query(`update provider set failures_in_a_row = 0, breaker_open_until = null, breaker_openings = 0`);
});
afterEach(async () => {
  await Promise.all(running.map((one) => one.stop()));
  running = [];
});

const cards = (count: number): ReturnType<typeof requestFor>[] =>
  Array.from({ length: count }, (_, index) => requestFor(addTo(`c${index}`)));

const pending = async (): Promise<number> => (await db.query('select from work')).length;
const held = async (): Promise<number> => (await db.query('select from work where token is not null')).length;

/** Until when the instance's share lasts: each heartbeat renews it. */
const expiry = async (): Promise<number> => {
  const [row] = await db.query<{ at: Date }>('select expires_at as at from dispatcher_instance');
  return row?.at.getTime() ?? 0;
};

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

test('while the provider is paused nothing is sent, what was claimed is given back, and all goes on after the resume', async () => {
  await submit(db, ...cards(60));
  const paused = gate();
  const conax = scriptedConax(async (_call, number) => {
    if (number > 8) await paused.passed;
    return ACCEPTED;
  });
  running = [dispatch(requests.url, conax)];
  await until(
    () => conax.calls.length,
    (calls) => calls > 8,
  );
  expect(await pauseProvider(db, { reason: 'maintenance', by: 'ops' })).toBe(true);
  expect(await pauseProvider(db, { reason: 'another', by: 'ops' })).toBe(false);
  paused.open();
  await until(held, (count) => count === 0);
  const sent = conax.calls.length;
  expect(await pending()).toBe(60 - sent);
  expect(await providerStatus(db)).toMatchObject({ paused: true, pausedReason: 'maintenance', pausedBy: 'ops' });
  await submit(db, requestFor(addTo('x')));
  // The dispatcher has looked at its share, the switch and the ready requests meanwhile.
  for (let beats = 0; beats < 4; beats += 1) {
    const renewed = await expiry();
    await until(expiry, (at) => at > renewed);
  }
  expect(conax.calls).toHaveLength(sent);
  expect(await audit(db)).toEqual([]);
  expect(await resumeProvider(db, { by: 'ops' })).toBe(true);
  await until(pending, (count) => count === 0);
  expect(conax.calls).toHaveLength(61);
});

test('calls in a row that do not reach the CAS open the breaker; it is probed one request at a time, and closes by itself', async () => {
  await submit(db, ...cards(60));
  let healed = false;
  let most = 0;
  const conax = scriptedConax(async () => {
    most = Math.max(most, conax.underWay());
    await pause(2);
    return healed ? ACCEPTED : NOT_SENT;
  });
  running = [dispatch(requests.url, conax), dispatch(requests.url, conax)];
  const status = await until(
    () => providerStatus(db),
    ({ breaker }) => breaker !== 'closed',
  );
  expect(status.failuresInARow).toBeGreaterThanOrEqual(5);
  // Each of the two has to know: otherwise it still sends as usual.
  await until(
    () => running.map(({ dispatcher }) => dispatcher.state()),
    (states) => states.every(({ mode, underWay }) => mode !== 'open' && underWay === 0),
  );
  const before = conax.calls.length;
  expect(before).toBeLessThan(40);
  most = 0;
  await until(
    () => conax.calls.length,
    (calls) => calls >= before + 3,
  );
  expect(most).toBe(1);
  const [first, second, third] = conax.calls.slice(before).map(({ at }) => at);
  expect(second! - first!).toBeGreaterThan(100);
  expect(third! - second!).toBeGreaterThan(200);
  expect(await audit(db)).toEqual([]);

  healed = true;
  await until(pending, (count) => count === 0);
  expect(await providerStatus(db)).toMatchObject({ breaker: 'closed', failuresInARow: 0 });
  expect((await db.query('select from request where life_cycle_state = $1', ['COMPLETED'])).length).toBe(60);
});

test('a call that reaches the CAS begins the count anew', async () => {
  await submit(db, ...cards(40));
  const conax = scriptedConax((_call, number) => (number % 3 === 0 ? ACCEPTED : NOT_SENT));
  running = [dispatch(requests.url, conax, { maxConcurrency: 1 })];
  await until(pending, (count) => count === 0);
  expect(await providerStatus(db)).toMatchObject({ breaker: 'closed' });
  const [row] = await db.query<{ breaker_openings: number }>('select breaker_openings from provider');
  expect(row?.breaker_openings).toBe(0);
});

test('answers that cannot be read open the breaker, too, and the state says what came instead', async () => {
  await submit(db, ...cards(60));
  let healed = false;
  const description = 'HTTP 200, text/html: the answer is not well formed';
  const conax = scriptedConax(() =>
    healed ? ACCEPTED : { kind: 'unknown', code: 'CAS_ANSWER_UNREADABLE', description },
  );
  running = [dispatch(requests.url, conax)];
  const [{ dispatcher, metrics }] = running as [TestDispatcher];
  const { detail } = await until(
    () => dispatcher.state(),
    ({ mode }) => mode !== 'open',
  );
  expect(detail).toMatch(`no answer of the CAS can be read: ${description}`);
  expect(conax.calls.length).toBeLessThan(40);
  expect((await metrics.unreadable.get()).values[0]?.value).toBeGreaterThanOrEqual(5);
  healed = true;
  await until(pending, (count) => count === 0);
  expect(await providerStatus(db)).toMatchObject({ breaker: 'closed', failuresInARow: 0 });
  expect(dispatcher.state()).toMatchObject({ mode: 'open', detail: 'sending' });
});

test('a lost answer says nothing about the next call', async () => {
  await submit(db, ...cards(40));
  const conax = scriptedConax((_call, number) => (number > 60 ? ACCEPTED : UNKNOWN));
  running = [dispatch(requests.url, conax)];
  await until(pending, (count) => count === 0);
  const [row] = await db.query<{ breaker_openings: number }>('select breaker_openings from provider');
  expect(row?.breaker_openings).toBe(0);
});

test('a half-open breaker with nothing to send lets the next request through', async () => {
  await db.query(`update provider set failures_in_a_row = 9, breaker_open_until = now(), breaker_openings = 1`);
  running = [
    dispatch(
      requests.url,
      scriptedConax(() => ACCEPTED),
    ),
  ];
  await until(
    () => running[0]!.dispatcher.state(),
    ({ mode }) => mode === 'half-open',
  );
  await submit(db, requestFor(addTo('c1')));
  await until(pending, (count) => count === 0);
  expect(await providerStatus(db)).toMatchObject({ breaker: 'closed' });
});
