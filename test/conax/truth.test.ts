import { randomInt } from 'node:crypto';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { ConaxAnswer } from '../../src/conax/client.types.ts';
import { namedFaults } from '../../src/simulator/faults.ts';
import { randomFrom } from '../support/random.ts';
import { type Cas, call, card, device, startCas } from './support.ts';

let cas: Cas;
beforeAll(async () => {
  cas = await startCas({ timeoutMs: 700, maxConnections: 12 });
});
afterAll(() => cas.close());

const faults = [
  ...Object.keys(namedFaults),
  'status:SYSTEM_ERROR',
  'status:CLIENT_NOT_FOUND',
  'soap-fault:SYSTEM_ERROR',
  'http:302',
  'http:401',
  'http:408',
  'http:429',
  'http:503',
];

const seed = Number(process.env['CONAX_SEED'] ?? randomInt(2 ** 31));

it(`what the client says never contradicts what the CAS did, and each call arrives once (CONAX_SEED=${seed})`, async () => {
  const random = randomFrom(seed);
  const services = Array.from({ length: 300 }, (_, i) => String(i + 1));
  for (const serviceCaId of services) {
    const fault = random.pick(faults);
    await cas.view('POST', 'faults', { match: { serviceCaId }, fault, durationMs: 300, latencyMs: random.int(4) });
  }
  const kinds = new Map<string, ConaxAnswer['kind']>();
  const waiting = services.values();
  const worker = async (): Promise<void> => {
    for (const caId of waiting) {
      const command = { type: 'ADD_SUBSCRIPTIONS', smartcard: card, service: device(caId) } as const;
      kinds.set(caId, (await cas.client.call(call(command))).answer.kind);
    }
  };
  await Promise.all(Array.from({ length: 12 }, worker));
  const { entitlements } = (await cas.view('GET', `cards/${card}`)) as { entitlements: string[] };
  const did = new Set(entitlements);
  const arrivals = Map.groupBy(await cas.journal(), ({ parameters }) => String(parameters['serviceCaId']));
  const wrong = services.filter((caId) => {
    const kind = kinds.get(caId);
    const arrived = arrivals.get(caId)?.length ?? 0;
    if (arrived > 1 || (arrived === 0 && kind !== 'not-sent')) return true;
    return kind === 'accepted' ? !did.has(caId) : kind !== 'unknown' && did.has(caId);
  });
  expect(wrong).toEqual([]);
  expect(new Set(kinds.values()).size).toBeGreaterThanOrEqual(5);
});
