import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { randomUUID } from 'node:crypto';
import { createCallPermits } from '../../src/dispatch/call-permits.ts';
import type { Database } from '../../src/platform/database.ts';
import type { ClaimedRequest } from '../../src/requests/claim.ts';
import {
  addTo,
  audit,
  claim,
  openTestRequests,
  pairingOf,
  requestFor,
  submit,
  type TestRequests,
} from '../requests/support.ts';
import {
  ACCEPTED,
  dispatch,
  gate,
  final,
  requestRow,
  scriptedConax,
  type TestDispatcher,
  UNKNOWN,
  until,
} from './support.ts';

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
});
afterEach(async () => {
  await Promise.all(running.map((one) => one.stop()));
  running = [];
});

const takes = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
const work = (): Promise<{ token: string | null }[]> => db.query<{ token: string | null }>('select token from work');
const manyCards = (count: number): ReturnType<typeof requestFor>[] =>
  Array.from({ length: count }, (_, index) => requestFor(addTo(`c${index}`)));

test('an idle dispatcher hears of new work at once, without looking for it', async () => {
  const conax = scriptedConax(() => ACCEPTED);
  running = [dispatch(requests.url, conax, { pollMs: 600_000, heartbeatMs: 1_000 })];
  await until(
    () => running[0]!.dispatcher.state(),
    ({ ready }) => ready,
  );
  // The connection that listens asks for work when it is up.
  await submit(db, requestFor(addTo('c0')));
  await until(
    () => conax.calls.length,
    (calls) => calls === 1,
  );
  for (let times = 0; times < 5; times += 1) {
    const [number] = await submit(db, requestFor(addTo('c1')));
    await final(db, number!);
  }
  expect(conax.calls).toHaveLength(6);
});

test('a dispatcher that cannot listen finds new work by looking', async () => {
  running = [
    dispatch(
      requests.url,
      scriptedConax(() => ACCEPTED),
      { databaseUrl: null },
    ),
  ];
  const [number] = await submit(db, requestFor(addTo('c1')), requestFor(addTo('c1')));
  expect(await final(db, number! + 1)).toMatchObject({ life_cycle_state: 'COMPLETED' });
});

test('leases are renewed while calls are under way: nobody else takes the request over', async () => {
  const [number] = await submit(db, requestFor(pairingOf(['c1', 'c2'])));
  const conax = scriptedConax(async (_call, call) => {
    await takes(1_300);
    return call === 1 ? UNKNOWN : ACCEPTED;
  });
  // Three calls take longer than the lease, which is long enough for a machine that is busy with other tests.
  const short = { callTimeoutMs: 1_400, leaseMs: 3_000 };
  running = [dispatch(requests.url, conax, short), dispatch(requests.url, conax, short)];
  expect(await final(db, number!)).toMatchObject({ life_cycle_state: 'COMPLETED', attempts: 3 });
  expect(conax.calls).toHaveLength(3);
  const claims = await Promise.all(running.map(({ metrics }) => metrics.claims.get()));
  const found = claims.flatMap(({ values }) => values.filter(({ labels }) => labels.result === 'found'));
  // Both instances show it, from 0 on.
  expect(found.reduce((sum, { value }) => sum + value, 0)).toBe(1);
});

test('an answer that comes after the lease was lost changes nothing', async () => {
  const [number] = await submit(db, requestFor(addTo('c1')));
  const other = randomUUID();
  const conax = scriptedConax(async () => {
    await db.query(`update work set token = $1, ready_at = now() + interval '1 hour'`, [other]);
    return ACCEPTED;
  });
  running = [dispatch(requests.url, conax)];
  await until(
    () => running[0]!.dispatcher.state(),
    ({ underWay, unwritten }) => conax.calls.length === 1 && underWay === 0 && unwritten === 0,
  );
  expect(await requestRow(db, number!)).toMatchObject({ life_cycle_state: 'PENDING' });
  expect(await work()).toEqual([{ token: other }]);
  expect(await db.query('select from attempt')).toEqual([]);
});

test('a request whose sender died is sent once its lease has run out, and not before', async () => {
  const [number] = await submit(db, requestFor(addTo('c1')));
  await claim(db, 1, 700);
  const claimedAt = performance.now();
  const conax = scriptedConax(() => ACCEPTED);
  running = [dispatch(requests.url, conax)];
  expect(await final(db, number!)).toMatchObject({ life_cycle_state: 'COMPLETED' });
  expect(conax.calls[0]!.at - claimedAt).toBeGreaterThan(600);
});

test('stopping lets calls that are under way end, writes them down, and gives the rest back', async () => {
  await submit(db, ...manyCards(40));
  const stopping = gate();
  const conax = scriptedConax(async () => {
    await stopping.passed;
    return ACCEPTED;
  });
  const stopped = dispatch(requests.url, conax);
  await until(
    () => stopped.dispatcher.state(),
    ({ underWay, buffered }) => underWay === 8 && buffered > 0,
  );
  const ended = stopped.stop();
  stopping.open();
  await ended;
  const sent = conax.calls.length;
  const left = await work();
  expect(left).toHaveLength(40 - sent);
  expect(left.filter(({ token }) => token !== null)).toEqual([]);
  expect(await db.query('select from dispatcher_instance')).toEqual([]);
  expect(await audit(db)).toEqual([]);

  running = [dispatch(requests.url, conax)];
  await until(work, (rows) => rows.length === 0);
  expect(conax.calls).toHaveLength(40);
});

test('stopping takes no longer than its limit when the CAS does not answer; the lease says what became of it', async () => {
  await submit(db, requestFor(addTo('c1')));
  const answered = gate();
  const conax = scriptedConax(async () => {
    await answered.passed;
    return ACCEPTED;
  });
  const stopped = dispatch(requests.url, conax, { drainMs: 100, callTimeoutMs: 2_500, leaseMs: 6_000 });
  await until(
    () => conax.calls.length,
    (calls) => calls === 1,
  );
  const begunAt = performance.now();
  await stopped.stop();
  expect(performance.now() - begunAt).toBeLessThan(1_500);
  expect((await work()).filter(({ token }) => token !== null)).toHaveLength(1);
  // The share stays taken, because the call may still be under way.
  expect(await db.query('select from dispatcher_instance')).toHaveLength(1);
  answered.open();
});

test('an EXPRESS request overtakes what is claimed and not begun', async () => {
  await submit(db, ...manyCards(20));
  const order: number[] = [];
  const claimed = gate();
  const conax = scriptedConax(async ({ requestNumber }) => {
    order.push(requestNumber);
    await claimed.passed;
    return ACCEPTED;
  });
  running = [dispatch(requests.url, conax, { maxConcurrency: 2 })];
  await until(
    () => running[0]!.dispatcher.state(),
    ({ underWay }) => underWay === 2,
  );
  const [express] = await submit(db, requestFor(addTo('x'), { priority: 'EXPRESS' }));
  await until(
    () => db.query('select from work where number = $1 and token is not null', [express]),
    (rows) => rows.length === 1,
  );
  claimed.open();
  await until(work, (rows) => rows.length === 0);
  // Behind the two under way; one more may begin before the claim is back.
  expect(order.indexOf(express!)).toBeLessThan(4);
});

test('no call is made with less than its time left on the lease', async () => {
  const request = { number: 1 } as ClaimedRequest;
  let taken = 0;
  let left = 1_000;
  const permits = createCallPermits({
    share: {
      slots: () => 1,
      tryCall: () => {
        taken += 1;
        return true;
      },
      putBack: () => {},
      waitMs: () => 0,
      share: () => ({ slots: 1, burst: 1 }),
      inForce: () => true,
      beat: () => Promise.reject(new Error('not here')),
      leave: () => Promise.resolve(),
    },
    leftMs: () => left,
    callMs: 500,
    halted: () => false,
    onWait: () => {},
  });
  const ask = async (): Promise<string> => {
    const answer = permits.ask(request);
    permits.serve();
    return await answer;
  };
  expect(await ask()).toBe('go');
  left = 499;
  expect(await ask()).toBe('halt');
  left = 0;
  expect(await ask()).toBe('lost');
  expect(taken).toBe(1);
});
