import { randomInt } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { randomFrom } from '../support/random.ts';
import { openSurroundings, type Surroundings } from '../support/world.ts';
import type { Call } from './card-order.ts';
import { type Ended, type Instance, startInstance } from './instances.ts';
import { brokenPromises, NOTHING_BROKEN } from './promises.ts';
import { createWorkload, untilSettled, type Workload } from './workload.ts';

const seed = Number(process.env['INSTANCES_SEED'] ?? randomInt(2 ** 31));
const LOAD_MS = Number(process.env['INSTANCES_MS'] ?? 25_000);
const INSTANCES = 3;
const CONCURRENCY = 12;
const RATE = 120;
/** What the service makes of RATE: a tenth of a second's calls. */
const BURST = RATE / 10;
/** A call is counted when the simulator reads it, and that may stand still for so long. */
const STANDSTILL_MS = 500;
/** More than there is time for, so that all work at the limits. */
const BACKLOG_EVENTS = 1_000;
/** Time between one stop and the next. */
const BETWEEN_MS = 1_500;

const SETTINGS = {
  KAFKA_SESSION_TIMEOUT_MS: '2000',
  CONAX_TIMEOUT_MS: '2000',
  LEASE_MS: '10000',
  CONAX_MAX_CONCURRENCY: String(CONCURRENCY),
  CONAX_MAX_REQUESTS_PER_SECOND: String(RATE),
  RETRY_BACKOFF_MIN_MS: '50',
  RETRY_BACKOFF_MAX_MS: '500',
  ACTION_FACET_WAIT_MS: '800',
};

/** What became of the instances while they were under load. */
interface Course {
  readonly kills: number;
  readonly stops: readonly Ended[];
}

describe(`${INSTANCES} instances, killed and stopped at random under load (INSTANCES_SEED=${seed})`, () => {
  let world: Surroundings;
  let workload: Workload;
  let course: Course;
  beforeAll(async () => {
    world = await openSurroundings(SETTINGS);
    await world.simulator('PUT', 'settings', { latencyMs: 60 });
    workload = createWorkload(world, { seed, prefix: '01', subscriptions: 150 });
    course = await live();
    console.log(
      `${course.kills} killed, ${course.stops.length} stopped; ${(await world.simulator<{ calls: number }>('GET', 'stats')).calls} SOAP calls`,
    );
  }, 300_000);
  afterAll(() => world.close());

  test('they keep every promise that one instance keeps', async () => {
    expect(await brokenPromises(world, workload)).toEqual(NOTHING_BROKEN);
  });

  test('an instance that is told to stop ends by itself', () => {
    expect(course.stops.length).toBeGreaterThan(0);
    // Without a line it had not run any of our code yet, and the signal ended Node itself.
    expect(course.stops.filter(({ code, log }) => code !== 0 && log !== '')).toEqual([]);
  });

  test('nothing is sent twice but what an instance left open when it was killed', async () => {
    const [{ attempts } = { attempts: 0 }] = await world.db.query<{ attempts: number }>(
      `select count(*) as attempts from attempt where answer <> 'not-sent'`,
    );
    const { calls } = await world.simulator<{ calls: number }>('GET', 'stats');
    expect(course.kills).toBeGreaterThan(0);
    // Of each killed instance at most what it had under way and what it had not written down yet.
    expect(calls - attempts).toBeGreaterThanOrEqual(0);
    expect(calls - attempts).toBeLessThanOrEqual(course.kills * 2 * CONCURRENCY);
  });

  test('all together they keep to the concurrency', async () => {
    const { inFlightMax } = await world.simulator<{ inFlightMax: number }>('GET', 'stats');
    expect(inFlightMax).toBeGreaterThan(CONCURRENCY / 2);
    expect(inFlightMax).toBeLessThanOrEqual(CONCURRENCY);
  });

  test('all together they keep to the rate, in any window', async () => {
    const { entries } = await world.simulator<{ entries: Call[] }>('GET', 'journal?after=0');
    const times = entries.map(({ at }) => Date.parse(at));
    const most = mostAboveRate(times);
    expect(times.length / RATE).toBeGreaterThan(3);
    expect(most).toBeLessThanOrEqual(BURST + (RATE * STANDSTILL_MS) / 1000);
  });

  test('the work is shared', async () => {
    const shares = await world.db.query<{ calls: number }>(
      'select count(*) as calls from attempt group by instance order by 1 desc',
    );
    const all = shares.reduce((sum, { calls }) => sum + calls, 0);
    expect(shares.length).toBeGreaterThan(INSTANCES);
    expect(shares[0]?.calls).toBeLessThan(all * 0.6);
  });

  /** Load on instances that come and go, then an end to both and to everything that follows from the load. */
  async function live(): Promise<Course> {
    const random = randomFrom(seed);
    const instances: Instance[] = Array.from({ length: INSTANCES }, () => startInstance(world.env));
    const stops: Promise<Ended>[] = [];
    const startedAt = performance.now();
    let kills = 0;
    try {
      await workload.feed(BACKLOG_EVENTS);
      while (performance.now() - startedAt < LOAD_MS) {
        for (let times = 0; times < 4; times += 1) await workload.feed(10);
        await pause(random.int(2 * BETWEEN_MS));
        const [victim] = instances.splice(random.int(instances.length), 1, startInstance(world.env));
        if (victim === undefined) continue;
        if (random.chance(0.5)) {
          victim.signal('SIGKILL');
          kills += 1;
        } else {
          victim.signal('SIGTERM');
          stops.push(victim.ended);
        }
      }
      await workload.rest();
      await untilSettled(world, workload.sent, 120_000);
    } finally {
      for (const instance of instances) instance.signal('SIGTERM');
      stops.push(...instances.map(({ ended }) => ended));
    }
    return { kills, stops: await Promise.all(stops) };
  }
});

/**
 * By how much the calls of any window exceed what the rate gives for its time: the largest sum of calls minus rate times
 * time, over all windows, in one pass.
 */
function mostAboveRate(times: readonly number[]): number {
  let above = 0;
  let most = 0;
  let before = times[0] ?? 0;
  for (const time of times) {
    above = Math.max(0, above - ((time - before) / 1000) * RATE) + 1;
    most = Math.max(most, above);
    before = time;
  }
  return most;
}
