import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { InstalledItem, Service, Subscription } from '../../src/events/crm.generated.ts';
import { resolveService } from '../../src/identifiers/service.ts';
import { resolveSmartcard, resolveSmartcardByCaId } from '../../src/identifiers/device.ts';
import { resolveSubscription } from '../../src/identifiers/subscription.ts';
import { household } from '../support/scene.ts';
import { openTestIntake, type TestIntake } from '../intake/support.ts';
import { events } from '../../dev/demo/crm.ts';

const NOTHING = { services: [], installedItems: [] };

function subscription(parts: Partial<Subscription>): Subscription {
  return { id: 'ID1', number: 'S1', version: 1, state: 'EFFECTIVE', ...NOTHING, ...parts };
}

function service(id: string, more: Partial<Service> = {}): Service {
  return {
    id,
    productId: 'P',
    productCode: 'SPORT',
    productAlternativeCode: null,
    caId: '1001',
    state: 'EFFECTIVE',
    distributor: null,
    ...more,
  };
}

function item(id: string, more: Partial<InstalledItem> = {}): InstalledItem {
  return {
    id,
    serialNumber: `SN-${id}`,
    alternativeCode: null,
    kind: 'SMARTCARD',
    caId: '00000000001',
    distributor: null,
    ...more,
  };
}

describe('a service', () => {
  test.each([[{ id: 'P' }], [{ id: 'V1' }], [{ code: 'SPORT' }], [{ alternative_code: 'ALT' }]])(
    'is found by %j',
    (identifier) => {
      const known = subscription({ services: [service('V1', { productAlternativeCode: 'ALT' })] });
      expect(resolveService(known, identifier)).toMatchObject({ id: 'V1', caId: '1001' });
    },
  );

  test.each<[string, Partial<Service>, Partial<Service>, string]>([
    ['the effective one, not the stopped one', { state: 'NOT_EFFECTIVE', caId: '1' }, { caId: '2' }, 'V2'],
    ['the stopped one, not the one that was removed', { state: 'REMOVED', caId: '1' }, { state: 'IN_RESTING' }, 'V2'],
    ['one in effect for a short term too', { state: 'CANCELLED' }, { state: 'SHORT_TERM_EFFECTIVE', caId: '2' }, 'V2'],
    ['either, where the CAS would be told the same', { caId: '0001001' }, { caId: '1001' }, 'V1'],
  ])('of two services of one product, %s', (_, one, other, id) => {
    const known = subscription({ services: [service('V1', one), service('V2', other)] });
    expect(resolveService(known, { code: 'SPORT' })).toMatchObject({ id });
  });

  test("of two rooms is the one of the card's room, and ambiguous where no card says so", () => {
    const rooms = ['LIVING', 'KIDS'].map((distributor) => service(`V-${distributor}`, { distributor }));
    const known = subscription({ services: rooms });
    expect(resolveService(known, { code: 'SPORT' }, 'KIDS')).toMatchObject({ id: 'V-KIDS' });
    for (const place of [undefined, null, 'KITCHEN']) {
      expect(resolveService(known, { code: 'SPORT' }, place)).toEqual({
        code: 'SERVICE_AMBIGUOUS',
        field: 'code',
        problem:
          '2 services fit "SPORT": "V-LIVING" (EFFECTIVE, "LIVING" distributor), "V-KIDS" (EFFECTIVE, "KIDS" distributor)',
        remedy: 'give the id of the service that is meant',
      });
    }
    expect(resolveService(known, { id: 'V-LIVING' }, 'KIDS')).toMatchObject({ id: 'V-LIVING' });
  });

  test('that is not there, or not the business of the CAS, says so', () => {
    const known = subscription({ services: [service('V1', { caId: null })] });
    expect(resolveService(known, { code: 'FILM' })).toMatchObject({ code: 'SERVICE_NOT_FOUND', field: 'code' });
    // Null is not a code.
    expect(resolveService(known, { alternative_code: '' })).toMatchObject({ code: 'SERVICE_NOT_FOUND' });
    expect(resolveService(known, { id: 'P' })).toMatchObject({ code: 'SERVICE_WITHOUT_CA_ID', field: 'id' });
  });
});

describe('a smart card', () => {
  const box = item('I2', { kind: 'SET_TOP_BOX', caId: 'STB-1', alternativeCode: 'SET-7' });
  const known = subscription({ installedItems: [box, item('I1', { alternativeCode: 'SET-7' })] });

  test.each([[{ id: 'I1' }], [{ serial_number: 'SN-I1' }], [{ alternative_code: 'SET-7' }]])(
    'is found by %j, also where a set-top box shares the code',
    (identifier) => {
      expect(resolveSmartcard(known, identifier)).toMatchObject({ id: 'I1', caId: '00000000001' });
    },
  );

  test('is found by its CA id as it is written', () => {
    expect(resolveSmartcardByCaId(known, '00000000001')).toEqual({ caId: '00000000001', distributor: null });
    expect(resolveSmartcardByCaId(known, '1')).toMatchObject({ code: 'SMARTCARD_NOT_OF_SUBSCRIPTION' });
    expect(resolveSmartcardByCaId(known, 'STB-1')).toEqual({
      code: 'SMARTCARD_NOT_OF_SUBSCRIPTION',
      problem:
        'subscription S1 has no smart card with the CA id "STB-1"; its item with that CA id, "I2", is a SET_TOP_BOX',
      remedy: 'check card and subscription',
    });
  });

  test.each([
    ['ITEM_NOT_FOUND', { id: 'I9' }, []],
    ['ITEM_IS_NO_SMARTCARD', { id: 'I2' }, []],
    ['SMARTCARD_WITHOUT_CA_ID', { id: 'I3' }, [item('I3', { caId: null })]],
    [
      'ITEM_AMBIGUOUS',
      { serial_number: 'SN' },
      [item('I4', { serialNumber: 'SN' }), item('I5', { serialNumber: 'SN', caId: '00000000005' })],
    ],
  ])('else says %s', (code, identifier, more) => {
    const other = subscription({ installedItems: [...known.installedItems, ...more] });
    expect(resolveSmartcard(other, identifier)).toMatchObject({ code, field: Object.keys(identifier)[0] });
  });
});

describe('a subscription', () => {
  let intake: TestIntake;
  beforeAll(async () => {
    intake = await openTestIntake();
    for (const [number, card] of [
      ['S1', '00000000001'],
      ['S2', '00000000001'],
    ] as const) {
      const made = household(number, card, ['1001']);
      await intake.apply(events(made, [{ action: 'S:BECOME_SUBSCRIBER' }]));
    }
  });
  afterAll(() => intake.close());

  test('is found by number and by id, and what is not known says so, whatever it is', async () => {
    const byNumber = await resolveSubscription(intake.db, { number: 'S1' });
    expect(byNumber).toMatchObject({ number: 'S1', installedItems: [{ caId: '00000000001' }, {}] });
    expect(await resolveSubscription(intake.db, { id: (byNumber as Subscription).id })).toEqual(byNumber);
    for (const number of ['S9', 's1', '', 'S1\u0000', `S1' or '1'='1`, '\uD800']) {
      expect(await resolveSubscription(intake.db, { number })).toMatchObject({ code: 'SUBSCRIPTION_NOT_FOUND' });
    }
  });

  test('whose id another one has too is ambiguous by id, and found by number', async () => {
    await intake.db.query(`update subscription set crm_id = 'TWICE'`);
    expect(await resolveSubscription(intake.db, { id: 'TWICE' })).toEqual({
      code: 'SUBSCRIPTION_AMBIGUOUS',
      field: 'id',
      problem: 'several subscriptions have the id "TWICE", such as S1 and S2',
      remedy: 'identify the subscription by its number',
    });
    expect(await resolveSubscription(intake.db, { number: 'S2' })).toHaveProperty('installedItems');
  });
});
