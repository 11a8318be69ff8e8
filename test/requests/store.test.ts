import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import type { Database } from '../../src/platform/database.ts';
import { finishRequests } from '../../src/requests/finish.ts';
import { putOffRequests } from '../../src/requests/put-off.ts';
import { withdrawRequest } from '../../src/requests/withdraw.ts';
import {
  addTo,
  audit,
  claim,
  completed,
  openTestRequests,
  pairingOf,
  PARTS,
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

const exchange = {
  answer: { kind: 'not-sent', code: 'CAS_NOT_SENT', description: 'no\u0000t' },
  command: 'ADD_SUBSCRIPTIONS',
  operation: 'AddSubscriptions',
  url: 'http://cas.invalid/authorization',
  requestBody: '<a/>',
  responseBody: null,
  httpStatus: null,
  startedAt: Date.UTC(2026, 0, 1),
  durationMs: 12.5,
} as const;

test('everything that a request is made with is stored', async () => {
  const scheduledAt = new Date(Date.now() + 60_000);
  const [number] = await submit(
    db,
    requestFor(addTo('00000000042', '007'), {
      sequenceNumber: 3,
      subscription: { id: 'A'.repeat(32), number: 'S1' },
      priority: 'EXPRESS',
      scheduledAt,
      process: { name: 'TRIGGER', id: 'P1' },
      event: { inboxId: 7, eventId: 'event', traceparent: '00-1', action: { id: 'action', number: 'A1' } },
      userDefined: { udf_string_1: 'text', udf_float_1: 1.5 },
      createdBy: { user: 'user', unit: 'unit' },
      sealedPin: Buffer.from([0, 1, 255]),
    }),
  );
  const [row] = await db.query('select * from request where number = $1', [number]);
  expect(row).toMatchObject({
    type: 'ADD_SUBSCRIPTIONS',
    sequence_number: 3,
    life_cycle_state: 'PENDING',
    priority: 'EXPRESS',
    bulk: false,
    command: addTo('00000000042', '007'),
    command_key: JSON.stringify(['ADD_SUBSCRIPTIONS', '00000000042', '7', null]),
    cards: ['00000000042'],
    subscription_number: 'S1',
    subscription_id: 'A'.repeat(32),
    scheduled_at: scheduledAt,
    process_name: 'TRIGGER',
    process_id: 'P1',
    action_id: 'action',
    action_number: 'A1',
    inbox_id: 7,
    causation_event_id: 'event',
    traceparent: '00-1',
    user_defined: { udf_string_1: 'text', udf_float_1: 1.5 },
    created_by_user: 'user',
    created_by_unit: 'unit',
    updated_by_user: 'user',
    updated_by_unit: 'unit',
  });
  expect(await db.query('select sealed from request_pin')).toEqual([{ sealed: Buffer.from([0, 1, 255]) }]);
});

test('a request that no action asked for has no command key, also if an event made it (R6)', async () => {
  const event = { inboxId: 7, eventId: 'event', traceparent: null, action: null };
  const made = await submit(db, requestFor(addTo('c1')), requestFor(addTo('c1'), { event }));
  const rows = await db.query('select command_key, inbox_id from request where number = any($1) order by number', [
    made,
  ]);
  expect(rows).toEqual([
    { command_key: null, inbox_id: null },
    { command_key: null, inbox_id: 7 },
  ]);
});

test('numbers follow the given order, and ids are 32 upper-case hexadecimal characters', async () => {
  const made = await submit(db, ...Array.from({ length: 50 }, (_, index) => requestFor(addTo(`c${index}`))));
  expect(made).toEqual(made.toSorted((a, b) => a - b));
  const rows = await db.query<{ cards: string[] }>('select cards from request order by number');
  expect(rows.map(({ cards }) => cards[0])).toEqual(Array.from({ length: 50 }, (_, index) => `c${index}`));
  const [claimed] = await claim(db, 1);
  expect(claimed?.id).toMatch(/^[0-9A-F]{32}$/);
});

test('a card may have any characters', async () => {
  const odd = String.raw`a"b\c,{}` + "'é";
  const [number] = await submit(db, requestFor(addTo(odd)), requestFor(addTo(odd)));
  const [claimed] = await claim(db);
  expect(claimed).toMatchObject({ number, cards: [odd] });
  expect(await audit(db)).toEqual([]);
});

test('attempts are numbered on across tries', async () => {
  const [number] = await submit(db, requestFor(addTo('c1')));
  for (let tries = 0; tries < 2; tries += 1) {
    const held = await claim(db);
    await db.transaction((tx) =>
      putOffRequests(
        tx,
        held.map((request) => ({ ...request, delayMs: 0, exchanges: [exchange] })),
        'one',
      ),
    );
  }
  const held = await claim(db);
  expect(held).toMatchObject([{ attempts: 2, retries: 2 }]);
  await db.transaction((tx) => finishRequests(tx, [completed(held[0]!, { exchanges: [exchange, exchange] })], PARTS));
  expect(await db.query('select attempt, instance, description from attempt order by attempt')).toEqual([
    { attempt: 1, instance: 'one', description: 'no\uFFFDt' },
    { attempt: 2, instance: 'one', description: 'no\uFFFDt' },
    { attempt: 3, instance: 'test', description: 'no\uFFFDt' },
    { attempt: 4, instance: 'test', description: 'no\uFFFDt' },
  ]);
  expect(await db.query('select attempts from request where number = $1', [number])).toEqual([{ attempts: 4 }]);
});

test('a withdrawn request is REJECTED with who did it, its PIN goes, and its cards go on', async () => {
  const recorded: number[] = [];
  const recordOutcomes = (_tx: unknown, numbers: readonly number[]): Promise<void> => {
    recorded.push(...numbers);
    return Promise.resolve();
  };
  const [first, pairing, later] = await submit(
    db,
    requestFor(addTo('c1')),
    requestFor(pairingOf(['c1', 'c2']), { sealedPin: Buffer.from('x') }),
    requestFor(addTo('c2')),
  );
  const withdraw = (number: number): Promise<unknown> =>
    db.transaction((tx) => withdrawRequest(tx, number, { user: 'ann', unit: null }, recordOutcomes));
  expect(await withdraw(pairing!)).toEqual({ withdrawn: true });
  expect(recorded).toEqual([pairing]);
  expect(await audit(db)).toEqual([]);
  expect(await db.query('select from request_pin')).toEqual([]);
  const [row] = await db.query('select * from request where number = $1', [pairing]);
  expect(row).toMatchObject({ life_cycle_state: 'REJECTED', error_code: 'WITHDRAWN', updated_by_user: 'ann' });

  expect(await withdraw(pairing!)).toMatchObject({ withdrawn: false, reason: 'ALREADY_FINAL' });
  expect(await withdraw(999_999)).toMatchObject({ withdrawn: false, reason: 'NOT_FOUND' });
  await claim(db, 1);
  expect(await withdraw(first!)).toMatchObject({ withdrawn: false, reason: 'BEING_SENT' });
  await db.query('update work set token = null, ready_at = now()');
  expect(await sendAll(db)).toEqual([first, later]);
});
