import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { createLeases } from '../../src/dispatch/leases.ts';
import type { Database } from '../../src/platform/database.ts';
import { type ClaimedRequest, claimRequests } from '../../src/requests/claim.ts';
import { finishRequests } from '../../src/requests/finish.ts';
import { giveBackRequests, putOffRequests } from '../../src/requests/put-off.ts';
import {
  addTo,
  audit,
  completed,
  finish,
  openTestRequests,
  PARTS,
  requestFor,
  submit,
  type TestRequests,
} from './support.ts';

/**
 * An instance that stands still for longer than a lease may claim again what it has in hand already, and then has two
 * claims of one request to write about, perhaps in one batch. (Found by killing the service: a card's next request was
 * handed on twice, and never sent.)
 */
let requests: TestRequests;
let db: Database;
let stale: ClaimedRequest;
let newest: ClaimedRequest;

beforeAll(async () => {
  requests = await openTestRequests();
  db = requests.db;
});
afterAll(() => requests.close());
beforeEach(async () => {
  await db.query('truncate work, lane, lane_pin, request cascade');
  await submit(db, requestFor(addTo('c1', '1')), requestFor(addTo('c1', '2')));
  stale = await claimWithLease(0);
  newest = await claimWithLease(60_000);
  if (newest.number !== stale.number) throw new Error('The lapsed lease was not claimed again');
});

async function claimWithLease(leaseMs: number): Promise<ClaimedRequest> {
  const [claimed] = await claimRequests(db, { limit: 1, token: randomUUID(), leaseMs });
  if (!claimed) throw new Error('nothing to claim');
  return claimed;
}

const waits = async (): Promise<number[]> =>
  (await db.query<{ waits: number }>('select waits from work order by number')).map((row) => row.waits);

test('two claims of one request that are finished together finish it once, as the newest one says', async () => {
  const both = [completed(stale, { referenceNumber: 'stale' }), completed(newest, { referenceNumber: 'newest' })];
  const recorded: number[] = [];
  const parts = { ...PARTS, recordOutcomes: async (_tx: unknown, numbers: number[]) => void recorded.push(...numbers) };
  expect(await db.transaction((tx) => finishRequests(tx, both, parts))).toEqual([newest.number]);
  expect(recorded).toEqual([newest.number]);
  const [row] = await db.query('select reference_number from request where number = $1', [newest.number]);
  expect(row).toEqual({ reference_number: 'newest' });
  expect(await waits()).toEqual([0]);
  expect(await audit(db)).toEqual([]);
});

test('two claims of one request that are put off together put it off once', async () => {
  const both = [stale, newest].map((claim) => ({ ...claim, delayMs: 0, doubt: null, exchanges: [] }));
  expect(await db.transaction((tx) => putOffRequests(tx, both, 'test'))).toEqual([newest.number]);
  const [row] = await db.query('select retries from work where number = $1', [newest.number]);
  expect(row).toEqual({ retries: 1 });
});

test('a claim that has run out gives nothing back of the one that followed it', async () => {
  expect(await db.transaction((tx) => giveBackRequests(tx, [stale]))).toEqual([]);
  expect(await db.transaction((tx) => giveBackRequests(tx, [stale, newest]))).toEqual([newest.number]);
});

test('the lease of a claim is not that of another claim of the same request', () => {
  const leases = createLeases(db, 60_000);
  leases.hold([stale], performance.now() - 60_000);
  leases.hold([newest], performance.now());
  expect(leases.leftMs(stale)).toBe(0);
  leases.release(stale);
  expect(leases.leftMs(newest)).toBeGreaterThan(50_000);
});

test('a claim that another instance took and ended does not hold up the others of its batch', async () => {
  const [other = 0] = await submit(db, requestFor(addTo('c2')));
  const claimed = await claimWithLease(60_000);
  if (claimed.number !== other) throw new Error('The other request was not claimed');
  await finish(db, [newest]);
  const recorded: number[][] = [];
  const parts = { ...PARTS, recordOutcomes: async (_tx: unknown, numbers: number[]) => void recorded.push(numbers) };
  const batch = [completed(stale), completed(claimed)];
  expect(await db.transaction((tx) => finishRequests(tx, batch, parts))).toEqual([other]);
  expect(recorded.at(-1)).toEqual([other]);
  const rows = await db.query(`select number from request where life_cycle_state = 'COMPLETED' order by number`);
  expect(rows).toEqual([newest.number, other].map((number) => ({ number })));
  expect(await audit(db)).toEqual([]);
});
