import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  addItem,
  addService,
  type CrmEvent,
  type CrmSubscription,
  events,
  newSubscription,
} from '../../dev/demo/crm.ts';
import { recordOutcomes, settleOverdueActions } from '../../src/outcomes/record.ts';
import { openTestIntake, type TestIntake } from '../intake/support.ts';
import { finishPending } from '../support/finish.ts';

let intake: TestIntake;
let counter = 0;
beforeAll(async () => {
  intake = await openTestIntake();
});
afterAll(() => intake.close());

function household(): CrmSubscription {
  counter += 1;
  const subscription = newSubscription(`S${String(counter).padStart(8, '0')}`);
  addItem(subscription, 'card', 'SMARTCARD', String(counter).padStart(11, '3'));
  addItem(subscription, 'stb', 'SET_TOP_BOX', `STB-${counter}`);
  addService(subscription, 'sports', '101');
  return subscription;
}

/** A card that is added and entitled at once: two facets. */
function twoFacets(subscription: CrmSubscription, named: number | null = 2): [CrmEvent, CrmEvent] {
  const [service, item] = events(subscription, [
    { action: 'V:ADD_SERVICE', incomingServices: ['sports'] },
    { action: 'I:ADD_INSTALLED_ITEM', incomingItems: ['card'] },
  ]);
  if (!service || !item) throw new Error('two facets');
  return [withFacets(service, named), withFacets(item, named)];
}

function withFacets(event: CrmEvent, facets: number | null): CrmEvent {
  return { ...event, value: { ...event.value, action: { ...event.value.action, facets } } } as CrmEvent;
}

interface Published {
  readonly outcome: string;
  readonly eventId: string;
  readonly facets: number;
}

async function outcomesOf({ number }: CrmSubscription): Promise<Published[]> {
  return intake.db.query<Published>(
    `select record ->> 'outcome' as outcome, record ->> 'eventId' as "eventId",
       jsonb_array_length(record -> 'facets') as facets
     from outbox where kind = 'ACTION_OUTCOME' and record ->> 'subscriptionNumber' = $1 order by id`,
    [number],
  );
}

const finish = ({ number }: CrmSubscription, state: 'COMPLETED' | 'REJECTED' = 'COMPLETED') =>
  finishPending(
    intake.db,
    state === 'COMPLETED' ? { state } : { state, code: 'CLIENT_NOT_FOUND' },
    `subscription_number = '${number}'`,
  );

describe('The outcome of an action goes out', () => {
  it('once all its requests are final, and not before', async () => {
    const subscription = household();
    await intake.apply(events(subscription, [{ action: 'S:ACTIVATE_SUBSCRIPTION' }]));
    expect(await outcomesOf(subscription)).toEqual([]);
    const [first] = await intake.db.query<{ number: number }>(
      'select number from request where subscription_number = $1 order by number',
      [subscription.number],
    );
    await finishPending(intake.db, { state: 'COMPLETED' }, `number = ${first?.number}`);
    expect(await outcomesOf(subscription)).toEqual([]);
    await finish(subscription);
    expect(await outcomesOf(subscription)).toMatchObject([{ outcome: 'PROVISIONED' }]);
  });

  it('at once where nothing is to be sent', async () => {
    const subscription = household();
    await intake.apply(events(subscription, [{ action: 'S:TERMINATE_SUBSCRIPTION' }]));
    expect(await outcomesOf(subscription)).toMatchObject([{ outcome: 'FAILED' }]);
  });

  it('once where a second facet comes while a request of the first is unfinished', async () => {
    const subscription = household();
    const [service, item] = twoFacets(subscription);
    await intake.apply([service]);
    await intake.apply([item]);
    await finish(subscription);
    expect(await outcomesOf(subscription)).toMatchObject([{ facets: 2 }]);
  });

  it('when the missing facet comes, although all requests of the first are final', async () => {
    const subscription = household();
    const [service, item] = twoFacets(subscription);
    await intake.apply([service]);
    await finish(subscription);
    expect(await outcomesOf(subscription)).toEqual([]);
    await intake.apply([item]);
    await finish(subscription);
    expect(await outcomesOf(subscription)).toMatchObject([{ facets: 2 }]);
  });

  it('without the missing facet when the wait is over, and once more with it when it comes after all', async () => {
    const subscription = household();
    const [service, item] = twoFacets(subscription);
    await intake.apply([service], { facetWaitMs: 0 });
    await finish(subscription);
    // Due by the clock: dispatch need not leave it to the sweep.
    await intake.db.transaction((tx) => settleOverdueActions(tx, 10));
    const [first] = await outcomesOf(subscription);
    expect(first).toMatchObject({ facets: 1 });
    await intake.apply([item]);
    await finish(subscription);
    const outcomes = await outcomesOf(subscription);
    expect(outcomes.map(({ facets }) => facets)).toEqual([1, 2]);
    expect(new Set(outcomes.map(({ eventId }) => eventId)).size).toBe(2);
  });

  it('is not swept before its wait is over', async () => {
    const subscription = household();
    const [service] = twoFacets(subscription);
    await intake.apply([service], { facetWaitMs: 60_000 });
    await finish(subscription);
    await intake.db.transaction((tx) => settleOverdueActions(tx, 10));
    expect(await outcomesOf(subscription)).toEqual([]);
  });

  it('at once with each facet where the CRM does not name their number', async () => {
    const subscription = household();
    const [service, item] = twoFacets(subscription, null);
    await intake.apply([service]);
    await finish(subscription);
    await intake.apply([item]);
    await finish(subscription);
    expect((await outcomesOf(subscription)).map(({ facets }) => facets)).toEqual([1, 2]);
  });

  it('as INVALID for a contradictory event, and anew once the corrected one is done', async () => {
    const subscription = household();
    const [wrong] = events(subscription, [{ action: 'V:ADD_SERVICE', incomingServices: ['nowhere'] }]);
    if (!wrong) throw new Error('no event');
    await intake.apply([wrong]);
    expect(await outcomesOf(subscription)).toMatchObject([{ outcome: 'INVALID' }]);
    await intake.apply([{ ...wrong, value: { ...wrong.value, incomingServices: ['sports'] } } as CrmEvent]);
    await finish(subscription);
    expect((await outcomesOf(subscription)).map(({ outcome }) => outcome)).toEqual(['INVALID', 'PROVISIONED']);
  });

  it('counts a dead-lettered facet as there: the action does not wait for another', async () => {
    const subscription = household();
    const [service, item] = twoFacets(subscription);
    await intake.apply([service, { ...item, value: { ...item.value, incomingInstalledItems: ['gone'] } } as CrmEvent]);
    await finish(subscription);
    expect(await outcomesOf(subscription)).toMatchObject([{ outcome: 'PARTLY_PROVISIONED', facets: 2 }]);
  });

  it('again where a facet asks again for what was rejected (R6), and the last request decides', async () => {
    const subscription = household();
    const [service, item] = twoFacets(subscription, null);
    await intake.apply([service]);
    await finish(subscription, 'REJECTED');
    await intake.apply([item, { ...service, value: { ...service.value, eventId: `${service.value.eventId}-again` } }]);
    await finish(subscription);
    expect((await outcomesOf(subscription)).map(({ outcome }) => outcome)).toEqual(['FAILED', 'PROVISIONED']);
  });
});

describe('The outcome of a request', () => {
  it('is refused for one that is not final, and nothing is written', async () => {
    const subscription = household();
    await intake.apply(events(subscription, [{ action: 'S:ACTIVATE_SUBSCRIPTION' }]));
    const [row] = await intake.db.query<{ number: number }>(
      'select number from request where subscription_number = $1 order by number',
      [subscription.number],
    );
    await expect(intake.db.transaction((tx) => recordOutcomes(tx, [row?.number ?? 0]))).rejects.toThrow(
      `No outcome for request ${row?.number}: it is not final`,
    );
  });

  it('has the ids, the times and the parameters of the request', async () => {
    const subscription = household();
    const [event] = events(subscription, [{ action: 'S:ACTIVATE_SUBSCRIPTION' }]);
    await intake.apply(event ? [event] : []);
    await finish(subscription);
    const rows = await intake.db.query<{
      record: Record<string, unknown>;
      headers: Record<string, string>;
      key: Buffer;
    }>(
      `select record, headers, message_key as key from outbox
       where kind = 'REQUEST_OUTCOME' and record ->> 'subscriptionNumber' = $1 order by id`,
      [subscription.number],
    );
    const card = subscription.installedItems[0]?.caId;
    expect(rows.map(({ record }) => record)).toMatchObject([
      {
        type: 'CREATE_PAIRING',
        outcome: 'COMPLETED',
        smartcards: [{ caId: card, distributor: null }],
        setTopBoxes: [{ caId: `STB-${counter}`, distributor: null }],
        service: null,
      },
      {
        type: 'ADD_SUBSCRIPTIONS',
        smartcards: [{ caId: card, distributor: null }],
        service: { caId: '101', distributor: null },
        priority: 'REGULAR',
        processName: 'TRIGGER',
        attempts: 1,
        actionId: event?.value.action.id,
        actionNumber: event?.value.action.number,
        causationEventId: event?.value.eventId,
        activeServices: null,
        pairedDevices: null,
      },
    ]);
    for (const { record, headers, key } of rows) {
      expect(record['requestId']).toMatch(/^[\dA-F]{32}$/);
      expect(record['eventId']).toMatch(/^[\da-f]{8}-[\da-f]{4}-5[\da-f]{3}-[89ab][\da-f]{3}-[\da-f]{12}$/);
      expect(record['executedAt']).toBeGreaterThanOrEqual(record['submittedAt'] as number);
      expect(key.toString()).toBe(subscription.number);
      expect(headers).toMatchObject({
        ce_subject: subscription.number,
        ce_correlationid: event?.value.action.id,
        ce_causationid: event?.value.eventId,
      });
    }
  });
});
