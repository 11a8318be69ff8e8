import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { activateDueRequests } from '../../src/requests/activate.ts';
import {
  addTo,
  audit,
  cancelOf,
  claim,
  openTestRequests,
  requestFor,
  sendAll,
  submit,
  type TestRequests,
} from '../requests/support.ts';
import { endPatience } from '../../src/requests/patience.ts';
import { putOffRequests } from '../../src/requests/put-off.ts';
import { ACCEPTED, dispatch, final, type ScriptedConax, scriptedConax, type TestDispatcher, until } from './support.ts';

let requests: TestRequests;
let running: TestDispatcher[] = [];

beforeAll(async () => {
  requests = await openTestRequests();
});
afterAll(() => requests.close());
beforeEach(async () => {
  for (const one of running) await one.stop();
  running = [];
  await requests.db.query('truncate work, lane, lane_pin, request cascade');
});
afterAll(async () => {
  for (const one of running) await one.stop();
});

const instantCas = (): ScriptedConax => scriptedConax(() => ACCEPTED);
const cards = (prefix: string, count: number): string[] => Array.from({ length: count }, (_, at) => `${prefix}${at}`);
/** As if these requests had waited for so long. */
const waited = async (numbers: readonly number[], ms: number): Promise<void> => {
  await requests.db.query(
    `update work set ready_at = ready_at - $2::float8 * interval '1 millisecond' where number = any($1::bigint[])`,
    [numbers, ms],
  );
  await requests.db.query(
    `update request set scheduled_at = scheduled_at - $2::float8 * interval '1 millisecond' where number = any($1::bigint[])`,
    [numbers, ms],
  );
};

test('among cards that are ready EXPRESS goes first, then what gives, then what takes, then bulk work', async () => {
  const [bulk, cancel, add, awaited, express] = await submit(
    requests.db,
    requestFor(addTo('c1'), { bulk: true }),
    requestFor(cancelOf('c2')),
    requestFor(addTo('c3')),
    requestFor(cancelOf('c4'), { awaited: true }),
    requestFor(cancelOf('c5'), { priority: 'EXPRESS' }),
  );
  expect(await sendAll(requests.db)).toEqual([express, add, awaited, cancel, bulk]);
});

test('an ADD makes the CANCEL before it on its card as urgent, and the card keeps its order', async () => {
  const [other, cancel] = await submit(requests.db, requestFor(cancelOf('c1')), requestFor(cancelOf('c2')));
  const [add] = await submit(requests.db, requestFor(addTo('c2')));
  expect(await audit(requests.db)).toEqual([]);
  expect(await sendAll(requests.db)).toEqual([cancel, add, other]);
});

test('a CANCEL that waited for its patience goes with what gives, the older first; a younger one does not', async () => {
  const { db } = requests;
  const [old, retried, young] = await submit(db, ...['c1', 'c2', 'c3'].map((card) => requestFor(cancelOf(card))));
  await waited([retried!], 1_000_000);
  const [claimed] = await claim(db, 1);
  expect(claimed?.number).toBe(retried);
  await db.transaction((tx) =>
    putOffRequests(tx, [{ ...claimed!, delayMs: 0, exchanges: [] }], '00000000-0000-0000-0000-000000000000'),
  );
  await waited([old!], 1_000_000);
  await waited([young!], 800_000);
  const [add] = await submit(db, requestFor(addTo('c4')));
  expect(await endPatience(db, 900_000, 100)).toBe(2);
  expect(await endPatience(db, 900_000, 100)).toBe(0);
  expect(await audit(db)).toEqual([]);
  expect(await sendAll(db)).toEqual([retried, old, add, young]);
});

test('a scheduled CANCEL is as old as its date, not as its submission', async () => {
  const { db } = requests;
  const [cancel] = await submit(db, requestFor(cancelOf('c1'), { scheduledAt: new Date(Date.now() + 3_600_000) }));
  await db.query(`update request set submitted_at = submitted_at - interval '1 day'`);
  await db.query(`update work set ready_at = now() where number = $1`, [cancel]);
  await db.transaction((tx) => activateDueRequests(tx, 10));
  expect(await endPatience(db, 900_000, 100)).toBe(0);
});

test('while commands that give fill the rate, bulk work has its share of the calls, and alone it has all of them', async () => {
  const { db, url } = requests;
  await submit(db, ...cards('bulk', 200).map((card) => requestFor(cancelOf(card), { bulk: true })));
  await submit(db, ...cards('live', 80).map((card) => requestFor(addTo(card))));
  const conax = instantCas();
  running.push(dispatch(url, conax, { maxRequestsPerSecond: 50, burst: 1 }));
  await until(
    () => conax.calls.length,
    (calls) => calls === 100,
  );
  const adds = conax.calls.slice(0, 100).map(({ command }) => command.type === 'ADD_SUBSCRIPTIONS');
  expect(adds.filter(Boolean)).toHaveLength(80);
  // The share is kept from start to end: each tenth of the calls has two bulk requests, one more or less.
  for (let start = 0; start < 100; start += 10) {
    const bulk = adds.slice(start, start + 10).filter((isAdd) => !isAdd).length;
    expect([1, 2, 3], `calls from ${start}`).toContain(bulk);
  }
  await until(
    () => conax.calls.length,
    (calls) => calls === 280,
  );
});

test('without a share bulk work waits until nothing else is ready', async () => {
  const { db, url } = requests;
  await submit(db, ...cards('bulk', 30).map((card) => requestFor(cancelOf(card), { bulk: true })));
  await submit(db, ...cards('live', 60).map((card) => requestFor(addTo(card))));
  const conax = instantCas();
  running.push(dispatch(url, conax, { maxRequestsPerSecond: 200, burst: 1, bulkShare: 0 }));
  await until(
    () => conax.calls.length,
    (calls) => calls === 90,
  );
  expect(conax.calls.findLastIndex(({ command }) => command.type === 'ADD_SUBSCRIPTIONS')).toBe(59);
});

test('a CANCEL that an instance holds goes at once when an ADD of its card waits for it', async () => {
  const { db, url } = requests;
  const cancels = await submit(db, ...cards('c', 40).map((card) => requestFor(cancelOf(card))));
  const conax = instantCas();
  running.push(dispatch(url, conax, { maxRequestsPerSecond: 10, burst: 1, leaseMs: 60_000 }));
  await until(
    () => conax.calls.length,
    (calls) => calls > 0,
  );
  // Whatever is claimed ahead: the last of them would have its turn seconds later, and after every ADD that comes.
  const [last] = await db.query<{ number: number; cards: string[] }>(
    'select number, cards from work where token is not null order by number desc limit 1',
  );
  const adds = await submit(db, ...cards('live', 30).map((card) => requestFor(addTo(card))));
  const sentBefore = conax.calls.length;
  const [add] = await submit(db, requestFor(addTo(last!.cards[0]!)));
  await final(db, last!.number);
  expect(conax.calls.length - sentBefore).toBeLessThanOrEqual(5);
  await final(db, add!);
  expect(conax.calls.length - sentBefore).toBeLessThanOrEqual(adds.length + 3);
  expect(cancels).toContain(last?.number);
});

test('a CANCEL that an instance holds while ADDs keep coming is sent when its patience ends', async () => {
  const { db, url } = requests;
  const [cancel] = await submit(db, ...cards('c', 8).map((card) => requestFor(cancelOf(card)))).then((all) =>
    all.slice(-1),
  );
  const conax = instantCas();
  running.push(dispatch(url, conax, { maxRequestsPerSecond: 20, burst: 1, leaseMs: 60_000, cancelPatienceMs: 1_500 }));
  await until(
    () => conax.calls.length,
    (calls) => calls > 0,
  );
  await submit(db, ...cards('live', 300).map((card) => requestFor(addTo(card))));
  await final(db, cancel!);
  const adds = conax.calls.filter(({ command }) => command.type === 'ADD_SUBSCRIPTIONS').length;
  expect(adds).toBeGreaterThan(10);
  expect(adds).toBeLessThan(200);
});
