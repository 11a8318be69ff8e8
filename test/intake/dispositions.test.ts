import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { addItem, addService, type CrmSubscription, events, newSubscription, setServices } from '../../dev/demo/crm.ts';
import { dispositions, openTestIntake, type TestIntake } from './support.ts';

let intake: TestIntake;
let counter = 0;
beforeAll(async () => {
  intake = await openTestIntake();
});
afterAll(() => intake.close());

/** A subscription with one card, one STB and one effective service. */
function household(): CrmSubscription {
  counter += 1;
  const subscription = newSubscription(`S${String(counter).padStart(8, '0')}`);
  addItem(subscription, 'card', 'SMARTCARD', cardOf(subscription));
  addItem(subscription, 'stb', 'SET_TOP_BOX', `STB-${subscription.number}`);
  addService(subscription, 'sports', '101');
  return subscription;
}

function cardOf({ number }: CrmSubscription): string {
  return number.slice(1).padStart(11, '1');
}

const activate = (subscription: CrmSubscription) => events(subscription, [{ action: 'S:ACTIVATE_SUBSCRIPTION' }]);

async function commandsOf(subscription: CrmSubscription): Promise<string[]> {
  const rows = await intake.db.query<{ type: string }>(
    'select type from request where subscription_number = $1 order by number',
    [subscription.number],
  );
  return rows.map(({ type }) => type);
}

describe('What becomes of a message', () => {
  it('is PLANNED where it makes requests, in the order CANCEL, pairing, ADD', async () => {
    const subscription = household();
    const applied = await intake.apply(activate(subscription));
    expect(dispositions(applied)).toEqual(['PLANNED']);
    expect(await commandsOf(subscription)).toEqual(['CREATE_PAIRING', 'ADD_SUBSCRIPTIONS']);
  });

  it('is NOTHING_TO_DO where every command is withheld, and says why', async () => {
    const subscription = household();
    const applied = await intake.apply(events(subscription, [{ action: 'S:TERMINATE_SUBSCRIPTION' }]));
    expect(dispositions(applied)).toEqual(['NOTHING_TO_DO']);
    const withheld = await intake.db.query('select type, reason from withheld where subscription_number = $1', [
      subscription.number,
    ]);
    expect(withheld).toEqual([{ type: 'CANCEL_SUBSCRIPTIONS', reason: 'STILL_EFFECTIVE' }]);
  });

  it('is DUPLICATE where the eventId was seen, in the same batch or in an earlier one', async () => {
    const subscription = household();
    const [event] = activate(subscription);
    if (!event) throw new Error('no event');
    expect(dispositions(await intake.apply([event, event]))).toEqual(['PLANNED', 'DUPLICATE']);
    expect(dispositions(await intake.apply([event]))).toEqual(['DUPLICATE']);
    expect(await commandsOf(subscription)).toHaveLength(2);
  });

  it('is late where the version is lower than the newest, and never undoes the newer one', async () => {
    const subscription = household();
    const older = activate(subscription);
    setServices(subscription, 'NOT_EFFECTIVE');
    const newer = events(subscription, [{ action: 'S:DEACTIVATE_SUBSCRIPTION' }]);
    const applied = await intake.apply([...newer, ...older]);
    expect(applied.decisions.map(({ late }) => late)).toEqual([false, true]);
    expect(await commandsOf(subscription)).toEqual(['CANCEL_SUBSCRIPTIONS', 'CREATE_PAIRING']);
  });
});
