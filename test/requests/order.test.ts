import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import type { Database } from '../../src/platform/database.ts';
import { activateDueRequests } from '../../src/requests/activate.ts';
import { claimRequests, renewLeases } from '../../src/requests/claim.ts';
import { giveBackRequests, putOffRequests } from '../../src/requests/put-off.ts';
import { until } from '../dispatch/support.ts';
import {
  addTo,
  audit,
  claim,
  finish,
  openTestRequests,
  pairingOf,
  REPORT_FOR_STB,
  requestFor,
  sendAll,
  submit,
  type TestRequests,
} from './support.ts';

let requests: TestRequests;
let db: Database;

beforeAll(async () => {
  requests = await openTestRequests();
  db = requests.db;
});
afterAll(() => requests.close());
beforeEach(async () => {
  await db.query('truncate work, lane, lane_pin, request cascade');
});

const inAnHour = (): Date => new Date(Date.now() + 3_600_000);
/** As if the dates of all scheduled requests had come. */
const dateComes = async (): Promise<number> => {
  await db.query(`update work set ready_at = now() - interval '1 second' where waits < 0`);
  return await db.transaction((tx) => activateDueRequests(tx, 100));
};
const numbersOf = (rows: readonly { number: number }[]): number[] => rows.map(({ number }) => number);

test('requests of one card are sent one after the other, in the order of submission', async () => {
  const numbers = await submit(db, ...['1', '2', '3'].map((service) => requestFor(addTo('c1', service))));
  const first = await claim(db);
  expect(numbersOf(first)).toEqual([numbers[0]]);
  expect(await claim(db)).toEqual([]);
  await finish(db, first);
  expect(await sendAll(db)).toEqual(numbers.slice(1));
});

test('requests of different cards are claimed together', async () => {
  const numbers = await submit(db, requestFor(addTo('c1')), requestFor(addTo('c2')), requestFor(addTo('c3')));
  expect(new Set(numbersOf(await claim(db)))).toEqual(new Set(numbers));
});

test('a request of several cards waits until it is its turn on each', async () => {
  const [a, b] = await submit(db, requestFor(addTo('c1')), requestFor(addTo('c2')));
  const [pairing] = await submit(db, requestFor(pairingOf(['c1', 'c2', 'c3'])));
  const [later] = await submit(db, requestFor(addTo('c3')));
  const [one, two] = await claim(db);
  expect(new Set([one?.number, two?.number])).toEqual(new Set([a, b]));
  await finish(db, [one!]);
  expect(await claim(db)).toEqual([]);
  await finish(db, [two!]);
  expect(await sendAll(db)).toEqual([pairing, later]);
  expect(await audit(db)).toEqual([]);
});

test('a request without a card is claimed at once and finished like any other', async () => {
  const [number] = await submit(db, requestFor(REPORT_FOR_STB));
  const claimed = await claim(db);
  expect(numbersOf(claimed)).toEqual([number]);
  expect(await finish(db, claimed)).toEqual([number]);
  expect(await audit(db)).toEqual([]);
});

test('an EXPRESS request raises the whole chain that it waits for, across cards, and reorders none of them', async () => {
  const others = await submit(db, requestFor(addTo('x1')), requestFor(addTo('x2')));
  const chain = await submit(
    db,
    requestFor(addTo('c1')),
    requestFor(pairingOf(['c1', 'c2']), { bulk: true }),
    requestFor(pairingOf(['c2', 'c3'])),
    requestFor(addTo('c3')),
  );
  const [express] = await submit(db, requestFor(addTo('c3'), { priority: 'EXPRESS' }));
  expect(await audit(db)).toEqual([]);
  expect(await sendAll(db)).toEqual([...chain, express, ...others]);
});

test('a command that gives raises the bulk work of its card above the bulk work of others', async () => {
  const [other, own] = await submit(
    db,
    requestFor(addTo('c1'), { bulk: true }),
    requestFor(addTo('c2'), { bulk: true }),
  );
  const [add] = await submit(db, requestFor(addTo('c2')));
  expect(await sendAll(db)).toEqual([own, add, other]);
});

test('a scheduled request blocks nobody before its date, and then goes before what was submitted after it', async () => {
  const [first, scheduled] = await submit(
    db,
    requestFor(addTo('c1')),
    requestFor(addTo('c1'), { scheduledAt: inAnHour() }),
  );
  const [later, last] = await submit(db, requestFor(addTo('c1')), requestFor(addTo('c1')));
  expect(await sendAll(db, 1).then((order) => order.slice(0, 2))).toEqual([first, later]);
  expect(await db.query('select from work where number = $1', [last])).toEqual([]);
  const [again] = await submit(db, requestFor(addTo('c1')));
  expect(await dateComes()).toBe(1);
  expect(await audit(db)).toEqual([]);
  expect(await sendAll(db)).toEqual([scheduled, again]);
});

test('a request that comes due far up the chain while that is being raised is raised too', async () => {
  await submit(db, requestFor(addTo('c1'), { scheduledAt: inAnHour(), bulk: true }));
  await submit(db, requestFor(pairingOf(['c1', 'c2'])));
  await db.query(`update work set ready_at = now() - interval '1 second' where waits < 0`);
  let submitting: Promise<number[]> = Promise.resolve([]);
  await db.transaction(async (tx) => {
    await activateDueRequests(tx, 10);
    submitting = submit(db, requestFor(addTo('c2'), { priority: 'EXPRESS' }));
    await until(
      () => db.query(`select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`),
      (waiting) => waiting.length === 1,
    );
  });
  await submitting;
  expect(await db.query('select distinct rank >> 1 as class from work')).toEqual([{ class: 0 }]);
});

test('a request that is being sent keeps its turn when a lower number comes due, also when its lease runs out', async () => {
  const [scheduled] = await submit(db, requestFor(pairingOf(['c1', 'c2']), { scheduledAt: inAnHour() }));
  const [sent, waiting] = await submit(db, requestFor(addTo('c1')), requestFor(addTo('c1')));
  const [abandoned] = await claim(db, 1, 0);
  expect(abandoned?.number).toBe(sent);
  await dateComes();
  expect(await audit(db)).toEqual([]);
  const again = await claim(db);
  expect(again).toMatchObject([{ number: sent, reclaimed: true, doubt: { kind: 'unknown' } }]);
  expect(await finish(db, [abandoned!])).toEqual([]);
  await finish(db, again);
  expect(await sendAll(db)).toEqual([scheduled, waiting]);
});

test('a claim that is under way when a lower number comes due keeps its turn', async () => {
  const [scheduled] = await submit(db, requestFor(addTo('c1'), { scheduledAt: inAnHour() }));
  const [head] = await submit(db, requestFor(addTo('c1')));
  let activating: Promise<number> = Promise.resolve(0);
  const held = await db.transaction(async (tx) => {
    const claimed = await claim(tx);
    activating = dateComes();
    await until(
      () => db.query(`select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`),
      (waiting) => waiting.length === 1,
    );
    return claimed;
  });
  expect(await activating).toBe(1);
  expect(numbersOf(held)).toEqual([head]);
  expect(await audit(db)).toEqual([]);
  expect(await claim(db)).toEqual([]);
  await finish(db, held);
  expect(await sendAll(db)).toEqual([scheduled]);
});

test('a request that is put off gives its turn to a lower number that came due meanwhile', async () => {
  const [scheduled] = await submit(db, requestFor(addTo('c1'), { scheduledAt: inAnHour() }));
  const [sent] = await submit(db, requestFor(pairingOf(['c1', 'c2'])));
  const claimed = await claim(db);
  await dateComes();
  await db.transaction((tx) =>
    putOffRequests(
      tx,
      claimed.map((request) => ({ ...request, delayMs: 0, exchanges: [] })),
      'test',
    ),
  );
  expect(await audit(db)).toEqual([]);
  expect(await sendAll(db)).toEqual([scheduled, sent]);
});

test('a request that waits for its retry blocks its card and no other', async () => {
  const [first] = await submit(db, requestFor(addTo('c1')), requestFor(addTo('c1')));
  const [other] = await submit(db, requestFor(addTo('c2')));
  const claimed = (await claim(db)).filter(({ number }) => number === first);
  await db.transaction((tx) =>
    putOffRequests(
      tx,
      claimed.map((request) => ({ ...request, delayMs: 60_000, exchanges: [] })),
      'test',
    ),
  );
  await db.query('update work set token = null, ready_at = now() where number = $1', [other]);
  expect(await sendAll(db)).toEqual([other]);
});

test('an untried request that is given back is claimed again at once, before new ones', async () => {
  const [first] = await submit(db, requestFor(addTo('c1')));
  const claimed = await claim(db);
  await submit(db, requestFor(addTo('c2')));
  await db.transaction((tx) => giveBackRequests(tx, claimed));
  const [again] = await claim(db, 1);
  expect(again).toMatchObject({ number: first, reclaimed: false, doubt: null, retries: 0 });
});

test('a lease that is renewed is not claimed by others; one that was lost is not renewed', async () => {
  await submit(db, requestFor(addTo('c1')));
  const claimed = await claim(db, 1, 0);
  expect(await renewLeases(db, claimed, 60_000)).toEqual(numbersOf(claimed));
  expect(await claim(db)).toEqual([]);
  expect(await renewLeases(db, claimed, 0)).toEqual(numbersOf(claimed));
  expect(await claim(db)).toHaveLength(1);
  expect(await renewLeases(db, claimed, 60_000)).toEqual([]);
});

test('nothing is claimed while the provider is paused or its breaker is open, but for the probe', async () => {
  await submit(db, requestFor(addTo('c1')));
  await db.query('update provider set paused = true');
  expect(await claim(db)).toEqual([]);
  await db.query(`update provider set paused = false, breaker_open_until = now() + interval '1 minute'`);
  expect(await claim(db)).toEqual([]);
  // Half-open: its time is over, and only the probe goes through.
  await db.query(`update provider set breaker_open_until = now() - interval '1 minute'`);
  expect(await claim(db)).toEqual([]);
  const probe = await claimRequests(db, { limit: 1, leaseMs: 0, token: randomUUID(), probing: true });
  expect(probe).toHaveLength(1);
  await db.query('update provider set breaker_open_until = null');
  expect(await claim(db)).toHaveLength(1);
});
