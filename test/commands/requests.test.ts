import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { RequestStory } from '../../src/operations/request-story.ts';
import { runCli } from '../support/cli.ts';
import { act, eventually, household, outcomeOf, spoil } from '../support/scene.ts';
import { startWorld, type World } from '../support/world.ts';

const CARD = '35000000001';
const SUBSCRIPTION = 'S0000035001';

let world: World;
/** Numbers of a pairing that was asked about, and of an ADD that the CAS refused. */
let pairing = 0;
let refused = 0;

beforeAll(async () => {
  world = await startWorld();
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
      event: { subscription: { number: SUBSCRIPTION } },
    });
    expect(story.request).toMatchObject({
      number: pairing,
      id: expect.stringMatching(/^[\dA-F]{32}$/) as string,
      type: 'CREATE_PAIRING',
      life_cycle_state: 'COMPLETED',
      cards: [CARD],
      attempts: 2,
      process_name: 'TRIGGER',
      command: { smartcards: [{ caId: CARD }], setTopBoxes: [{ caId: `STB-${CARD}` }] },
    });
    expect(story.withheld).toMatchObject([
      { type: 'ADD_SUBSCRIPTIONS', reason: 'INVALID_CA_ID', smartcard: CARD, service_ca_id: 'SPORTS' },
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
        published_at: expect.stringMatching(/^\d{4}-.+Z$/) as string,
      },
      { kind: 'ACTION_OUTCOME', record: { subscriptionNumber: SUBSCRIPTION, outcome: 'PARTLY_PROVISIONED' } },
    ]);
    expect(await requests('show', String(story.request['id']), '--json')).toMatchObject({ exitCode: 0, stdout });
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
      stderr: `There is no provisioning request ${number}: give its number or its id\n`,
    });
  });
});

describe('conax-provisioning requests list', () => {
  test('lists by state and by type, as a table', async () => {
    const rejected = await requests('list', '--state', 'REJECTED');
    expect(rejected).toMatchObject({ exitCode: 0, stderr: '' });
    const [titles, ...rows] = rejected.stdout.trimEnd().split('\n');
    expect(titles).toMatch(/^number +state +type +cards +created +final +process +subscription +reference +error$/);
    expect(rows).toHaveLength(1);
    expect(rows[0]).toMatch(
      new RegExp(`^${refused} +REJECTED +ADD_SUBSCRIPTIONS +${CARD} .+TRIGGER +${SUBSCRIPTION} +- +CLIENT_NOT_FOUND$`),
    );
    expect((await requests('list', '--type', 'CREATE_PAIRING')).stdout).toMatch(
      new RegExp(`^${pairing} +COMPLETED`, 'm'),
    );
    expect(await requests('list', '--state', 'PENDING')).toMatchObject({ exitCode: 0, stdout: '' });
  });

  test('as JSON each line is a request with its SOAP bodies, a page at a time in either order', async () => {
    const list = async (...args: string[]) =>
      (await requests('list', '--type', 'ADD_SUBSCRIPTIONS', '--json', ...args)).stdout
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => JSON.parse(line) as { number: number; request: string; referenceNumber: string | null });
    const all = await list();
    expect(all.map(({ request }) => request)).toEqual(
      all.map(() => expect.stringContaining('AddSubscription') as string),
    );
    const numbers = all.map(({ number }) => number);
    expect(await list('--newest')).toEqual(all.toReversed());
    expect((await list('--limit', '1')).map(({ number }) => number)).toEqual(numbers.slice(0, 1));
    expect((await list('--after', String(numbers[0]))).map(({ number }) => number)).toEqual(numbers.slice(1));
  });

  test.each([
    [[], 'Give exactly one of --type, --state and --reference'],
    [['--state', 'PENDING', '--type', 'CREATE_PAIRING'], 'Give exactly one of --type, --state and --reference'],
    [['--state', 'pending'], '--state is "pending": give one of PENDING, COMPLETED, REJECTED'],
    [['--type', 'ADD'], '--type is "ADD": give one of ADD_SUBSCRIPTIONS, CANCEL_SUBSCRIPTIONS'],
    [['--state', 'PENDING', '--limit', '0'], '--limit is "0": give a whole number from 1 to 1000'],
    [['--state', 'PENDING', '--after', 'x'], '--after is "x": give a whole number from 0 to'],
  ])('wrong usage %j ends with 2 and names what is wrong', async (args, says) => {
    expect(await requests('list', ...args)).toMatchObject({
      exitCode: 2,
      stdout: '',
      stderr: expect.stringContaining(says) as string,
    });
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
      stderr: `Request ${number} is REJECTED, which is final\n`,
    });

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
    ['999999999', 3, 'There is no provisioning request 999999999'],
    ['-', 2, 'The number is "-": give digits only'],
  ])('withdrawing %s ends with %i', async (number, exitCode, says) => {
    expect(await requests('withdraw', number)).toMatchObject({ exitCode, stdout: '', stderr: `${says}\n` });
  });
});
