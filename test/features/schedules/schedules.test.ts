import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { runCli } from '../../support/cli.ts';
import { refusal, startWebWorld, type WebWorld } from '../../web-api/support.ts';

let world: WebWorld;
beforeAll(async () => {
  world = await startWebWorld();
});
beforeEach(() => world.db.query('delete from schedule'));
afterAll(() => world.close());

const schedules = (...args: string[]) => runCli(['schedules', ...args], world.env);
const nightly = ['nightly', '--kind', 'QUEUE', '--cron', '0 2 * * *'];

test('the command and the API show the same schedule, and its dates have a zone', async () => {
  const added = await schedules('add', ...nightly, '--by', 'anna', '--json');
  expect(added).toMatchObject({ exitCode: 0, stderr: '' });
  const shown = JSON.parse(added.stdout) as object;
  expect(shown).toMatchObject({
    name: 'nightly',
    parameters: {},
    time_zone: 'UTC',
    next_date: expect.stringMatching(/T02:00:00\.000Z$/),
    created_by_user: 'anna',
  });
  const { data } = await world.operate('/schedules', undefined, 'viewer');
  expect(data).toEqual({ schedules: [shown] });
  expect(JSON.parse((await schedules('list', '--json')).stdout)).toEqual(data);
});

test('people read a line, a table, and when no time was due', async () => {
  const line = await schedules('add', ...nightly, '--time-zone', 'Asia/Nicosia');
  expect(line.stdout).toMatch(/^nightly {2}QUEUE {2}0 2 \* \* \* Asia\/Nicosia {2}next \S+Z\n$/);
  expect((await schedules('disable', 'nightly')).stdout).toMatch(/ {2}disabled\n$/);
  expect((await schedules('list')).stdout).toMatch(/^name +kind +cron +time zone +next\nnightly +QUEUE .+ disabled\n$/);
  expect(await schedules('history', 'nightly')).toMatchObject({
    exitCode: 0,
    stdout: '',
    stderr: 'The schedule was not due yet.\n',
  });
  expect((await schedules('remove', 'nightly')).stdout).toBe('schedule nightly is removed\n');
  expect(await schedules('remove', 'nightly')).toMatchObject({
    exitCode: 3,
    stderr: 'there is no schedule "nightly"\n',
  });
});

test('a schedule whose parameters or selection do not fit its kind is refused, with the place', async () => {
  const message = { name: 'x', kind: 'MESSAGE', cron: '0 8 * * *', selection: { all: true } };
  const long = { ...message, parameters: { type: 'BARK', message: 'x'.repeat(130) } };
  expect(refusal(await world.operate('/schedules', long), 'parameters.message')).toEqual([
    400,
    'PARAMETER_INVALID',
    'parameters.message',
  ]);
  const missing = refusal(await world.operate('/schedules', message), 'parameters.type is missing');
  expect(missing).toEqual([400, 'PARAMETER_MISSING', 'parameters.type is missing']);
  const several = await schedules('add', 'x', '--kind', 'MESSAGE', '--cron', '0 25 * * *', '--parameters', '{}');
  expect(several).toMatchObject({ exitCode: 2, stderr: expect.stringMatching(/--cron: .+; --parameters is missing/) });
  const text = await schedules('add', 'x', '--kind', 'DANCE', '--cron', '0 2 * * *', '--parameters', '{');
  expect(text.stderr).toMatch(/^--kind is "DANCE": give one of .+; --parameters is "\{": give a JSON object\n$/);
  expect(await world.db.query('select from schedule')).toEqual([]);
});

test('the last due times come the newest first, as many as are asked for', async () => {
  await schedules('add', ...nightly);
  await world.db.query(`
    insert into schedule_start (schedule_id, due_at, outcome)
    select s.id, d, 'SKIPPED' from schedule s, unnest('{2026-11-01T02:00:00Z,2026-11-02T02:00:00Z}'::timestamptz[]) d`);
  const newest = { due_date: '2026-11-02T02:00:00.000Z', outcome: 'SKIPPED', run_id: null, run_state: null };
  const one = await world.operate('/schedules/nightly/history?limit=1');
  expect(one.data).toEqual({ starts: [{ ...newest, detail: null }] });
  expect(JSON.parse((await schedules('history', 'nightly', '--limit', '1', '--json')).stdout)).toEqual(one.data);
  const all = await world.operate<{ starts: object[] }>('/schedules/nightly/history');
  expect(all.data.starts).toHaveLength(2);
  for (const wrong of ['0', '1001', 'x', '1.5']) {
    const refused = await world.operate(`/schedules/nightly/history?limit=${wrong}`);
    expect(refusal(refused, 'give a whole number from 1 to 1000')).toEqual([
      400,
      'PARAMETER_INVALID',
      'give a whole number from 1 to 1000',
    ]);
    const { exitCode, stderr } = await schedules('history', 'nightly', '--limit', wrong);
    expect([exitCode, stderr]).toEqual([2, expect.stringContaining('give a whole number from 1 to 1000')]);
  }
});
