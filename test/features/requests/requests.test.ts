import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ShownRequest } from '../../../src/operations/shown-request.ts';
import type { RequestStory } from '../../../src/features/requests/story.ts';
import { runCli } from '../../support/cli.ts';
import { act, eventually, household, outcomeOf, spoil } from '../../support/scene.ts';
import { refusal, startWebWorld, type WebWorld } from '../../web-api/support.ts';

const CARD = '35000000001';
const SUBSCRIPTION = 'S0000035001';

let world: WebWorld;
/** Numbers of a pairing that was asked about, and of an ADD that the CAS refused. */
let pairing = 0;
let refused = 0;

beforeAll(async () => {
  world = await startWebWorld();
  const subscription = household(SUBSCRIPTION, CARD, ['1001', 'SPORTS']);
  await spoil(
    world,
    { match: { command: 'CREATE_PAIRING' }, times: 1, fault: 'cut-after' },
    { match: { serviceCaId: '1001' }, times: 1, fault: 'status:CLIENT_NOT_FOUND' },
  );
  const { requests } = (await outcomeOf(world, await act(world, subscription, { action: 'S:BECOME_SUBSCRIBER' })))
    .value;
  pairing = requests[0]?.requestNumber ?? 0;
  refused = requests[1]?.requestNumber ?? 0;
});
afterAll(() => world.close());

const requests = (...args: string[]) =>
  runCli(['requests', ...args], { DATABASE_URL: world.env['DATABASE_URL'] ?? '' });
const provider = (...args: string[]) =>
  runCli(['provider', ...args], { DATABASE_URL: world.env['DATABASE_URL'] ?? '' });

const ISO = /^[\d-]+T[\d:]+\.\d{3}Z$/;

describe('conax-provisioning requests show', () => {
  test("tells one request's whole story as JSON, and needs no more settings than the database", async () => {
    const { exitCode, stdout, stderr } = await requests('show', String(pairing), '--json');
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    const story = JSON.parse(stdout) as RequestStory;
    expect(story.event).toMatchObject({
      disposition: 'PLANNED',
      family: 'SUBSCRIPTION',
      type: 'BECOME_SUBSCRIBER',
      subscription_number: SUBSCRIPTION,
      topic: world.env['CRM_TOPICS'],
      partition: expect.any(Number) as number,
      offset: 0,
      version: expect.any(Number) as number,
      received_date: expect.stringMatching(ISO) as string,
      event: { subscription: { number: SUBSCRIPTION } },
    });
    expect(story.request).toMatchObject({
      number: pairing,
      id: expect.stringMatching(/^[\dA-F]{32}$/) as string,
      type: 'CREATE_PAIRING',
      life_cycle_state: 'COMPLETED',
      smartcard_ca_ids: [CARD],
      attempts: 2,
      process_name: 'TRIGGER',
      subscription_number: SUBSCRIPTION,
      parameters_set: [
        { smartcard_ca_id: CARD, id: '1' },
        { stb_ca_id: `STB-${CARD}`, id: '2' },
      ],
      log_information: { created_date: expect.stringMatching(ISO) as string },
    });
    expect(story.withheld).toMatchObject([
      { type: 'ADD_SUBSCRIPTIONS', reason: 'INVALID_CA_ID', smartcard_ca_id: CARD, service_ca_id: 'SPORTS' },
    ]);
    expect(story.attempts).toMatchObject([
      {
        command: 'CREATE_PAIRING',
        answer: 'unknown',
        request_body: expect.stringContaining(CARD) as string,
        response_body: null,
      },
      {
        command: 'GET_PAIRING_STATUS_FOR_CARD',
        answer: 'accepted',
        request_body: expect.stringContaining('Envelope') as string,
        response_body: expect.stringContaining(`STB-${CARD}`) as string,
      },
    ]);
    expect(story.outcomes).toMatchObject([
      {
        kind: 'REQUEST_OUTCOME',
        record: { requestNumber: pairing, outcome: 'COMPLETED' },
        published_date: expect.stringMatching(ISO) as string,
      },
      { kind: 'ACTION_OUTCOME', record: { subscriptionNumber: SUBSCRIPTION, outcome: 'PARTLY_PROVISIONED' } },
    ]);
    expect(await requests('show', story.request.id, '--json')).toMatchObject({ exitCode: 0, stdout });
    expect((await world.operate(`/requests/${pairing}`, undefined, 'viewer')).data).toEqual(story);
  });

  test('tells it as text, in the order in which it happened', async () => {
    const { exitCode, stdout } = await requests('show', String(refused));
    expect(exitCode).toBe(0);
    const places = [
      new RegExp(`^Provisioning request ${refused}$`, 'm'),
      /life_cycle_state +REJECTED/,
      /error_code +CLIENT_NOT_FOUND/,
      /event_id +[\da-f-]{36}\n +disposition +PLANNED/,
      /reason +INVALID_CA_ID/,
      /Attempts \(1\)/,
      /sent:\s+<.+AddSubscription/,
      /received:\s+<.+CLIENT_NOT_FOUND/,
      /Outcomes \(2\)/,
      /PARTLY_PROVISIONED/,
    ].map((what) => stdout.search(what));
    expect(places).not.toContain(-1);
    expect(places).toEqual(places.toSorted((one, other) => one - other));
  });

  test.each(['999999999', 'no-number'])('ends with 3 for one that is not there: %s', async (number) => {
    expect(await requests('show', number, '--json')).toEqual({
      exitCode: 3,
      signal: null,
      stdout: '',
      stderr: `there is no provisioning request ${number}: give its number or its id\n`,
    });
    expect(await world.operate(`/requests/${number}`)).toMatchObject({
      status: 404,
      code: 'PROVISIONING_REQUEST_NOT_FOUND',
    });
  });
});

describe('conax-provisioning requests list', () => {
  test('lists by state and by type, as a table', async () => {
    const rejected = await requests('list', '--state', 'REJECTED');
    expect(rejected).toMatchObject({ exitCode: 0, stderr: '' });
    const [titles, ...rows] = rejected.stdout.trimEnd().split('\n');
    expect(titles).toMatch(
      /^number +phase +urgency +type +cards +created +final +process +subscription +reference +attempts +error$/,
    );
    expect(rows).toHaveLength(1);
    expect(rows[0]).toMatch(
      new RegExp(
        `^${refused} +REJECTED +- +ADD_SUBSCRIPTIONS +${CARD} .+TRIGGER +${SUBSCRIPTION} +- +1 +CLIENT_NOT_FOUND$`,
      ),
    );
    expect((await requests('list', '--type', 'CREATE_PAIRING')).stdout).toMatch(
      new RegExp(`^${pairing} +COMPLETED`, 'm'),
    );
    expect(await requests('list', '--state', 'PENDING')).toMatchObject({ exitCode: 0, stdout: '' });
    const some = await requests(
      'list',
      '--subscription',
      SUBSCRIPTION,
      '--code',
      'CLIENT_NOT_FOUND',
      '--since',
      '2026-01-01',
    );
    expect(some.stdout).toBe(rejected.stdout);
  });

  test('as JSON lists what the API lists, a page at a time in either order, with the SOAP bodies if asked for', async () => {
    const list = async (...args: string[]) => {
      const { stdout } = await requests('list', '--type', 'ADD_SUBSCRIPTIONS', '--json', ...args);
      return (JSON.parse(stdout) as { requests: ShownRequest[] }).requests;
    };
    const all = await list();
    expect(all.map(({ request }) => request)).toEqual(all.map(() => null));
    expect((await list('--bodies')).map(({ request }) => request)).toEqual(
      all.map(() => expect.stringContaining('AddSubscription') as string),
    );
    const numbers = all.map(({ number }) => number);
    expect(await list('--newest')).toEqual(all.toReversed());
    expect((await list('--limit', '1')).map(({ number }) => number)).toEqual(numbers.slice(0, 1));
    expect((await list('--after', String(numbers[0]))).map(({ number }) => number)).toEqual(numbers.slice(1));
    const query = 'type=ADD_SUBSCRIPTIONS&newest=true&limit=1';
    expect((await world.operate(`/requests?${query}`, undefined, 'viewer')).data).toEqual({
      requests: all.slice(-1),
    });
  });

  test.each([
    [[], 'say which requests: give --state, --type, --reference, --card, --subscription, --code, --since or --until'],
    [['--state', 'pending'], '--state is "pending": give one of PENDING, COMPLETED, REJECTED'],
    [['--type', 'ADD'], '--type is "ADD": give one of ADD_SUBSCRIPTIONS, CANCEL_SUBSCRIPTIONS'],
    [['--state', 'PENDING', '--bodies', '--limit', '201'], '--limit is 201: give at most 200 with --bodies'],
    [['--state', 'PENDING', '--limit', '0'], '--limit is 0: give a whole number from 1 to 1000'],
    [['--state', 'PENDING', '--after', 'x'], '--after is "x": give a whole number from 0 to'],
  ])('wrong usage %j ends with 2 and names what is wrong', async (args, says) => {
    expect(await requests('list', ...args)).toMatchObject({
      exitCode: 2,
      stdout: '',
      stderr: expect.stringContaining(says) as string,
    });
  });

  test.each([
    ['state=pending', 'PARAMETER_INVALID', 'state is "pending": give one of PENDING'],
    ['state=PENDING&newest=1', 'PARAMETER_INVALID', 'newest is "1": give true or false'],
    ['newest=true', 'PARAMETER_MISSING', 'say which requests: give state, type,'],
    ['state=PENDING&bodies=true&limit=201', 'PARAMETERS_CONFLICT', 'limit is 201: give at most 200 with bodies'],
  ])('a wrong query %s is answered with 400', async (query, code, says) => {
    expect(refusal(await world.operate(`/requests?${query}`), says)).toEqual([400, code, says]);
  });
});

describe('conax-provisioning provider and requests withdraw', () => {
  test('a request that waits while sending is switched off is withdrawn, and its card goes on without it', async () => {
    const card = '35000000002';
    expect(await provider('pause', '--reason', 'maintenance', '--by', 'anna')).toMatchObject({
      exitCode: 0,
      stdout: 'paused\n',
    });
    expect(await provider('pause', '--by', 'ben')).toMatchObject({
      exitCode: 0,
      stdout: 'it was paused before; the first reason stays\n',
    });
    expect((await provider('status')).stdout).toMatch(
      /^provider +paused since .+Z by anna: maintenance\nbreaker +closed, 0 failures in a row\ninstances +1\n +\S+: 16 calls at once, 1000 a second\n$/,
    );
    const made = await act(world, household('S0000035002', card, ['1001', '1002']), { action: 'S:BECOME_SUBSCRIBER' });
    const rows = await eventually(async () => {
      const waiting = await world.db.query<{ number: number; type: string }>(
        'select number, type from request where action_id = $1 order by number',
        [made.id],
      );
      return waiting.length === 3 ? waiting : undefined;
    }, 'three requests');
    expect(rows.map(({ type }) => type)).toEqual(['CREATE_PAIRING', 'ADD_SUBSCRIPTIONS', 'ADD_SUBSCRIPTIONS']);
    const number = String(rows[1]?.number);
    expect(await requests('withdraw', number, '--by', 'anna')).toMatchObject({
      exitCode: 0,
      stdout: `request ${number} is withdrawn\n`,
    });
    // It is final now.
    expect(await requests('withdraw', number)).toMatchObject({
      exitCode: 1,
      stderr: `request ${number} is REJECTED, which is final\n`,
    });
    expect(await world.operate(`/requests/${number}/withdraw`, {}, 'viewer')).toMatchObject({ code: 'NOT_PERMITTED' });
    const again = await world.operate(`/requests/${number}/withdraw`, {});
    expect(refusal(again, 'which is final')).toEqual([409, 'REQUEST_IS_FINAL', 'which is final']);

    expect(await provider('resume')).toMatchObject({ exitCode: 0, stdout: 'resumed\n' });
    expect(await provider('resume')).toMatchObject({ exitCode: 0, stdout: 'it was not paused\n' });
    expect((await outcomeOf(world, made)).value).toMatchObject({
      outcome: 'PARTLY_PROVISIONED',
      requests: [
        { type: 'CREATE_PAIRING', outcome: 'COMPLETED' },
        { requestNumber: Number(number), outcome: 'REJECTED', errorCode: 'WITHDRAWN', serviceCaId: '1001' },
        { type: 'ADD_SUBSCRIPTIONS', outcome: 'COMPLETED', serviceCaId: '1002' },
      ],
    });
    expect(await world.simulator('GET', `cards/${card}`)).toMatchObject({ entitlements: ['1002'] });
    const status = JSON.parse((await provider('status', '--json')).stdout) as object;
    expect(status).toMatchObject({
      paused: false,
      paused_reason: null,
      breaker: 'closed',
      failures_in_a_row: 0,
      breaker_open_until: null,
      instances: [{ slots: 16, requests_per_second: 1000 }],
    });
  });

  test.each([
    ['999999999', 3, 'there is no provisioning request 999999999: check the number'],
    ['-', 2, 'number is "-": give a whole number from 1 to 999999999999999'],
  ])('withdrawing %s ends with %i', async (number, exitCode, says) => {
    expect(await requests('withdraw', number)).toMatchObject({ exitCode, stdout: '', stderr: `${says}\n` });
  });

  test('a withdrawal in the API shows the request, and who withdrew it from which unit', async () => {
    await world.operate('/provider/pause', { reason: 'a request that waits' }, 'admin');
    const card = '35000000003';
    const made = await act(world, household('S0000035003', card, []), { action: 'S:BECOME_SUBSCRIBER' });
    const number = await eventually(async () => {
      const [row] = await world.db.query<{ number: number }>('select number from request where action_id = $1', [
        made.id,
      ]);
      return row?.number;
    }, 'a pairing');
    expect((await world.operate(`/requests/${number}/withdraw`, {}, 'operator')).data).toMatchObject({
      number,
      life_cycle_state: 'REJECTED',
      error_code: 'WITHDRAWN',
      log_information: { updated_by_user: 'operator', updated_by_unit: 'Nicosia' },
    });
    await world.operate('/provider/resume', {}, 'admin');
  });
});

describe('refusals', () => {
  test('are grouped by code, with meaning, remedy and samples, in the call and in the command', async () => {
    const since = new Date(Date.now() - 3_600_000).toISOString();
    const { data } = await world.operate<{ refusals: { code: string }[] }>(
      `/requests/refusals?since=${since}`,
      undefined,
      'viewer',
    );
    const group = data.refusals.find(({ code }) => code === 'CLIENT_NOT_FOUND');
    expect(group).toEqual({
      code: 'CLIENT_NOT_FOUND',
      meaning: 'The CAS does not know the smart card or set-top box, or the card is in no pairing.',
      remedy: 'Check the CA id in the CRM, and whether the hardware is loaded into the CAS.',
      count: expect.any(Number) as number,
      subscriptions: 1,
      oldest_date: expect.stringMatching(ISO) as string,
      newest_date: expect.stringMatching(ISO) as string,
      samples: expect.arrayContaining([
        {
          number: refused,
          smartcard_ca_id: CARD,
          subscription_number: SUBSCRIPTION,
          description: expect.any(String) as string,
        },
      ]) as unknown,
    });
    const { stdout } = await requests('refusals', '--since', since, '--json');
    expect(JSON.parse(stdout)).toEqual(data);
    expect((await requests('refusals')).stdout).toMatch(/^CLIENT_NOT_FOUND +\d+ +1 .*Check the CA id in the CRM/m);
  });

  test('before the period are left out', async () => {
    const since = new Date(Date.now() + 60_000).toISOString();
    const { data } = await world.operate(`/requests/refusals?since=${since}`, undefined, 'viewer');
    expect(data).toEqual({ since, complete: true, refusals: [] });
  });

  test('can be resynced as a group: an estimate shows whom, and what would be sent', async () => {
    const selection = {
      refused_with: 'CLIENT_NOT_FOUND',
      refused_since: new Date(Date.now() - 3_600_000).toISOString(),
    };
    const { data } = await world.operate('/runs/estimate', { kind: 'RESYNC', parameters: {}, selection }, 'viewer');
    expect(data).toEqual({
      targets: 1,
      exact: true,
      sample: [
        {
          target: SUBSCRIPTION,
          subscription_number: SUBSCRIPTION,
          commands: [
            { type: 'CREATE_PAIRING', smartcard_ca_id: CARD, stb_ca_ids: [`STB-${CARD}`], service_ca_id: null },
            { type: 'ADD_SUBSCRIPTIONS', smartcard_ca_id: CARD, stb_ca_ids: [], service_ca_id: '1001' },
          ],
        },
      ],
    });
  });
});
