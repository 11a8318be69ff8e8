import { afterAll, beforeAll, expect, test } from 'vitest';
import { addItem, type CrmSubscription, events, newSubscription, removeItem } from '../../dev/demo/crm.ts';
import { type HeldCard, heldCards } from '../../src/identifiers/holders.ts';
import { applyInTransaction } from '../../src/intake/apply.ts';
import { readMessages } from '../../src/intake/read.ts';
import { planCreatePairing } from '../../src/features/utilities/pairing.ts';
import { plan } from '../../src/planning/plan.ts';
import type { Transaction } from '../../src/platform/database.ts';
import type { Command } from '../../src/planning/command.ts';
import { commandOf } from '../../src/web-api/commands.ts';
import { openTestIntake, RULES, type TestIntake } from '../intake/support.ts';
import { eventually } from '../support/scene.ts';

const PATTERNS = {
  smartcard: RULES.smartcardPattern,
  setTopBox: RULES.setTopBoxPattern,
  service: RULES.servicePattern,
  pin: /^\d{4}$/,
};
const STB = 'STB-1';

/** What a look-up made of the card: the command's first card, and the number of the subscription it is for. */
interface LookedUp {
  readonly smartcard: unknown;
  readonly subscription: string | undefined;
}

const LOOK_UPS: Readonly<Record<string, (tx: Transaction, card: string) => Promise<LookedUp>>> = {
  'the Web API': async (tx, card) => {
    const body = { smartcard_set: [{ smartcard_ca_id: card }], stb_set: [{ stb_ca_id: STB }] };
    const { command, subscription } = await commandOf(tx, { call: 'create_pairing', body }, PATTERNS);
    return { smartcard: firstCard(command), subscription: subscription?.number };
  },
  'the pair utility': async (tx, card) => {
    const { requests } = await planCreatePairing(tx, { smartcard_ca_ids: [card], stb_ca_ids: [STB] }, PATTERNS);
    const [request] = requests;
    return { smartcard: firstCard(request?.command), subscription: request?.subscription?.number };
  },
};

function firstCard(command: Command | undefined): unknown {
  return command?.type === 'CREATE_PAIRING' ? command.smartcards[0] : command;
}

let intake: TestIntake;
beforeAll(async () => {
  intake = await openTestIntake();
});
afterAll(() => intake.close());

/** Processes the event of an action as intake does, in the caller's transaction. */
async function process(tx: Transaction, ...made: ReturnType<typeof events>): Promise<void> {
  const messages = await readMessages(
    intake.decoder,
    made.map((event) => intake.message(event)),
  );
  const options = { plan, rules: RULES, stalePolicy: 'plan', facetWaitMs: 30_000 } as const;
  await applyInTransaction(tx, messages, { ...options, database: intake.db, consumerGroup: null });
}

function withCard(subscription: CrmSubscription, card: string, room: string): CrmSubscription {
  addItem(subscription, 'card', 'SMARTCARD', card, room);
  return subscription;
}

test.each(Object.keys(LOOK_UPS).map((who, index) => [who, `0000000000${index}`] as const))(
  '%s does not take a card for that of a subscription that loses it while its lock is waited for',
  async (who, card) => {
    const [from, to] = [newSubscription(`FROM ${who}`), newSubscription(`TO ${who}`)];
    await intake.apply(events(withCard(from, card, 'OLD ROOM'), [{ action: 'S:BECOME_SUBSCRIBER' }]));
    let lookedUp: Promise<LookedUp> | undefined;
    await intake.db.transaction(async (tx) => {
      const removed = removeItem(from, 'card');
      await process(
        tx,
        ...events(from, [{ action: 'I:REMOVE_INSTALLED_ITEM', removedItems: [removed] }]),
        ...events(withCard(to, card, 'NEW ROOM'), [{ action: 'I:ADD_INSTALLED_ITEM' }]),
      );
      lookedUp = intake.db.transaction((own) => LOOK_UPS[who]!(own, card));
      await eventually(
        async () => ((await waitingForLocks()) === 1 ? true : undefined),
        'the look-up waiting for the lock of the subscription that held the card',
      );
    });
    expect(await lookedUp).toEqual({ smartcard: { caId: card, distributor: null }, subscription: undefined });
    // Whoever looks now finds the subscription that the card moved to.
    expect(await intake.db.transaction((tx) => LOOK_UPS[who]!(tx, card))).toEqual({
      smartcard: { caId: card, distributor: 'NEW ROOM' },
      subscription: to.number,
    });
  },
);

test('a card that several subscriptions hold is in the one that is named with it, else in the first of them', async () => {
  for (const number of ['TWO B', 'TWO A']) {
    const made = withCard(newSubscription(number), '00000000007', `ROOM ${number}`);
    await intake.apply(events(made, [{ action: 'S:BECOME_SUBSCRIBER' }]));
  }
  const card = '00000000007';
  const held = await heldCards(intake.db, [
    { card, subscription: 'TWO B' },
    { card, subscription: 'TWO A' },
    { card, subscription: 'ELSEWHERE' },
    { card: '00000000008', subscription: 'TWO A' },
  ]);
  const inRoom = (number: string): HeldCard => ({
    smartcard: { caId: card, distributor: `ROOM ${number}` },
    subscription: { id: `id-${number}`, number },
  });
  expect(held).toEqual([
    inRoom('TWO B'),
    inRoom('TWO A'),
    inRoom('TWO A'),
    { smartcard: { caId: '00000000008', distributor: null }, subscription: null },
  ]);
});

async function waitingForLocks(): Promise<number> {
  const waiting = await intake.db.query(
    `select from pg_locks where locktype = 'advisory' and not granted
        and database = (select oid from pg_database where datname = current_database())`,
  );
  return waiting.length;
}
