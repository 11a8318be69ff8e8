import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import type { PairingNews } from '../../src/pairings/news.ts';
import type { Pairing } from '../../src/planning/types.ts';
import type { Database } from '../../src/platform/database.ts';
import type { Command } from '../../src/planning/command.ts';
import { type FinishedRequest, finishRequests } from '../../src/requests/finish.ts';
import {
  claim,
  completed,
  openTestRequests,
  pairingOf,
  PARTS,
  requestFor,
  submit,
  type TestRequests,
} from '../requests/support.ts';

let requests: TestRequests;
let db: Database;

beforeAll(async () => {
  requests = await openTestRequests();
  db = requests.db;
});
afterAll(() => requests.close());
beforeEach(async () => {
  await db.query('truncate work, lane, lane_pin, request, subscription_card, subscription cascade');
});

async function withCards(...cards: { card: string; joined?: number; pairing?: Pairing }[]): Promise<void> {
  await db.query(`insert into subscription (number, crm_id, version, snapshot) values ('S1', 'x', 1, '{}')`);
  for (const { card, joined = 0, pairing } of cards) {
    await db.query('insert into subscription_card values ($1, $2, $3, $4, $5)', [
      'S1',
      card,
      joined,
      pairing?.smartcards ?? null,
      pairing?.setTopBoxes ?? null,
    ]);
  }
}

/** Finishes one request of subscription S1 and gives the known pairings after it. */
async function taught(command: Command, more: Partial<FinishedRequest>): Promise<Record<string, string[] | null>> {
  await submit(db, requestFor(command, { subscription: { id: null, number: 'S1' } }));
  const [held] = await claim(db);
  await db.transaction((tx) => finishRequests(tx, [completed(held!, more)], PARTS));
  const rows = await db.query<{ card: string; known: string[] | null }>(
    'select card, pairing_smartcards || pairing_set_top_boxes as known from subscription_card order by card',
  );
  return Object.fromEntries(rows.map(({ card, known }) => [card, known]));
}

test('a completed pairing becomes known for the cards that the subscription holds', async () => {
  await withCards({ card: 'c1' }, { card: 'c2' });
  const known = await taught(pairingOf(['c1', 'c3']), { pairingNews: { kind: 'done' } });
  expect(known).toEqual({ c1: ['c1', 'c3', 'STB-1'], c2: null });
});

test('a pairing of a card that left and came back since is not known for its new stay', async () => {
  await withCards({ card: 'c1', joined: 1_000_000 }, { card: 'c2' });
  const known = await taught(pairingOf(['c1', 'c2']), { pairingNews: { kind: 'done' } });
  expect(known).toEqual({ c1: null, c2: ['c1', 'c2', 'STB-1'] });
});

test('what the CAS tells of a pairing replaces what was known, also when it tells of none', async () => {
  const pairing = { smartcards: ['c1', 'c2'], setTopBoxes: ['s1'] };
  await withCards({ card: 'c1', pairing }, { card: 'c2', pairing });
  const told = (answer: Pairing | null): PairingNews => ({
    kind: 'told',
    answers: [{ smartcard: 'c1', pairing: answer }],
  });
  const other = await taught(pairingOf(['c1']), {
    state: 'REJECTED',
    pairingNews: told({ smartcards: ['c1'], setTopBoxes: ['s9'] }),
  });
  expect(other['c1']).toEqual(['c1', 's9']);
  const none = await taught(pairingOf(['c1']), { state: 'REJECTED', pairingNews: told(null) });
  expect(none['c1']).toBeNull();
});

test('a rejected pairing that taught nothing leaves what is known as it is', async () => {
  const pairing = { smartcards: ['c1'], setTopBoxes: ['s1'] };
  await withCards({ card: 'c1', pairing });
  expect(await taught(pairingOf(['c1']), { state: 'REJECTED' })).toEqual({ c1: ['c1', 's1'] });
});
