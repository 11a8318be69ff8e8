import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { addItem, addService, type CrmSubscription, events, newSubscription, setServices } from '../../dev/demo/crm.ts';
import { avroRecord, randomHistories } from '../support/histories.ts';
import { openTestIntake, type TestIntake } from './support.ts';

let intake: TestIntake;
beforeAll(async () => {
  intake = await openTestIntake();
});
afterAll(() => intake.close());

/** A subscription with this card, entitled to service 101. */
function holderOf(card: string, number: string): CrmSubscription {
  const subscription = newSubscription(number);
  addItem(subscription, `card-${number}`, 'SMARTCARD', card);
  addService(subscription, `service-${number}`, '101');
  return subscription;
}

describe('Several at work at once', () => {
  it('two subscriptions that share a card do not both leave the cancel to the other (R4)', async () => {
    for (let round = 0; round < 25; round += 1) {
      const card = String(round).padStart(11, '7');
      const pair = [holderOf(card, `L${round}`), holderOf(card, `R${round}`)];
      for (const subscription of pair)
        await intake.apply(events(subscription, [{ action: 'S:ACTIVATE_SUBSCRIPTION' }]));
      await Promise.all(
        pair.map((subscription) => {
          setServices(subscription, 'NOT_EFFECTIVE');
          return intake.apply(events(subscription, [{ action: 'S:DEACTIVATE_SUBSCRIPTION' }]));
        }),
      );
      const cancels = await intake.db.query(
        `select subscription_number from request where cards = array[$1] and type = 'CANCEL_SUBSCRIPTIONS'`,
        [card],
      );
      expect(cancels, `round ${round}`).toHaveLength(1);
    }
  });

  it('two instances that read the same messages at once process each event once', async () => {
    const seed = Date.now() % 2 ** 31;
    const { events: history } = randomHistories(seed, { subscriptions: 8, actions: 8, sharedCards: true, prefix: 'C' });
    const messages = history.map(avroRecord);
    const half = Math.ceil(messages.length / 2);
    await Promise.all([
      intake.apply(messages),
      intake.apply(messages),
      (async () => {
        await intake.apply(messages.slice(0, half));
        await intake.apply(messages.slice(half));
      })(),
    ]);
    const rows = await intake.db.query<{ times: number; count: number }>(
      `select times, count(*) from (
         select event_id, count(*) filter (where disposition <> 'DUPLICATE') as times from inbox
         where subscription_number like 'C%' group by event_id
       ) as per_event group by times`,
    );
    expect(rows, `seed ${seed}`).toEqual([{ times: 1, count: new Set(history.map(({ eventId }) => eventId)).size }]);
  });
});
