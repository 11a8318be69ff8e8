import { afterAll, beforeAll, expect, test } from 'vitest';
import type { ProvisioningRequestOutcome } from '../../src/outcomes/outcome.generated.ts';
import type { CompleteRequest } from '../../src/web-api/shape.ts';
import { addItem } from '../../dev/demo/crm.ts';
import { callsOf, eventually, spoil } from '../support/scene.ts';
import { type Answer, BASE, CREATE, json, LIST, SHOW, startWebWorld, tellHousehold, type WebWorld } from './support.ts';

let world: WebWorld;
let card = 30_000_000_000;

beforeAll(async () => {
  world = await startWebWorld({ WEB_API_IMMEDIATE_TIMEOUT_MS: '3000' });
});
afterAll(() => world.close());

/** A household with a card of its own. */
async function newHousehold(services: readonly string[] = ['1001']): Promise<{ number: string; card: string }> {
  card += 1;
  const number = `S${card}`;
  await tellHousehold(world, number, String(card), services);
  return { number, card: String(card) };
}

function entitlement(number: string, service = '1001'): object {
  return {
    subscription_identifier: { number },
    service_identifier: { code: `P${service}` },
    smartcard_identifier: { serial_number: 'SN-card' },
  };
}

async function completed(answer: Answer<CompleteRequest>): Promise<Record<string, unknown>> {
  const query = { provisioning_request_identifier: `number=${answer.data.number}` };
  return eventually(async () => {
    const { data } = await world.get<Record<string, unknown>>(SHOW, query);
    return data['life_cycle_state'] === 'PENDING' ? undefined : data;
  }, `request ${answer.data.number} final`);
}

test('each of the six calls makes its command, which the CAS gets', async () => {
  const { number, card: smartcard } = await newHousehold();
  const subscription = { subscription_identifier: { number } };
  const bodies: [string, object][] = [
    ['cancel_subscriptions', entitlement(number)],
    ['add_subscriptions', entitlement(number)],
    [
      'create_pairing',
      { smartcard_set: [{ smartcard_ca_id: smartcard }], stb_set: [{ stb_ca_id: `STB-${smartcard}` }] },
    ],
    ['add_to_existing_pairing', { smartcard_ca_id: smartcard, stb_set: [{ stb_ca_id: 'OTHER-1' }] }],
    ['reset_pin_to_default_value', { ...subscription, smartcard_ca_id: smartcard }],
    ['reset_pin_to_given_value', { ...subscription, smartcard_ca_id: smartcard, pin: '4711' }],
  ];
  const before = (await callsOf(world, smartcard)).length;
  for (const [call, body] of bodies) {
    const answer = await world.post(`${CREATE}/${call}`, body);
    expect(answer).toMatchObject({ status: 200, code: 'OK', data: { process_name: 'MANUAL' } });
    expect(await completed(answer)).toMatchObject({ life_cycle_state: 'COMPLETED', error_code: null });
  }
  expect((await callsOf(world, smartcard)).slice(before).map(({ command }) => command)).toEqual([
    'CANCEL_SUBSCRIPTIONS',
    'ADD_SUBSCRIPTIONS',
    'CREATE_PAIRING',
    'ADD_TO_EXISTING_PAIRING',
    'UPDATE_CA_PIN_TO_DEFAULT_VALUE',
    'UPDATE_CA_PIN_TO_GIVEN_VALUE',
  ]);
});

test('the plural path is the same call', async () => {
  const { number } = await newHousehold();
  const answer = await world.post('/conax_web_services/provisioning_requests/add_subscriptions', entitlement(number));
  expect(answer).toMatchObject({ status: 200, data: { type: 'ADD_SUBSCRIPTIONS' } });
});

test('the answer is the complete request, with who made it and every user-defined field as it was given', async () => {
  const { number, card: smartcard } = await newHousehold();
  const udf = {
    ...Object.fromEntries([1, 2, 3, 4, 5, 6, 7, 8].map((n) => [`udf_string_${n}`, `text ${n} é`])),
    ...Object.fromEntries([1, 2, 3, 4].map((n) => [`udf_float_${n}`, n + 0.5])),
    ...Object.fromEntries([1, 2, 3, 4].map((n) => [`udf_date_${n}`, `1970-01-0${n}T00:00:00`])),
  };
  const { data } = await world.post(`${CREATE}/add_subscriptions`, { ...entitlement(number), ...udf });
  expect(data).toMatchObject({
    ...udf,
    type: 'ADD_SUBSCRIPTIONS',
    sequence_number: 1,
    priority: 'REGULAR',
    process_name: 'MANUAL',
    process_id: null,
    parameters_set: [
      { service_ca_id: '1001', id: '1' },
      { smartcard_ca_id: smartcard, id: '2' },
    ],
    log_information: {
      created_by_user: 'operator',
      updated_by_user: 'operator',
      created_by_unit: 'Nicosia',
      updated_by_unit: 'Nicosia',
    },
  });
  expect(data.id).toMatch(/^[0-9A-F]{32}$/);
});

test('a request of the Web API has its outcome in Kafka too', async () => {
  const { number } = await newHousehold();
  const { data } = await world.post(`${CREATE}/add_subscriptions`, { ...entitlement(number), priority: 'EXPRESS' });
  const outcome = await world.wire.until<ProvisioningRequestOutcome>(
    ({ requestOutcomes }) => requestOutcomes.map(({ value }) => value).find(({ requestId }) => requestId === data.id),
    'outcome of the request',
    20_000,
  );
  expect(outcome).toMatchObject({ processName: 'MANUAL', priority: 'EXPRESS', subscriptionNumber: number });
});

test('process_immediately answers with the outcome, after the earlier requests of the card', async () => {
  const { number, card: smartcard } = await newHousehold(['1001', '1002']);
  await spoil(world, { match: { smartcard, serviceCaId: '1001' }, times: 1, fault: 'http:503' });
  const before = (await callsOf(world, smartcard)).length;
  await world.post(`${CREATE}/cancel_subscriptions`, entitlement(number, '1001'));
  const answer = await world.post(`${CREATE}/cancel_subscriptions`, {
    ...entitlement(number, '1002'),
    process_immediately: true,
  });
  expect(answer.data).toMatchObject({ life_cycle_state: 'COMPLETED', priority: 'EXPRESS', error_code: null });
  expect(answer.data.response).toContain('OK');
  const calls = (await callsOf(world, smartcard)).slice(before);
  expect(calls.map(({ parameters, effect }) => [parameters.serviceCaId, effect])).toEqual([
    ['1001', false],
    ['1001', true],
    ['1002', true],
  ]);
});

test('process_immediately shows the refusal of the CAS in the data of an answer that is OK', async () => {
  const { number, card: smartcard } = await newHousehold();
  await spoil(world, { match: { smartcard }, times: 1, fault: 'status:CLIENT_NOT_FOUND' });
  const answer = await world.post(`${CREATE}/add_subscriptions`, { ...entitlement(number), process_immediately: true });
  expect(answer).toMatchObject({
    status: 200,
    code: 'OK',
    data: { life_cycle_state: 'REJECTED', error_code: 'CLIENT_NOT_FOUND' },
  });
});

test('a scheduled request is PENDING until its date, and a date with an offset is shown as UTC', async () => {
  const { number } = await newHousehold();
  const year = new Date().getUTCFullYear() + 1;
  const { data } = await world.post(`${CREATE}/add_subscriptions`, {
    ...entitlement(number),
    scheduled_date: `${year}-06-01T10:00:00+02:00`,
  });
  expect(data).toMatchObject({
    life_cycle_state: 'PENDING',
    scheduled_date: `${year}-06-01T08:00:00`,
    executed_date: null,
  });
});

test('a pairing without a subscription takes distributors and subscription from the one that holds the cards', async () => {
  card += 1;
  const number = `S${card}`;
  await tellHousehold(world, number, String(card), [], (subscription) => {
    for (const item of subscription.installedItems) item.distributor = 'ROOM1';
    addItem(subscription, 'stb-2', 'SET_TOP_BOX', `STB2-${card}`, 'ROOM2');
  });
  const { data } = await world.post(`${CREATE}/create_pairing`, {
    smartcard_set: [{ smartcard_ca_id: String(card) }],
    stb_set: [{ stb_ca_id: `STB2-${card}` }, { stb_ca_id: 'UNKNOWN' }],
  });
  expect(data.parameters_set).toEqual([
    { sub_provisioning_distribution_id: 'ROOM1', id: '1' },
    { smartcard_ca_id: String(card), id: '2' },
    { sub_provisioning_distribution_id: 'ROOM2', id: '3' },
    { stb_ca_id: `STB2-${card}`, id: '4' },
    { stb_ca_id: 'UNKNOWN', id: '5' },
  ]);
  const [row] = await world.db.query('select subscription_number from request where number = $1', [data.number]);
  expect(row).toEqual({ subscription_number: number });
});

test('after the time limit the answer shows the request PENDING, and it goes on as usual', async () => {
  const { number, card: smartcard } = await newHousehold();
  await spoil(world, { match: { smartcard }, times: null, fault: 'http:503' });
  const answer = await world.post(`${CREATE}/add_subscriptions`, { ...entitlement(number), process_immediately: true });
  expect(answer).toMatchObject({ code: 'OK', data: { life_cycle_state: 'PENDING', executed_date: null } });
  await world.simulator('DELETE', 'faults');
  expect(await completed(answer)).toMatchObject({ life_cycle_state: 'COMPLETED' });
});

test('a caller who hangs up while it waits does the request no harm', async () => {
  const { number, card: smartcard } = await newHousehold();
  await spoil(world, { match: { smartcard }, times: null, fault: 'http:503' });
  const hangUp = new AbortController();
  const body = { token: await world.token(), ...entitlement(number), process_immediately: true };
  const url = `${world.service.url}${BASE}${CREATE}/add_subscriptions`;
  const waiting = fetch(url, { ...json(body), signal: hangUp.signal });
  const made = await eventually(async () => {
    const [row] = await world.db.query<{ number: number }>(
      "select number from request where subscription_number = $1 and process_name = 'MANUAL'",
      [number],
    );
    return row;
  }, 'the request');
  hangUp.abort();
  await expect(waiting).rejects.toThrow('aborted');
  await world.simulator('DELETE', 'faults');
  await eventually(async () => {
    const query = { provisioning_request_identifier: `number=${made.number}` };
    return (await world.get(SHOW, query)).data.life_cycle_state === 'COMPLETED' ? true : undefined;
  }, 'the request COMPLETED');
});

test('pages by after and by offset have every request once, in order, with the fields that were asked for', async () => {
  const { number } = await newHousehold();
  for (const priority of ['REGULAR', 'EXPRESS', 'REGULAR']) {
    await world.post(`${CREATE}/add_subscriptions`, { ...entitlement(number), priority });
  }
  type Page = { provisioning_requests: CompleteRequest[]; next_after: string | null };
  const by = { type: 'ADD_SUBSCRIPTIONS', fields_set: 'number,priority' };
  const whole = await world.get<Page>(LIST, { ...by, number_of_results: '200' });
  const all = whole.data.provisioning_requests;
  expect(all.map((request) => Object.keys(request))).toEqual(all.map(() => ['number', 'priority']));
  const numbers = all.map((request) => Number(request.number));
  expect(numbers).toEqual(numbers.toSorted((a, b) => a - b));
  const paged: CompleteRequest[] = [];
  let after: string | null = '0';
  while (after !== null) {
    const { data }: { data: Page } = await world.get<Page>(LIST, { ...by, number_of_results: '2', after });
    paged.push(...data.provisioning_requests);
    after = data.next_after;
  }
  expect(paged).toEqual(all);
  const byOffset = await world.get<Page>(LIST, { ...by, number_of_results: '2', offset: '1' });
  expect(byOffset.data.provisioning_requests).toEqual(all.slice(1, 3));
});
