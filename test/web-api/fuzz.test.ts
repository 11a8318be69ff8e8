import * as fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { REQUEST_FIELDS } from '../../src/web-api/shape.ts';
import { type Oracle, openApiOracle } from './openapi-oracle.ts';
import { BASE, CREATE, json, LIST, SHOW, startWebWorld, tellHousehold, type WebWorld } from './support.ts';

/** Many more by `FUZZ_CALLS=10000 npx vitest run test/web-api/fuzz.test.ts` (1.5 minutes). */
const CALLS = Number(process.env['FUZZ_CALLS'] ?? 400);
const SEED = Number(process.env['FUZZ_SEED'] ?? Date.now() % 2 ** 31);
const CARD = '34000000001';

let world: WebWorld;
let oracle: Oracle;

beforeAll(async () => {
  world = await startWebWorld();
  await tellHousehold(world, 'S1', CARD, ['1001']);
  oracle = await openApiOracle(world.service.url);
});
afterAll(() => world.close());

/** A good value nearly always, else anything that JSON can say. */
const mostly = <T>(good: fc.Arbitrary<T>): fc.Arbitrary<unknown> =>
  fc.oneof({ weight: 20, arbitrary: good }, { weight: 1, arbitrary: fc.jsonValue({ maxDepth: 2 }) });
/** The first value more often than the others together. */
const usually = <T>(first: T, ...others: readonly T[]): fc.Arbitrary<T> =>
  fc.oneof({ weight: 2 * others.length, arbitrary: fc.constant(first) }, fc.constantFrom(...others));
const text = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 30 }),
  fc.constantFrom('', '\u0000', '\uD800', 'S1', CARD),
);
const device = (name: string, good: string) => fc.record({ [name]: mostly(usually(good, 'A', CARD)) });
const date = fc.oneof(
  fc.constant(new Date(Date.now() + 86_400_000).toISOString().slice(0, 19)),
  fc.constantFrom('2014-11-28T15:05:20', '1970-01-01T00:00:00', '2030-02-30T00:00:00', '2030-01-01T00:00:00+14:00'),
  fc.date({ noInvalidDate: false }).map((at) => (Number.isNaN(at.getTime()) ? 'never' : at.toISOString().slice(0, 19))),
);

/** Values of every parameter that some call has. */
const PARAMETERS: Readonly<Record<string, fc.Arbitrary<unknown>>> = {
  subscription_identifier: mostly(usually({ number: 'S1' }, { id: 'id-S1' }, { number: 'S2' }, {})),
  service_identifier: mostly(usually({ code: 'P1001' }, { id: 'product-1001' }, { alternative_code: 'x' })),
  smartcard_identifier: mostly(usually({ id: 'card' }, { serial_number: 'SN-card' }, { id: 'stb' })),
  smartcard_ca_id: mostly(usually(CARD, '34000000002')),
  smartcard_set: mostly(fc.array(device('smartcard_ca_id', CARD), { maxLength: 3 })),
  stb_set: mostly(fc.array(device('stb_ca_id', `STB-${CARD}`), { maxLength: 3 })),
  pin: mostly(usually('4711', '47111')),
  process_immediately: mostly(fc.boolean()),
  scheduled_date: mostly(date),
  priority: mostly(usually('EXPRESS', 'REGULAR', 'express')),
  udf_string_1: mostly(text),
  udf_float_4: mostly(fc.double()),
  udf_date_2: mostly(date),
};
const QUERY: Readonly<Record<string, fc.Arbitrary<string>>> = {
  provisioning_request_identifier: fc.oneof(
    fc.nat(30).map((n) => `number=${n}`),
    text,
    text.map((id) => `id=${id}`),
  ),
  type: fc.oneof({ weight: 6, arbitrary: fc.constantFrom('ADD_SUBSCRIPTIONS', 'CREATE_PAIRING') }, text),
  life_cycle_state: fc.oneof({ weight: 6, arbitrary: fc.constantFrom('PENDING', 'COMPLETED', 'REJECTED') }, text),
  reference_number: text,
  fields_set: fc.oneof(
    fc.subarray(REQUEST_FIELDS, { minLength: 1 }).map((names) => names.join(',')),
    text,
  ),
  number_of_results: fc.oneof({ weight: 6, arbitrary: fc.integer({ min: 0, max: 210 }).map(String) }, text),
  offset: fc.oneof({ weight: 6, arbitrary: fc.integer({ min: -1, max: 200_000 }).map(String) }, text),
  after: fc.oneof({ weight: 6, arbitrary: fc.bigInt({ min: -1n, max: 2n ** 64n }).map(String) }, text),
};

const BODIES: Readonly<Record<string, readonly string[]>> = {
  add_subscriptions: ['subscription_identifier', 'service_identifier', 'smartcard_identifier'],
  cancel_subscriptions: ['subscription_identifier', 'service_identifier', 'smartcard_identifier'],
  create_pairing: ['subscription_identifier', 'smartcard_set', 'stb_set'],
  add_to_existing_pairing: ['subscription_identifier', 'smartcard_ca_id', 'smartcard_set', 'stb_set'],
  reset_pin_to_default_value: ['subscription_identifier', 'smartcard_ca_id'],
  reset_pin_to_given_value: ['subscription_identifier', 'smartcard_ca_id', 'pin'],
};
const COMMON = ['process_immediately', 'scheduled_date', 'priority', 'udf_string_1', 'udf_float_4', 'udf_date_2'];

interface GeneratedCall {
  readonly path: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly body?: unknown;
  readonly key?: string;
}

const post = (name: string): fc.Arbitrary<GeneratedCall> => {
  const own = BODIES[name] ?? [];
  const model = Object.fromEntries([...own, ...COMMON].map((parameter) => [parameter, PARAMETERS[parameter]]));
  const good = fc.record(model as Record<string, fc.Arbitrary<unknown>>, { requiredKeys: [...own] });
  const body = fc.oneof(
    { weight: 8, arbitrary: good },
    { weight: 2, arbitrary: fc.record(model as Record<string, fc.Arbitrary<unknown>>, { requiredKeys: [] }) },
    { weight: 1, arbitrary: fc.jsonValue() },
  );
  return fc.record(
    { path: fc.constant(`${CREATE}/${name}`), body, key: fc.constantFrom('k1', 'k2', 'k 3', 'k4') },
    { requiredKeys: ['path', 'body'] },
  );
};
/** With the first parameter, which it needs, and some of the others. */
const get = (path: string, needed: string, ...names: readonly string[]): fc.Arbitrary<GeneratedCall> => {
  const model = Object.fromEntries([needed, ...names].map((name) => [name, QUERY[name] ?? text]));
  const some: fc.Arbitrary<readonly string[]> = fc.oneof(fc.constant(names), fc.subarray([...names]));
  return some.chain((chosen) =>
    fc.record({
      path: fc.constant(path),
      query: fc
        .record(model)
        .map((all) =>
          Object.fromEntries(Object.entries(all).filter(([name]) => name === needed || chosen.includes(name))),
        ),
    }),
  );
};
const anyCall = fc.oneof(
  ...Object.keys(BODIES).map(post),
  get(SHOW, 'provisioning_request_identifier', 'fields_set'),
  get(LIST, 'type', 'fields_set', 'number_of_results', 'offset'),
  get(LIST, 'life_cycle_state', 'fields_set', 'number_of_results', 'after', 'colour'),
  get(LIST, 'reference_number', 'type', 'after'),
);

test(
  `${CALLS} generated calls: no 5xx, and every answer is one that the OpenAPI document describes`,
  { timeout: 30_000 + CALLS * 60 },
  async () => {
    console.log(`fuzz: ${CALLS} calls, FUZZ_SEED=${SEED}`);
    const token = await world.token();
    const seen = new Map<string, number>();
    await fc.assert(
      fc.asyncProperty(anyCall, async ({ path, query, body, key }) => {
        const method = query === undefined ? 'POST' : 'GET';
        const headers = { authorization: `Bearer ${token}`, ...(key === undefined ? {} : { 'idempotency-key': key }) };
        const parameters = query === undefined ? '' : `?${new URLSearchParams(query).toString()}`;
        const init = method === 'GET' ? { headers } : json(body, headers);
        const response = await fetch(`${world.service.url}${BASE}${path}${parameters}`, init);
        const answer = (await response.json()) as { status: { code: string } };
        seen.set(answer.status.code, (seen.get(answer.status.code) ?? 0) + 1);
        if (response.status >= 500) throw new Error(JSON.stringify(answer));
        expect(oracle.problemOf(method, path, response.status, answer)).toBeNull();
      }),
      { numRuns: CALLS, seed: SEED },
    );
    console.log('fuzz: answers by code', Object.fromEntries(seen));
    // Calls that never get past the schemas would show nothing.
    expect(seen.get('OK')).toBeGreaterThan(CALLS / 20);
  },
);

test('the document is OpenAPI 3.1, and has every call of the Web API once', () => {
  const { document } = oracle;
  expect(document.openapi).toMatch(/^3\.1\./);
  const operations = Object.entries(document.paths)
    .filter(([path]) => path.startsWith(BASE))
    .flatMap(([, methods]) => Object.values(methods));
  expect(operations.map(({ operationId }) => operationId).toSorted()).toEqual([
    'addSubscriptions',
    'addToExistingPairing',
    'cancelSubscriptions',
    'createPairing',
    'listProvisioningRequests',
    'login',
    'releaseToken',
    'resetPinToDefaultValue',
    'resetPinToGivenValue',
    'showProvisioningRequest',
  ]);
});

test('the pages at /docs come whole from the service', async () => {
  const page = await (await fetch(`${world.service.url}/docs/`)).text();
  const assets = [...page.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, address]) => address ?? '');
  expect(assets.length).toBeGreaterThan(3);
  for (const address of assets) {
    const url = new URL(address, `${world.service.url}/docs/`);
    expect(url.origin).toBe(world.service.url);
    expect((await fetch(url)).status).toBe(200);
  }
});
