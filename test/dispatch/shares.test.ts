import fc from 'fast-check';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { randomUUID } from 'node:crypto';
import { createBucket } from '../../src/dispatch/bucket.ts';
import { createShareKeeper, type ShareKeeper } from '../../src/dispatch/share-keeper.ts';
import { fairShare, type Limits } from '../../src/dispatch/shares.ts';
import type { Database } from '../../src/platform/database.ts';
import { addTo, openTestRequests, requestFor, seeded, submit, type TestRequests } from '../requests/support.ts';
import { ACCEPTED, dispatch, scriptedConax, type TestDispatcher, until } from './support.ts';

let requests: TestRequests;
let db: Database;

beforeAll(async () => {
  requests = await openTestRequests();
  db = requests.db;
});
afterAll(() => requests.close());
beforeEach(async () => {
  await db.query('truncate work, lane, lane_pin, request, dispatcher_instance cascade');
});

const takes = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

test('fair shares add up to the limits, and nobody gets slots without a rate', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 50 }),
      fc.integer({ min: 1, max: 50 }),
      fc.integer({ min: 1, max: 12 }),
      (maxConcurrency, burst, instances) => {
        const limits: Limits = { maxConcurrency, maxRequestsPerSecond: 100, burst };
        const shares = Array.from({ length: instances }, (_, elders) => fairShare(limits, instances, elders));
        const sum = (of: 'slots' | 'burst'): number => shares.reduce((total, share) => total + share[of], 0);
        expect(sum('slots')).toBeLessThanOrEqual(maxConcurrency);
        expect(sum('burst')).toBeLessThanOrEqual(burst);
        expect(sum('slots')).toBeGreaterThan(0);
        for (const share of shares) expect(share.slots === 0).toBe(share.burst === 0);
        const all = burst >= instances && maxConcurrency >= instances;
        expect(all ? [sum('slots'), sum('burst')] : [maxConcurrency, burst]).toEqual([maxConcurrency, burst]);
      },
    ),
  );
});

test('a bucket lets through at most its capacity plus what its rate gives, in every window', () => {
  const step = fc.record({ ms: fc.double({ min: 0, max: 400, noNaN: true }), takes: fc.integer({ min: 0, max: 30 }) });
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 500 }),
      fc.integer({ min: 1, max: 20 }),
      fc.array(step, { maxLength: 60 }),
      (rate, capacity, steps) => {
        const bucket = createBucket();
        bucket.resize(0, rate, capacity);
        expect(bucket.tryTake(0)).toBe(false);
        const calls: number[] = [];
        let now = 0;
        for (const { ms, takes: tries } of steps) {
          now += ms;
          for (let index = 0; index < tries; index += 1) if (bucket.tryTake(now)) calls.push(now);
        }
        const tooMany = calls.some((from, first) =>
          calls.some((to, last) => last >= first && last - first + 1 > capacity + (rate * (to - from)) / 1000 + 1e-6),
        );
        expect(tooMany).toBe(false);
      },
    ),
  );
});

test('a bucket that waits as long as it says has a token then', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 1000 }), fc.double({ min: 0, max: 5_000, noNaN: true }), (rate, at) => {
      const bucket = createBucket();
      bucket.resize(0, rate, 1);
      const waitMs = bucket.waitMs(at);
      expect(bucket.tryTake(at + waitMs + 1e-6)).toBe(true);
    }),
  );
});

test('whatever instances come, go, die and stall, the shares in use never exceed the limits', async () => {
  const seed = Math.floor(Math.random() * 2 ** 31);
  console.log(`shares: seed ${seed}`);
  const draw = seeded(seed);
  const limits: Limits = { maxConcurrency: 11, maxRequestsPerSecond: 330, burst: 33 };
  interface Instance {
    keeper: ShareKeeper;
    calls: number;
    dead: boolean;
  }
  const instances: Instance[] = [];
  const join = (): void => {
    const instance: Instance = {
      keeper: createShareKeeper({
        db,
        id: randomUUID(),
        limits,
        ttlMs: 80,
        callMs: 10,
        underWay: () => instance.calls,
      }),
      calls: 0,
      dead: false,
    };
    instances.push(instance);
  };
  let full = 0;
  for (let step = 0; step < 400; step += 1) {
    await takes(draw() * 4);
    const alive = instances.filter(({ dead }) => !dead);
    const one = alive[Math.floor(draw() * alive.length)];
    const lot = draw();
    if (alive.length < 2 || (lot < 0.05 && alive.length < 5)) join();
    else if (one && lot < 0.08) {
      // Dies with its calls under way, which end within their time.
      one.dead = true;
    } else if (one && lot < 0.12 && one.calls === 0) {
      instances.splice(instances.indexOf(one), 1);
      await one.keeper.leave();
    } else if (one && lot < 0.14) {
      // It stood still for longer than its share lasts.
      await until(
        () => one.keeper.inForce(),
        (is) => !is,
      );
    } else if (one && lot < 0.6) await one.keeper.beat();
    else if (one && lot < 0.9) {
      if (one.calls < one.keeper.slots()) one.calls += 1;
    } else if (one) one.calls = Math.max(0, one.calls - 1);

    // A call ends before the share that it began under runs out: its instance saw to that.
    for (const instance of instances) if (!instance.keeper.inForce()) instance.calls = 0;
    const slots = instances.reduce((sum, { keeper, calls }) => sum + Math.max(calls, keeper.share().slots), 0);
    const burst = instances.reduce((sum, { keeper }) => sum + keeper.share().burst, 0);
    expect(slots).toBeLessThanOrEqual(limits.maxConcurrency);
    expect(burst).toBeLessThanOrEqual(limits.burst);
    if (slots === limits.maxConcurrency) full += 1;
  }
  expect(full).toBeGreaterThan(20);
});

test('three dispatchers that come and go keep to the limits in sum, and use them', async () => {
  const cards = 2_000;
  const batch = Array.from({ length: cards }, (_, index) => requestFor(addTo(`c${index}`)));
  await submit(db, ...batch.slice(0, 1_000));
  await submit(db, ...batch.slice(1_000));
  const conax = scriptedConax(async () => {
    await takes(5 + Math.random() * 25);
    return ACCEPTED;
  });
  const limits = { maxConcurrency: 7, maxRequestsPerSecond: 150, burst: 15 };
  const start = (): TestDispatcher => dispatch(requests.url, conax, { ...limits, callTimeoutMs: 100, leaseMs: 1_000 });
  const calls = (): number => conax.calls.length;
  const running = [start()];
  await until(calls, (count) => count > 100);
  running.push(start(), start());
  await until(
    () => running.map(({ dispatcher }) => dispatcher.state().slots),
    (slots) => slots.every((count) => count >= 2),
  );
  const joined = calls();
  await until(calls, (count) => count > joined + 150);
  await running.shift()!.stop();
  const one = calls();
  await until(calls, (count) => count > one + 100);
  await Promise.all(running.map((each) => each.stop()));

  expect(conax.most()).toBeLessThanOrEqual(limits.maxConcurrency);
  const times = conax.calls.map(({ at }) => at);
  for (let first = 0; first < times.length; first += 1) {
    for (let last = first; last < times.length; last += 1) {
      const seconds = (times[last]! - times[first]!) / 1000;
      // A millisecond for the time between taking the token and the clock of the call.
      expect(last - first + 1).toBeLessThanOrEqual(
        limits.burst + limits.maxRequestsPerSecond * (seconds + 0.001) + 1e-6,
      );
    }
  }
  const seconds = (times.at(-1)! - times[0]!) / 1000;
  expect(times.length / seconds).toBeGreaterThan(limits.maxRequestsPerSecond * 0.5);
});
