import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { namedFaults, rulesSchema } from '../../src/simulator/faults.ts';
import { type Cas, call, calls, device, openClient, said, startCas } from '../conax/support.ts';

let cas: Cas;
beforeAll(async () => {
  cas = await startCas();
});
afterAll(() => cas.close());
beforeEach(async () => {
  await cas.view('DELETE', 'faults');
  await cas.view('DELETE', 'state');
  await cas.view('DELETE', 'journal');
});

const [one, two] = ['00000000001', '00000000002'] as const;

async function add(smartcard: string, caId: string): Promise<string> {
  return said((await cas.client.call(call({ type: 'ADD_SUBSCRIPTIONS', smartcard, service: device(caId) }))).answer);
}

describe('which calls a rule spoils', () => {
  it('the first rule that matches wins', async () => {
    await cas.view('POST', 'faults', [
      { match: { smartcard: one }, fault: 'status:FIRST' },
      { match: {}, fault: 'status:SECOND' },
    ]);
    expect([await add(one, '1'), await add(two, '1')]).toEqual(['refused FIRST', 'refused SECOND']);
  });

  it('as often as it says, and then no more', async () => {
    await cas.view('POST', 'faults', { times: 2, fault: 'status:NO' });
    expect(await cas.view('GET', 'faults')).toMatchObject({ rules: [{ times: 2, left: 2 }] });
    expect([await add(one, '1'), await add(one, '1'), await add(one, '1')]).toEqual([
      'refused NO',
      'refused NO',
      'accepted',
    ]);
    expect(await cas.view('GET', 'faults')).toEqual({ rules: [] });
  });

  it('for ever without a number, until it is taken away', async () => {
    await cas.view('POST', 'faults', { times: null, fault: 'status:NO' });
    for (let i = 0; i < 5; i++) expect(await add(one, '1')).toBe('refused NO');
    await cas.view('DELETE', 'faults');
    expect(await add(one, '1')).toBe('accepted');
  });

  it('by command, card, product without leading zeros, and set-top box, all of which must fit', async () => {
    await cas.view('POST', 'faults', {
      match: { command: 'ADD_SUBSCRIPTIONS', smartcard: one, serviceCaId: '0101' },
      fault: 'status:NO',
    });
    expect([await add(one, '101'), await add(one, '102'), await add(two, '101')]).toEqual([
      'refused NO',
      'accepted',
      'accepted',
    ]);
    expect(said((await cas.client.call(calls.CANCEL_SUBSCRIPTIONS)).answer)).toBe('accepted');
    await cas.view('POST', 'faults', { match: { setTopBox: 'STB2' }, fault: 'status:BOX' });
    await cas.view('POST', 'faults', { match: { smartcard: '00000000003' }, fault: 'status:CARD' });
    expect(said((await cas.client.call(calls.CREATE_PAIRING)).answer)).toBe('refused BOX');
    expect(said((await cas.client.call(calls.ADD_TO_EXISTING_PAIRING)).answer)).toBe('refused CARD');
  });

  it('may say otherwise than the fault whether the work is done', async () => {
    await cas.view('POST', 'faults', [
      { times: 1, fault: 'http:500', work: true },
      { times: 1, fault: 'garbage', work: false },
    ]);
    await add(one, '1');
    await add(one, '2');
    expect(await cas.view('GET', `cards/${one}`)).toMatchObject({ entitlements: ['1'] });
  });

  it('latency comes on top of any fault', async () => {
    await cas.view('POST', 'faults', { times: 1, fault: 'http:503', latencyMs: 60 });
    const startedMs = performance.now();
    expect(await add(one, '1')).toBe('not-sent CAS_UNAVAILABLE');
    expect(performance.now() - startedMs).toBeGreaterThanOrEqual(59);
  });
});

describe('what the journal says of a spoilt call', () => {
  it.each([
    ['cut-before', null, false],
    ['cut-after', null, true],
    ['garbage', null, true],
    ['truncated', null, true],
    ['http:503', 'HTTP_503', false],
    ['soap-fault', 'SOAP_FAULT', false],
    ['status:SYSTEM_ERROR', 'SYSTEM_ERROR', false],
    ['latin1', 'OK', true],
  ])('%s: answered %s, effect %s', async (fault, statusCode, effect) => {
    await cas.view('POST', 'faults', { times: 1, fault });
    await add(one, '1');
    expect(await cas.journal()).toMatchObject([{ statusCode, effect }]);
  });

  it('no answer went out where the client was gone before it', async () => {
    const impatient = await openClient(cas.url, { timeoutMs: 150 });
    await cas.view('POST', 'faults', [
      { times: 1, fault: 'latency', latencyMs: 400 },
      { times: 1, fault: 'slow-body', durationMs: 1_000 },
    ]);
    await impatient.call(calls.ADD_SUBSCRIPTIONS);
    await impatient.call(calls.CANCEL_SUBSCRIPTIONS);
    await impatient.close();
    await expect.poll(async () => (await cas.journal()).map(({ statusCode }) => statusCode)).toEqual([null, null]);
    expect((await cas.journal()).map(({ effect }) => effect)).toEqual([true, true]);
  });
});

it('every fault is documented with whether the work is done, and no other', () => {
  const rows = readFileSync(join(import.meta.dirname, '../../docs/simulator.md'), 'utf8')
    .split('\n')
    .flatMap((line) => {
      const [, fault, work] = /^\| `([\w:-]+)` \| (yes|no) \|/.exec(line) ?? [];
      return fault === undefined ? [] : [[fault, work === 'yes'] as const];
    });
  const withArgument = [
    ['status:CODE', false],
    ['soap-fault:CODE', false],
    ['soap-fault-code:CODE', false],
    ['http:NUMBER', false],
  ] as const;
  const known = [...Object.entries(namedFaults), ...withArgument];
  expect(Object.fromEntries(rows)).toEqual(Object.fromEntries(known));
});

it.each([
  ['soap-fault-code:17', /soap-fault-code has "17", and .* must be an XML name: .*soap-fault-code:FailedAuth/],
  ['soap-fault-code:', /soap-fault-code has "", and .* must be an XML name/],
  ['sleep', /^sleep is no fault; there are none, latency, /],
])('a fault that cannot be is refused with what may be written: %s', (fault, says) => {
  expect(rulesSchema.safeParse([{ fault }]).error?.issues.map(({ message }) => message)).toEqual([
    expect.stringMatching(says),
  ]);
});

it.each(['soap-fault-code:FailedAuthentication', 'soap-fault-code:E17', 'soap-fault:17', 'http:503'])(
  'a fault with a code is taken: %s',
  (fault) => {
    expect(rulesSchema.safeParse([{ fault }]).success).toBe(true);
  },
);
