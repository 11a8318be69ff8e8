import { randomUUID } from 'node:crypto';
import { Registry } from '@prometheus-io/client';
import { pino } from 'pino';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { startClock } from '../src/clock.ts';
import { createShareKeeper } from '../src/dispatch/share-keeper.ts';
import { keepLease } from '../src/outcomes/lease.ts';
import { settleOverdueActions } from '../src/outcomes/record.ts';
import { isDue } from '../src/features/retention/pass.ts';
import { clockMetrics, type ClockWatch } from '../src/platform/clock-watch.ts';
import type { Database } from '../src/platform/database.ts';
import { createReplay, resumeReplay, takeHosted } from '../src/features/replay/record.ts';
import { putOffRequests } from '../src/requests/put-off.ts';
import { resetSchedules } from '../src/features/schedules/store.ts';
import { countLogin } from '../src/users/login-limit.ts';
import { authenticate, issueToken } from '../src/users/tokens.ts';
import { ACCEPTED, dispatch, scriptedConax, type TestDispatcher, until } from './dispatch/support.ts';
import { addTo, claim, finish, openTestRequests, requestFor, submit, type TestRequests } from './requests/support.ts';
import { clockGoesBack } from './support/clock.ts';

/**
 * Each kind of lease and wait that the database's clock ends: set, the clock jumps by an hour, and it ends after its own
 * length. The clock is moved by moving every stored time the other way.
 */
const HOUR_MS = 3_600_000;
const LEASE_MS = 3_000;

let requests: TestRequests;
let db: Database;
let idle: TestDispatcher;
let clock: ClockWatch | null = null;

beforeAll(async () => {
  requests = await openTestRequests();
  db = requests.db;
  // Its corrections are what is tested; it sends nothing.
  idle = dispatch(
    requests.url,
    scriptedConax(() => ACCEPTED),
    { leaseMs: LEASE_MS },
  );
  await idle.dispatcher.stop();
});
afterAll(async () => {
  await idle.stop();
  await requests.close();
});
beforeEach(async () => {
  await db.query(
    'truncate work, lane, lane_pin, request, dispatcher_instance, lease, replay, crm_action, login_limit, retention_pass, run, schedule, web_user cascade',
  );
  await db.query('update provider set failures_in_a_row = 0, breaker_open_until = null, breaker_probe_until = null');
  await db.query('update clock set seen_at = null');
  clock = startClock({
    db,
    dispatcher: idle.dispatcher,
    metrics: clockMetrics(new Registry()),
    logger: pino({ level: 'silent' }),
  });
  await noted();
});
afterEach(async () => {
  await clock?.stop();
});

/** Waits until the instance has noted the clock, no earlier than `since`. */
async function noted(since = '-infinity'): Promise<void> {
  clock?.look();
  await until(
    () =>
      db.query<{ noted: boolean }>(
        `select seen_at between greatest(now() - interval '1 second', $1::timestamptz) and now() as noted from clock`,
        [since],
      ),
    ([row]) => row?.noted === true,
  );
}

/**
 * The clock goes back by an hour, and the instance has corrected what follows from it. The note is made fresh before: as the clock itself does
 * not move here, the instance measures the jump from the note, and would take waits back by too little.
 */
async function hourBack(): Promise<void> {
  const [row] = await db.query<{ at: string }>('select clock_timestamp()::text as at');
  await noted(row?.at);
  await clockGoesBack(db, HOUR_MS);
  await noted();
  // Ready requests are corrected after the note has moved.
  await until(
    () => clock?.state().ready,
    (ready) => ready === true,
  );
}

/** The milliseconds until the one time that a query finds. */
async function leftMs(query: string): Promise<number> {
  const [row] = await db.query<{ ms: number }>(`select (extract(epoch from (${query}) - now()) * 1000)::float8 as ms`);
  return row?.ms ?? Number.NaN;
}

async function oneReady(card = '30000000001'): Promise<number> {
  const [number = 0] = await submit(db, requestFor(addTo(card)));
  return number;
}

async function putOff(delayMs: number): Promise<void> {
  const [claimed] = await claim(db);
  if (!claimed) throw new Error('nothing was claimed');
  const { number, token, cards } = claimed;
  await db.transaction((tx) =>
    putOffRequests(tx, [{ number, token, cards, delayMs, doubt: null, exchanges: [] }], randomUUID()),
  );
}

test('a request that was ready stays ready, in its order', async () => {
  const numbers = [await oneReady('30000000001'), await oneReady('30000000002'), await oneReady('30000000003')];
  await hourBack();
  const claimed = [await claim(db, 1), await claim(db, 1), await claim(db, 1)].flat();
  expect(claimed.map(({ number }) => number)).toEqual(numbers);
});

test('a backlog of ready requests is corrected in batches by several instances, keeps its order, and none is moved twice', async () => {
  const cards = Array.from({ length: 5_000 }, (_none, index) => `3${String(index).padStart(10, '0')}`);
  const numbers = await submit(db, ...cards.map((card) => requestFor(addTo(card))));
  await db.query(`update work set ready_at = now() - interval '50 minutes' + (number - $1) * interval '0.5 seconds'`, [
    numbers[0],
  ]);
  const others = [0, 1].map(() =>
    startClock({
      db,
      dispatcher: idle.dispatcher,
      metrics: clockMetrics(new Registry()),
      logger: pino({ level: 'silent' }),
    }),
  );
  try {
    await hourBack();
    await until(
      () => [clock, ...others].map((one) => one?.state().ready),
      (states) => states.every((ready) => ready === true),
    );
  } finally {
    await Promise.all(others.map((other) => other.stop()));
  }
  const [row] = await db.query<{ future: number; spanS: number }>(
    `select count(*) filter (where ready_at > now())::int as future,
            extract(epoch from max(ready_at) - min(ready_at))::float8 as "spanS" from work`,
  );
  expect(row?.future).toBe(0);
  // A row that was moved twice would be the oldest by far.
  expect(row?.spanS).toBeCloseTo(2_500, -2);
  const order = await db.query<{ number: number }>('select number from work order by ready_at, number');
  expect(order.map(({ number }) => number)).toEqual(numbers);
});

test('what blocks is corrected although ready requests are locked, and those are corrected by whoever looks later', async () => {
  const retry = await oneReady('30000000001');
  await putOff(0);
  const ready = [await oneReady('30000000002'), await oneReady('30000000003')];
  await clock?.stop();
  await clockGoesBack(db, HOUR_MS);
  const start = (): ClockWatch =>
    startClock({
      db,
      dispatcher: idle.dispatcher,
      metrics: clockMetrics(new Registry()),
      logger: pino({ level: 'silent' }),
    });
  await db.transaction(async (tx) => {
    await tx.query('select from work where number = any($1::bigint[]) for update', [ready]);
    clock = start();
    await noted();
    await until(
      () => claim(db),
      ([claimed]) => claimed?.number === retry,
    );
    await until(
      () => clock?.state(),
      (state) => state?.ready === false && state.detail.includes('corrected'),
    );
    // The instance that found the jump dies.
    await clock.stop();
  });
  expect(await claim(db)).toEqual([]);
  clock = start();
  await until(
    () => clock?.state().ready,
    (isReady) => isReady === true,
  );
  await until(
    () => claim(db, 1),
    ([claimed]) => claimed?.number === ready[0],
  );
  expect((await claim(db)).map(({ number }) => number)).toEqual([ready[1]]);
});

test('a request that waited for another of its card is ready when its turn comes', async () => {
  const first = await oneReady();
  const second = await oneReady();
  await hourBack();
  const claimed = await claim(db);
  expect(claimed.map(({ number }) => number)).toEqual([first]);
  await finish(db, claimed);
  expect((await claim(db)).map(({ number }) => number)).toEqual([second]);
});

test('a back-off lasts as long as it would have', async () => {
  await oneReady();
  await putOff(40_000);
  await hourBack();
  const left = await leftMs('select ready_at from work');
  expect(left).toBeGreaterThan(20_000);
  expect(left).toBeLessThan(41_000);
});

test('a date that was asked for follows the clock, and what came due before stays due', async () => {
  await oneReady();
  const [scheduled] = await submit(
    db,
    requestFor(addTo('30000000002'), { scheduledAt: new Date(Date.now() + 60_000) }),
  );
  await hourBack();
  expect(await leftMs(`select ready_at from work where number = ${scheduled}`)).toBeGreaterThan(HOUR_MS);
  expect(await claim(db)).toHaveLength(1);
});

test('a lease of an instance that is gone ends after its length, and what it held is sent by another, once', async () => {
  const number = await oneReady();
  await claim(db, 1, LEASE_MS);
  await clockGoesBack(db, HOUR_MS);
  const startedAt = performance.now();
  const conax = scriptedConax(() => ACCEPTED);
  const other = dispatch(requests.url, conax, { leaseMs: LEASE_MS });
  try {
    await until(
      () => db.query<{ state: string }>('select life_cycle_state as state from request where number = $1', [number]),
      ([row]) => row?.state === 'COMPLETED',
    );
  } finally {
    await other.stop();
  }
  expect(performance.now() - startedAt).toBeLessThan(2 * LEASE_MS + 2_000);
  expect(conax.calls).toHaveLength(1);
});

test('a live lease is not taken after the clock went back, and its holder finishes the request', async () => {
  await oneReady();
  const held = await claim(db, 1, LEASE_MS);
  await hourBack();
  expect(await claim(db)).toEqual([]);
  expect(await leftMs('select ready_at from work')).toBeLessThanOrEqual(LEASE_MS);
  expect(await finish(db, held)).toHaveLength(1);
});

test('no lease is taken after the clock went forward until someone has seen it, and new requests are', async () => {
  await oneReady('30000000001');
  await claim(db, 1, LEASE_MS);
  await clock?.stop();
  await clockGoesBack(db, -HOUR_MS);
  const fresh = await oneReady('30000000002');
  expect((await claim(db)).map(({ number }) => number)).toEqual([fresh]);
});

test("an instance's share of the limits ends after its length when the clock went back, and not at once when it went forward", async () => {
  const share = (id = randomUUID()): ReturnType<typeof createShareKeeper> =>
    createShareKeeper({
      db,
      id,
      limits: { maxConcurrency: 4, maxRequestsPerSecond: 100, burst: 4 },
      ttlMs: 1_000,
      callMs: 100,
      underWay: () => 0,
    });
  const gone = share();
  await gone.beat();
  await hourBack();
  expect(await leftMs('select expires_at from dispatcher_instance')).toBeLessThan(5_000);
  await clock?.stop();
  await clockGoesBack(db, -HOUR_MS);
  const other = share();
  expect((await other.beat()).instances).toBe(2);
});

test('the lease of the relay and of retention ends after its length', async () => {
  for (const [name, lengthMs] of [
    ['outbox-relay', 3_000],
    ['retention', 10_000],
  ] as const) {
    const holder = keepLease({ db, name, owner: randomUUID(), durationMs: lengthMs });
    expect(await holder.hold()).toBe(true);
    await hourBack();
    expect(await leftMs(`select expires_at from lease where name = '${name}'`)).toBeLessThanOrEqual(lengthMs);
    await holder.giveBack();
  }
});

test('the lease of the relay is not taken right after the clock went forward', async () => {
  const one = keepLease({ db, name: 'outbox-relay', owner: randomUUID(), durationMs: 3_000 });
  const other = keepLease({ db, name: 'outbox-relay', owner: randomUUID(), durationMs: 3_000 });
  expect(await one.hold()).toBe(true);
  await clock?.stop();
  await clockGoesBack(db, -HOUR_MS);
  expect(await other.hold()).toBe(false);
  await Promise.all([one.giveBack(), other.giveBack()]);
});

test('the breaker opens for no longer than it was opened for, and its probe is free after its length', async () => {
  await db.query(
    `update provider set breaker_open_until = now() + interval '5 seconds', breaker_probe_until = now() + interval '3 seconds'`,
  );
  await hourBack();
  expect(await leftMs('select breaker_open_until from provider')).toBeLessThanOrEqual(5_000);
  expect(await leftMs('select breaker_probe_until from provider')).toBeLessThanOrEqual(LEASE_MS);
});

test('the wait for missing facets lasts as long as it would have, also while requests are unfinished', async () => {
  await db.query(`insert into crm_action (subscription_number, id, number, unfinished, outcome_due_at)
    values ('S1', 'free', 'A1', 0, now() + interval '30 seconds'), ('S1', 'busy', 'A2', 1, now() + interval '30 seconds')`);
  await hourBack();
  const left = await leftMs(`select outcome_due_at from crm_action where id = 'free'`);
  expect(left).toBeGreaterThan(10_000);
  expect(left).toBeLessThanOrEqual(30_000);
  await db.query(`update crm_action set outcome_due_at = now() where id = 'free'`);
  expect(await db.transaction((tx) => settleOverdueActions(tx, 10))).toBe(1);
});

test('a run goes on at its rate', async () => {
  await db.query(`insert into run (kind, state, parameters, selection, created_by_user, next_at)
    values ('resync', 'RUNNING', '{}', '{}', 'x', now() + interval '2 seconds')`);
  await hourBack();
  expect(await leftMs('select next_at from run')).toBeLessThanOrEqual(2_000);
});

test('a schedule comes at its next time, however far ahead the clock was, and not twice for one time', async () => {
  const [row] = await db.query<{ id: number }>(`
    insert into schedule (name, kind, parameters, selection, cron, time_zone, next_at, created_by_user, updated_by_user)
    values ('nightly', 'QUEUE', '{}', '{}', '*/5 * * * *', 'UTC', now() + interval '30 days', 'x', 'x') returning id`);
  const next = new Date(Math.ceil((Date.now() + 1) / 300_000) * 300_000);
  await hourBack();
  const nextAt = async (): Promise<Date | undefined> =>
    (await db.query<{ at: Date }>('select next_at as at from schedule'))[0]?.at;
  expect(await nextAt()).toEqual(next);
  await db.query(`insert into schedule_start (schedule_id, due_at, outcome) values ($1, $2, 'SKIPPED')`, [
    row?.id,
    next,
  ]);
  await clock?.stop();
  await db.query(`delete from schedule_start where due_at <> $1`, [next]);
  await db.transaction(resetSchedules);
  expect(await nextAt()).toEqual(new Date(next.getTime() + 300_000));
});

test('a round of retention is not late', async () => {
  await db.query(`insert into retention_pass (kind, began_at, ended_at) values ('events', now(), now())`);
  await hourBack();
  expect(await isDue(db, ['events'], 60_000)).toBe(false);
  expect(await leftMs('select began_at from retention_pass')).toBeLessThanOrEqual(0);
});

test("a replay's lease ends after its length, with a service and without", async () => {
  const by = { user: 'x', unit: null };
  const { id } = await createReplay(db, { kind: 'EVENTS', selection: {}, reason: 'r', by }, randomUUID());
  await hourBack();
  expect(await leftMs('select lease_until from replay')).toBeLessThanOrEqual(30_000);
  await clock?.stop();
  await clockGoesBack(db, HOUR_MS);
  await expect(resumeReplay(db, id, randomUUID())).rejects.toThrow('wait 30 seconds');
  expect(await leftMs('select lease_until from replay')).toBeLessThanOrEqual(30_000);
});

test('a hosted replay that an instance works on is not taken right after the clock went forward; a free one is', async () => {
  const asked = { kind: 'EVENTS', selection: {}, reason: 'r', by: { user: 'x', unit: null } } as const;
  await createReplay(db, asked, null);
  expect(await takeHosted(db, randomUUID(), [])).not.toBeNull();
  const free = await createReplay(db, asked, null);
  await clock?.stop();
  await clockGoesBack(db, -HOUR_MS);
  const other = randomUUID();
  expect((await takeHosted(db, other, []))?.id).toBe(free.id);
  expect(await takeHosted(db, other, [free.id])).toBeNull();
});

test('a token ends when it stood unused for its idle time, and one that was just used lives on', async () => {
  await db.query(`insert into web_user (username, organisation, role, password_hash) values ('u', 'o', 'admin', 'h')`);
  const token = await issueToken(db, { username: 'u', passwordHash: 'h', tokenIdleMs: 600_000 });
  await db.query(
    `update web_user_token set used_at = used_at - interval '5 minutes', expires_at = expires_at - interval '5 minutes'`,
  );
  await hourBack();
  const left = await leftMs('select expires_at from web_user_token');
  expect(left).toBeGreaterThan(280_000);
  expect(left).toBeLessThanOrEqual(300_000);
  expect(await authenticate(db, token ?? '')).not.toBeNull();
});

test('who was refused after failed logins waits no longer than before', async () => {
  const subject = { kind: 'username', value: 'somebody' } as const;
  for (let failed = 0; failed < 10; failed += 1) expect(await countLogin(db, subject)).toBeNull();
  const before = await countLogin(db, subject);
  await hourBack();
  const after = await countLogin(db, subject);
  expect(before).toBeGreaterThan(0);
  expect(after ?? 0).toBeLessThanOrEqual(before ?? 0);
});
