import { createHash } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Command } from '../../src/planning/command.ts';
import { type Cas, call, calls, device, said, startCas } from '../conax/support.ts';

let cas: Cas;
beforeAll(async () => {
  cas = await startCas();
});
afterAll(() => cas.close());
beforeEach(async () => {
  await cas.view('DELETE', 'state');
  await cas.view('DELETE', 'journal');
  await cas.view('PUT', 'settings', { inventory: 'open', pairingConflict: 'take', latencyMs: 0, maxConcurrency: null });
});

const [one, two, three] = ['00000000001', '00000000002', '00000000003'] as const;

async function does(command: Command): Promise<string> {
  const { answer } = await cas.client.call(call(command));
  const [entry] = (await cas.journal()).slice(-1);
  return `${said(answer)}${entry?.effect === true ? ' with effect' : ''}`;
}

const add = (smartcard: string, caId: string): Command => ({
  type: 'ADD_SUBSCRIPTIONS',
  smartcard,
  service: device(caId),
});
const cancel = (smartcard: string, caId: string): Command => ({
  type: 'CANCEL_SUBSCRIPTIONS',
  smartcard,
  service: device(caId),
});
const create = (smartcards: readonly string[], setTopBoxes: readonly string[]): Command => ({
  type: 'CREATE_PAIRING',
  smartcards: smartcards.map((caId) => device(caId)),
  setTopBoxes: setTopBoxes.map((caId) => device(caId)),
});
const extend = (existing: string, smartcards: readonly string[], setTopBoxes: readonly string[]): Command => ({
  type: 'ADD_TO_EXISTING_PAIRING',
  existingSmartcard: device(existing),
  smartcards: smartcards.map((caId) => device(caId)),
  setTopBoxes: setTopBoxes.map((caId) => device(caId)),
});
const view = (smartcard: string): Promise<unknown> => cas.view('GET', `cards/${smartcard}`);

describe('entitlements', () => {
  it('adding twice and cancelling twice is OK, and has its effect once', async () => {
    expect(await does(add(one, '101'))).toBe('accepted with effect');
    expect(await does(add(one, '101'))).toBe('accepted');
    expect(await does(cancel(one, '101'))).toBe('accepted with effect');
    expect(await does(cancel(one, '101'))).toBe('accepted');
  });

  it('are compared without leading zeros and shown as first written, sorted', async () => {
    await does(add(one, '0200'));
    await does(add(one, '101'));
    expect(await does(add(one, '200'))).toBe('accepted');
    expect(await view(one)).toEqual({ smartcard: one, entitlements: ['0200', '101'], pairing: null });
    expect(await does(cancel(one, '00200'))).toBe('accepted with effect');
    const asked = await cas.client.call(call({ type: 'GET_ACTIVE_SUBSCRIPTIONS', smartcard: device(one) }));
    expect(asked.answer).toMatchObject({ activeServices: ['101'] });
  });

  it('asking changes nothing', async () => {
    for (const type of ['GET_ACTIVE_SUBSCRIPTIONS', 'GET_PAIRING_STATUS_FOR_CARD'] as const) {
      expect(await does({ type, smartcard: device(one) })).toBe('accepted');
    }
    expect(await cas.view('GET', 'cards')).toEqual([]);
  });
});

describe('pairings', () => {
  it('take their cards out of any other pairing', async () => {
    await does(create([one, two], ['A']));
    expect(await does(create([two], ['B']))).toBe('accepted with effect');
    expect(await view(one)).toMatchObject({ pairing: { smartcards: [one], setTopBoxes: ['A'] } });
    expect(await view(two)).toMatchObject({ pairing: { smartcards: [two], setTopBoxes: ['B'] } });
    expect(await does(extend(one, [two], []))).toBe('accepted with effect');
    expect(await view(two)).toMatchObject({ pairing: { smartcards: [one, two], setTopBoxes: ['A'] } });
  });

  it('replace what a card had: CREATE_PAIRING leaves no old set-top box', async () => {
    await does(create([one], ['A', 'B']));
    await does(create([one], ['B', 'C']));
    expect(await view(one)).toMatchObject({ pairing: { setTopBoxes: ['B', 'C'] } });
  });

  it('a set-top box may be in several, and is asked for with all of them', async () => {
    await does(create([one], ['A', 'B']));
    await does(create([two], ['A']));
    const asked = await cas.client.call(
      call({ type: 'GET_PAIRING_STATUS_FOR_PAIRING_MODULE', setTopBox: device('A') }),
    );
    expect(asked.answer).toMatchObject({ pairing: { smartcards: [one, two], setTopBoxes: ['A', 'B'] } });
  });

  it('a pairing without cards is gone', async () => {
    await does(create([one], ['A']));
    await does(create([one], ['B']));
    const asked = await cas.client.call(
      call({ type: 'GET_PAIRING_STATUS_FOR_PAIRING_MODULE', setTopBox: device('A') }),
    );
    expect(asked.answer).toMatchObject({ pairing: { smartcards: [], setTopBoxes: [] } });
  });

  it('creating the same one again has no effect', async () => {
    await does(create([one, two], ['A', 'B']));
    expect(await does(create([two, one], ['B', 'A']))).toBe('accepted');
    expect(await does(extend(one, [two], ['A']))).toBe('accepted');
  });

  it('a card in another pairing is refused where the CAS is set so, and nothing changes', async () => {
    await cas.view('PUT', 'settings', { pairingConflict: 'refuse' });
    await does(create([one], ['A']));
    await does(create([two], ['B']));
    expect(await does(create([one, three], ['C']))).toBe('refused INPUT_VALIDATION_ERROR');
    expect(await does(extend(two, [three, one], []))).toBe('refused INPUT_VALIDATION_ERROR');
    expect(await view(one)).toMatchObject({ pairing: { smartcards: [one], setTopBoxes: ['A'] } });
    expect(await view(three)).toMatchObject({ pairing: null });
    expect(await does(extend(two, [three], ['C']))).toBe('accepted with effect');
    expect(await does(create([one], ['A']))).toBe('accepted');
  });

  it('there is nothing to add to where the existing card is in none', async () => {
    expect(await does(extend(one, [two], ['A']))).toBe('refused CLIENT_NOT_FOUND');
    expect(await cas.view('GET', 'cards')).toEqual([]);
  });

  it('there must be something to add', async () => {
    await does(create([one], ['A']));
    expect(await does(extend(one, [], []))).toBe('refused INPUT_VALIDATION_ERROR');
  });
});

describe('what exists', () => {
  it('is everything that is well formed while the inventory is open', async () => {
    expect(await does(add('abc', '101'))).toBe('refused INPUT_VALIDATION_ERROR');
    expect(await does(add(one, '123456789'))).toBe('refused INPUT_VALIDATION_ERROR');
    expect(await does(create([one], ['with blank']))).toBe('refused INPUT_VALIDATION_ERROR');
    expect(await does(add(one, '12345678'))).toBe('accepted with effect');
  });

  it('is what is listed otherwise', async () => {
    await cas.view('PUT', 'inventory', { smartcards: [one], setTopBoxes: ['A'], services: ['0101'] });
    await cas.view('PUT', 'settings', { inventory: 'listed' });
    expect(await does(add(one, '101'))).toBe('accepted with effect');
    expect(await does(add(two, '101'))).toBe('refused CLIENT_NOT_FOUND');
    expect(await does(add(one, '102'))).toBe('refused INPUT_VALIDATION_ERROR');
    expect(await does(create([one, two], ['A']))).toBe('refused CLIENT_NOT_FOUND');
    expect(await does(create([one], ['B']))).toBe('refused CLIENT_NOT_FOUND');
    expect(await does(create([one], ['A']))).toBe('accepted with effect');
  });
});

describe('the screen', () => {
  it('shows every message and fingerprint that was sent, each time', async () => {
    const texts = [
      'SEND_MAIL_MESSAGE_TO_CLIENT',
      'SEND_BARK_MESSAGE_TO_CLIENT',
      'SEND_REPEATING_BARK_MESSAGE_TO_CLIENT',
    ] as const;
    for (const type of [...texts, 'DISPLAY_FINGERPRINT', 'DISPLAY_FINGERPRINT'] as const) {
      expect(await does(calls[type].command)).toBe('accepted with effect');
    }
    expect(await cas.view('GET', `screens/${one}`)).toMatchObject({
      messages: texts.map((type) => ({ type, message: 'Film & more <20:15>' })),
      fingerprints: [{ slot: '4' }, { slot: '4' }],
    });
  });

  it.each([
    ['a mail of 142 characters', { ...calls.SEND_MAIL_MESSAGE_TO_CLIENT.command, message: 'x'.repeat(142) }],
    ['a bark of 130 characters', { ...calls.SEND_BARK_MESSAGE_TO_CLIENT.command, message: 'x'.repeat(130) }],
    ['no text', { ...calls.SEND_BARK_MESSAGE_TO_CLIENT.command, message: '' }],
    ['an interval of 15 s', { ...calls.SEND_REPEATING_BARK_MESSAGE_TO_CLIENT.command, intervalSeconds: 15 }],
    ['an interval of 2560 s', { ...calls.SEND_REPEATING_BARK_MESSAGE_TO_CLIENT.command, intervalSeconds: 2_560 }],
  ])('refuses %s', async (_name, command) => {
    expect(await does(command as Command)).toBe('refused INPUT_VALIDATION_ERROR');
  });

  it('takes a mail of 141 characters, however many bytes they are', async () => {
    const message = '😀'.repeat(141);
    expect(await does({ ...calls.SEND_MAIL_MESSAGE_TO_CLIENT.command, message } as Command)).toBe(
      'accepted with effect',
    );
  });
});

it('a PIN is kept as its SHA-256, and setting the same again has no effect', async () => {
  const set = async (pin: string): Promise<string> => {
    const { answer } = await cas.client.call({ ...calls.UPDATE_CA_PIN_TO_GIVEN_VALUE, pin });
    return `${said(answer)} ${(await cas.journal()).at(-1)?.effect}`;
  };
  const pin = async (): Promise<unknown> => ((await cas.view('GET', `screens/${one}`)) as { pin: unknown }).pin;
  expect([await set('1234'), await set('1234'), await set('12')]).toEqual([
    'accepted true',
    'accepted false',
    'refused INPUT_VALIDATION_ERROR false',
  ]);
  expect(await pin()).toBe(createHash('sha256').update('1234').digest('hex'));
  expect(await does(calls.UPDATE_CA_PIN_TO_DEFAULT_VALUE.command)).toBe('accepted with effect');
  expect(await pin()).toBe('default');
});
