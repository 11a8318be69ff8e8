import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import type { Database } from '../../src/platform/database.ts';
import { activateDueRequests } from '../../src/requests/activate.ts';
import { type Hastened, hastenRequests, type Hastening } from '../../src/requests/hasten.ts';
import { putOffRequests } from '../../src/requests/put-off.ts';
import {
  addTo,
  audit,
  claim,
  finish,
  openTestRequests,
  pairingOf,
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

const OLGA = { user: 'olga', unit: 'Care' };
const hasten = (which: Hastened): Promise<Hastening> => db.transaction((tx) => hastenRequests(tx, which, OLGA));
const inAnHour = (): Date => new Date(Date.now() + 3_600_000);

/** Claims everything that is ready and puts it off for an hour. */
async function putOffAll(): Promise<void> {
  const claimed = await claim(db);
  const off = claimed.map(({ number, token, cards }) => ({
    number,
    token,
    cards,
    delayMs: 3_600_000,
    doubt: null,
    exchanges: [],
  }));
  await db.transaction((tx) => putOffRequests(tx, off, 'test'));
}

test('a request that waits for a retry is claimed at once, before REGULAR ones, and it is noted who wanted it', async () => {
  const [late = 0] = await submit(db, requestFor(addTo('c1')));
  await putOffAll();
  const [other] = await submit(db, requestFor(addTo('c2')));
  expect(await hasten({ number: late })).toEqual({ hastened: true, numbers: [late], backOffsEnded: 1 });
  expect(await audit(db)).toEqual([]);
  expect(await sendAll(db)).toEqual([late, other]);
  const who = 'select updated_by_user as user, updated_by_unit as unit from request where number = $1';
  expect(await db.query(who, [late])).toEqual([OLGA]);
  expect(await db.query(who, [other])).toEqual([{ user: null, unit: null }]);
});

test('what goes before it, to the end of the chain, waits no longer either, and is still sent first', async () => {
  const [first] = await submit(db, requestFor(addTo('c1')));
  await putOffAll();
  const [pairing] = await submit(db, requestFor(pairingOf(['c1', 'c2']), { bulk: true }));
  const [last = 0] = await submit(db, requestFor(addTo('c2')));
  expect(await hasten({ number: last })).toMatchObject({ numbers: [last], backOffsEnded: 1 });
  const classes = await db.query('select number, rank >> 1 as class from work order by number');
  expect(classes).toEqual([first, pairing, last].map((number) => ({ number, class: 0 })));
  expect(await audit(db)).toEqual([]);
  expect(await sendAll(db)).toEqual([first, pairing, last]);
});

test('a scheduled request is due now where its number is given, and takes its place by its number', async () => {
  const [scheduled = 0] = await submit(db, requestFor(addTo('c1'), { scheduledAt: inAnHour() }));
  const [later] = await submit(db, requestFor(addTo('c1')));
  expect(await hasten({ number: scheduled })).toMatchObject({ hastened: true, numbers: [scheduled] });
  expect(await db.transaction((tx) => activateDueRequests(tx, 10))).toBe(1);
  expect(await db.query('select scheduled_at <= now() as due from request where number = $1', [scheduled])).toEqual([
    { due: true },
  ]);
  expect(await audit(db)).toEqual([]);
  expect(await sendAll(db)).toEqual([scheduled, later]);
});

test('of a card those that are due are meant: scheduled ones keep their dates, and other cards are left alone', async () => {
  const [scheduled] = await submit(db, requestFor(addTo('c1'), { scheduledAt: inAnHour() }));
  const meant = await submit(db, requestFor(addTo('c1')), requestFor(addTo('c1', '2')));
  const [other] = await submit(db, requestFor(addTo('c2')));
  await putOffAll();
  expect(await hasten({ card: 'c1' })).toEqual({ hastened: true, numbers: meant, backOffsEnded: 1 });
  expect(await audit(db)).toEqual([]);
  expect(await sendAll(db)).toEqual(meant);
  const left = await db.query('select number from work where ready_at > now() order by number');
  expect(left).toEqual([{ number: scheduled }, { number: other }]);
  expect(await hasten({ card: 'c3' })).toEqual({ hastened: true, numbers: [], backOffsEnded: 0 });
});

test('a request that is being sent is left alone, and the one behind it is meant all the same', async () => {
  const [sent, behind = 0] = await submit(db, requestFor(addTo('c1')), requestFor(addTo('c1', '2')));
  const claimed = await claim(db);
  expect(await hasten({ card: 'c1' })).toEqual({ hastened: true, numbers: [sent, behind], backOffsEnded: 0 });
  expect(await claim(db)).toEqual([]);
  expect(await finish(db, claimed)).toEqual([sent]);
  expect(await sendAll(db)).toEqual([behind]);
});

test('one that is final, or that there is not, is told so', async () => {
  const [number = 0] = await submit(db, requestFor(addTo('c1')));
  await sendAll(db);
  expect(await hasten({ number })).toEqual({ hastened: false, reason: 'ALREADY_FINAL', state: 'COMPLETED' });
  expect(await hasten({ number: number + 1 })).toEqual({ hastened: false, reason: 'NOT_FOUND', state: null });
});
