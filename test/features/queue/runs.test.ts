import { afterAll, beforeAll, expect, test } from 'vitest';
import { addItem, newSubscription } from '../../../dev/demo/crm.ts';
import { recordOutcomes } from '../../../src/outcomes/record.ts';
import type { Database } from '../../../src/platform/database.ts';
import { resumeRun, stopRun } from '../../../src/features/runs/control.ts';
import {
  addToQueue,
  findQueueEntry,
  type QueueEntryInput,
  queueEntryInput,
  removeFromQueue,
} from '../../../src/features/queue/store.ts';
import { openTestRequests, type TestRequests } from '../../requests/support.ts';
import { AGENT, counts, create, know, RULES, send, stateOf, work } from '../runs/support.ts';

let requests: TestRequests;
let db: Database;
beforeAll(async () => {
  requests = await openTestRequests();
  db = requests.db;
  const home = newSubscription('S1');
  addItem(home, 'one', 'SMARTCARD', '10000000001', 'living');
  addItem(home, 'two', 'SMARTCARD', '10000000002', 'sleeping');
  await know(db, [home, newSubscription('EMPTY')]);
});
afterAll(() => requests.close());

const add = async (to: Partial<QueueEntryInput>, message = 'Hello'): Promise<number> =>
  (await addToQueue(db, queueEntryInput.parse({ type: 'BARK', message, ...to }), AGENT, { rules: RULES })).number;
const run = (): Promise<number> => create(db, { kind: 'QUEUE', parameters: {}, selection: {} });
const stateOfEntry = async (number: number): Promise<string> => (await findQueueEntry(db, number)).state;

test('a run sends what waits, the oldest first, and each entry ends as its cards did', async () => {
  const one = await add({ smartcard_ca_id: '20000000009' }, 'first');
  const home = await add({ subscription_number: 'S1' }, 'second');
  const refused = await add({ smartcard_ca_id: '20000000001' }, 'third');
  const nobody = await add({ subscription_number: 'EMPTY' });
  const id = await run();
  const other = await run();
  await work(db, id);
  await work(db, other);
  expect(await stateOf(db, other)).toBe('COMPLETED');
  const later = await add({ smartcard_ca_id: '20000000009' });
  expect(
    await db.query(`
      select cards[1] as card, command ->> 'message' as message, command ->> 'queueNumber' as queue,
        command -> 'smartcard' ->> 'distributor' as distributor, subscription_number as subscription
        from request order by number`),
  ).toEqual([
    { card: '20000000009', message: 'first', queue: String(one), distributor: null, subscription: null },
    { card: '10000000001', message: 'second', queue: String(home), distributor: 'living', subscription: 'S1' },
    { card: '10000000002', message: 'second', queue: String(home), distributor: 'sleeping', subscription: 'S1' },
    { card: '20000000001', message: 'third', queue: String(refused), distributor: null, subscription: null },
  ]);

  await send(db, 2);
  await work(db, id);
  expect([await stateOfEntry(one), await stateOfEntry(home)]).toEqual(['COMPLETED', 'PENDING']);
  await send(db, 9, { '20000000001': 'CLIENT_NOT_FOUND' });
  await work(db, id);
  expect(await stateOf(db, id)).toBe('COMPLETED');
  expect(await findQueueEntry(db, home)).toMatchObject({ state: 'COMPLETED', detail: null, runId: id });
  expect((await findQueueEntry(db, home)).requestNumbers).toHaveLength(2);
  expect(await findQueueEntry(db, refused)).toMatchObject({
    state: 'REJECTED',
    detail: '1 of 1 cards did not get it.',
  });
  expect(await findQueueEntry(db, nobody)).toMatchObject({
    state: 'REJECTED',
    detail: 'Its subscription has no smart card.',
  });
  expect(await findQueueEntry(db, later)).toMatchObject({ state: 'PENDING', runId: null });
});

test('a completed entry that is removed stays for the record, and a pending one is not sent any more', async () => {
  const [sent, early, late] = [
    await add({ smartcard_ca_id: '30000000001' }),
    await add({ smartcard_ca_id: '30000000002' }),
    await add({ smartcard_ca_id: '30000000003' }),
  ];
  await removeFromQueue(db, early, AGENT);
  const id = await run();
  await work(db, id, { window: 0 });
  await removeFromQueue(db, late, AGENT);
  await work(db, id);
  expect(await send(db)).not.toContain('30000000003');
  await work(db, id);
  expect(await stateOf(db, id)).toBe('COMPLETED');
  expect((await counts(db, id)).outcomes).toMatchObject({ REMOVED: 1 });
  expect(await removeFromQueue(db, sent, AGENT)).toMatchObject({
    state: 'COMPLETED_AND_REMOVED',
    updatedByUser: 'agent',
  });
  expect([await stateOfEntry(early), await stateOfEntry(late)]).toEqual(['REJECTED', 'REJECTED']);
  await expect(removeFromQueue(db, sent, AGENT)).rejects.toThrow(`entry ${sent} is COMPLETED_AND_REMOVED`);
  await expect(removeFromQueue(db, 999_999, AGENT)).rejects.toThrow('there is no entry 999999');
});

test('a run of the queue that is stopped and resumed sends each entry once', async () => {
  const numbers: number[] = [];
  for (let card = 1; card <= 20; card += 1) {
    numbers.push(await add({ smartcard_ca_id: `4000000${String(card).padStart(4, '0')}` }));
  }
  const id = await run();
  await work(db, id);
  const before = await send(db, 5);
  await stopRun(db, id, AGENT, recordOutcomes);
  expect(await work(db, id)).toBe('not ours');
  await resumeRun(db, id, AGENT);
  await work(db, id);
  const after = await send(db);
  await work(db, id);
  expect(new Set([...before, ...after]).size).toBe(20);
  expect([...before, ...after]).toHaveLength(20);
  for (const number of numbers) expect(await stateOfEntry(number)).toBe('COMPLETED');
});

test('an entry for nobody, for two, or for what is not known is refused', async () => {
  await expect(add({})).rejects.toThrow('exactly one of');
  await expect(add({ smartcard_ca_id: '10000000001', subscription_number: 'S1' })).rejects.toThrow('exactly one of');
  await expect(add({ smartcard_ca_id: '123' })).rejects.toThrow('"123" does not fit');
  await expect(add({ subscription_number: 'S404' })).rejects.toThrow('no subscription "S404" is known');
  await expect(add({ smartcard_ca_id: '10000000001' }, 'x'.repeat(130))).rejects.toThrow('at most 129');
});
