import { setTimeout as takes } from 'node:timers/promises';
import { pino } from 'pino';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { smartcardsOf } from '../../src/planning/command.ts';
import { createFinalWatch, type FinalWatch } from '../../src/requests/await-final.ts';
import { withdrawRequest } from '../../src/requests/withdraw.ts';
import { addTo, openTestRequests, PARTS, requestFor, submit, type TestRequests } from '../requests/support.ts';
import {
  ACCEPTED,
  dispatch,
  final,
  NOT_SENT,
  requestRow,
  scriptedConax,
  type TestDispatcher,
  until,
} from './support.ts';

const BACKLOG = 300;

let store: TestRequests;
let watch: FinalWatch;
let running: TestDispatcher[] = [];
beforeEach(async () => {
  store = await openTestRequests();
  watch = createFinalWatch({ databaseUrl: store.url, db: store.db, logger: pino({ level: 'silent' }) });
  running = [];
});
afterEach(async () => {
  await Promise.all(running.map((one) => one.stop()));
  await watch.stop();
  await store.close();
});

/** As process_immediately submits it. */
const immediate = (card: string) => requestFor(addTo(card, '99'), { priority: 'EXPRESS', awaited: true });

test("while two dispatchers work off other cards, a request that somebody waits for follows its card's earlier ones and passes the rest", async () => {
  const order: number[] = [];
  const underWay = new Map<string, number>();
  const overlaps: string[] = [];
  let open: () => void = () => {};
  const gate = new Promise<void>((resolve) => (open = resolve));
  const conax = scriptedConax(async ({ requestNumber, command }) => {
    order.push(requestNumber);
    const [card = ''] = smartcardsOf(command);
    if (underWay.has(card)) overlaps.push(`${requestNumber} beside ${underWay.get(card)}`);
    underWay.set(card, requestNumber);
    await gate;
    await takes(20);
    underWay.delete(card);
    return ACCEPTED;
  });
  const backlog = await submit(
    store.db,
    ...Array.from({ length: BACKLOG }, (_, index) => requestFor(addTo(`other ${index}`))),
  );
  running = [1, 2].map(() => dispatch(store.url, conax, { maxConcurrency: 4 }));
  await until(
    () => conax.underWay(),
    (calls) => calls === 4,
  );
  const earlier = await submit(store.db, ...['1', '2', '3'].map((service) => requestFor(addTo('c', service))));
  const [express = 0] = await submit(store.db, immediate('c'));
  const later = await submit(store.db, requestFor(addTo('c', '4')));
  open();
  expect(await watch.awaitFinal([express], 20_000)).toEqual(new Map([[express, 'COMPLETED']]));

  expect(order.filter((number) => earlier.includes(number))).toEqual(earlier);
  expect(order.indexOf(express)).toBeGreaterThan(order.indexOf(earlier[2] ?? 0));
  expect(order.filter((number) => later.includes(number))).toEqual([]);
  // What was claimed before it came goes first, and what goes on beside while its card is worked off.
  expect(order.indexOf(express)).toBeLessThan((BACKLOG * 3) / 4);
  await final(store.db, later[0] ?? 0);
  await final(store.db, backlog.at(-1) ?? 0);
  expect(overlaps).toEqual([]);
  expect(new Set(running.map(({ dispatcher }) => dispatcher.instance)).size).toBe(2);
  const instances = await store.db.query('select distinct instance from attempt');
  expect(instances).toHaveLength(2);
});

test('behind an earlier request of its card in back-off the time limit ends the wait, PENDING; afterwards it goes on as usual', async () => {
  const conax = scriptedConax(({ command }) =>
    'service' in command && command.service.caId === 'away' ? NOT_SENT : ACCEPTED,
  );
  running = [1, 2].map(() =>
    dispatch(store.url, conax, {
      backOff: { minMs: 600_000, maxMs: 600_000 },
      breaker: { failures: 100, openMs: 100, maxOpenMs: 100 },
    }),
  );
  const [stuck = 0] = await submit(store.db, requestFor(addTo('c', 'away')));
  await until(
    () => store.db.query('select from work where retries = 1 and token is null'),
    (rows) => rows.length === 1,
  );
  const [express = 0] = await submit(store.db, immediate('c'));
  expect(await watch.awaitFinal([express], 400)).toEqual(new Map());
  expect(await requestRow(store.db, express)).toMatchObject({ life_cycle_state: 'PENDING', attempts: 0 });

  const waiting = watch.awaitFinal([express], 20_000);
  await store.db.transaction((tx) => withdrawRequest(tx, stuck, { user: 'anna', unit: null }, PARTS.recordOutcomes));
  expect(await waiting).toEqual(new Map([[express, 'COMPLETED']]));
});

test('a trigger that comes while bulk work is claimed ahead is claimed at once and is the next to be sent', async () => {
  const order: number[] = [];
  let open: () => void = () => {};
  const gate = new Promise<void>((resolve) => (open = resolve));
  const conax = scriptedConax(async ({ requestNumber }) => {
    order.push(requestNumber);
    await gate;
    return ACCEPTED;
  });
  const bulk = await submit(
    store.db,
    ...Array.from({ length: BACKLOG }, (_, index) => requestFor(addTo(`other ${index}`), { bulk: true })),
  );
  running = [dispatch(store.url, conax, { maxConcurrency: 4 })];
  const claimed = (numbers: readonly number[]): Promise<unknown[]> =>
    store.db.query('select from work where number = any ($1::bigint[]) and token is not null', [numbers]);
  // As many as it claims ahead: there is no room for more.
  await until(
    () => claimed(bulk),
    (rows) => rows.length === 16,
  );
  const triggers = await submit(store.db, ...['1', '2'].map((card) => requestFor(addTo(card))));
  await until(
    () => claimed(triggers),
    (rows) => rows.length === 2,
  );
  expect(await claimed(bulk)).toHaveLength(16);
  open();
  for (const number of triggers) await final(store.db, number);
  expect(order.slice(4, 6)).toEqual(triggers);
});
