import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Database } from '../../../src/platform/database.ts';
import { createLogger } from '../../../src/platform/logging.ts';
import { kindOf } from '../../../src/features/runs/kinds.ts';
import {
  addSchedule,
  enableSchedule,
  listSchedules,
  removeSchedule,
  scheduleHistory,
} from '../../../src/features/schedules/store.ts';
import { startDueSchedules } from '../../../src/features/schedules/starts.ts';
import { openTestRequests, type TestRequests } from '../../requests/support.ts';
import { AGENT, BARK, RULES, send, warm, work } from '../runs/support.ts';

let requests: TestRequests;
let db: Database;
beforeAll(async () => {
  requests = await openTestRequests();
  db = requests.db;
});
afterAll(() => requests.close());
beforeEach(() => db.query('delete from schedule'));

const context = { rules: RULES };
const add = (name: string, more: { parameters?: object; selection?: object; cron?: string } = {}) =>
  addSchedule(
    db,
    {
      name,
      kind: kindOf('MESSAGE'),
      parameters: BARK,
      selection: { cards: ['10000000001'] },
      cron: '0 8 * * *',
      time_zone: 'UTC',
      by: AGENT,
      ...more,
    },
    context,
  );
const due = (): Promise<unknown> => db.query(`update schedule set next_at = now() - interval '3 days'`);
const start = (): Promise<number> => startDueSchedules(db, context, createLogger('silent'));
const runs = (): Promise<{ id: number; schedule_id: number; created_by_user: string }[]> =>
  db.query(
    'select id, schedule_id, created_by_user from run where schedule_id in (select id from schedule) order by id',
  );

describe('a schedule', () => {
  test('that is due is started by one of many who look at once, and days that were missed are one run', async () => {
    for (let number = 1; number <= 5; number += 1) await add(`daily ${number}`);
    await due();
    await warm(db, 8);
    const started = await Promise.all(Array.from({ length: 8 }, start));
    expect(started.reduce((sum, count) => sum + count, 0)).toBe(5);
    expect(await start()).toBe(0);
    const made = await runs();
    expect(new Set(made.map(({ schedule_id: schedule }) => schedule)).size).toBe(5);
    expect(made.map(({ created_by_user: user }) => user)).toEqual(Array.from({ length: 5 }, () => 'agent'));
    const [history] = await scheduleHistory(db, 'daily 3', 10);
    expect(history).toMatchObject({ outcome: 'STARTED', runState: 'PREPARING' });
    expect(made.map(({ id }) => id)).toContain(history?.runId);
    for (const { nextAt } of await listSchedules(db)) expect(nextAt?.getTime()).toBeGreaterThan(Date.now());
  });

  test('does not start twice for one time after the clock went back, also when it is disabled and enabled', async () => {
    await add('once');
    await due();
    expect(await start()).toBe(1);
    const [schedule] = await listSchedules(db);
    const next = schedule?.nextAt ?? null;
    // As if the clock had gone back to before a start.
    await db.query('update schedule_start set due_at = $1', [next]);
    await enableSchedule(db, 'once', false, AGENT);
    const enabled = await enableSchedule(db, 'once', true, AGENT);
    expect(enabled.nextAt?.getTime()).toBe((next?.getTime() ?? 0) + 86_400_000);
  });

  test('is skipped while its last run is under way, and says so', async () => {
    await add('busy');
    await due();
    await start();
    await due();
    await start();
    const [first] = await runs();
    expect(await runs()).toHaveLength(1);
    expect((await scheduleHistory(db, 'busy', 10)).map(({ outcome, detail }) => [outcome, detail])).toEqual([
      ['SKIPPED', `run ${first?.id} is still PREPARING`],
      ['STARTED', null],
    ]);
    await work(db, first?.id ?? 0);
    await send(db);
    await work(db, first?.id ?? 0);
    await due();
    await start();
    expect(await runs()).toHaveLength(2);
  });

  test.each([
    [`parameters || '{"message": 5}'`, 'parameters.message is 5: give the text of the message'],
    [`parameters - 'message'`, 'parameters.message is missing: give the text of the message'],
  ])(
    'whose stored parameters were damaged (%s) is refused, and its history names the mistake',
    async (damaged, detail) => {
      await add('damaged');
      await db.query(`update schedule set parameters = ${damaged}`);
      await due();
      expect(await start()).toBe(1);
      expect(await scheduleHistory(db, 'damaged', 10)).toMatchObject([{ outcome: 'REFUSED', runId: null, detail }]);
    },
  );

  test('whose parameters do not hold any more is refused at its time, leaves no run, and goes on', async () => {
    await add('past');
    await db.query(
      `update schedule set parameters = parameters || '{"start_indication_date_time":"2020-01-01T00:00:00"}'`,
    );
    await due();
    expect(await start()).toBe(1);
    expect(await runs()).toEqual([]);
    const [refused] = await scheduleHistory(db, 'past', 10);
    expect(refused).toMatchObject({ outcome: 'REFUSED', runId: null });
    expect(refused?.detail).toContain('parameters.start_indication_date_time');
    const [{ nextAt } = { nextAt: null }] = await listSchedules(db);
    expect(nextAt?.getTime()).toBeGreaterThan(Date.now());
  });

  test('that is disabled starts nothing, and enabled again makes up for nothing', async () => {
    await add('off');
    await due();
    expect(await enableSchedule(db, 'off', false, AGENT)).toMatchObject({ enabled: false, nextAt: null });
    expect(await start()).toBe(0);
    await enableSchedule(db, 'off', true, AGENT);
    expect(await start()).toBe(0);
    await removeSchedule(db, 'off');
    await expect(removeSchedule(db, 'off')).rejects.toThrow('there is no schedule "off"');
  });

  test('with a taken name or a wrong selection is refused', async () => {
    await add('one');
    await expect(add('one')).rejects.toThrow('there is a schedule "one"');
    await expect(add('two', { selection: {} })).rejects.toThrow('give {cards} alone');
    await expect(add('three', { selection: { cards: ['1'] } })).rejects.toThrow('no. 1: "1"');
  });
});
