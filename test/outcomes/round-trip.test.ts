import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { addItem, addService, events, newSubscription } from '../../dev/demo/crm.ts';
import { finishPending } from '../support/finish.ts';
import { eventually, type Ground, openGround } from './support.ts';

let ground: Ground;
beforeAll(async () => {
  ground = await openGround('round-trip');
  ground.intake();
  ground.outcomes();
});
afterAll(() => ground.close());

describe('From a CRM event to its outcomes', () => {
  it('an event becomes requests, and their outcomes and the one of the action come out of Kafka', async () => {
    const subscription = newSubscription('S0000000001');
    addItem(subscription, 'card', 'SMARTCARD', '00000000001');
    addItem(subscription, 'stb', 'SET_TOP_BOX', 'STB-1');
    addService(subscription, 'sports', '101');
    const [event] = events(subscription, [{ action: 'S:ACTIVATE_SUBSCRIPTION' }]);
    if (!event) throw new Error('no event');
    await ground.send([event]);
    await eventually(async () => {
      const [row] = await ground.db.query<{ count: number }>('select count(*) as count from request');
      return row?.count === 2 ? true : undefined;
    }, 'two requests');
    await finishPending(ground.db);
    const outcome = await ground.wire.until(({ actionOutcomes }) => actionOutcomes[0], 'the outcome', 10_000);
    expect(outcome.value).toMatchObject({
      actionId: event.value.action.id,
      outcome: 'PROVISIONED',
      facets: [{ family: 'SUBSCRIPTION', type: 'ACTIVATE_SUBSCRIPTION', disposition: 'PLANNED' }],
    });
    const requests = await ground.wire.until(
      ({ requestOutcomes }) => (requestOutcomes.length >= 2 ? requestOutcomes : undefined),
      'the outcomes of the requests',
      10_000,
    );
    expect(requests.map(({ value }) => value.type)).toEqual(['CREATE_PAIRING', 'ADD_SUBSCRIPTIONS']);
  });
});
