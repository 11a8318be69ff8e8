import { randomUUID } from 'node:crypto';
import { Registry } from '@prometheus-io/client';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { dispatchMetrics } from '../../../src/dispatch/metrics.ts';
import { percentile, readMinutes, writeMinutes } from '../../../src/features/overview/minutes.ts';
import { startReporting } from '../../../src/features/overview/report.ts';
import { intakeMetrics } from '../../../src/intake/metrics.ts';
import type { Queryable } from '../../../src/platform/database.ts';
import { createLogger } from '../../../src/platform/logging.ts';
import { eventually } from '../../support/scene.ts';
import { openTestRequests, type TestRequests } from '../../requests/support.ts';

let requests: TestRequests;
beforeAll(async () => {
  requests = await openTestRequests();
});
afterAll(() => requests.close());
beforeEach(async () => {
  await requests.db.query('truncate service_minute, service_instance');
});

const MINUTE_MS = 60_000;
/** The same for all tests: no minute ends meanwhile. */
const NOW = new Date();
/** The full minute that is shown as the last one. */
const LAST_MINUTE = Math.floor((NOW.getTime() - 5_000) / MINUTE_MS) * MINUTE_MS - MINUTE_MS;

function reporting(db: Queryable = requests.db) {
  const registry = new Registry();
  const [dispatch, intake] = [dispatchMetrics(registry), intakeMetrics(registry)];
  const parts = [{ part: 'cas', ready: true, detail: 'sending' }];
  const id = randomUUID();
  let at = LAST_MINUTE + 1_000;
  const logger = createLogger('silent');
  const started = startReporting({ db, id, parts: () => parts, registry, logger, clock: () => at });
  return { dispatch, intake, parts, id, started, move: (ms: number) => (at += ms) };
}

const shownLast = async () => (await readMinutes(requests.db, NOW)).at(-1);

test('a minute has what was counted in it, on every instance, and the next one nothing of it', async () => {
  const [one, other] = [reporting(), reporting()];
  for (const { dispatch, intake } of [one, other]) {
    intake.decided([{ disposition: 'PLANNED', late: false, remarks: [] }] as never);
    for (const seconds of [0.03, 0.04, 0.04, 4]) {
      dispatch.finished.inc({ command: 'ADD_SUBSCRIPTIONS', outcome: 'COMPLETED', code: '' });
      dispatch.finishSeconds.observe({ class: 'giving' }, seconds);
    }
    dispatch.finished.inc({ command: 'ADD_SUBSCRIPTIONS', outcome: 'REJECTED', code: 'CLIENT_NOT_FOUND' });
    dispatch.finishSeconds.observe({ class: 'bulk' }, 3_000);
    dispatch.calls.inc({ command: 'ADD_SUBSCRIPTIONS', answer: 'accepted' }, 6);
    dispatch.putOff.inc({ why: 'try-later' });
  }
  one.move(MINUTE_MS);
  await eventually(async () => ((await shownLast())?.events === 1 ? true : undefined), 'the minute of one instance');
  await one.started.stop();
  await other.started.stop();
  expect(await shownLast()).toEqual({
    at: new Date(LAST_MINUTE).toISOString(),
    instances: 2,
    events: 2,
    requests_completed: 8,
    requests_rejected: 2,
    calls: 12,
    retries: 2,
    latency_p50_ms: 50,
    latency_p99_ms: 5_000,
  });
  const rows = await requests.db.query<{ events: number }>('select events from service_minute order by minute');
  expect(rows.map(({ events }) => events)).toEqual([1, 1, 0]);
});

test('minutes of an outage of the database are stored after it, each once', async () => {
  let isAway = true;
  const tries: string[] = [];
  const db: Queryable = {
    query: async (text, values) => {
      tries.push(text);
      if (isAway) throw new Error('away');
      return await requests.db.query(text, values);
    },
  };
  const { intake, started, move } = reporting(db);
  intake.decided([{ disposition: 'PLANNED', late: false, remarks: [] }] as never);
  move(MINUTE_MS);
  const before = tries.length;
  await eventually(async () => (tries.length > before ? true : undefined), 'a try that failed');
  isAway = false;
  await eventually(async () => ((await shownLast())?.events === 1 ? true : undefined), 'the minute of the outage');
  await started.stop();
  expect((await shownLast())?.events).toBe(1);
});

test('a part that ceases to be ready is reported with its time, and a stop removes the instance', async () => {
  const { parts, id, started } = reporting();
  const stored = async () =>
    (
      await requests.db.query<{ parts: { ready: boolean; since: string }[] }>(
        'select parts from service_instance where id = $1',
        [id],
      )
    )[0]?.parts[0];
  await eventually(async () => ((await stored())?.ready === true ? true : undefined), 'the first report');
  parts[0] = { part: 'cas', ready: false, detail: 'breaker open' };
  const changed = await eventually(
    async () => ((await stored())?.ready === false ? await stored() : undefined),
    'the change',
  );
  expect(changed?.since).toMatch(/Z$/);
  await started.stop();
  expect(await stored()).toBeUndefined();
});

test('minutes of more than two days ago are removed by whoever stores the next one', async () => {
  const none = { events: 7, completed: 0, rejected: 0, calls: 0, retries: 0, latency: {} };
  const old = { ...none, instance: randomUUID(), minute: new Date(Date.now() - 49 * 60 * MINUTE_MS) };
  await writeMinutes(requests.db, [old]);
  await writeMinutes(requests.db, [{ ...old, minute: new Date() }]);
  expect(await requests.db.query('select count(*)::int as count from service_minute')).toEqual([{ count: 1 }]);
});

test.each([
  [{}, 0.5, null],
  [{ 50: 1 }, 0.99, 50],
  [{ 50: 99, 200: 1 }, 0.5, 50],
  [{ 50: 99, 200: 1 }, 0.99, 50],
  [{ 50: 98, 200: 2 }, 0.99, 200],
  [{ 50: 1, Infinity: 9 }, 0.99, 50],
])('the percentile of %j at %d is %j', (latency, part, ms) => {
  expect(percentile(latency as unknown as Record<string, number>, part)).toBe(ms);
});
