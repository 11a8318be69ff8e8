import { randomInt, randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { BACKFILLS } from '../../migrations/follow-ups/backfills.ts';
import { kindOf } from '../../src/features/runs/kinds.ts';
import { createRun } from '../../src/features/runs/store.ts';
import { planningRulesOf } from '../../src/settings.ts';
import { addUser } from '../../src/users/changes.ts';
import { type Ran, runCli, startCli } from '../support/cli.ts';
import { randomFrom } from '../support/random.ts';
import { eventually } from '../support/scene.ts';
import { openSurroundings, type Surroundings } from '../support/world.ts';
import { BASE, CREATE, json, LIST, OPERATIONS, ORGANISATION, PASSWORD } from '../web-api/support.ts';
import { type Fleet, type Member, openFleet } from './fleet.ts';
import { type Broken, brokenPromises, NOTHING_BROKEN } from './promises.ts';
import { PREVIOUS_RELEASE, type Release, unpackRelease } from './release.ts';
import { createWorkload, untilSettled, type Workload } from './workload.ts';

const seed = Number(process.env['UPGRADE_SEED'] ?? randomInt(2 ** 31));
/** CRM events a second. */
const RATE = Number(process.env['UPGRADE_RATE'] ?? 100);
const FEED_EVERY_MS = 500;
const CALL_EVERY_MS = 100;
/** How long the fleet stays as it is between two changes, on average. */
const STAGE_MS = Number(process.env['UPGRADE_STAGE_MS'] ?? 3_000);
const INSTANCES = 2;
const CONCURRENCY = 12;
/** The rate is more than a busy machine works off, so what is left at the end may take minutes. */
const SETTLE_MS = 300_000;

const SETTINGS = {
  KAFKA_SESSION_TIMEOUT_MS: '2000',
  CONAX_TIMEOUT_MS: '2000',
  LEASE_MS: '10000',
  CONAX_MAX_CONCURRENCY: String(CONCURRENCY),
  RETRY_BACKOFF_MIN_MS: '50',
  RETRY_BACKOFF_MAX_MS: '500',
  ACTION_FACET_WAIT_MS: '800',
};
const BACKFILL_NAMES = BACKFILLS.map(({ name }) => name);

/** What the instances left behind at the end of one way. */
interface Result {
  readonly broken: Broken;
  /** SOAP calls that no attempt records. */
  readonly unrecorded: number;
  readonly kills: number;
  /** Calls that were accepted or not answered, whose card has another number of requests than they should. */
  readonly wrongCalls: readonly string[];
}

describe(`a rolling upgrade from ${PREVIOUS_RELEASE.slice(0, 7)} under ${RATE} events/s with kills, and the way back (UPGRADE_SEED=${seed})`, () => {
  const random = randomFrom(seed);
  /** The cards of the calls that were made; true: accepted. */
  const calls = new Map<string, boolean>();
  let release: Release;
  let world: Surroundings;
  let fleet: Fleet;
  let workload: Workload;
  let token: string;
  let migrated: { readonly first: Ran; readonly last: Ran; readonly after: unknown };
  let forth: Result;
  let back: Result;

  beforeAll(async () => {
    release = await unpackRelease();
    world = await openSurroundings(SETTINGS, (env) => release.command(['migrate'], env));
    const processes = {
      old: `${release.directory}/test/crash/service-process.ts`,
      new: fileURLToPath(new URL('service-process.ts', import.meta.url)),
    };
    fleet = openFleet(world.env, processes, randomFrom(seed + 1));
    // So many subscriptions that ten sets of histories suffice: with an eleventh, a CA id would have a digit too many.
    workload = createWorkload(world, { seed, prefix: '05', subscriptions: 200 });
    await Promise.all(Array.from({ length: INSTANCES }, () => fleet.start('old')));
    await logIn();

    await underLoad(async () => {
      await stage();
      const first = await killedMigrate();
      await replaceAll('new');
      migrated = { first, last: await runCli(['migrate'], { ...world.env, LOG_LEVEL: 'info' }), after: await schema() };
    });
    forth = await result();
    await underLoad(async () => {
      await release.command(['migrate'], world.env);
      await replaceAll('old');
    });
    back = await result();
    console.log(
      `${workload.sent.size} events; killed ${JSON.stringify(fleet.kills)}, stopped ${fleet.stops.length}; calls answered ${JSON.stringify(fleet.answered)}, ${fleet.failures.length} repeated`,
    );
  }, 1_200_000);
  afterAll(async () => {
    for (const { instance } of fleet?.members ?? []) instance.signal('SIGKILL');
    await Promise.all((fleet?.members ?? []).map(({ instance }) => instance.ended));
    await world?.close();
    await release?.remove();
  });

  test.each(['forth', 'back'] as const)(
    'on the way %s every promise is kept: nothing is lost, late, or out of order',
    (way) => {
      expect(resultOf(way).broken).toEqual(NOTHING_BROKEN);
    },
  );

  test.each(['forth', 'back'] as const)(
    'on the way %s nothing is sent twice but what an instance left open when it was killed',
    (way) => {
      const { unrecorded, kills } = resultOf(way);
      expect(kills).toBeGreaterThan(0);
      expect(unrecorded).toBeGreaterThanOrEqual(0);
      expect(unrecorded).toBeLessThanOrEqual(kills * 2 * CONCURRENCY);
    },
  );

  test.each(['forth', 'back'] as const)('on the way %s each call makes its request once, repeated or not', (way) => {
    expect(resultOf(way).wrongCalls).toEqual([]);
  });

  test('both versions answered, and no call got an error but from an instance that was killed', () => {
    expect(Math.min(fleet.answered.old, fleet.answered.new)).toBeGreaterThan(20);
    expect(fleet.failures.filter(({ killed }) => !killed)).toEqual([]);
    expect(fleet.failures.filter(({ problem }) => /^\d/.test(problem))).toEqual([]);
  });

  test('instances of both versions were killed, and those that were told to stop ended by themselves', () => {
    expect(Math.min(fleet.kills.old, fleet.kills.new)).toBeGreaterThan(0);
    expect(fleet.stops.filter(({ code }) => code !== 0)).toEqual([]);
  });

  test('"migrate" puts its backfills off while the old instances run, and does them once they have stopped', () => {
    const lines = ({ stdout }: Ran) =>
      stdout
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => JSON.parse(line) as object);
    expect(migrated.first.exitCode).toBe(0);
    expect(lines(migrated.first)).toContainEqual(expect.objectContaining({ level: 'warn', putOff: BACKFILL_NAMES }));
    expect(migrated.last.exitCode).toBe(0);
    expect(lines(migrated.last)).not.toContainEqual(expect.objectContaining({ level: 'warn' }));
    expect(lines(migrated.last)).toContainEqual(expect.objectContaining({ step: `fills in ${BACKFILL_NAMES[0]}` }));
  });

  test('the old "migrate" changed nothing in the new tables', async () => {
    expect(await schema()).toEqual(migrated.after);
  });

  test('an old instance does not take a selection that it does not know for everybody', async () => {
    const selection = { refused_with: 'SOAP_FAULT', refused_since: '2026-01-01T00:00:00.000Z' };
    const run = { kind: kindOf('RESYNC'), parameters: {}, selection, hold: true, by: { user: 'test', unit: null } };
    const id = await world.db.transaction((tx) => createRun(tx, run, { rules: planningRulesOf(world.settings) }));
    const state = await eventually(async () => {
      const [found] = await world.db.query<{ state: string }>('select state from run where id = $1', [id]);
      return found?.state === 'PREPARING' ? undefined : found?.state;
    }, 'the end of what the old instances do for the run');
    expect(state).toBe('FAILED');
    expect(await world.db.query('select from run_target where run_id = $1', [id])).toEqual([]);
  });

  function resultOf(way: 'forth' | 'back'): Result {
    return way === 'forth' ? forth : back;
  }

  async function logIn(): Promise<void> {
    const user = { username: 'agent', role: 'operator', organisation: ORGANISATION, unit: null } as const;
    await addUser(world.db, { ...user, password: PASSWORD, by: 'test' });
    const credentials = { username: 'agent', password: PASSWORD, organisation: ORGANISATION };
    const { data } = await fleet.call(`${BASE}/authentication/token`, json(credentials));
    token = (data as { token: string }).token;
  }

  /** Does the work while events come at the rate and people make calls. */
  async function underLoad(work: () => Promise<void>): Promise<void> {
    const load = new AbortController();
    const loading = Promise.all([feed(load.signal), callOften(load.signal)]);
    try {
      await Promise.race([work(), loading]);
    } finally {
      load.abort();
      await loading;
    }
  }

  async function feed(signal: AbortSignal): Promise<void> {
    const startedAt = performance.now();
    for (let fed = 0; !signal.aborted;) {
      const due = Math.floor(((performance.now() - startedAt) / 1000) * RATE) - fed;
      if (due > 0) await workload.feed(due);
      fed += due;
      await pause(FEED_EVERY_MS);
    }
  }

  /** Makes requests by both APIs, each for a card of its own, and reads. A call without an answer is repeated unchanged. */
  async function callOften(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const number = calls.size;
      const card = `9806${String(number).padStart(7, '0')}`;
      const pairing = { token, smartcard_set: [{ smartcard_ca_id: card }], stb_set: [{ stb_ca_id: `STB-${card}` }] };
      const message = { type: 'MAIL', message: `call ${number}`, smartcard_ca_ids: [card] };
      const headers = { 'idempotency-key': randomUUID(), authorization: `Bearer ${token}` };
      calls.set(card, false);
      await (number % 2 === 0
        ? fleet.call(
            `${BASE}${CREATE}/create_pairing`,
            json(pairing, { 'idempotency-key': headers['idempotency-key'] }),
          )
        : fleet.call(`${OPERATIONS}/utilities/messages`, json(message, headers)));
      calls.set(card, true);
      await fleet.call(
        `${BASE}${LIST}?${new URLSearchParams({ token, type: 'CREATE_PAIRING', number_of_results: '5' }).toString()}`,
      );
      await pause(CALL_EVERY_MS);
    }
  }

  function stage(): Promise<void> {
    return pause(STAGE_MS / 2 + random.int(STAGE_MS));
  }

  /** Kills "migrate" once, anywhere, and runs it again. */
  async function killedMigrate(): Promise<Ran> {
    const env = { ...world.env, LOG_LEVEL: 'info' };
    const killed = startCli(['migrate'], env);
    await pause(500 + random.int(1_500));
    killed.signal('SIGKILL');
    await killed.ended;
    return runCli(['migrate'], env);
  }

  /** One by one: starts an instance of the version and ends one of the other. Between, instances are killed and replaced. */
  async function replaceAll(version: Member['version']): Promise<void> {
    for (let left = INSTANCES; left > 0; left -= 1) {
      await fleet.start(version);
      await stage();
      await killOne(left === INSTANCES ? version : undefined);
      const leaving = fleet.members.find((member) => member.version !== version);
      if (leaving === undefined) throw new Error(`Nobody is left to be replaced by the ${version} version`);
      await (random.chance(0.5) ? fleet.stop(leaving) : fleet.kill(leaving));
      await stage();
    }
    await killOne();
    await stage();
  }

  /** Kills an instance, of the version if one is given, and starts another of the same version. */
  async function killOne(version?: Member['version']): Promise<void> {
    const victim = random.pick(fleet.members.filter((member) => version === undefined || member.version === version));
    await fleet.kill(victim);
    await fleet.start(victim.version);
  }

  async function result(): Promise<Result> {
    await workload.rest();
    await untilSettled(world, workload.sent, SETTLE_MS);
    const [{ attempts } = { attempts: 0 }] = await world.db.query<{ attempts: number }>(
      `select count(*) as attempts from attempt where answer <> 'not-sent'`,
    );
    const { calls: sent } = await world.simulator<{ calls: number }>('GET', 'stats');
    return {
      broken: await brokenPromises(world, workload),
      unrecorded: sent - attempts,
      kills: fleet.kills.old + fleet.kills.new,
      wrongCalls: await wrongCalls(),
    };
  }

  async function wrongCalls(): Promise<string[]> {
    const rows = await world.db.query<{ card: string; times: number }>(
      `select cards[1] as card, count(*) as times from request where cards[1] like '9806%' group by 1`,
    );
    const times = new Map(rows.map((row) => [row.card, row.times]));
    return [...calls].flatMap(([card, accepted]) => {
      const made = times.get(card) ?? 0;
      return made > 1 || (accepted && made !== 1) ? [`${card}: ${made} requests, accepted: ${accepted}`] : [];
    });
  }

  /** All columns, indexes and migrations. */
  function schema(): Promise<unknown> {
    return world.db.query(`
      select 'column' as kind, table_name || '.' || column_name || ' ' || data_type as what from information_schema.columns where table_schema = 'public'
      union all select 'index', indexdef from pg_indexes where schemaname = 'public'
      union all select 'migration', name from knex_migrations order by 1, 2`);
  }
});
