import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createJournal } from '../../src/simulator/journal.ts';
import { type Cas, call, calls, device, everyCommand, said, startCas } from '../conax/support.ts';

let cas: Cas;
beforeAll(async () => {
  cas = await startCas({ maxConnections: 32 });
});
afterAll(() => cas.close());
beforeEach(async () => {
  await cas.view('DELETE', 'faults');
  await cas.view('DELETE', 'state');
  await cas.view('DELETE', 'journal');
  await cas.view('DELETE', 'stats');
  await cas.view('PUT', 'settings', { latencyMs: 0, maxConcurrency: null });
});

const card = '00000000001';

async function status(method: string, path: string, body?: string): Promise<[number, string]> {
  const response = await fetch(`${cas.url}/simulator/${path}`, { method, ...(body === undefined ? {} : { body }) });
  return [response.status, await response.text()];
}

describe('bytes that are not the text that they claim to be', () => {
  const put = async (path: string, body: Buffer, headers: Record<string, string> = {}): Promise<[number, string]> => {
    const response = await fetch(`${cas.url}/simulator/${path}`, {
      method: 'PUT',
      headers,
      body: new Uint8Array(body),
    });
    return [response.status, await response.text()];
  };
  it('are refused in a body and in an address', async () => {
    const inventory = Buffer.from('{"smartcards":["\u00EB"]}', 'latin1');
    expect(await put('inventory', inventory)).toEqual([
      400,
      expect.stringContaining('not UTF-8 (byte 0xEB at offset 16)'),
    ]);
    expect(await put('inventory', Buffer.from('{}', 'utf16le'))).toEqual([400, expect.stringContaining('UTF-16')]);
    const gzip = { 'content-encoding': 'gzip' };
    expect(await put('inventory', Buffer.from('{}'), gzip)).toEqual([415, expect.stringContaining('Content-Encoding')]);
    const greek = { 'content-type': 'application/json; charset=iso-8859-7' };
    expect(await put('inventory', Buffer.from('{}'), greek)).toEqual([415, expect.stringContaining('charset')]);
    expect(await status('GET', 'cards/%E0%80%80')).toEqual([400, expect.stringContaining('UTF-8')]);
    expect(await status('GET', 'journal?after=%FF')).toEqual([400, expect.stringContaining('UTF-8')]);
  });
});

describe('the journal', () => {
  it('shows every call in order of arrival with its parameters, its answer and its effect', async () => {
    const startedAt = new Date().toISOString();
    for (const type of everyCommand) await cas.client.call(calls[type]);
    const entries = await cas.journal();
    expect(
      entries.map(({ command, parameters, statusCode, effect }) => [command, parameters, statusCode, effect]),
    ).toEqual([
      ['ADD_SUBSCRIPTIONS', { smartcard: card, serviceCaId: '101' }, 'OK', true],
      ['CANCEL_SUBSCRIPTIONS', { smartcard: card, serviceCaId: '101' }, 'OK', true],
      ['CREATE_PAIRING', { smartcards: [card, '00000000002'], setTopBoxes: ['STB1', 'STB2'] }, 'OK', true],
      [
        'ADD_TO_EXISTING_PAIRING',
        { existingSmartcard: card, smartcards: ['00000000003'], setTopBoxes: ['STB3'] },
        'OK',
        true,
      ],
      ['GET_ACTIVE_SUBSCRIPTIONS', { smartcard: card }, 'OK', false],
      ['GET_PAIRING_STATUS_FOR_CARD', { smartcard: card }, 'OK', false],
      ['GET_PAIRING_STATUS_FOR_PAIRING_MODULE', { setTopBox: 'STB1' }, 'OK', false],
      [
        'SEND_MAIL_MESSAGE_TO_CLIENT',
        { smartcard: card, message: 'Film & more <20:15>', startAt: '2026-01-31T20:00:00.000Z' },
        'OK',
        true,
      ],
      ['SEND_BARK_MESSAGE_TO_CLIENT', expect.objectContaining({ durationSeconds: 20 }), 'OK', true],
      [
        'SEND_REPEATING_BARK_MESSAGE_TO_CLIENT',
        expect.objectContaining({ durationSeconds: 20, repetitions: 3, intervalSeconds: 60 }),
        'OK',
        true,
      ],
      [
        'DISPLAY_FINGERPRINT',
        {
          smartcard: card,
          displayAt: '2026-01-31T23:59:59.000Z',
          durationSeconds: 15,
          x: 100,
          y: 200,
          height: 30,
          slot: 4,
        },
        'OK',
        true,
      ],
      ['UPDATE_CA_PIN_TO_DEFAULT_VALUE', { smartcard: card }, 'OK', true],
      [
        'UPDATE_CA_PIN_TO_GIVEN_VALUE',
        { smartcard: card, pinSha256: expect.stringMatching(/^[0-9a-f]{64}$/) as unknown },
        'OK',
        true,
      ],
    ]);
    for (const { at } of entries) expect(at >= startedAt && at <= new Date().toISOString()).toBe(true);
  });

  it('numbers grow by one, also over a clearing, and a reader goes on where it was', async () => {
    for (let i = 0; i < 5; i++) await cas.client.call(calls.ADD_SUBSCRIPTIONS);
    const seqs = (await cas.journal()).map(({ seq }) => seq);
    const [first = 0] = seqs;
    expect(seqs).toEqual([0, 1, 2, 3, 4].map((offset) => first + offset));
    const rest = (await cas.view('GET', `journal?after=${first + 2}`)) as { entries: { seq: number }[] };
    expect(rest.entries.map(({ seq }) => seq)).toEqual([first + 3, first + 4]);
    await cas.view('DELETE', 'journal');
    await cas.client.call(calls.ADD_SUBSCRIPTIONS);
    expect((await cas.journal()).map(({ seq }) => seq)).toEqual([first + 5]);
  });

  it('keeps the newest entries only, as many as it is told to', () => {
    const journal = createJournal(1_000);
    for (let i = 0; i < 25_000; i++) journal.add('ADD_SUBSCRIPTIONS', {});
    const kept = [...journal.after(0)].map(({ seq }) => seq);
    expect(kept.length).toBeGreaterThanOrEqual(1_000);
    expect(kept.length).toBeLessThanOrEqual(2_000);
    expect(kept.at(-1)).toBe(25_000);
    expect([...journal.after(24_990)]).toHaveLength(10);
  });
});

describe('the state', () => {
  it('goes out and comes in again as the same', async () => {
    await cas.client.call(calls.ADD_SUBSCRIPTIONS);
    await cas.client.call(calls.CREATE_PAIRING);
    const before = await cas.view('GET', 'cards');
    expect(before).toEqual([
      {
        smartcard: card,
        entitlements: ['101'],
        pairing: { smartcards: [card, '00000000002'], setTopBoxes: ['STB1', 'STB2'] },
      },
      {
        smartcard: '00000000002',
        entitlements: [],
        pairing: { smartcards: [card, '00000000002'], setTopBoxes: ['STB1', 'STB2'] },
      },
    ]);
    await cas.view('DELETE', 'state');
    expect(await cas.view('GET', 'cards')).toEqual([]);
    await cas.view('PUT', 'state', { cards: before });
    expect(await cas.view('GET', 'cards')).toEqual(before);
    await cas.view('PUT', 'state', before);
    expect(await cas.view('GET', 'cards')).toEqual(before);
  });

  it('PUT replaces all of it, PATCH only the cards that it names', async () => {
    await cas.view('PUT', 'state', [
      { smartcard: '1', entitlements: ['5'] },
      { smartcard: '2', entitlements: ['6'] },
    ]);
    await cas.view('PATCH', 'state', [
      { smartcard: '2', entitlements: ['7'], pairing: { smartcards: ['2'], setTopBoxes: ['A'] } },
    ]);
    expect(await cas.view('GET', 'cards')).toEqual([
      { smartcard: '1', entitlements: ['5'], pairing: null },
      { smartcard: '2', entitlements: ['7'], pairing: { smartcards: ['2'], setTopBoxes: ['A'] } },
    ]);
    await cas.view('PUT', 'state', { cards: [{ smartcard: '3' }] });
    expect(await cas.view('GET', 'cards')).toEqual([{ smartcard: '3', entitlements: [], pairing: null }]);
  });

  it('of many cards is streamed, as an array or a card a line', async () => {
    const cards = Array.from({ length: 20_000 }, (_, i) => ({
      smartcard: String(i).padStart(11, '0'),
      entitlements: ['1', '2'],
      pairing: null,
    }));
    await cas.view('PUT', 'state', cards);
    const response = await fetch(`${cas.url}/simulator/cards`);
    expect(response.headers.get('transfer-encoding')).toBe('chunked');
    expect(await response.json()).toEqual(cards);
    const lines = await fetch(`${cas.url}/simulator/cards`, { headers: { accept: 'application/x-ndjson' } });
    expect(
      (await lines.text())
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line) as unknown),
    ).toEqual(cards);
  });

  it('of a card that was never heard of is empty', async () => {
    expect(await cas.view('GET', 'cards/999')).toEqual({ smartcard: '999', entitlements: [], pairing: null });
  });
});

describe('settings and counts', () => {
  it('settings change one by one, and defaults are the open CAS', async () => {
    await cas.view('PUT', 'settings', { latencyMs: 5 });
    const all = { inventory: 'open', pairingConflict: 'take', latencyMs: 5, maxConcurrency: null };
    expect(await cas.view('GET', 'settings')).toEqual(all);
  });

  it('latency delays the answer, not the work', async () => {
    await cas.view('PUT', 'settings', { latencyMs: 80 });
    const startedMs = performance.now();
    expect(said((await cas.client.call(calls.ADD_SUBSCRIPTIONS)).answer)).toBe('accepted');
    expect(performance.now() - startedMs).toBeGreaterThanOrEqual(79);
  });

  it('a call beyond the concurrency is turned away with 503, counted and journaled', async () => {
    await cas.view('PUT', 'settings', { maxConcurrency: 2, latencyMs: 1_500 });
    const answers = await Promise.all(
      Array.from({ length: 10 }, async (_, i) =>
        said(
          (await cas.client.call(call({ type: 'ADD_SUBSCRIPTIONS', smartcard: card, service: device(String(i + 1)) })))
            .answer,
        ),
      ),
    );
    const turnedAway = answers.filter((answer) => answer === 'not-sent CAS_UNAVAILABLE').length;
    expect(turnedAway).toBe(8);
    expect(await cas.view('GET', 'stats')).toMatchObject({ calls: 10, inFlight: 0, rejectedByConcurrency: 8 });
    const journal = await cas.journal();
    expect(journal.filter(({ statusCode, effect }) => statusCode === 'HTTP_503' && !effect)).toHaveLength(8);
    expect(await cas.view('GET', `cards/${card}`)).toMatchObject({ entitlements: { length: 2 } });
  });
});

describe('mistakes of the one who asks', () => {
  it.each([
    ['GET', 'nothing', undefined, 404, 'GET journal'],
    ['PUT', 'settings', '{"latencyMs":-1}', 400, 'latencyMs'],
    ['PUT', 'settings', '{"latency":1}', 400, 'latency'],
    ['PUT', 'settings', '{', 400, 'no JSON'],
    ['POST', 'faults', '{"fault":"explode"}', 400, 'explode'],
    ['POST', 'faults', '{"match":{"comand":"ADD_SUBSCRIPTIONS"}}', 400, 'comand'],
    ['PUT', 'state', '{"cards":[{}]}', 400, 'smartcard'],
    ['GET', 'journal?after=x', undefined, 400, 'after'],
    ['GET', 'wsdl/..%2Fconax.json', undefined, 404, 'no WSDL'],
  ])('%s %s is answered with what is wrong', async (method, path, body, expected, named) => {
    const [code, text] = await status(method, path, body);
    expect([code, text]).toEqual([expected, expect.stringContaining(named)]);
  });
});

it('hands out its WSDLs and schemas', async () => {
  const { files } = (await cas.view('GET', 'wsdl')) as { files: string[] };
  expect(files).toHaveLength(5);
  for (const file of [...files, 'common-types.xsd']) expect((await status('GET', `wsdl/${file}`))[0]).toBe(200);
});
