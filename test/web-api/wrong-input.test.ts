import { afterAll, beforeAll, expect, test } from 'vitest';
import { addItem } from '../../dev/demo/crm.ts';
import { BASE, CREATE, json, LIST, refusal, SHOW, startWebWorld, tellHousehold, type WebWorld } from './support.ts';

let world: WebWorld;
const CARD = '31000000001';
const OTHER_CARD = '31000000002';

beforeAll(async () => {
  world = await startWebWorld();
  await tellHousehold(world, 'S1', CARD, ['1001'], (subscription) => {
    addItem(subscription, 'remote', 'OTHER', null);
    addItem(subscription, 'blank', 'SMARTCARD', null);
  });
  await tellHousehold(world, 'S2', OTHER_CARD, ['1001']);
});
afterAll(() => world.close());

const ADD = `${CREATE}/add_subscriptions`;
const PAIR = `${CREATE}/create_pairing`;
const PIN = `${CREATE}/reset_pin_to_given_value`;
const GOOD = {
  subscription_identifier: { number: 'S1' },
  service_identifier: { code: 'P1001' },
  smartcard_identifier: { serial_number: 'SN-card' },
};
const cards = (...ids: readonly string[]) => ids.map((id) => ({ smartcard_ca_id: id }));
const stbs = (...ids: readonly string[]) => ids.map((id) => ({ stb_ca_id: id }));
const manyCards = Array.from({ length: 10_000 }, (_, index) => String(40_000_000_000 + index));

/** What each wrong body is answered with: the HTTP status, the code, and what the description names. */
const WRONG_BODIES: readonly [string, string, object, number, string, string][] = [
  [
    'no identifier',
    ADD,
    { ...GOOD, service_identifier: undefined },
    400,
    'PARAMETER_MISSING',
    'service_identifier is missing',
  ],
  [
    'an identifier of two fields',
    ADD,
    { ...GOOD, subscription_identifier: { id: 'x', number: 'S1' } },
    400,
    'IDENTIFIER_INVALID',
    'exactly one of id, number',
  ],
  [
    'an identifier of no field',
    ADD,
    { ...GOOD, subscription_identifier: {} },
    400,
    'IDENTIFIER_INVALID',
    'subscription_identifier',
  ],
  [
    'an identifier that is text',
    ADD,
    { ...GOOD, subscription_identifier: 'S1' },
    400,
    'PARAMETER_INVALID',
    'subscription_identifier is "S1"',
  ],
  [
    'an identifier with another field',
    ADD,
    { ...GOOD, subscription_identifier: { code: 'S1' } },
    400,
    'PARAMETER_UNKNOWN',
    'subscription_identifier.code',
  ],
  ['an unknown parameter', ADD, { ...GOOD, prioritee: 'EXPRESS' }, 400, 'PARAMETER_UNKNOWN', 'prioritee'],
  [
    'EXPRESS in lower case',
    ADD,
    { ...GOOD, priority: 'express' },
    400,
    'PARAMETER_INVALID',
    'priority is "express": give REGULAR or EXPRESS',
  ],
  [
    'a flag that is text',
    ADD,
    { ...GOOD, process_immediately: 'true' },
    400,
    'PARAMETER_INVALID',
    'process_immediately is "true"',
  ],
  [
    'a float that is NaN as text',
    ADD,
    { ...GOOD, udf_float_1: 'NaN' },
    400,
    'PARAMETER_INVALID',
    'udf_float_1 is "NaN"',
  ],
  [
    'a text that PostgreSQL cannot hold',
    ADD,
    { ...GOOD, udf_string_8: 'a\u0000b' },
    400,
    'PARAMETER_INVALID',
    'udf_string_8',
  ],
  ['half a surrogate pair', ADD, { ...GOOD, udf_string_1: 'a\uD800b' }, 400, 'PARAMETER_INVALID', 'udf_string_1'],
  [
    'a text that is too long',
    ADD,
    { ...GOOD, udf_string_1: 'x'.repeat(1_001) },
    400,
    'PARAMETER_INVALID',
    'udf_string_1',
  ],
  [
    'a day that does not exist',
    ADD,
    { ...GOOD, udf_date_1: '2026-02-30T00:00:00' },
    400,
    'PARAMETER_INVALID',
    'udf_date_1',
  ],
  ['a date without a time', ADD, { ...GOOD, scheduled_date: '2026-02-03' }, 400, 'PARAMETER_INVALID', 'scheduled_date'],
  [
    'a date in 1970',
    ADD,
    { ...GOOD, scheduled_date: '1970-01-01T00:00:00' },
    400,
    'DATE_OUT_OF_RANGE',
    'scheduled_date',
  ],
  [
    'a date in 1,000 years',
    ADD,
    { ...GOOD, scheduled_date: '3026-01-01T00:00:00' },
    400,
    'DATE_OUT_OF_RANGE',
    'scheduled_date',
  ],
  [
    'at once and later',
    ADD,
    { ...GOOD, process_immediately: true, scheduled_date: inAYear() },
    400,
    'SCHEDULED_AND_IMMEDIATE',
    'scheduled_date',
  ],
  [
    'an unknown subscription',
    ADD,
    { ...GOOD, subscription_identifier: { number: 'S404' } },
    404,
    'SUBSCRIPTION_NOT_FOUND',
    'subscription_identifier',
  ],
  [
    'a product that is no service of it',
    ADD,
    { ...GOOD, service_identifier: { code: 'P9999' } },
    404,
    'SERVICE_NOT_FOUND',
    'service_identifier',
  ],
  [
    'an item that is not there',
    ADD,
    { ...GOOD, smartcard_identifier: { id: 'nothing' } },
    404,
    'ITEM_NOT_FOUND',
    'smartcard_identifier',
  ],
  [
    'an item that is no smart card',
    ADD,
    { ...GOOD, smartcard_identifier: { id: 'stb' } },
    422,
    'ITEM_IS_NO_SMARTCARD',
    'smartcard_identifier',
  ],
  [
    'a smart card without a CA id',
    ADD,
    { ...GOOD, smartcard_identifier: { id: 'blank' } },
    422,
    'SMARTCARD_WITHOUT_CA_ID',
    'smartcard_identifier',
  ],
  [
    'a set with a duplicate',
    PAIR,
    { smartcard_set: cards(CARD, CARD), stb_set: stbs('A') },
    400,
    'SET_HAS_DUPLICATES',
    'smartcard_set[1].smartcard_ca_id',
  ],
  [
    '10,000 cards',
    PAIR,
    { smartcard_set: cards(...manyCards), stb_set: stbs('A') },
    400,
    'SET_TOO_LARGE',
    'smartcard_set has 10000 elements',
  ],
  ['an empty set', PAIR, { smartcard_set: [], stb_set: stbs('A') }, 400, 'PARAMETER_INVALID', 'smartcard_set is empty'],
  [
    'a set that is no list',
    PAIR,
    { smartcard_set: CARD, stb_set: stbs('A') },
    400,
    'PARAMETER_INVALID',
    'smartcard_set',
  ],
  [
    'a malformed card',
    PAIR,
    { smartcard_set: cards('12'), stb_set: stbs('A') },
    400,
    'PARAMETER_INVALID',
    'smartcard_set[0].smartcard_ca_id is "12"',
  ],
  [
    'a card of another subscription',
    PAIR,
    { subscription_identifier: { number: 'S1' }, smartcard_set: cards(OTHER_CARD), stb_set: stbs(`STB-${CARD}`) },
    422,
    'SMARTCARD_NOT_OF_SUBSCRIPTION',
    'smartcard_set[0].smartcard_ca_id',
  ],
  [
    'an STB of another subscription',
    PAIR,
    { subscription_identifier: { number: 'S1' }, smartcard_set: cards(CARD), stb_set: stbs('A') },
    422,
    'STB_NOT_OF_SUBSCRIPTION',
    'stb_set[0].stb_ca_id',
  ],
  [
    'nothing to add to a pairing',
    `${CREATE}/add_to_existing_pairing`,
    { smartcard_ca_id: CARD },
    400,
    'PARAMETER_MISSING',
    'smartcard_set and stb_set',
  ],
  [
    'the existing card among the new ones',
    `${CREATE}/add_to_existing_pairing`,
    { smartcard_ca_id: CARD, smartcard_set: cards(CARD) },
    400,
    'SET_HAS_DUPLICATES',
    'smartcard_set[0]',
  ],
  [
    'a PIN of another length',
    PIN,
    { subscription_identifier: { number: 'S1' }, smartcard_ca_id: CARD, pin: '98765' },
    400,
    'PARAMETER_INVALID',
    'pin is not what is needed',
  ],
  [
    'the PIN of a card of another subscription',
    PIN,
    { subscription_identifier: { number: 'S1' }, smartcard_ca_id: OTHER_CARD, pin: '4711' },
    422,
    'SMARTCARD_NOT_OF_SUBSCRIPTION',
    'smartcard_ca_id',
  ],
];

function inAYear(): string {
  return new Date(Date.now() + 365 * 86_400_000).toISOString().slice(0, 19);
}

test.for(WRONG_BODIES)('%s is refused', async ([, path, body, status, code, named]) => {
  expect(refusal(await world.post(path, body), named)).toEqual([status, code, named]);
});

test('no refusal made a request, and none repeats a PIN', async () => {
  const answer = await world.post(PIN, {
    subscription_identifier: { number: 'S1' },
    smartcard_ca_id: CARD,
    pin: '98765',
  });
  expect(JSON.stringify(answer)).not.toContain('98765');
  expect(await world.db.query("select number from request where process_name = 'MANUAL'")).toEqual([]);
});

test('a whole number where text belongs is refused without being shown when it is a PIN', async () => {
  const answer = await world.post(PIN, { subscription_identifier: { number: 'S1' }, smartcard_ca_id: CARD, pin: 4711 });
  expect(refusal(answer, 'pin is not what is needed: give the PIN as text')).toEqual([
    400,
    'PARAMETER_INVALID',
    'pin is not what is needed: give the PIN as text',
  ]);
  expect(answer.description).not.toContain('4711');
});

const WRONG_QUERIES: readonly [string, string, Readonly<Record<string, string>>, number, string, string][] = [
  ['show without an identifier', SHOW, {}, 400, 'PARAMETER_MISSING', 'provisioning_request_identifier is missing'],
  [
    'show with a bare number',
    SHOW,
    { provisioning_request_identifier: '5' },
    400,
    'IDENTIFIER_INVALID',
    'give number=123',
  ],
  [
    'show with no number',
    SHOW,
    { provisioning_request_identifier: 'number=abc' },
    400,
    'PARAMETER_INVALID',
    'number=abc',
  ],
  [
    'show of what is not there',
    SHOW,
    { provisioning_request_identifier: 'number=999999999' },
    404,
    'PROVISIONING_REQUEST_NOT_FOUND',
    'number 999999999',
  ],
  [
    'show with an unknown field',
    SHOW,
    { provisioning_request_identifier: 'number=1', fields_set: 'id,nummer' },
    400,
    'FIELD_UNKNOWN',
    '"nummer"',
  ],
  ['list by nothing', LIST, {}, 400, 'PARAMETER_MISSING', 'exactly one of type, life_cycle_state, reference_number'],
  [
    'list by two',
    LIST,
    { type: 'ADD_SUBSCRIPTIONS', life_cycle_state: 'PENDING' },
    400,
    'PARAMETERS_CONFLICT',
    'type and life_cycle_state',
  ],
  [
    'list by an unknown type',
    LIST,
    { type: 'add_subscriptions' },
    400,
    'PARAMETER_INVALID',
    'type is "add_subscriptions"',
  ],
  [
    'a page that is too large',
    LIST,
    { life_cycle_state: 'PENDING', number_of_results: '201' },
    400,
    'PARAMETER_INVALID',
    'number_of_results',
  ],
  ['a negative offset', LIST, { life_cycle_state: 'PENDING', offset: '-1' }, 400, 'PARAMETER_INVALID', 'offset'],
  [
    'offset and after',
    LIST,
    { life_cycle_state: 'PENDING', offset: '1', after: '1' },
    400,
    'PARAMETERS_CONFLICT',
    'offset or after',
  ],
  ['an unknown parameter', LIST, { life_cycle_state: 'PENDING', limit: '5' }, 400, 'PARAMETER_UNKNOWN', 'limit'],
];

test.for(WRONG_QUERIES)('%s is refused', async ([, path, query, status, code, named]) => {
  expect(refusal(await world.get(path, query), named)).toEqual([status, code, named]);
});

test('a parameter that is there twice is refused', async () => {
  const path = `${BASE}${LIST}?token=${await world.token()}&type=ADD_SUBSCRIPTIONS&type=CREATE_PAIRING`;
  expect(refusal(await world.raw(path), 'type is a list of 2')).toEqual([
    400,
    'PARAMETER_INVALID',
    'type is a list of 2',
  ]);
});

test.for([
  ['broken JSON', '{"token": ', 'application/json', 400, 'BODY_NOT_JSON'],
  ['NaN', '{"udf_float_1": NaN}', 'application/json', 400, 'BODY_NOT_JSON'],
  ['an empty body', '', 'application/json', 400, 'BODY_NOT_JSON'],
  ['a poisoned prototype', '{"__proto__": {"a": 1}}', 'application/json', 400, 'BODY_NOT_JSON'],
  ['a form', 'a=b', 'application/x-www-form-urlencoded', 415, 'CONTENT_TYPE_NOT_SUPPORTED'],
  ['plain text', '{}', 'text/plain', 415, 'CONTENT_TYPE_NOT_SUPPORTED'],
  ['5 MB', JSON.stringify({ udf_string_1: 'x'.repeat(5_000_000) }), 'application/json', 413, 'BODY_TOO_LARGE'],
] as const)('a body of %s is refused', async ([, body, type, status, code]) => {
  const answer = await world.raw(`${BASE}${ADD}`, { method: 'POST', body, headers: { 'content-type': type } });
  expect(refusal(answer, '')).toEqual([status, code, '']);
});

test('a number beyond what a float holds is refused', async () => {
  const answer = await world.raw(`${BASE}${ADD}`, json(`{"token":"${await world.token()}","udf_float_1":1e999}`));
  expect(refusal(answer, 'udf_float_1 is Infinity')).toEqual([400, 'PARAMETER_MISSING', 'udf_float_1 is Infinity']);
});
