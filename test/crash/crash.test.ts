import { randomInt } from 'node:crypto';
import { availableParallelism } from 'node:os';
import { setTimeout as pause } from 'node:timers/promises';
import { Kafka, logLevel } from '../../src/platform/kafkajs/index.ts';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { FAULT_POINTS, type FaultPoint } from '../../src/platform/fault-points.ts';
import { audit } from '../requests/support.ts';
import { type Random, randomFrom } from '../support/random.ts';
import { openSurroundings, type Surroundings } from '../support/world.ts';
import { type Instance, startInstance } from './instances.ts';
import { acknowledgedAndNotStored, type Broken, brokenPromises, NOTHING_BROKEN } from './promises.ts';
import { createWorkload, OUTCOME_BYTES_MAX, untilSettled, type Workload } from './workload.ts';

/** A CRASH_SEED repeats the choices of a run (not its timing). CRASH_POINTS=text: only the points with that text. */
const seed = Number(process.env['CRASH_SEED'] ?? randomInt(2 ** 31));
const KILLS = Number(process.env['CRASH_KILLS'] ?? 10);
/** Services that live and die at once. More than there are cores only wait for each other. */
const WORLDS = Number(process.env['CRASH_WORLDS'] ?? availableParallelism());
/** Events do not lead to retention: test/features/retention/crash.test.ts stops it at its own points. */
const points = FAULT_POINTS.filter(
  (point) => !point.startsWith('retention:') && point.includes(process.env['CRASH_POINTS'] ?? ''),
);

const EVENTS_A_LIFE = 8;
/** More to do while the point is not reached. */
const FEED_AGAIN_MS = 1_500;
const LIFE_MS = 60_000;
/** For all kills; a life takes two to six seconds, depending on the machine. */
const DYING_MS = 1_800_000;
const SETTLE_MS = 300_000;

/** Everything that waits for a process that died waits briefly. */
const SETTINGS = {
  KAFKA_SESSION_TIMEOUT_MS: '1500',
  CONAX_TIMEOUT_MS: '400',
  LEASE_MS: '1500',
  CONAX_MAX_CONCURRENCY: '8',
  CONAX_MAX_REQUESTS_PER_SECOND: '5000',
  RETRY_BACKOFF_MIN_MS: '50',
  RETRY_BACKOFF_MAX_MS: '500',
  BREAKER_FAILURES: '1000',
  ACTION_FACET_WAIT_MS: '800',
  SHUTDOWN_TIMEOUT_MS: '10000',
};

/** Up to which pass the process may live; one by default. Often reached places are passed more often. */
const PASSES: Partial<Record<FaultPoint, number>> = {
  'intake: before commit': 3,
  'intake: after commit': 3,
  'intake: after offsets': 3,
  'dispatch: after claim': 4,
  'dispatch: before mark': 2,
  'dispatch: after mark': 2,
  'dispatch: before send': 15,
  'dispatch: after send': 15,
  'settle: before commit': 6,
  'settle: after commit': 6,
  'share: before commit': 4,
  'share: after commit': 4,
  'relay: before publish': 4,
  'relay: after publish': 4,
  'relay: after marking': 4,
};

interface Ground {
  readonly world: Surroundings;
  readonly workload: Workload;
  broken: Broken | null;
}

describe(`a service that is killed again and again (CRASH_SEED=${seed})`, () => {
  const killed = new Map<FaultPoint, number>(points.map((point) => [point, 0]));
  const underWay = new Map<FaultPoint, number>();
  let grounds: Ground[] = [];
  const unstored: string[] = [];
  const outOfTurn: string[] = [];
  beforeAll(async () => {
    grounds = await Promise.all(Array.from({ length: WORLDS }, (_, index) => openGround(index)));
  });
  afterAll(() => Promise.all(grounds.map(({ world }) => world.close())));

  test(
    `dies ${KILLS} times at each of ${points.length} points, starts again, and gets everything done`,
    async () => {
      const startedAt = performance.now();
      const until = startedAt + DYING_MS;
      await Promise.all(grounds.map((ground, index) => liveAndDie(ground, randomFrom(seed + index), until)));
      const diedMs = performance.now() - startedAt;
      await Promise.all(grounds.map(settle));
      const [kills, calls] = [sum(killed.values()), sum(await Promise.all(grounds.map(callsOf)))];
      console.log(
        `${kills} kills in ${Math.round(diedMs / 1000)} s, settled and checked after ${Math.round((performance.now() - startedAt) / 1000)} s; ${calls} SOAP calls`,
      );
      expect(Object.fromEntries([...killed].filter(([, times]) => times < KILLS))).toEqual({});
    },
    DYING_MS + SETTLE_MS + 60_000,
  );

  test('Kafka was never told of an event that was not stored', () => {
    expect(unstored).toEqual([]);
  });

  test('after every kill exactly those requests could be claimed whose turn it was', () => {
    expect(outOfTurn).toEqual([]);
  });

  const promises = {
    events: 'no event was lost or decided twice',
    offsets: 'everything was acknowledged in the end',
    requests: 'every request is final and none was planned twice',
    answers: 'what is COMPLETED ends with an answer that could be read',
    requestOutcomes: 'the outcome of every request came out of Kafka, under one ce_id',
    actionOutcomes: 'the outcome of every action came out of Kafka',
    entitlements: 'the CAS has the entitlements of the last snapshots',
    pairings: 'the CAS has every card paired with the STBs of its group',
    screens: 'no message and no fingerprint was shown twice',
    order: 'every card saw its commands in their order, repeated only in their own turn',
    leftovers: 'nothing is left behind',
  } as const satisfies Record<keyof Broken, string>;
  test.each(Object.entries(promises))('%s: %s', (promise) => {
    for (const { broken } of grounds) {
      expect(broken?.[promise as keyof Broken]).toEqual(NOTHING_BROKEN[promise as keyof Broken]);
    }
  });

  /**
   * Lives of one service, one after the other, until every point had its share; or until the time is over: then the
   * test names the points that are short of theirs, once everything else was checked.
   */
  async function liveAndDie(ground: Ground, random: Random, until: number): Promise<void> {
    for (let point = nextPoint(random); point !== undefined; point = nextPoint(random)) {
      if (performance.now() > until) return;
      count(underWay, point, 1);
      await liveUntil(ground, point, 1 + random.int(PASSES[point] ?? 1));
      count(underWay, point, -1);
      count(killed, point, 1);
      unstored.push(...(await acknowledgedAndNotStored(ground.world)));
      outOfTurn.push(...(await audit(ground.world.db)).map((problem) => `after "${point}": ${problem}`));
    }
  }

  /** The point that is furthest from its number of kills; none when all have theirs or will. */
  function nextPoint(random: Random): FaultPoint | undefined {
    const times = (point: FaultPoint): number => (killed.get(point) ?? 0) + (underWay.get(point) ?? 0);
    const least = Math.min(...points.map(times));
    return least >= KILLS ? undefined : random.pick(points.filter((point) => times(point) === least));
  }
});

async function openGround(index: number): Promise<Ground> {
  const world = await openSurroundings(SETTINGS);
  const kafka = new Kafka({ brokers: [...world.settings.KAFKA_BROKERS], logLevel: logLevel.NOTHING });
  const admin = kafka.admin();
  await admin.connect();
  const limit = { name: 'max.message.bytes', value: String(OUTCOME_BYTES_MAX) };
  await admin.alterConfigs({
    validateOnly: false,
    resources: [{ type: 2, name: world.settings.OUTCOME_TOPIC, configEntries: [limit] }],
  });
  await admin.disconnect();
  await world.simulator('PUT', 'settings', { latencyMs: 5 });
  const prefix = String(index + 1).padStart(2, '0');
  const workload = createWorkload(world, { seed: seed + index, prefix, subscriptions: 20, faults: true });
  return { world, workload, broken: null };
}

/** Starts the service and gives it work until it has killed itself at the point. */
async function liveUntil({ world, workload }: Ground, point: FaultPoint, pass: number): Promise<void> {
  await workload.feed(EVENTS_A_LIFE);
  const instance = startInstance(world.env, { stop: { point, pass } });
  const until = performance.now() + LIFE_MS;
  while (!(await endsWithin(instance, FEED_AGAIN_MS))) {
    if (performance.now() > until) {
      instance.signal('SIGKILL');
      throw new Error(`Pass ${pass} of "${point}" was not reached within ${LIFE_MS} ms`);
    }
    await workload.feed(2);
  }
  const { code, signal, log } = await instance.ended;
  if (signal !== 'SIGKILL')
    throw new Error(`On the way to "${point}" the service ended with ${code ?? signal}: ${log}`);
}

function endsWithin(instance: Instance, ms: number): Promise<boolean> {
  return Promise.race([instance.ended.then(() => true), pause(ms, false)]);
}

/** One more life without an end, until everything is done; then it is told to stop. */
async function settle(ground: Ground): Promise<void> {
  const { world, workload } = ground;
  await workload.rest();
  const instance = startInstance(world.env);
  try {
    await Promise.race([
      untilSettled(world, workload.sent, SETTLE_MS),
      instance.ended.then(({ log }) => Promise.reject(new Error(`The service ended by itself: ${log}`))),
    ]);
  } finally {
    instance.signal('SIGTERM');
  }
  expect(await instance.ended).toMatchObject({ code: 0, signal: null });
  ground.broken = await brokenPromises(world, workload);
}

async function callsOf({ world }: Ground): Promise<number> {
  return (await world.simulator<{ calls: number }>('GET', 'stats')).calls;
}

function count<T>(counts: Map<T, number>, key: T, by: number): void {
  counts.set(key, (counts.get(key) ?? 0) + by);
}

function sum(numbers: Iterable<number>): number {
  return [...numbers].reduce((total, number) => total + number, 0);
}
