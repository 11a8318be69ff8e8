import pg from 'pg';
import { pino } from 'pino';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import type { Database, Queryable } from '../../src/platform/database.ts';
import { createFinalWatch, type FinalWatch } from '../../src/requests/await-final.ts';
import { finishRequests } from '../../src/requests/finish.ts';
import { FINAL_CHANNEL } from '../../src/requests/announce-final.ts';
import { withdrawRequest } from '../../src/requests/withdraw.ts';
import { until } from '../dispatch/support.ts';
import {
  addTo,
  claim,
  completed,
  finish,
  openTestRequests,
  PARTS,
  requestFor,
  submit,
  type TestRequests,
} from './support.ts';

let store: TestRequests;
let db: Database;
beforeAll(async () => {
  store = await openTestRequests();
  db = store.db;
});
afterAll(() => store.close());

const watches: FinalWatch[] = [];
afterEach(() => Promise.all(watches.splice(0).map((watch) => watch.stop())));

const logger = pino({ level: 'silent' });
const LONG_MS = 20_000;
/** A watch that finds things by being told: it looks by itself only where a test says so. */
function openWatch(lookEveryMs = 600_000, databaseUrl = store.url, from: Queryable = db): FinalWatch {
  const watch = createFinalWatch({ databaseUrl, db: from, logger, lookEveryMs });
  watches.push(watch);
  return watch;
}

/** The watch's connection listens: nothing that is said from now on is missed. */
async function listening(): Promise<void> {
  await until(
    () =>
      db.query(`select from pg_stat_activity where query = $1 and datname = current_database()`, [
        `listen ${FINAL_CHANNEL}`,
      ]),
    (rows) => rows.length > 0,
  );
}

test('who waits hears of the state that another process commits, the flag being set at submission or later', async () => {
  const watch = openWatch();
  const [early = 0, late = 0] = await submit(
    db,
    requestFor(addTo('1'), { awaited: true }),
    requestFor(addTo('2'), { awaited: false }),
  );
  const waiting = watch.awaitFinal([early, late], LONG_MS);
  await listening();
  await until(
    () => db.query('select from work where awaited'),
    (rows) => rows.length === 2,
  );
  const claimed = await claim(db);
  await db.transaction((tx) =>
    finishRequests(
      tx,
      claimed.map((request) =>
        request.number === early ? completed(request) : completed(request, { state: 'REJECTED', errorCode: 'X' }),
      ),
      PARTS,
    ),
  );
  expect(await waiting).toEqual(
    new Map([
      [early, 'COMPLETED'],
      [late, 'REJECTED'],
    ]),
  );
});

test('a request that was final before anybody listened is found at once', async () => {
  const [number = 0] = await submit(db, requestFor(addTo('1')));
  await finish(db, await claim(db));
  expect(await openWatch().awaitFinal([number], LONG_MS)).toEqual(new Map([[number, 'COMPLETED']]));
});

test('a withdrawn request wakes who waits for it', async () => {
  const [number = 0] = await submit(db, requestFor(addTo('1'), { awaited: true }));
  const waiting = openWatch().awaitFinal([number], LONG_MS);
  await listening();
  await db.transaction((tx) => withdrawRequest(tx, number, { user: 'anna', unit: null }, PARTS.recordOutcomes));
  expect(await waiting).toEqual(new Map([[number, 'REJECTED']]));
});

test('the time limit ends the wait with what is final by then, and nothing is remembered of it', async () => {
  const watch = openWatch(20);
  const [first = 0, second = 0] = await submit(db, requestFor(addTo('1')), requestFor(addTo('1')));
  await finish(db, await claim(db, 1));
  expect(await watch.awaitFinal([first, second, 999_999], 300)).toEqual(new Map([[first, 'COMPLETED']]));
  expect(watch.waiting()).toBe(0);
  await finish(db, await claim(db));
});

test('a finish that waits for its commit while the waiter marks the request is not missed', async () => {
  const watch = openWatch();
  const [number = 0] = await submit(db, requestFor(addTo('1')));
  const [claimed] = await claim(db);
  if (!claimed) throw new Error('nothing was claimed');
  let waiting: Promise<ReadonlyMap<number, string>> | undefined;
  await db.transaction(async (tx) => {
    await finishRequests(tx, [completed(claimed)], PARTS);
    waiting = watch.awaitFinal([number], LONG_MS);
    // The waiter's mark stands in line behind the row that this transaction deletes.
    await until(
      () =>
        db.query(
          `select from pg_stat_activity where wait_event_type = 'Lock' and query like '%awaited%' and datname = current_database()`,
        ),
      (rows) => rows.length > 0,
    );
  });
  expect(await waiting).toEqual(new Map([[number, 'COMPLETED']]));
});

test('what is said while the connection is broken is found when it listens again', async () => {
  const watch = openWatch();
  const [number = 0] = await submit(db, requestFor(addTo('1')));
  const waiting = watch.awaitFinal([number], LONG_MS);
  await listening();
  const [gone] = await db.query<{ pid: number }>(
    `select pid, pg_terminate_backend(pid) from pg_stat_activity
      where application_name = 'conax-provisioning final states' and datname = current_database()`,
  );
  await until(
    () => db.query('select from pg_stat_activity where pid = $1', [gone?.pid]),
    (rows) => rows.length === 0,
  );
  await finish(db, await claim(db));
  expect(await waiting).toEqual(new Map([[number, 'COMPLETED']]));
});

test('where the connection cannot be made the watch finds it by looking', async () => {
  const watch = openWatch(50, 'postgres://nobody@127.0.0.1:1/nothing');
  const [number = 0] = await submit(db, requestFor(addTo('1')));
  const waiting = watch.awaitFinal([number], LONG_MS);
  await finish(db, await claim(db));
  expect(await waiting).toEqual(new Map([[number, 'COMPLETED']]));
});

test('a database that is away ends the wait at its limit, and nothing is thrown', async () => {
  const away: Queryable = { query: () => Promise.reject(new Error('away')) };
  expect(await openWatch(20, 'postgres://nobody@127.0.0.1:1/nothing', away).awaitFinal([1], 100)).toEqual(new Map());
});

test('200 wait at once on one connection, each is told of its own, and a stop lets the rest go', async () => {
  const watch = openWatch();
  const numbers = await submit(
    db,
    ...Array.from({ length: 200 }, (_, index) => requestFor(addTo(String(index)), { awaited: true })),
  );
  const waiting = numbers.map((number) => watch.awaitFinal([number], LONG_MS));
  await listening();
  expect(watch.waiting()).toBe(200);
  const [connections] = await db.query(
    `select count(*)::int as count from pg_stat_activity
      where application_name = 'conax-provisioning final states' and datname = current_database()`,
  );
  expect(connections).toEqual({ count: 1 });
  const half = await claim(db, 100);
  await finish(db, half);
  const told = new Set(half.map(({ number }) => number));
  await until(
    () => watch.waiting(),
    (left) => left === 100,
  );
  await watch.stop();
  const found = await Promise.all(waiting);
  expect(found.map((states, index) => [numbers[index], states.get(numbers[index] ?? 0)])).toEqual(
    numbers.map((number) => [number, told.has(number) ? 'COMPLETED' : undefined]),
  );
  await finish(db, await claim(db, 1_000));
});

test('a finish that nobody waits for says nothing', async () => {
  const heard: string[] = [];
  const client = new pg.Client({ connectionString: store.url });
  await client.connect();
  client.on('notification', ({ payload }) => heard.push(payload ?? ''));
  await client.query(`listen ${FINAL_CHANNEL}`);
  const [quiet = 0, awaited = 0] = await submit(db, requestFor(addTo('1')), requestFor(addTo('2'), { awaited: true }));
  await finish(db, await claim(db));
  await until(
    () => heard,
    (all) => all.length > 0,
  );
  await client.end();
  expect({ heard, quiet }).toEqual({ heard: [`${awaited} COMPLETED`], quiet });
});
