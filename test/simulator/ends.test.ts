import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type ReceivedFields, work } from '../../src/simulator/rules.ts';
import { createClock, defaultSettings } from '../../src/simulator/settings.ts';
import { type CardView, createState, viewOf } from '../../src/simulator/state.ts';
import { type Cas, call, calls, device, said, startCas } from '../conax/support.ts';

const [one, two] = ['00000000001', '00000000002'] as const;
const DAY_MS = 86_400_000;

describe('an ADD with an end', () => {
  const start = Date.parse('2026-11-01T00:00:00Z');
  const openCas = () => {
    let now = start;
    const clock = { ...createClock(), now: () => now };
    const state = createState(clock.now);
    const inventory = { smartcards: new Set<string>(), setTopBoxes: new Set<string>(), services: new Set<string>() };
    const cas = { state, clock, settings: defaultSettings(), inventory };
    return {
      add(service: string, entitledUntil?: string): string {
        const fields: ReceivedFields = { smartcard: [one], service: [service] };
        const until = entitledUntil === undefined ? {} : { entitledUntil: [entitledUntil] };
        const { statusCode, effect } = work(cas, 'ADD_SUBSCRIPTIONS', { ...fields, ...until });
        return effect ? `${statusCode} with effect` : statusCode;
      },
      cancel: (service: string) => work(cas, 'CANCEL_SUBSCRIPTIONS', { smartcard: [one], service: [service] }).effect,
      active: () => work(cas, 'GET_ACTIVE_SUBSCRIPTIONS', { smartcard: [one] }).lists['activeServices'],
      view: () => viewOf(one, state.peek(one)),
      all: () => [...state.cards()].map(([smartcard, card]) => viewOf(smartcard, card)),
      goTo: (time: string) => (now = Date.parse(time)),
    };
  };

  it('holds to the last millisecond before its end and not at the end, for questions and for every view', () => {
    const cas = openCas();
    cas.add('101', '2026-12-01T00:00:00Z');
    cas.add('7');
    cas.goTo('2026-11-30T23:59:59.999Z');
    expect(cas.active()).toEqual(['101', '7']);
    cas.goTo('2026-12-01T00:00:00Z');
    expect(cas.active()).toEqual(['7']);
    expect(cas.view()).toEqual({ smartcard: one, entitlements: ['7'], pairing: null });
    expect(cas.all()).toEqual([cas.view()]);
  });

  it('takes the place of the end before, of any spelling of the product, and the same end has no effect', () => {
    const cas = openCas();
    expect(cas.add('101', '2026-12-01T00:00:00Z')).toBe('OK with effect');
    expect(cas.add('0101', '2026-12-01T01:00:00+01:00')).toBe('OK');
    expect(cas.add('0101', '2027-01-01T00:00:00Z')).toBe('OK with effect');
    expect(cas.view()).toMatchObject({ entitlements: ['101'], ends: { '101': '2027-01-01T00:00:00.000Z' } });
    cas.goTo('2026-12-15T00:00:00Z');
    expect(cas.active()).toEqual(['101']);
  });

  it('an ADD without an end takes the end away', () => {
    const cas = openCas();
    cas.add('101', '2026-12-01T00:00:00Z');
    expect(cas.add('101')).toBe('OK with effect');
    cas.goTo('2030-01-01T00:00:00Z');
    expect(cas.view()).toEqual({ smartcard: one, entitlements: ['101'], pairing: null });
  });

  it('a CANCEL takes the end along, so a later ADD without an end stays', () => {
    const cas = openCas();
    cas.add('101', '2026-12-01T00:00:00Z');
    expect(cas.cancel('0101')).toBe(true);
    cas.add('101');
    cas.goTo('2030-01-01T00:00:00Z');
    expect(cas.active()).toEqual(['101']);
  });

  it('of the past, or of no time, is refused and changes nothing', () => {
    const cas = openCas();
    expect(cas.add('101', '2026-10-31T23:59:59Z')).toBe('INPUT_VALIDATION_ERROR');
    expect(cas.add('101', 'soon')).toBe('INPUT_VALIDATION_ERROR');
    expect(cas.view().entitlements).toEqual([]);
  });
});

describe('in the HTTP view', () => {
  let cas: Cas;
  beforeAll(async () => {
    cas = await startCas();
  });
  afterAll(() => cas.close());
  beforeEach(async () => {
    await cas.view('DELETE', 'state');
    await cas.view('PUT', 'clock', { aheadMs: 0 });
  });

  it('ends go out and come in again as the same, and the clock ends them', async () => {
    const ends = { '101': new Date(Date.now() + DAY_MS).toISOString() };
    const cards: CardView[] = [
      { smartcard: one, entitlements: ['101', '102'], ends, pairing: null },
      { smartcard: two, entitlements: ['102'], pairing: null },
    ];
    await cas.view('PUT', 'state', cards);
    expect(await cas.view('GET', 'cards')).toEqual(cards);
    expect(await cas.view('GET', `cards/${one}`)).toEqual(cards[0]);
    expect(await cas.view('PUT', 'clock', { aheadMs: 2 * DAY_MS })).toMatchObject({ aheadMs: 2 * DAY_MS });
    const { answer } = await cas.client.call(calls.GET_ACTIVE_SUBSCRIPTIONS);
    expect(answer).toMatchObject({ kind: 'accepted', activeServices: ['102'] });
    expect(await cas.view('GET', `cards/${one}`)).toEqual({ smartcard: one, entitlements: ['102'], pairing: null });
  });

  it('a card without ends has no member for them', async () => {
    const added = await cas.client.call(call({ type: 'ADD_SUBSCRIPTIONS', smartcard: one, service: device('101') }));
    expect(said(added.answer)).toBe('accepted');
    expect(await cas.view('GET', `cards/${one}`)).toEqual({ smartcard: one, entitlements: ['101'], pairing: null });
  });

  it('an end of a product that the card has not, or that is no time, is refused with its place', async () => {
    const put = (ends: object): Promise<unknown> =>
      cas.view('PUT', 'state', [{ smartcard: one, entitlements: ['101'], ends }]);
    await expect(put({ '102': '2030-01-01T00:00:00Z' })).rejects.toThrow(/0\.ends\.102: 102 is not in entitlements/);
    await expect(put({ '101': 'soon' })).rejects.toThrow(/answers 400.*ends/su);
    await expect(cas.view('PUT', 'clock', { aheadMs: -1 })).rejects.toThrow(/answers 400.*aheadMs/su);
  });
});
