import { afterAll, beforeAll, expect, test } from 'vitest';
import { addService, setService } from '../../../dev/demo/crm.ts';
import type { Subscription } from '../../../src/events/crm.generated.ts';
import type { Database } from '../../../src/platform/database.ts';
import { type Command, smartcardsOf } from '../../../src/planning/command.ts';
import { lockCards } from '../../../src/requests/locks.ts';
import { recordOutcomes } from '../../../src/outcomes/record.ts';
import type { Json } from '../../../src/features/runs/kind.ts';
import { kindOf } from '../../../src/features/runs/kinds.ts';
import { stepRun } from '../../../src/features/runs/step.ts';
import { findRun } from '../../../src/features/runs/store.ts';
import { DEFAULT_RULES } from '../../planning/support/in-memory.ts';
import { addTo, openTestRequests, requestFor, submit, type TestRequests } from '../../requests/support.ts';
import { finishPending } from '../../support/finish.ts';
import { eventually, household } from '../../support/scene.ts';
import { beginRun, know, snapshotNow } from '../runs/known.ts';

let requests: TestRequests;
let db: Database;

beforeAll(async () => {
  requests = await openTestRequests(4);
  db = requests.db;
});
afterAll(() => requests.close());

const context = { rules: DEFAULT_RULES };
const begin = (kind: string, selection: unknown, parameters: unknown = {}): Promise<number> =>
  beginRun(db, kind, selection, parameters);

/** Does what there is to do for a run until only an answer brings more. */
async function drive(run: number): Promise<void> {
  while ((await stepRun(run, { db, context, window: 500, perSecond: 100_000, recordOutcomes })) === 'more');
}

/** Lets the CAS answer the pending question about a card. */
async function answer(card: string, activeServices: readonly string[]): Promise<void> {
  await db.query(`update request set answer = $2 where cards = array[$1::text] and life_cycle_state = 'PENDING'`, [
    card,
    JSON.stringify({ activeServices }),
  ]);
  await finishPending(db, { state: 'COMPLETED' }, `cards = array['${card}'] and type = 'GET_ACTIVE_SUBSCRIPTIONS'`);
}

interface Target {
  readonly target: string;
  readonly outcome: string | null;
  readonly tries: number;
  readonly result: Json;
}

async function targetsOf(run: number): Promise<Target[]> {
  return await db.query<Target & Record<string, unknown>>(
    'select target, outcome, tries, result from run_target where run_id = $1 order by target',
    [run],
  );
}

async function commandsOf(run: number): Promise<string[]> {
  const rows = await db.query<{ command: Command }>(
    'select command from request where process_id = $1 order by number',
    [String(run)],
  );
  return rows.map(({ command }) =>
    [command.type, ...smartcardsOf(command), 'service' in command ? command.service.caId : null].join(' '),
  );
}

test('a card whose entitlements an event changed while it was asked about is asked about again', async () => {
  const card = '70000000001';
  const home = household('R0000000001', card, ['101', '102']);
  await know(db, home);
  const run = await begin('RECONCILE', { cards: [card] });
  await drive(run);
  setService(home, 'service-102', 'CANCELLED');
  await know(db, home);
  // What the CAS had before the event's own command reached it.
  await answer(card, ['101', '777']);
  await drive(run);
  expect(await targetsOf(run)).toMatchObject([{ outcome: null, tries: 2, result: { entitled: ['101'] } }]);
  await answer(card, ['101']);
  await drive(run);
  expect(await targetsOf(run)).toMatchObject([{ outcome: 'EQUAL', tries: 2 }]);
  expect(await findRun(db, run)).toMatchObject({ state: 'COMPLETED', counts: { EQUAL: 1 } });
});

test('an answer that equals what the CRM entitled when it was asked is no difference, whatever came since', async () => {
  const card = '70000000002';
  const home = household('R0000000002', card, ['101']);
  await know(db, home);
  const run = await begin('RECONCILE', { cards: [card] });
  await drive(run);
  addService(home, 'service-102', '102');
  await know(db, home);
  await answer(card, ['101']);
  await drive(run);
  expect(await targetsOf(run)).toMatchObject([{ outcome: 'EQUAL', tries: 1 }]);
});

test('a card that never rests is CHANGING after three more questions, and is not mended', async () => {
  const card = '70000000003';
  await know(db, household('R0000000003', card, ['101']));
  const run = await begin('RECONCILE', { cards: [card] });
  await drive(run);
  for (let question = 1; question <= 4; question += 1) {
    await submit(db, requestFor(addTo(card, '101')));
    await answer(card, []);
    await drive(run);
    await finishPending(db, { state: 'REJECTED', code: 'CLIENT_NOT_FOUND' }, `type = 'ADD_SUBSCRIPTIONS'`);
  }
  expect(await targetsOf(run)).toEqual([
    {
      target: card,
      outcome: 'CHANGING',
      tries: 4,
      result: { differences: [{ finding: 'MISSING_IN_CAS', service_ca_id: '101' }] },
    },
  ]);
  const fix = await begin('RECONCILE_FIX', { run });
  await drive(fix);
  expect(await findRun(db, fix)).toMatchObject({ state: 'COMPLETED' });
  expect(await targetsOf(fix)).toEqual([]);
});

test('a fix waits for the event that holds its card, and does nothing against it', async () => {
  const card = '70000000004';
  const home = household('R0000000004', card, ['101', '102']);
  await know(db, home);
  const run = await begin('RECONCILE', { cards: [card] });
  await drive(run);
  await answer(card, ['102', '777', '888']);
  await drive(run);
  expect(await targetsOf(run)).toMatchObject([{ outcome: 'DIFFERENT' }]);

  // An event takes 101 away and brings 777, in a transaction that holds the card when the fix comes.
  setService(home, 'service-101', 'CANCELLED');
  addService(home, 'service-777', '00777');
  const snapshot = snapshotNow(home);
  const fix = await begin('RECONCILE_FIX', { run });
  let driven: Promise<void> | undefined;
  await db.transaction(async (tx) => {
    lockCards(tx, [card]);
    driven = drive(fix);
    await eventually(async () => ((await waitingForCards()) > 0 ? true : undefined), 'the fix waits for the card');
    await tx.query('update subscription set snapshot = $2, version = $3 where number = $1', [
      snapshot.number,
      JSON.stringify(snapshot satisfies Subscription),
      snapshot.version,
    ]);
  });
  await driven;
  expect(await commandsOf(fix)).toEqual([`CANCEL_SUBSCRIPTIONS ${card} 888`]);
  expect(await targetsOf(fix)).toMatchObject([
    {
      result: {
        withheld: [
          { type: 'CANCEL_SUBSCRIPTIONS', reason: 'SUPERSEDED', service_ca_id: '777' },
          { type: 'ADD_SUBSCRIPTIONS', reason: 'SUPERSEDED', service_ca_id: '101' },
        ],
      },
    },
  ]);
});

test('a fix can be kept to what is missing', async () => {
  const card = '70000000005';
  await know(db, household('R0000000005', card, ['101']));
  const run = await begin('RECONCILE', { cards: [card] });
  await drive(run);
  await answer(card, ['777']);
  await drive(run);
  const fix = await begin('RECONCILE_FIX', { run }, { only: 'MISSING_IN_CAS' });
  await drive(fix);
  expect(await commandsOf(fix)).toEqual([`ADD_SUBSCRIPTIONS ${card} 101`]);
});

test('only a reconcile run that is not under way can be mended', async () => {
  await know(db, household('R0000000006', '70000000006', ['101']));
  const resync = await begin('RESYNC', { subscriptions: ['R0000000006'] });
  await expect(begin('RECONCILE_FIX', { run: resync })).rejects.toThrow(`run ${resync} is a RESYNC run`);
  const run = await begin('RECONCILE', { cards: ['70000000006'] });
  await expect(begin('RECONCILE_FIX', { run })).rejects.toThrow(`run ${run} is PREPARING; wait`);
  await expect(begin('RECONCILE_FIX', { run: 999_999 })).rejects.toThrow('there is no run 999999');
});

test('a card of a snapshot whose CA id does not fit the pattern is not readable, and is not asked about', async () => {
  await know(db, household('R0000000007', '7', ['101']));
  const run = await begin('RECONCILE', { product: { code: 'P101' } });
  await drive(run);
  const targets = await targetsOf(run);
  expect(targets.find(({ target }) => target === '7')).toMatchObject({
    outcome: 'NOT_READABLE',
    result: { code: 'INVALID_CA_ID' },
  });
  expect(await commandsOf(run)).toHaveLength(targets.length - 1);
});

test('a resync selects subscriptions by product, state and distributor, or by number, all of which have to be known', async () => {
  const rooms = household('R0000000011', '70000000011', []);
  addService(rooms, 'attic', '4711', { distributor: 'attic' });
  const effective = household('R0000000012', '70000000012', ['4711']);
  const ended = household('R0000000013', '70000000013', ['4711']);
  setService(ended, 'service-4711', 'CANCELLED');
  ended.state = 'TERMINATED';
  await know(db, rooms, effective, ended);
  const selected = async (selection: unknown): Promise<string[]> => {
    const run = await begin('RESYNC', selection);
    await drive(run);
    return (await targetsOf(run)).map(({ target, outcome }) => `${target} ${outcome ?? 'sent'}`);
  };
  // Effective, and with a card in the same place.
  expect(await selected({ product: { code: 'P4711' } })).toEqual(['R0000000012 sent']);
  expect(await selected({ subscription_states: ['TERMINATED'] })).toEqual(['R0000000013 NOTHING_TO_SEND']);
  expect(await selected({ distributor: 'nowhere' })).toEqual([]);
  expect((await selected({ all: true })).length).toBeGreaterThan(8);
  expect(await selected({ subscriptions: ['R0000000012', 'R0000000011', 'R0000000012'] })).toEqual([
    'R0000000011 sent',
    'R0000000012 sent',
  ]);
  await expect(selected({ subscriptions: ['R0000000012', 'R9'] })).rejects.toThrow(
    '1 of 2 are not known (no. 2: "R9")',
  );
  const { source } = kindOf('RESYNC');
  const estimate = (selection: unknown) => source.estimate(db, source.schema.parse(selection), context);
  expect(await estimate({ product: { code: 'P4711' } })).toEqual({
    targets: 1,
    exact: true,
    sample: [{ target: 'R0000000012', card: null, subscription: 'R0000000012' }],
  });
});

async function waitingForCards(): Promise<number> {
  const [row] = await db.query<{ count: number }>(
    `select count(*)::int as count from pg_locks
      where locktype = 'advisory' and not granted and database = (select oid from pg_database where datname = current_database())`,
  );
  return row?.count ?? 0;
}
