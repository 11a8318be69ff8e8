import { afterEach, describe, expect, test } from 'vitest';
import { type CrmSubscription, setService } from '../../dev/demo/crm.ts';
import { type Running, startCli } from '../support/cli.ts';
import { cardsOutOfOrder, withoutRepeats } from '../support/order.ts';
import { action, type Action, eventually, household, outcomeOf, send } from '../support/scene.ts';
import { openSurroundings, type Surroundings } from '../support/world.ts';

const closers: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close();
});

/** Surroundings with a CAS that takes its time, so that something is always under way. */
async function open(settings: Readonly<Record<string, string>>, latencyMs: number): Promise<Surroundings> {
  const world = await openSurroundings({ CONAX_MAX_CONCURRENCY: '8', ...settings });
  closers.push(() => world.close());
  await world.simulator('PUT', 'settings', { latencyMs });
  return world;
}

interface Played {
  readonly actions: readonly Action[];
  readonly subscriptions: readonly CrmSubscription[];
}

/** New customers who subscribe, give a service back and take it again: five commands, each with an effect. */
function customers(count: number, prefix: string): Played {
  const subscriptions: CrmSubscription[] = [];
  const rounds: Action[][] = [[], [], []];
  for (let index = 1; index <= count; index += 1) {
    const id = String(index).padStart(4, '0');
    const subscription = household(`S${prefix}${id}`, `34${prefix}${id}`, ['1001', '1002']);
    subscriptions.push(subscription);
    rounds[0]?.push(action(subscription, { action: 'S:BECOME_SUBSCRIBER' }));
    setService(subscription, 'service-1002', 'NOT_EFFECTIVE');
    rounds[1]?.push(action(subscription, { action: 'V:STOP_SERVICE', outgoingServices: ['service-1002'] }));
    setService(subscription, 'service-1002', 'EFFECTIVE');
    rounds[2]?.push(action(subscription, { action: 'V:START_SERVICE', incomingServices: ['service-1002'] }));
  }
  return { subscriptions, actions: rounds.flat() };
}

const COMMANDS_EACH = 5;
const deliver = (world: Surroundings, { actions }: Played): Promise<void> =>
  send(
    world,
    actions.flatMap(({ events }) => events),
  );

/** Every action was provisioned, the CRM was told of each once, and the CAS has what the CRM has. */
async function expectAllDone(world: Surroundings, { actions, subscriptions }: Played): Promise<void> {
  for (const made of actions) expect((await outcomeOf(world, made)).value.outcome).toBe('PROVISIONED');
  const cards = await world.simulator<{ smartcard: string; entitlements: string[]; pairing: unknown }[]>(
    'GET',
    'cards',
  );
  expect(cards).toHaveLength(subscriptions.length);
  for (const { smartcard, entitlements, pairing } of cards) {
    expect(entitlements).toEqual(['1001', '1002']);
    expect(pairing).toEqual({ smartcards: [smartcard], setTopBoxes: [`STB-${smartcard}`] });
  }
  const { inFlightMax } = await world.simulator<{ inFlightMax: number }>('GET', 'stats');
  expect(inFlightMax).toBeLessThanOrEqual(world.settings.CONAX_MAX_CONCURRENCY);
  const [left] = await world.db.query<{ work: number; lanes: number; outbox: number }>(`
    select (select count(*) from work) as work, (select count(*) from lane) as lanes,
      (select count(*) from outbox where published_at is null) as outbox`);
  expect(left).toEqual({ work: 0, lanes: 0, outbox: 0 });
  const told = new Map(
    world.wire.arrivals.actionOutcomes.map(({ headers, value }) => [headers['ce_id'], value.actionId] as const),
  );
  expect([...told.values()].toSorted()).toEqual(actions.map(({ id }) => id).toSorted());
}

/** Not one call too many, and per card those of its requests in their order. */
async function expectEachSentOnce(world: Surroundings, { subscriptions }: Played): Promise<void> {
  const journal = await world.journal();
  expect(journal).toHaveLength(subscriptions.length * COMMANDS_EACH);
  expect(await cardsOutOfOrder(world, journal)).toEqual([]);
}

const callsSoFar = (world: Surroundings, count: number): Promise<true> =>
  eventually(async () => ((await world.journal()).length >= count ? true : undefined), `${count} calls`, 40_000);

describe('two instances', () => {
  test('share the work, keep the order of every card, and send nothing twice', async () => {
    const world = await open({}, 10);
    await Promise.all([world.startService(), world.startService()]);
    await eventually(async () => {
      const shares = await world.db.query<{ slots: number }>('select slots from dispatcher_instance');
      return shares.length === 2 && shares.every(({ slots }) => slots === 4) ? true : undefined;
    }, 'half of the calls for each');
    const all = customers(60, '01001');
    await deliver(world, all);
    await expectAllDone(world, all);
    await expectEachSentOnce(world, all);
    const shares = await world.db.query<{ calls: number }>('select count(*) as calls from attempt group by instance');
    expect(shares).toHaveLength(2);
    for (const { calls } of shares) expect(calls).toBeGreaterThan((all.actions.length * COMMANDS_EACH) / 3 / 4);
  });
});

describe('an instance that is told to stop in the middle of its work', () => {
  test('ends what it has begun, gives the rest back, and leaves nothing behind for the next one to wait for', async () => {
    const world = await open({ LEASE_MS: '60000' }, 30);
    const first = await world.startService();
    const all = customers(40, '01002');
    await deliver(world, all);
    await callsSoFar(world, 60);
    await first.stop();
    const sent = (await world.journal()).length;
    expect(sent).toBeLessThan(40 * COMMANDS_EACH);
    const [left] = await world.db.query<Record<string, number>>(`
      select (select count(*) from work where token is not null) as leased,
        (select count(*) from dispatcher_instance) as shares,
        (select count(*) from attempt) as attempts,
        (select count(*) from pg_stat_activity
          where datname = current_database() and application_name like 'conax-provisioning%') as connections`);
    expect(left).toEqual({ leased: 0, shares: 0, attempts: sent, connections: 0 });

    await world.startService();
    await expectAllDone(world, all);
    await expectEachSentOnce(world, all);
  });
});

describe('an instance that is killed in the middle of its work', () => {
  test('loses nothing: after a restart every outcome arrives, and every card saw its commands in order, each in effect once', async () => {
    const world = await open({ CONAX_TIMEOUT_MS: '400', LEASE_MS: '1500' }, 30);
    const all = customers(60, '01003');
    const half = all.actions.length / 2;
    const first = await serving(world);
    await deliver(world, { ...all, actions: all.actions.slice(0, half) });
    await callsSoFar(world, 60);
    first.signal('SIGKILL');
    await deliver(world, { ...all, actions: all.actions.slice(half) });
    expect((await first.ended).signal).toBe('SIGKILL');
    const [held] = await world.db.query<{ leases: number }>(
      'select count(*) as leases from work where token is not null',
    );
    expect(held?.leases).toBeGreaterThan(0);

    const second = await serving(world);
    await callsSoFar(world, 120);
    second.signal('SIGKILL');
    await second.ended;

    const third = await serving(world);
    await expectAllDone(world, all);
    const journal = await world.journal();
    expect(
      await cardsOutOfOrder(
        world,
        journal.filter(({ effect }) => effect),
      ),
    ).toEqual([]);
    expect(await cardsOutOfOrder(world, withoutRepeats(journal))).toEqual([]);
    third.signal('SIGTERM');
    expect(await third.ended).toMatchObject({ exitCode: 0, stderr: '' });
  }, 120_000);
});

describe('the consumer group, with a session time-out of a minute', () => {
  test('gives the partitions of a killed instance to the others at once, and has one back that only lost its session with the database', async () => {
    const world = await open({ KAFKA_SESSION_TIMEOUT_MS: '60000' }, 0);
    const members = (count: number): Promise<string[]> =>
      eventually(async () => {
        const rows = await world.db.query<{ id: string }>('select member_id as id from intake_member');
        return rows.length === count ? rows.map(({ id }) => id) : undefined;
      }, `${count} members`);
    const victim = await serving(world);
    const [killed = ''] = await members(1);
    await Promise.all([world.startService(), world.startService()]);
    await members(3);
    victim.signal('SIGKILL');
    await victim.ended;
    const after = customers(30, '01004');
    await deliver(world, after);
    const left = await eventually(async () => {
      const rows = await members(2);
      return rows.includes(killed) ? undefined : rows;
    }, 'the dead one is removed');
    await expectAllDone(world, after);

    // So often that it cannot open another session, and two looks of the other one find nobody.
    const [cut] = left;
    const cutting = setInterval(() => {
      void world.db.query(
        `select pg_terminate_backend(l.pid) from pg_locks l
          where l.locktype = 'advisory'
            and (l.classid::bigint << 32 | l.objid::bigint) = hashtextextended('intake_member ' || $1::text, 0)`,
        [cut],
      );
    }, 100);
    try {
      await eventually(async () => {
        const rows = await world.db.query('select 1 from intake_member where member_id = $1', [cut]);
        return rows.length === 0 ? true : undefined;
      }, 'it is taken for dead');
    } finally {
      clearInterval(cutting);
    }
    await eventually(async () => ((await members(2)).includes(cut ?? '') ? undefined : true), 'it joined again');
    const more = customers(30, '01005');
    await deliver(world, more);
    for (const made of more.actions) expect((await outcomeOf(world, made)).value.outcome).toBe('PROVISIONED');
  }, 120_000);
});

/** A service in a process of its own that has its settings from the environment, as in production. */
async function serving(world: Surroundings): Promise<Running> {
  const process = startCli(['serve'], { ...world.env, LOG_LEVEL: 'info' });
  closers.push(async () => {
    process.signal('SIGKILL');
    await process.ended;
  });
  await process.line(/HTTP server listens/);
  return process;
}
