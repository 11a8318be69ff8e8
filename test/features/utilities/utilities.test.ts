import { rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { addItem, addService } from '../../../dev/demo/crm.ts';
import type { ShownRequest } from '../../../src/operations/shown-request.ts';
import { runCli } from '../../support/cli.ts';
import { act, callsOf, eventually, outcomeOf, spoil } from '../../support/scene.ts';
import { openApiOracle } from '../../web-api/openapi-oracle.ts';
import {
  type Answer,
  OPERATIONS,
  refusal,
  startWebWorld,
  tellHousehold,
  type WebWorld,
} from '../../web-api/support.ts';

const PIN_FILE = join(tmpdir(), `utilities-pin-${process.pid}`);
let world: WebWorld;

beforeAll(async () => {
  await writeFile(PIN_FILE, '4711\n', { mode: 0o600 });
  // A retry would not come by itself while a test looks.
  world = await startWebWorld({ RETRY_BACKOFF_MIN_MS: '3600000', RETRY_BACKOFF_MAX_MS: '3600000' });
});
afterAll(async () => {
  await rm(PIN_FILE, { force: true });
  await world.close();
});

interface UtilityAnswer {
  readonly process_id: string;
  readonly provisioning_requests: readonly ShownRequest[];
  readonly left_out: readonly object[];
  readonly notice: string | null;
  readonly cards: readonly { readonly services: readonly object[] | null }[];
  readonly pairings: readonly object[];
}

/** A call of a utility; every answer has to be one that the OpenAPI document describes. */
async function utility(path: string, body: object, key?: string): Promise<Answer<UtilityAnswer>> {
  const token = await world.token();
  const response = await fetch(`${world.service.url}${OPERATIONS}/utilities/${path}`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      authorization: `Bearer ${token}`,
      ...(key === undefined ? {} : { 'idempotency-key': key }),
    },
    body: JSON.stringify(body),
  });
  const answer = (await response.json()) as {
    status: { code: string; message: string | null; description: string | null };
    data: UtilityAnswer;
  };
  const oracle = await openApiOracle(world.service.url, OPERATIONS);
  expect(oracle.problemOf('POST', `/utilities/${path}`, response.status, answer)).toBeNull();
  const { code, message, description } = answer.status;
  const { status, headers } = response;
  return { status, code, message, description: description ?? '', data: answer.data, headers };
}

/** Type and state of each request, and its parameters without their positions. */
function told({ data }: Answer<UtilityAnswer>): unknown[] {
  return data.provisioning_requests.map(({ type, life_cycle_state: state, parameters_set: parameters }) => [
    type,
    state,
    ...(parameters ?? []).flatMap((parameter) =>
      Object.entries(parameter).flatMap(([name, value]) => (name === 'id' ? [] : [`${name}=${value}`])),
    ),
  ]);
}

test('a subscription is paired by its distributors, and what cannot be paired is told', async () => {
  await tellHousehold(world, 'S1', '52000000001', [], (subscription) => {
    addItem(subscription, 'card2', 'SMARTCARD', '52000000002', 'kitchen');
    addItem(subscription, 'stb2', 'SET_TOP_BOX', 'K', 'kitchen');
    addItem(subscription, 'card3', 'SMARTCARD', '52000000003', 'attic');
    addItem(subscription, 'odd', 'SMARTCARD', 'odd', 'kitchen');
  });
  const created = await utility('pairing/create', { subscription_identifier: { number: 'S1' } });
  expect(told(created)).toEqual([
    ['CREATE_PAIRING', 'COMPLETED', 'smartcard_ca_id=52000000001', 'stb_ca_id=STB-52000000001'],
    [
      'CREATE_PAIRING',
      'COMPLETED',
      'sub_provisioning_distribution_id=kitchen',
      'smartcard_ca_id=52000000002',
      'sub_provisioning_distribution_id=kitchen',
      'stb_ca_id=K',
    ],
  ]);
  expect(new Set(created.data.provisioning_requests.map(({ process_id: id }) => id))).toEqual(
    new Set([created.data.process_id]),
  );
  expect(created.data.left_out).toMatchObject([
    { smartcard_ca_id: 'odd', reason: 'INVALID_CA_ID' },
    { smartcard_ca_id: '52000000003', reason: 'NOTHING_TO_PAIR' },
  ]);

  const status = await utility('pairing/status', { subscription_identifier: { number: 'S1' } });
  expect(status.data.pairings).toMatchObject([
    { smartcard_ca_id: '52000000001', pairing: { smartcard_ca_ids: ['52000000001'], stb_ca_ids: ['STB-52000000001'] } },
    { stb_ca_id: 'STB-52000000001', answered: true, pairing: { smartcard_ca_ids: ['52000000001'] } },
    { smartcard_ca_id: '52000000002', pairing: { stb_ca_ids: ['K'] } },
    { stb_ca_id: 'K', pairing: { smartcard_ca_ids: ['52000000002'] } },
    { smartcard_ca_id: '52000000003', answered: true, pairing: null },
  ]);
});

test('what the known pairings of a subscription lack is added to them, and nothing where they lack nothing', async () => {
  const subscription = await tellHousehold(world, 'S2', '52000000011', []);
  addItem(subscription, 'stb9', 'SET_TOP_BOX', 'NEW', null);
  // Brings the snapshot, and triggers no pairing.
  await outcomeOf(world, await act(world, subscription, { action: 'S:DEACTIVATE_SUBSCRIPTION' }));
  const S2 = { subscription_identifier: { number: 'S2' } };
  expect(told(await utility('pairing/add', S2))).toEqual([
    ['ADD_TO_EXISTING_PAIRING', 'COMPLETED', 'existing_smartcard_ca_id=52000000011', 'stb_ca_id=NEW'],
  ]);
  const again = await utility('pairing/add', S2);
  expect(refusal(again, 'ALREADY_PAIRED')).toEqual([422, 'NO_DEVICE', 'ALREADY_PAIRED']);
});

test('the information utility shows what the CAS has beside what all subscriptions of the card entitle', async () => {
  const card = '52000000021';
  await tellHousehold(world, 'S3', card, ['1001', '1002']);
  await tellHousehold(world, 'S4', card, [], (subscription) => {
    addService(subscription, 'other', '01001');
    addService(subscription, 'ended', '1009', { state: 'CANCELLED' });
  });
  await world.simulator('PATCH', 'state', [{ smartcard: card, entitlements: ['1001', '1009'], pairing: null }]);
  const { data } = await utility('information', { smartcard_ca_ids: [card, '52000000029'] });
  const through = (subscription: string, service: string, code: string) => ({
    subscription_number: subscription,
    service_id: service,
    product_code: code,
    state: 'EFFECTIVE',
  });
  expect(data.cards).toMatchObject([
    {
      smartcard_ca_id: card,
      subscription_numbers: ['S3', 'S4'],
      changing: false,
      pairing: { crm: [`STB-${card}`], cas: [], finding: 'DIFFERS' },
      services: [
        {
          service_ca_id: '1001',
          finding: 'BOTH',
          through: [through('S3', 'service-1001', 'P1001'), through('S4', 'other', 'P01001')],
        },
        { service_ca_id: '1002', finding: 'MISSING_IN_CAS', through: [through('S3', 'service-1002', 'P1002')] },
        { service_ca_id: '1009', finding: 'TOO_MUCH_IN_CAS', through: [] },
      ],
    },
    {
      smartcard_ca_id: '52000000029',
      subscription_numbers: [],
      services: [],
      pairing: { crm: [], cas: [], finding: 'EQUAL' },
    },
  ]);
  const { stdout } = await runCli(['info', '--subscription', 'S3'], env());
  expect(stdout).toMatch(/1001 +both +P1001 of S3 \(EFFECTIVE\), P01001 of S4 \(EFFECTIVE\)/);
  expect(stdout).toMatch(/1002 +MISSING IN CAS +P1002 of S3/);
  expect(stdout).toMatch(/1009 +TOO MUCH IN CAS\n/);
  expect(stdout).toMatch(/PAIRING DIFFERS +the CAS has nothing, the CRM STB-52000000021/);
});

test('the information utility does not wait behind a request of the card that is stuck', async () => {
  const card = '52000000022';
  await spoil(world, {
    match: { smartcard: card, command: 'UPDATE_CA_PIN_TO_DEFAULT_VALUE' },
    times: null,
    fault: 'status:SYSTEM_ERROR',
  });
  const stuck = await utility('pin/default', { smartcard_ca_ids: [card], wait: false });
  const { data } = await utility('information', { smartcard_ca_ids: [card] });
  expect(data.cards).toMatchObject([{ services: [], changing: true }]);
  await world.simulator('DELETE', 'faults');
  expect(stuck.data.provisioning_requests).toMatchObject([{ life_cycle_state: 'PENDING' }]);
});

test('a card that the CAS does not know is shown as not answered, with the reason', async () => {
  await spoil(world, { match: { smartcard: '52000000031' }, times: 2, fault: 'status:CLIENT_NOT_FOUND' });
  const { data } = await utility('information', { smartcard_ca_ids: ['52000000031'] });
  expect(data.cards).toMatchObject([{ services: null }]);
  const refused = { life_cycle_state: 'REJECTED', error_code: 'CLIENT_NOT_FOUND' };
  expect(data.provisioning_requests).toMatchObject([refused, refused]);
  await spoil(world, { match: { smartcard: '52000000031' }, times: 2, fault: 'status:CLIENT_NOT_FOUND' });
  const ran = await runCli(['info', '--card', '52000000031'], env());
  expect(ran).toMatchObject({ exitCode: 1, stderr: '2 of 2 requests were rejected\n' });
  expect(ran.stdout).toContain('the CAS has not answered');
});

test('a scheduled message goes to every card of a subscription, as REGULAR, and begins to show when it is due', async () => {
  const due = `${new Date().getUTCFullYear() + 1}-06-01T10:00:00`;
  const { data } = await utility('messages', {
    type: 'BARK',
    message: 'later',
    subscription_identifier: { number: 'S1' },
    scheduled_date: due,
  });
  expect(data.provisioning_requests).toMatchObject(
    ['52000000001', '52000000002', '52000000003'].map(() => ({
      life_cycle_state: 'PENDING',
      priority: 'REGULAR',
      scheduled_date: `${due}.000Z`,
      parameters_set: expect.arrayContaining([
        expect.objectContaining({ start_indication_date_time: `${due}.000Z` }) as object,
      ]) as object,
    })),
  );
  expect(data.provisioning_requests).toHaveLength(3);
});

test('a call that is sent again with its Idempotency-Key shows what it made, and sends nothing more', async () => {
  const message = { type: 'BARK', message: 'once', subscription_identifier: { number: 'S1' } };
  const first = await utility('messages', message, 'one-message');
  const again = await utility('messages', message, 'one-message');
  expect(again.headers.get('idempotent-replayed')).toBe('true');
  expect(again.data).toEqual({ ...first.data, left_out: [] });
  expect(first.data.provisioning_requests).toHaveLength(3);
  const other = await utility('messages', { ...message, message: 'twice' }, 'one-message');
  expect(refusal(other, 'another body')).toEqual([422, 'IDEMPOTENCY_KEY_REUSED', 'another body']);
  const barks = (await callsOf(world, '52000000001')).filter(
    ({ command }) => command === 'SEND_BARK_MESSAGE_TO_CLIENT',
  );
  expect(barks).toHaveLength(1);
});

test('a request in its back-off is sent on demand, by its number or its card, and who wanted it is noted', async () => {
  const card = '52000000041';
  const put = async (): Promise<number> => {
    await spoil(world, { match: { smartcard: card }, times: 1, fault: 'status:SYSTEM_ERROR' });
    const made = await utility('pin/default', { smartcard_ca_ids: [card], wait: false });
    const number = made.data.provisioning_requests[0]?.number ?? 0;
    await eventually(async () => {
      const [row] = await world.db.query('select from work where number = $1 and retries > 0', [number]);
      return row;
    }, 'the retry');
    return number;
  };
  const byApi = await put();
  const stuck = await world.operate(`/requests/${byApi}`, undefined, 'viewer');
  expect(stuck.data).toMatchObject({
    request: { life_cycle_state: 'PENDING', attempts: 1 },
    attempts: [{ attempt: 1 }],
  });
  const answer = await world.operate<UtilityAnswer>('/requests/process', { number: byApi });
  expect(answer.data.provisioning_requests).toMatchObject([
    { number: byApi, life_cycle_state: 'COMPLETED', log_information: { updated_by_user: 'operator' } },
  ]);
  const byCard = await put();
  const cli = await runCli(['requests', 'process', '--card', card, '--by', 'olga', '--json'], env());
  expect(cli).toMatchObject({ exitCode: 0, stderr: '' });
  expect(JSON.parse(cli.stdout)).toMatchObject({
    provisioning_requests: [
      { number: byCard, life_cycle_state: 'COMPLETED', log_information: { updated_by_user: 'olga' } },
    ],
  });
  expect(await callsOf(world, card)).toHaveLength(4);
  expect(await world.operate('/requests/process', { card })).toMatchObject({
    code: 'OK',
    data: { provisioning_requests: [] },
  });
});

test('while sending is paused nobody waits, and everybody is told why', async () => {
  const card = '52000000051';
  await world.operate('/provider/pause', { reason: 'CAS upgrade' }, 'admin');
  const made = await utility('messages', { type: 'BARK', message: 'hello', smartcard_ca_ids: [card] });
  expect(made.data).toMatchObject({ provisioning_requests: [{ life_cycle_state: 'PENDING' }] });
  expect(made.data.notice).toMatch(/paused since .* by admin: CAS upgrade/);
  const number = String(made.data.provisioning_requests[0]?.number);
  const cli = await runCli(['requests', 'process', number], env());
  expect(cli.exitCode).toBe(1);
  expect(cli.stderr).toMatch(/paused since .*\n1 of 1 requests are PENDING still/);
  await world.operate('/provider/resume', {}, 'admin');
  await eventually(async () => {
    const { code } = await world.operate('/requests/process', { number: Number(number) });
    return code === 'REQUEST_IS_FINAL' ? code : undefined;
  }, 'a final state');
  expect(await callsOf(world, card)).toHaveLength(1);
});

test.each<[path: string, body: object, status: number, code: string, says: string]>([
  [
    'pairing/create',
    { subscription_identifier: { number: 'S9' } },
    404,
    'SUBSCRIPTION_NOT_FOUND',
    'subscription_identifier.number: no',
  ],
  [
    'messages',
    { type: 'BARK', message: 'x', smartcard_ca_ids: ['5'] },
    400,
    'PARAMETER_INVALID',
    'smartcard_ca_ids[0] is "5"',
  ],
  [
    'messages',
    { type: 'BARK', message: 'x'.repeat(130), smartcard_ca_ids: ['52000000001'] },
    400,
    'PARAMETER_INVALID',
    '130 characters',
  ],
  [
    'messages',
    { type: 'BARK', message: 'a\u0001', smartcard_ca_ids: ['52000000001'] },
    400,
    'PARAMETER_INVALID',
    'a control character',
  ],
  [
    'pin/default',
    { subscription_identifier: { number: 'S1' }, smartcard_ca_ids: ['52000000001', '52000000099'] },
    ...([422, 'SMARTCARD_NOT_OF_SUBSCRIPTION', 'smartcard_ca_ids[1]: subscription S1 has no smart card'] as const),
  ],
  [
    'pairing/create',
    { subscription_identifier: { number: 'S1' }, smartcard_ca_ids: ['52000000001'], stb_ca_ids: ['ALIEN'] },
    ...([422, 'STB_NOT_OF_SUBSCRIPTION', 'stb_ca_ids[0]: subscription S1 has no set-top box'] as const),
  ],
  ['fingerprints', { smartcard_ca_ids: ['52000000001'] }, 400, 'PARAMETER_MISSING', 'position_x is missing'],
])('%s refuses %j with a clear error, and stores nothing', async (path, body, status, code, says) => {
  const [before] = await world.db.query('select count(*), max(number) from request');
  expect(refusal(await utility(path, body), says)).toEqual([status, code, says]);
  expect(await world.db.query('select count(*), max(number) from request')).toEqual([before]);
});

test('the command line ends with 3 for a subscription that is not known, and with 2 for a PIN without a key', async () => {
  const ran = await Promise.all([
    runCli(['pin', 'reset', '--subscription', 'S9'], env()),
    runCli(['pin', 'set', '--card', '52000000001', '--pin-file', PIN_FILE], env()),
  ]);
  expect(ran[0]).toMatchObject({
    exitCode: 3,
    stderr: expect.stringContaining('--subscription: no subscription') as string,
  });
  expect(ran[1]).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('PIN_KEY_FILE') as string });
});

test('a viewer may use no utility', async () => {
  const answer = await world.operate('/utilities/information', { smartcard_ca_ids: ['52000000001'] }, 'viewer');
  expect(answer).toMatchObject({ status: 403, code: 'NOT_PERMITTED' });
  const wrongMethod = await world.operate('/utilities/messages');
  expect(wrongMethod).toMatchObject({ status: 405, code: 'METHOD_NOT_ALLOWED' });
});

const env = (): Record<string, string> => ({ DATABASE_URL: world.env['DATABASE_URL'] ?? '' });
