import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { addItem, type CrmSubscription } from '../../dev/demo/crm.ts';
import { type Simulator, startSimulator } from '../../src/simulator/simulator.ts';
import { makeIdentity } from '../conax/certificates.ts';
import { runCli } from '../support/cli.ts';
import { cardsOutOfOrder } from '../support/order.ts';
import {
  act,
  type Action,
  callsOf,
  callTexts,
  eventually,
  household,
  metricsOf,
  outcomeOf,
  spoil,
} from '../support/scene.ts';
import { type JournalEntry, startWorld, type World } from '../support/world.ts';

let world: World;
let customers = 0;
let card = '';
let subscription: CrmSubscription;

beforeAll(async () => {
  world = await startWorld({
    ENTITLE_ADDED_CARDS: 'true',
    RETRY_BACKOFF_MIN_MS: '5',
    RETRY_BACKOFF_MAX_MS: '50',
    CONAX_TIMEOUT_MS: '400',
    LEASE_MS: '2000',
  });
});
afterAll(() => world.close());
beforeEach(async () => {
  await world.simulator('DELETE', 'faults');
  nextCustomer();
});

function nextCustomer(): CrmSubscription {
  customers += 1;
  card = `3300000${String(customers).padStart(4, '0')}`;
  subscription = household(`S000033${String(customers).padStart(4, '0')}`, card, ['1001', '1002']);
  return subscription;
}

const subscribe = (customer = subscription): Promise<Action> => act(world, customer, { action: 'S:BECOME_SUBSCRIBER' });
const calls = async (smartcard = card): Promise<string[]> => callTexts(await callsOf(world, smartcard));
const outcome = async (made: Action): Promise<string> => (await outcomeOf(world, made)).value.outcome;

describe('a command', () => {
  test.each(['cut-after', 'hang-after', 'half-xml'])(
    'whose answer is lost (%s) is repeated, and has its effect once',
    async (fault) => {
      await spoil(world, { match: { smartcard: card, serviceCaId: '1001' }, times: 1, fault });
      expect(await outcome(await subscribe())).toBe('PROVISIONED');
      expect(await calls()).toEqual([
        'CREATE_PAIRING OK effect',
        'ADD_SUBSCRIPTIONS 1001 - effect',
        'ADD_SUBSCRIPTIONS 1001 OK',
        'ADD_SUBSCRIPTIONS 1002 OK effect',
      ]);
    },
  );

  test('whose answer comes after the deadline is repeated, and the late answer changes nothing', async () => {
    await world.simulator('POST', 'faults', {
      match: { smartcard: card, serviceCaId: '1001' },
      times: 1,
      fault: 'latency',
      latencyMs: 900,
    });
    expect(await outcome(await subscribe())).toBe('PROVISIONED');
    expect((await calls()).filter((call) => call.includes('1001'))).toEqual([
      'ADD_SUBSCRIPTIONS 1001 - effect',
      'ADD_SUBSCRIPTIONS 1001 OK',
    ]);
    const attempts = await world.db.query(
      `select a.answer from attempt a join request r on r.number = a.request_number
        where r.cards = $1 and r.command -> 'service' ->> 'caId' = '1001' order by a.attempt`,
      [[card]],
    );
    expect(attempts).toEqual([{ answer: 'unknown' }, { answer: 'accepted' }]);
  });

  test('that the CAS cannot take now is tried again in the order of its card, and holds up no other card', async () => {
    await spoil(world, { match: { smartcard: card, serviceCaId: '1001' }, times: null, fault: 'status:SYSTEM_ERROR' });
    const [held, waiting] = [card, await subscribe()];
    await eventually(async () => ((await calls(held)).length > 3 ? true : undefined), 'several tries');
    expect(await outcome(await subscribe(nextCustomer()))).toBe('PROVISIONED');
    expect(await calls(held)).not.toContain('ADD_SUBSCRIPTIONS 1002 OK effect');
    await world.simulator('DELETE', 'faults');
    expect(await outcome(waiting)).toBe('PROVISIONED');
    const seen = await calls(held);
    expect([...new Set(seen)]).toEqual([
      'CREATE_PAIRING OK effect',
      'ADD_SUBSCRIPTIONS 1001 SYSTEM_ERROR',
      'ADD_SUBSCRIPTIONS 1001 OK effect',
      'ADD_SUBSCRIPTIONS 1002 OK effect',
    ]);
    expect(seen.slice(-2)).toEqual(['ADD_SUBSCRIPTIONS 1001 OK effect', 'ADD_SUBSCRIPTIONS 1002 OK effect']);
  });
});

test('with ENTITLE_ADDED_CARDS an added card gets what the others of its distributor have', async () => {
  await outcomeOf(world, await subscribe());
  const second = card.replace('3300', '3301');
  addItem(subscription, 'card-2', 'SMARTCARD', second);
  const added = await act(world, subscription, { action: 'I:ADD_INSTALLED_ITEM', incomingItems: ['card-2'] });
  expect((await outcomeOf(world, added)).value).toMatchObject({ outcome: 'PROVISIONED', withheld: [] });
  expect(await world.simulator('GET', `cards/${second}`)).toMatchObject({
    entitlements: ['1001', '1002'],
    pairing: { smartcards: [card, second], setTopBoxes: [`STB-${card}`] },
  });
});

describe('credentials that the CAS does not accept', () => {
  test('switch sending off, the service says so, and `provider resume` lets it go on', async () => {
    await spoil(world, { match: {}, times: 1, fault: 'http:401' });
    const [refused, subscribed] = [card, await subscribe()];
    await eventually(async () => ((await metric('provider_paused')) === 1 ? true : undefined), 'the pause');
    const alert = 'pauses_total{why="CAS_NOT_AUTHORISED"}';
    await eventually(async () => ((await metric(alert)) === 1 ? true : undefined), 'the alert');
    expect(await ready()).toMatchObject({ status: 200, dispatch: expect.stringContaining('paused: ') as string });
    const shown = await provider('status', '--json');
    expect(JSON.parse(shown)).toMatchObject({ paused: true, paused_reason: expect.stringContaining('CAS_') as string });

    // Others are kept as well, and nothing is lost.
    const later = await subscribe(nextCustomer());
    await eventually(
      async () => ((await world.db.query('select from work where token is null')).length === 6 ? true : undefined),
      'six requests that wait',
    );
    expect(await calls(refused)).toEqual(['CREATE_PAIRING HTTP_401']);
    expect(await calls()).toEqual([]);
    expect(await provider('resume', '--by', 'anna')).toBe('resumed\n');
    expect(await outcome(subscribed)).toBe('PROVISIONED');
    expect(await outcome(later)).toBe('PROVISIONED');
    expect(await metric('provider_paused')).toBe(0);
  });
});

describe('while the CAS is away', () => {
  let simulator: Simulator;
  let away: World;
  beforeAll(async () => {
    simulator = await startSimulator({ port: 0 });
    away = await startWorld({
      CONAX_BASE_URL: simulator.url,
      BREAKER_FAILURES: '5',
      BREAKER_OPEN_MS: '100',
      BREAKER_MAX_OPEN_MS: '400',
      RETRY_BACKOFF_MIN_MS: '5',
      RETRY_BACKOFF_MAX_MS: '50',
    });
  });
  afterAll(async () => {
    await away.close();
    await simulator.close();
  });

  test('events are taken and kept, health and metrics tell it, and everything resumes by itself', async () => {
    await outcomeOf(away, await act(away, nextCustomer(), { action: 'S:BECOME_SUBSCRIBER' }));
    expect(await ready(away)).toMatchObject({ status: 200, dispatch: 'sending' });
    expect(await metric('breaker_open', away)).toBe(0);

    await simulator.close();
    const made: Action[] = [];
    for (let count = 0; count < 12; count += 1) {
      made.push(await act(away, nextCustomer(), { action: 'S:BECOME_SUBSCRIBER' }));
    }
    await eventually(async () => ((await metric('breaker_open', away)) === 1 ? true : undefined), 'the breaker');
    await eventually(
      async () => ((await away.db.query('select from work')).length === 36 ? true : undefined),
      'all requests waiting',
    );
    expect(await ready(away)).toMatchObject({
      status: 200,
      intake: 'reading',
      dispatch: expect.stringMatching(/^breaker (half-)?open: the CAS cannot be reached$/) as string,
    });
    expect((await fetch(`${away.service.url}/health/live`)).status).toBe(200);
    expect(await away.db.query(`select from request where life_cycle_state = 'REJECTED'`)).toEqual([]);

    simulator = await startSimulator({ port: simulator.port });
    for (const action of made) expect((await outcomeOf(away, action)).value.outcome).toBe('PROVISIONED');
    await eventually(async () => ((await metric('breaker_open', away)) === 0 ? true : undefined), 'the breaker');
    expect(await ready(away)).toMatchObject({ status: 200, dispatch: 'sending' });
    const journal = (await (await fetch(`${simulator.url}/simulator/journal?after=0`)).json()) as {
      entries: JournalEntry[];
    };
    expect(journal.entries).toHaveLength(36);
    // The first customer came before the CAS lost its memory.
    const before = '33' + String(customers - 12).padStart(9, '0');
    expect(await cardsOutOfOrder(away, journal.entries)).toEqual([before]);
  });
});

test('a CAS with a certificate that is not trusted gets nothing, and everything once its certificate is mended', async () => {
  const [authority, stranger] = [makeIdentity('Authority'), makeIdentity('Stranger')];
  let cas = await startSimulator({ port: 0, tls: makeIdentity('CAS', stranger) });
  const { port } = cas;
  const careful = await startWorld({
    CONAX_BASE_URL: cas.url,
    CONAX_CA: authority.cert,
    BREAKER_FAILURES: '5',
    BREAKER_OPEN_MS: '100',
    BREAKER_MAX_OPEN_MS: '400',
    RETRY_BACKOFF_MIN_MS: '5',
    RETRY_BACKOFF_MAX_MS: '50',
  });
  try {
    const made = await act(careful, nextCustomer(), { action: 'S:BECOME_SUBSCRIBER' });
    await eventually(async () => ((await metric('breaker_open', careful)) === 1 ? true : undefined), 'the breaker');
    const tries = await careful.db.query('select distinct answer, code from attempt');
    expect(tries).toEqual([{ answer: 'not-sent', code: 'CAS_TLS_FAILED' }]);
    expect(await ready(careful)).toMatchObject({ status: 200, cas: expect.stringContaining('breaker') as string });

    await cas.close();
    cas = await startSimulator({ port, tls: makeIdentity('CAS', authority) });
    expect((await outcomeOf(careful, made)).value.outcome).toBe('PROVISIONED');
  } finally {
    await careful.close();
    await cas.close();
  }
});

/** The value of one of the dispatcher's metrics. */
async function metric(name: string, { service } = world): Promise<number | undefined> {
  return (await metricsOf(service)).get(`conax_dispatch_${name}`);
}

/** The status of /health/ready, and the detail of each part. */
async function ready({ service } = world): Promise<Record<string, unknown>> {
  const response = await fetch(`${service.url}/health/ready`);
  const { parts } = (await response.json()) as { parts: { part: string; detail: string }[] };
  return { status: response.status, ...Object.fromEntries(parts.map(({ part, detail }) => [part, detail])) };
}

async function provider(...args: string[]): Promise<string> {
  const { exitCode, stdout, stderr } = await runCli(['provider', ...args], world.env);
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
  return stdout;
}
