import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { addItem, addService, type CrmSubscription } from '../../dev/demo/crm.ts';
import { act, type Action, callsOf, callTexts, household, outcomeOf, requestOutcome, spoil } from '../support/scene.ts';
import { startWorld, type World } from '../support/world.ts';

let world: World;
let customers = 0;
let card = '';
let subscription: CrmSubscription;

beforeAll(async () => {
  world = await startWorld({ RETRY_BACKOFF_MIN_MS: '5', RETRY_BACKOFF_MAX_MS: '50' });
  await world.simulator('PUT', 'settings', { pairingConflict: 'refuse' });
});
afterAll(() => world.close());
beforeEach(async () => {
  await world.simulator('DELETE', 'faults');
  customers += 1;
  card = `3200000${String(customers).padStart(4, '0')}`;
  subscription = household(`S000032${String(customers).padStart(4, '0')}`, card, ['1001']);
});

const subscribe = (): Promise<Action> => act(world, subscription, { action: 'S:BECOME_SUBSCRIBER' });
const pairingOf = async (smartcard: string): Promise<unknown> =>
  (await world.simulator<{ pairing: unknown }>('GET', `cards/${smartcard}`)).pairing;
const pairedAtTheCas = (smartcards: string[], setTopBoxes: string[]): Promise<void> =>
  world.simulator(
    'PATCH',
    'state',
    smartcards.map((smartcard) => ({ smartcard, pairing: { smartcards, setTopBoxes } })),
  );
const calls = async (): Promise<string[]> => callTexts(await callsOf(world, card));

describe('at a CAS that refuses to take a card out of its pairing (R8)', () => {
  test('a card that is paired elsewhere is REJECTED, PAIRED_ELSEWHERE, with the present pairing; the rest goes on', async () => {
    await pairedAtTheCas([card, '32999990001'], ['STB-ELSEWHERE']);
    const subscribed = await subscribe();
    expect((await outcomeOf(world, subscribed)).value).toMatchObject({
      outcome: 'PARTLY_PROVISIONED',
      requests: [
        { type: 'CREATE_PAIRING', outcome: 'REJECTED', errorCode: 'PAIRED_ELSEWHERE', smartcard: card },
        { type: 'ADD_SUBSCRIPTIONS', outcome: 'COMPLETED', errorCode: null, smartcard: card },
      ],
    });
    const pairing = await requestOutcome(world, subscribed, 'CREATE_PAIRING');
    expect(pairing.attempts).toBe(2);
    for (const says of ['INPUT_VALIDATION_ERROR', card, '32999990001', 'STB-ELSEWHERE']) {
      expect(pairing.errorDescription).toContain(says);
    }
    expect(await calls()).toEqual([
      'CREATE_PAIRING INPUT_VALIDATION_ERROR',
      'GET_PAIRING_STATUS_FOR_CARD OK',
      'ADD_SUBSCRIPTIONS 1001 OK effect',
    ]);
  });

  test('what the CAS said of the present pairing is known from then on: the missing STB is added to it', async () => {
    await pairedAtTheCas([card], ['STB-ELSEWHERE']);
    await outcomeOf(world, await subscribe());
    addService(subscription, 'sports', '1002');
    const added = await act(world, subscription, { action: 'V:ADD_SERVICE', incomingServices: ['sports'] });
    expect((await outcomeOf(world, added)).value).toMatchObject({
      outcome: 'PROVISIONED',
      requests: [{ type: 'ADD_TO_EXISTING_PAIRING' }, { type: 'ADD_SUBSCRIPTIONS' }],
    });
    expect(await pairingOf(card)).toEqual({ smartcards: [card], setTopBoxes: [`STB-${card}`, 'STB-ELSEWHERE'] });
  });

  test('of several cards the one that is paired elsewhere is found', async () => {
    const second = card.replace('3200', '3201');
    addItem(subscription, 'card-2', 'SMARTCARD', second);
    await pairedAtTheCas([second], ['STB-ELSEWHERE']);
    const pairing = await requestOutcome(world, await subscribe(), 'CREATE_PAIRING');
    expect(pairing).toMatchObject({ outcome: 'REJECTED', errorCode: 'PAIRED_ELSEWHERE' });
    expect(pairing.errorDescription).toContain(`card ${second} in the pairing of ${second}, STB-ELSEWHERE`);
  });

  test.each([
    ['exactly so', []],
    ['with one STB more', ['STB-MORE']],
  ])('a card that is paired already, %s, is COMPLETED with a note', async (_how, more) => {
    await pairedAtTheCas([card], [`STB-${card}`, ...more]);
    // A CAS may refuse even what is there already; the simulator does so only where the pairing differs.
    const refused = { command: 'CREATE_PAIRING', smartcard: card };
    if (more.length === 0) await spoil(world, { match: refused, times: 1, fault: 'status:INPUT_VALIDATION_ERROR' });
    const subscribed = await subscribe();
    expect((await outcomeOf(world, subscribed)).value.outcome).toBe('PROVISIONED');
    expect(await requestOutcome(world, subscribed, 'CREATE_PAIRING')).toMatchObject({
      outcome: 'COMPLETED',
      errorCode: null,
      errorDescription:
        'The CAS refused it (INPUT_VALIDATION_ERROR); on being asked, the CAS named all its devices as paired together.',
    });
    expect(await pairingOf(card)).toEqual({ smartcards: [card], setTopBoxes: [`STB-${card}`, ...more].toSorted() });
  });

  test('a refusal of a card that is paired nowhere keeps the code of the CAS', async () => {
    const match = { command: 'CREATE_PAIRING', smartcard: card };
    await spoil(world, { match, times: 1, fault: 'status:FEATURE_NOT_AVAILABLE' });
    expect(await requestOutcome(world, await subscribe(), 'CREATE_PAIRING')).toMatchObject({
      outcome: 'REJECTED',
      errorCode: 'FEATURE_NOT_AVAILABLE',
    });
  });
});

describe('a set-top box that the CAS does not know is reported as that (R8)', () => {
  const list = (setTopBoxes: string[]): Promise<void> => {
    const smartcards = [card, card.replace('3200', '3201')];
    return world.simulator('PUT', 'inventory', { smartcards, setTopBoxes, services: ['1001', '1002'] });
  };
  beforeEach(async () => {
    await list([`STB-${card}`]);
    await world.simulator('PUT', 'settings', { inventory: 'listed' });
  });
  afterEach(() => world.simulator('PUT', 'settings', { inventory: 'open' }));

  test('added to a pairing: the pairing that it was to join is not another one', async () => {
    await outcomeOf(world, await subscribe());
    addItem(subscription, 'stb-2', 'SET_TOP_BOX', `STB2-${card}`);
    const added = await act(world, subscription, { action: 'I:ADD_INSTALLED_ITEM', incomingItems: ['stb-2'] });
    expect(await requestOutcome(world, added, 'ADD_TO_EXISTING_PAIRING')).toMatchObject({
      outcome: 'REJECTED',
      errorCode: 'CLIENT_NOT_FOUND',
      errorDescription: `set-top box STB2-${card} is unknown`,
      attempts: 2,
    });
    expect((await calls()).slice(2)).toEqual([
      'ADD_TO_EXISTING_PAIRING CLIENT_NOT_FOUND',
      'GET_PAIRING_STATUS_FOR_CARD OK',
    ]);
  });

  test('added with a card: both cards are asked about, and an answer that is lost loses nothing', async () => {
    await outcomeOf(world, await subscribe());
    const second = card.replace('3200', '3201');
    addItem(subscription, 'card-2', 'SMARTCARD', second);
    addItem(subscription, 'stb-2', 'SET_TOP_BOX', `STB2-${card}`);
    const question = { command: 'GET_PAIRING_STATUS_FOR_CARD', smartcard: second };
    await spoil(world, { match: question, times: 1, fault: 'cut-before' });
    const added = await act(world, subscription, {
      action: 'I:ADD_INSTALLED_ITEM',
      incomingItems: ['card-2', 'stb-2'],
    });
    expect(await requestOutcome(world, added, 'ADD_TO_EXISTING_PAIRING')).toMatchObject({
      outcome: 'REJECTED',
      errorCode: 'CLIENT_NOT_FOUND',
      attempts: 5,
    });
    expect(callTexts(await callsOf(world, second))).toEqual([
      'ADD_TO_EXISTING_PAIRING CLIENT_NOT_FOUND',
      'GET_PAIRING_STATUS_FOR_CARD -',
      'GET_PAIRING_STATUS_FOR_CARD OK',
    ]);
    // What the CAS answered is known: once it knows the box, the next action adds what is missing, and no more.
    await list([`STB-${card}`, `STB2-${card}`]);
    addService(subscription, 'sports', '1002');
    const later = await act(world, subscription, { action: 'V:ADD_SERVICE', incomingServices: ['sports'] });
    const pairing = await requestOutcome(world, later, 'ADD_TO_EXISTING_PAIRING');
    expect(pairing).toMatchObject({ outcome: 'COMPLETED', setTopBoxes: [{ caId: `STB2-${card}` }] });
    expect(await pairingOf(card)).toEqual({
      smartcards: [card, second],
      setTopBoxes: [`STB-${card}`, `STB2-${card}`],
    });
  });

  test('paired with a card that is in another pairing: the card is not the cause', async () => {
    await pairedAtTheCas([card], ['STB-ELSEWHERE']);
    await list([]);
    const pairing = await requestOutcome(world, await subscribe(), 'CREATE_PAIRING');
    expect(pairing).toMatchObject({
      outcome: 'REJECTED',
      errorCode: 'CLIENT_NOT_FOUND',
      errorDescription: `set-top box STB-${card} is unknown`,
    });
  });
});

describe('a pairing without a readable answer', () => {
  test('that was done is asked about and COMPLETED with a note, not sent again', async () => {
    await spoil(world, { match: { command: 'CREATE_PAIRING', smartcard: card }, times: 1, fault: 'cut-after' });
    const subscribed = await subscribe();
    expect((await outcomeOf(world, subscribed)).value.outcome).toBe('PROVISIONED');
    expect(await calls()).toEqual([
      'CREATE_PAIRING - effect',
      'GET_PAIRING_STATUS_FOR_CARD OK',
      'ADD_SUBSCRIPTIONS 1001 OK effect',
    ]);
    expect((await requestOutcome(world, subscribed, 'CREATE_PAIRING')).errorDescription).toBe(
      'It had no readable answer; on being asked, the CAS named all its devices as paired together.',
    );
  });

  test('that was not done is asked about and sent again', async () => {
    await spoil(world, { match: { command: 'CREATE_PAIRING', smartcard: card }, times: 1, fault: 'cut-before' });
    const subscribed = await subscribe();
    expect((await outcomeOf(world, subscribed)).value.outcome).toBe('PROVISIONED');
    expect(await calls()).toEqual([
      'CREATE_PAIRING -',
      'GET_PAIRING_STATUS_FOR_CARD OK',
      'CREATE_PAIRING OK effect',
      'ADD_SUBSCRIPTIONS 1001 OK effect',
    ]);
    expect((await requestOutcome(world, subscribed, 'CREATE_PAIRING')).errorDescription).toBeNull();
  });

  test('is not sent again, nor anything else for its card, before the question has an answer', async () => {
    await spoil(
      world,
      { match: { command: 'CREATE_PAIRING', smartcard: card }, times: 1, fault: 'garbage' },
      { match: { command: 'GET_PAIRING_STATUS_FOR_CARD', smartcard: card }, times: 3, fault: 'cut-before' },
    );
    const subscribed = await subscribe();
    expect((await outcomeOf(world, subscribed)).value.outcome).toBe('PROVISIONED');
    expect(await calls()).toEqual([
      'CREATE_PAIRING - effect',
      'GET_PAIRING_STATUS_FOR_CARD -',
      'GET_PAIRING_STATUS_FOR_CARD -',
      'GET_PAIRING_STATUS_FOR_CARD -',
      'GET_PAIRING_STATUS_FOR_CARD OK',
      'ADD_SUBSCRIPTIONS 1001 OK effect',
    ]);
  });

  test.each(['cut-after', 'cut-before'])('holds for ADD_TO_EXISTING_PAIRING too: %s', async (fault) => {
    await outcomeOf(world, await subscribe());
    await spoil(world, { match: { command: 'ADD_TO_EXISTING_PAIRING', smartcard: card }, times: 1, fault });
    addItem(subscription, 'stb-2', 'SET_TOP_BOX', `STB2-${card}`);
    const added = await act(world, subscription, { action: 'I:ADD_INSTALLED_ITEM', incomingItems: ['stb-2'] });
    expect((await outcomeOf(world, added)).value.outcome).toBe('PROVISIONED');
    expect((await calls()).slice(2)).toEqual(
      fault === 'cut-after'
        ? ['ADD_TO_EXISTING_PAIRING - effect', 'GET_PAIRING_STATUS_FOR_CARD OK']
        : ['ADD_TO_EXISTING_PAIRING -', 'GET_PAIRING_STATUS_FOR_CARD OK', 'ADD_TO_EXISTING_PAIRING OK effect'],
    );
    expect(await pairingOf(card)).toEqual({ smartcards: [card], setTopBoxes: [`STB-${card}`, `STB2-${card}`] });
  });
});
