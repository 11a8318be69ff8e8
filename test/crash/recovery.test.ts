import { randomInt } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openSurroundings, type Surroundings } from '../support/world.ts';
import { type Instance, startInstance } from './instances.ts';
import { brokenPromises, NOTHING_BROKEN } from './promises.ts';
import { createWorkload, untilSettled, type Workload } from './workload.ts';

const seed = Number(process.env['RECOVERY_SEED'] ?? randomInt(2 ** 31));
const KILLS = Number(process.env['RECOVERY_KILLS'] ?? 2);
/** RECOVERY_SETTINGS=default measures what an installation has that changes nothing. */
const SETTINGS: Record<string, string> =
  process.env['RECOVERY_SETTINGS'] === 'default' ? {} : { CONAX_TIMEOUT_MS: '2000', LEASE_MS: '5000' };

const FEED_EVERY_MS = 300;
const WARM_UP_MS = 3_000;
/** A process starts, connects and joins its group; on a busy machine. */
const START_MS = 5_000;
const RELAY_LEASE_MS = 3_000;
const RELAY_POLL_MS = 500;
const CALL_MARGIN_MS = 250;
const HEARTBEAT_MS_MAX = 500;
const HEARTBEATS = 4;

/** Milliseconds from the kill until the one that was started at once did something again. */
interface Recovery {
  readonly publishing: number;
  readonly sending: number;
  readonly reading: number;
  /** Until the requests that the dead instance held are final. */
  readonly held: number;
  readonly heldRequests: number;
}

describe(`the only instance is killed under load and started again at once (RECOVERY_SEED=${seed})`, () => {
  let world: Surroundings;
  let workload: Workload;
  const recoveries: Recovery[] = [];
  beforeAll(async () => {
    world = await openSurroundings(SETTINGS);
    await world.simulator('PUT', 'settings', { latencyMs: 150 });
    workload = createWorkload(world, { seed, prefix: '01', subscriptions: 100 });
    let instance = startInstance(world.env);
    const feeding = new AbortController();
    const fed = feed(workload, feeding.signal);
    try {
      for (let kill = 0; kill < KILLS; kill += 1) {
        await busy(world);
        await pause(WARM_UP_MS);
        const killedAt = Date.now();
        instance.signal('SIGKILL');
        await instance.ended;
        instance = startInstance(world.env);
        recoveries.push(await recovery(world, killedAt));
      }
    } finally {
      feeding.abort();
      await fed;
    }
    await workload.rest();
    await untilSettled(world, workload.sent, 120_000);
    await ended(instance);
    console.table(recoveries);
  }, 600_000);
  afterAll(() => world.close());

  const { CONAX_TIMEOUT_MS = '10000', LEASE_MS = '30000' } = SETTINGS;
  test('publishing goes on once the lease of the relay has run out', () => {
    for (const { publishing } of recoveries) {
      expect(publishing).toBeLessThan(RELAY_LEASE_MS + RELAY_POLL_MS + START_MS);
    }
  });

  test('sending goes on once no call of the dead instance can be under way any more', () => {
    const share = Number(CONAX_TIMEOUT_MS) + CALL_MARGIN_MS + HEARTBEATS * HEARTBEAT_MS_MAX;
    for (const { sending } of recoveries) expect(sending).toBeLessThan(share + START_MS);
  });

  test('reading goes on once the session of the dead instance has run out', () => {
    for (const { reading } of recoveries) {
      expect(reading).toBeLessThan(world.settings.KAFKA_SESSION_TIMEOUT_MS + START_MS);
    }
  });

  test('what the dead instance held is sent once its leases have run out', () => {
    for (const { held, heldRequests } of recoveries) {
      expect(heldRequests).toBeGreaterThan(0);
      expect(held).toBeLessThan(Number(LEASE_MS) + START_MS);
    }
  });

  test('and every promise is kept', async () => {
    expect(await brokenPromises(world, workload)).toEqual(NOTHING_BROKEN);
  });
});

/** A steady load, also while nobody takes it. */
async function feed(workload: Workload, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    await workload.feed(4);
    await pause(FEED_EVERY_MS, undefined, { signal }).catch(() => {});
  }
}

/** Everything goes its way: requests become final, and outcomes are published. */
async function busy(world: Surroundings): Promise<void> {
  await until(world, `select 1 from request where executed_at > now() - interval '1 second' having count(*) > 5`, []);
  await until(world, `select 1 from outbox where published_at > now() - interval '1 second' having count(*) > 5`, []);
}

async function recovery(world: Surroundings, killedAt: number): Promise<Recovery> {
  const killed = new Date(killedAt);
  const held = await world.db.query<{ number: number }>('select number from work where token is not null');
  // What was on its way through a socket when the process died may still arrive right after.
  const after = new Date(killedAt + 500);
  const numbers = held.map(({ number }) => number);
  const [publishing, sending, reading, all] = await Promise.all([
    until(world, 'select min(published_at) as at from outbox where published_at > $1', [after]),
    until(world, 'select min(started_at) as at from attempt where started_at > $1', [after]),
    until(world, 'select min(received_at) as at from crm_action where received_at > $1', [after]),
    until(
      world,
      `select max(executed_at) as at from request where number = any($1::bigint[])
       having count(*) filter (where life_cycle_state = 'PENDING') = 0`,
      [numbers],
    ),
  ]);
  const sinceKill = (at: Date): number => at.getTime() - killed.getTime();
  return {
    publishing: sinceKill(publishing),
    sending: sinceKill(sending),
    reading: sinceKill(reading),
    held: numbers.length === 0 ? 0 : sinceKill(all),
    heldRequests: numbers.length,
  };
}

/** Waits for a row with a time, or for any row. */
async function until(world: Surroundings, question: string, values: readonly unknown[]): Promise<Date> {
  const end = performance.now() + 90_000;
  for (;;) {
    const [row] = await world.db.query<{ at?: Date | null }>(question, values);
    if (row !== undefined && row.at !== null) return row.at ?? new Date();
    if (performance.now() > end) throw new Error(`Not within 90 s: ${question}`);
    await pause(50);
  }
}

async function ended(instance: Instance): Promise<void> {
  instance.signal('SIGTERM');
  await instance.ended;
}
