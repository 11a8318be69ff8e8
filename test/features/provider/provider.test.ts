import { afterAll, beforeAll, expect, test } from 'vitest';
import { runCli } from '../../support/cli.ts';
import { OPERATIONS, refusal, startWebWorld, type WebWorld } from '../../web-api/support.ts';

let world: WebWorld;
beforeAll(async () => {
  world = await startWebWorld();
});
afterAll(() => world.close());

const ISO = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;
const STATUS = {
  paused: false,
  paused_reason: null,
  paused_by: null,
  changed_date: expect.stringMatching(ISO) as string,
  breaker: 'closed',
  failures_in_a_row: 0,
  breaker_open_until: null,
  instances: [
    {
      id: expect.any(String) as string,
      slots: 16,
      requests_per_second: 1000,
      started_date: expect.stringMatching(ISO) as string,
    },
  ],
};

const provider = (...args: string[]) =>
  runCli(['provider', ...args], { DATABASE_URL: world.env['DATABASE_URL'] ?? '' });
const printed = async (...args: string[]): Promise<unknown> => {
  const { exitCode, stdout, stderr } = await provider(...args, '--json');
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
  return JSON.parse(stdout);
};

test('the command prints exactly the data of the call', async () => {
  const answer = await world.operate('/provider', undefined, 'viewer');
  expect(answer).toMatchObject({ status: 200, code: 'OK' });
  expect(answer.data).toEqual(STATUS);
  expect(await printed('status')).toEqual(answer.data);
});

test('pause and resume report whether they changed anything, and by whom, in the call and in the command', async () => {
  const paused = await world.operate('/provider/pause', { reason: ' CAS upgrade ' }, 'admin');
  const pausedByAdmin = { ...STATUS, paused: true, paused_reason: 'CAS upgrade', paused_by: 'admin' };
  expect(paused.data).toEqual({ changed: true, ...pausedByAdmin });
  expect(await printed('pause', '--reason', 'another', '--by', 'ben')).toEqual({ changed: false, ...pausedByAdmin });
  expect(await printed('resume', '--by', 'ben')).toEqual({ changed: true, ...STATUS, paused_by: 'ben' });
  const again = await world.operate('/provider/resume', {}, 'admin');
  expect(again.data).toEqual({ changed: false, ...STATUS, paused_by: 'ben' });
});

test('people on the command line may leave the reason out, programs may not', async () => {
  expect(await printed('pause', '--by', 'anna')).toMatchObject({ paused_reason: 'paused on the command line' });
  await provider('resume');
  const missing = await world.operate('/provider/pause', {}, 'admin');
  expect(refusal(missing, 'reason is missing')).toEqual([400, 'PARAMETER_MISSING', 'reason is missing']);
});

test.each([
  ['that is empty', '', 'is "": give the reason'],
  ['of 201 characters', 'x'.repeat(201), 'xxx…: give a text of at most 200 characters'],
])('a reason %s is refused, by its name in the call and in the command', async (_, reason, problem) => {
  const refused = await world.operate('/provider/pause', { reason }, 'admin');
  expect(refusal(refused, problem)).toEqual([400, 'PARAMETER_INVALID', problem]);
  expect(refused.description).toMatch(/^reason is/);
  const { exitCode, stdout, stderr } = await provider('pause', '--reason', reason);
  expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' });
  expect(stderr).toMatch(/^--reason is/);
  expect(stderr).toContain(problem);
});

test('only an admin pauses and resumes, and a viewer may look', async () => {
  for (const path of ['/provider/pause', '/provider/resume']) {
    const refused = await world.operate(path, { reason: 'x' }, 'operator');
    expect(refusal(refused, 'log in as an admin')).toEqual([403, 'NOT_PERMITTED', 'log in as an admin']);
  }
  expect((await world.raw(`${OPERATIONS}/provider?colour=1&token=${await world.token('viewer')}`)).code).toBe(
    'PARAMETER_UNKNOWN',
  );
});

test('the history has who paused and resumed sending, why and when, page by page, in the call and in the command', async () => {
  await world.operate('/provider/pause', { reason: 'second upgrade' }, 'admin');
  await world.operate('/provider/resume', {}, 'admin');
  interface History {
    readonly changes: readonly { readonly id: number }[];
  }
  const { data } = await world.operate<History>('/provider/history?limit=2', undefined, 'viewer');
  const common = { id: expect.any(Number) as number, date: expect.stringMatching(ISO) as string, by_unit: null };
  expect(data.changes).toEqual([
    { ...common, change: 'RESUMED', by_user: 'admin', reason: null },
    { ...common, change: 'PAUSED', by_user: 'admin', reason: 'second upgrade' },
  ]);
  expect(await printed('history', '--limit', '2')).toEqual(data);
  const before = data.changes.at(-1)?.id;
  const older = await world.operate<History>(`/provider/history?before=${before}&limit=1000`, undefined, 'viewer');
  const all = await world.operate<History>('/provider/history?limit=1000', undefined, 'viewer');
  expect([...data.changes, ...older.data.changes]).toEqual(all.data.changes);
});
