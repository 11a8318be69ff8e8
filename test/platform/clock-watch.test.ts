import { Registry } from '@prometheus-io/client';
import { pino } from 'pino';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import {
  CLOCK_IS_TRUSTED,
  type ClockMetrics,
  clockMetrics,
  type ClockWatch,
  type ClockWatchOptions,
  watchClock,
} from '../../src/platform/clock-watch.ts';
import type { Database } from '../../src/platform/database.ts';
import { until } from '../dispatch/support.ts';
import { openTestRequests, type TestRequests } from '../requests/support.ts';
import { clockGoesBack } from '../support/clock.ts';

const HOUR_MS = 3_600_000;

let requests: TestRequests;
let db: Database;
const watches: ClockWatch[] = [];

beforeAll(async () => {
  requests = await openTestRequests();
  db = requests.db;
});
afterAll(() => requests.close());
beforeEach(() => db.query('update clock set seen_at = null'));
afterEach(async () => {
  await Promise.all(watches.splice(0).map((watch) => watch.stop()));
});

interface Watched {
  readonly watch: ClockWatch;
  readonly metrics: ClockMetrics;
  /** Corrections, in their order: how far the clock went back, or 'forward'. */
  readonly corrected: (number | 'forward')[];
  readonly logged: { level: number; msg: string }[];
}

function watched(more: Partial<ClockWatchOptions> = {}): Watched {
  const corrected: (number | 'forward')[] = [];
  const logged: { level: number; msg: string }[] = [];
  const metrics = clockMetrics(new Registry());
  const watch = watchClock({
    db,
    afterBack: [(_tx, ms) => Promise.resolve(void corrected.push(ms))],
    correctRest: () => Promise.resolve({ corrected: 0, left: false }),
    afterForward: [() => Promise.resolve(void corrected.push('forward'))],
    metrics,
    logger: pino({ level: 'info' }, { write: (line: string) => void logged.push(JSON.parse(line)) }),
    everyMs: 20,
    ...more,
  });
  watches.push(watch);
  return { watch, metrics, corrected, logged };
}

async function noted(): Promise<void> {
  await until(
    () =>
      db.query<{ noted: boolean }>(`select seen_at between now() - interval '1 second' and now() as noted from clock`),
    ([row]) => row?.noted === true,
  );
}

/** Resolves once the condition holds. */
const once = async (holds: () => boolean): Promise<void> => void (await until(holds, (held) => held));

const isTrusted = async (): Promise<boolean | undefined> => {
  const [row] = await db.query<{ trusted: boolean }>(`select ${CLOCK_IS_TRUSTED} as trusted`);
  return row?.trusted;
};

/** The database, whose clock showed `behind()` milliseconds less than it does. */
function behindBy(behind: () => number): Database {
  const query: Database['query'] = async <R extends object>(text: string, values?: readonly unknown[]) =>
    (await db.query<R>(text, values)).map((row) => ('at' in row ? { ...row, at: Number(row.at) - behind() } : row));
  return { ...db, query };
}

test('a clock that went back is found, corrected once by that much, logged once, counted and shown', async () => {
  const { watch, metrics, corrected, logged } = watched();
  const second = watched();
  await noted();
  expect(watch.state()).toEqual({ part: 'clock', ready: true, detail: 'runs evenly' });

  await clockGoesBack(db, HOUR_MS);
  await noted();
  await once(() => [watch, second.watch].some((one) => one.state().detail !== 'runs evenly'));
  const all = [...corrected, ...second.corrected];
  expect(all).toHaveLength(1);
  expect(Number(all[0])).toBeGreaterThan(HOUR_MS - 1_000);
  expect(Number(all[0])).toBeLessThanOrEqual(HOUR_MS);

  const finder = corrected.length === 1 ? { watch, metrics, logged } : second;
  expect(finder.watch.state()).toMatchObject({ ready: true });
  expect(finder.watch.state().detail).toMatch(/the database's clock went back by 3(600\.0|599\.\d) s \d+ s ago/);
  const errors = [...logged, ...second.logged].filter(({ level }) => level >= 50);
  expect(errors.map(({ msg }) => msg)).toEqual([expect.stringContaining("the database's clock went back by")]);
  const { values } = await finder.metrics.jumps.get();
  expect(values.filter(({ value }) => value > 0)).toEqual([
    expect.objectContaining({ labels: { clock: 'database', direction: 'back' }, value: 1 }),
  ]);
});

test('while the correction fails the part is not ready and says how far the clock went back; it is tried until it works', async () => {
  let broken = true;
  const corrected: number[] = [];
  const { watch, logged } = watched({
    afterBack: [
      (_tx, ms) => {
        if (broken) return Promise.reject(new Error('disk full'));
        corrected.push(ms);
        return Promise.resolve();
      },
    ],
  });
  await noted();
  await clockGoesBack(db, HOUR_MS);
  await once(() => watch.state().detail.includes('disk full'));
  expect(watch.state()).toMatchObject({ part: 'clock', ready: false });
  expect(watch.state().detail).toMatch(
    /^the database's clock went back by 3(600\.0|599\.\d) s: waits and leases are being/,
  );
  const [{ ahead } = { ahead: false }] = await db.query<{ ahead: boolean }>(
    'select seen_at > now() as ahead from clock',
  );
  expect(ahead).toBe(true);

  broken = false;
  await once(() => watch.state().ready);
  expect(corrected).toHaveLength(1);
  expect(logged.filter(({ level }) => level >= 50)).toHaveLength(1);
});

test('the part is not ready until the rest is corrected too, also on an instance that found no jump, and the note goes on', async () => {
  let left = 0;
  const { watch, corrected } = watched({
    correctRest: () => {
      const batch = Math.min(left, 1);
      left -= batch;
      return Promise.resolve({ corrected: batch, left: left > 0 || batch > 0 });
    },
  });
  await noted();
  left = Infinity;
  await once(() => !watch.state().ready);
  expect(watch.state().detail).toBe("the database's clock went back: waits and leases are being corrected");
  const [before] = await db.query<{ at: string }>('select clock_timestamp()::text as at');
  await until(
    () => db.query<{ later: boolean }>('select seen_at > $1::timestamptz as later from clock', [before?.at]),
    ([row]) => row?.later === true,
  );
  left = 0;
  await once(() => watch.state().ready);
  expect(corrected).toEqual([]);
});

test('an instance that starts after the clock went back finds it by the note of those before it', async () => {
  const before = watched();
  await noted();
  await before.watch.stop();
  await clockGoesBack(db, HOUR_MS);
  const { corrected } = watched();
  await noted();
  expect(corrected).toHaveLength(1);
});

test('a step of less than a second is left alone', async () => {
  const { watch, corrected } = watched();
  await noted();
  await clockGoesBack(db, 700);
  await noted();
  await clockGoesBack(db, -700);
  await noted();
  expect(corrected).toEqual([]);
  expect(watch.state()).toEqual({ part: 'clock', ready: true, detail: 'runs evenly' });
});

test('a clock that went forward is not trusted until every lease has its whole length again', async () => {
  let behind = HOUR_MS;
  let stopped = false;
  const { watch, corrected } = watched({
    db: behindBy(() => behind),
    afterForward: [
      async (tx) => {
        const [row] = await tx.query<{ trusted: boolean }>(`select ${CLOCK_IS_TRUSTED} as trusted`);
        expect(row?.trusted).toBe(false);
        if (stopped) throw new Error('not yet');
        corrected.push('forward');
      },
    ],
  });
  await noted();
  stopped = true;
  await db.transaction(async (tx) => {
    await tx.query('select from clock for update');
    behind = 0;
    await tx.query(`update clock set seen_at = seen_at - interval '1 hour'`);
  });
  await once(() => !watch.state().ready);
  expect(await isTrusted()).toBe(false);
  expect(watch.state().detail).toMatch(/^the database's clock went forward by 3(600\.0|599\.\d) s: /);
  stopped = false;
  await once(() => watch.state().ready);
  expect(corrected).toEqual(['forward']);
  expect(await isTrusted()).toBe(true);
});

test('an old note of instances that are gone is no jump: a newcomer trusts the clock after three seconds', async () => {
  await db.query(`update clock set seen_at = now() - interval '1 hour'`);
  const startedAt = performance.now();
  const { corrected, logged } = watched();
  expect(await isTrusted()).toBe(false);
  await noted();
  expect(performance.now() - startedAt).toBeGreaterThan(2_900);
  expect(await isTrusted()).toBe(true);
  expect(corrected).toEqual([]);
  expect(logged.filter(({ level }) => level >= 50)).toEqual([]);
});

test('an instance that was held up itself takes an old note for what it is, at once', async () => {
  const { corrected } = watched();
  await noted();
  // Its own clock and the database's went on alike; only the note is old.
  await db.query(`update clock set seen_at = now() - interval '1 hour'`);
  await noted();
  expect(corrected).toEqual([]);
});

test("a jump of the process's own clock is logged and counted, and corrects nothing", async () => {
  let ahead = 0;
  const { metrics, corrected, logged } = watched({ processClock: () => performance.now() + ahead });
  await noted();
  ahead = -HOUR_MS;
  await once(() => logged.some(({ level }) => level >= 50));
  expect(logged.filter(({ level }) => level >= 50).map(({ msg }) => msg)).toEqual([
    expect.stringContaining("the process's clock went back by 3600.0 s"),
  ]);
  const { values } = await metrics.jumps.get();
  expect(values.filter(({ value }) => value > 0)).toEqual([
    expect.objectContaining({ labels: { clock: 'process', direction: 'back' }, value: 1 }),
  ]);
  expect(corrected).toEqual([]);
});

test('a database where nobody ever looked is trusted', async () => {
  expect(await isTrusted()).toBe(true);
});
