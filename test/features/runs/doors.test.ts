import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { runCli } from '../../support/cli.ts';
import { eventually } from '../../support/scene.ts';
import { json, OPERATIONS, refusal, startWebWorld, tellHousehold, type WebWorld } from '../../web-api/support.ts';
import { type Oracle, openApiOracle } from '../../web-api/openapi-oracle.ts';

interface RunView {
  readonly id: number;
  readonly state: string;
  readonly counts: { readonly targets: number; readonly waiting: number; readonly outcomes: Record<string, number> };
  readonly created_by_user: string;
  readonly created_by_unit: string | null;
}

const CARD = '86000000001';
let world: WebWorld;
let oracle: Oracle;
beforeAll(async () => {
  world = await startWebWorld();
  oracle = await openApiOracle(world.service.url, OPERATIONS);
  await tellHousehold(world, 'S0000008601', CARD, ['1001']);
});
afterAll(() => world.close());

/** A call that is answered as the document says; its data. `path` with parameters, `documented` as the document has it. */
async function call<T>(path: string, body?: object, documented = path): Promise<T> {
  const answer = await world.operate<T>(path, body);
  expect([answer.code, answer.description]).toEqual(['OK', '']);
  const envelope = { status: { code: 'OK', message: null, description: null }, data: answer.data };
  const [bare = documented] = documented.split('?');
  expect(oracle.problemOf(body === undefined ? 'GET' : 'POST', bare, answer.status, envelope)).toBeNull();
  return answer.data;
}

const completed = (id: number): Promise<RunView> =>
  eventually(async () => {
    const run = (await world.operate<RunView>(`/runs/${id}`)).data;
    return run.state === 'COMPLETED' ? run : undefined;
  }, `run ${id} COMPLETED`);
const lastCall = async (): Promise<object | undefined> => {
  const { command, parameters } = (await world.journal()).at(-1) ?? { command: '', parameters: {} };
  return { command, ...parameters };
};

describe('the operations API', () => {
  test('estimates, holds, resumes and shows a run, and its fingerprint reaches the CAS with its parameters', async () => {
    const parameters = { position_x: 1, position_y: 2, height: 3, fingerprint_slot: 4, duration: 30 };
    const selection = { product: { code: 'P1001' }, subscription_states: ['EFFECTIVE'] };
    const fingerprint = { kind: 'FINGERPRINT', parameters, selection };
    expect(await call('/runs/estimate', fingerprint)).toEqual({
      targets: 1,
      exact: true,
      sample: [{ target: CARD, subscription_number: 'S0000008601', commands: null }],
    });
    const {
      id,
      created_by_user: user,
      created_by_unit: unit,
    } = await call<RunView>('/runs', { ...fingerprint, hold: true });
    expect([user, unit]).toEqual(['operator', 'Nicosia']);
    await eventually(
      async () => ((await call<RunView>(`/runs/${id}`, undefined, '/runs/{id}')).state === 'READY' ? true : undefined),
      'the run is READY',
    );
    expect(await call<RunView>(`/runs/${id}/resume`, {}, '/runs/{id}/resume')).toMatchObject({ state: 'RUNNING' });
    expect(await completed(id)).toMatchObject({ counts: { targets: 1, waiting: 0, outcomes: { COMPLETED: 1 } } });
    expect(await lastCall()).toMatchObject({
      command: 'DISPLAY_FINGERPRINT',
      smartcard: CARD,
      durationSeconds: 30,
      x: 1,
      y: 2,
      height: 3,
      slot: 4,
    });
    const { targets } = await call<{ targets: object[] }>(
      `/runs/${id}/targets?outcome=COMPLETED`,
      undefined,
      '/runs/{id}/targets',
    );
    expect(targets).toMatchObject([{ target: CARD, subscription_number: 'S0000008601', outcome: 'COMPLETED' }]);
    expect((await call<{ runs: RunView[] }>('/runs?limit=1')).runs.map((run) => run.id)).toEqual([id]);
    const again = await world.operate(`/runs/${id}/stop`, {});
    expect(refusal(again, 'it cannot be stopped')).toEqual([409, 'STATE_CONFLICT', 'it cannot be stopped']);
  });

  test('a run whose call is repeated with its Idempotency-Key, also at the same time, is made once', async () => {
    const message = {
      kind: 'MESSAGE',
      parameters: { type: 'BARK', message: 'once alone' },
      selection: { cards: [CARD] },
    };
    const headers = { authorization: `Bearer ${await world.token()}`, 'idempotency-key': 'bark-2026-11' };
    const post = (body: object) => world.raw(`${OPERATIONS}/runs`, json(body, headers));
    const answers = await Promise.all([post(message), post(message), post(message)]);
    const ids = new Set(answers.map(({ data }) => (data as RunView).id));
    expect(ids.size).toBe(1);
    expect(answers.filter((answer) => answer.headers.get('idempotent-replayed') === 'true')).toHaveLength(2);
    await completed([...ids][0] ?? 0);
    const barks = (await world.journal()).filter(({ parameters }) => JSON.stringify(parameters).includes('once alone'));
    expect(barks).toHaveLength(1);
    const other = await post({ ...message, hold: true });
    expect(refusal(other, 'was used for another body')).toEqual([
      422,
      'IDEMPOTENCY_KEY_REUSED',
      'was used for another body',
    ]);
  });

  test('keeps schedules and the queue', async () => {
    const schedule = {
      name: 'nightly',
      kind: 'QUEUE',
      parameters: {},
      selection: {},
      cron: '0 2 * * *',
      time_zone: 'Asia/Nicosia',
    };
    expect(await call('/schedules', schedule)).toMatchObject({
      name: 'nightly',
      enabled: true,
      created_by_user: 'operator',
    });
    expect(await call('/schedules/nightly/disable', {}, '/schedules/{name}/disable')).toMatchObject({
      next_date: null,
    });
    await call('/schedules/nightly/enable', {}, '/schedules/{name}/enable');
    expect(await call('/schedules')).toMatchObject({ schedules: [{ name: 'nightly' }] });
    expect(await call('/schedules/nightly/history', undefined, '/schedules/{name}/history')).toEqual({ starts: [] });
    await call('/schedules/nightly/remove', {}, '/schedules/{name}/remove');

    const { number } = await call<{ number: number }>('/queue', {
      type: 'MAIL',
      message: 'Hello',
      smartcard_ca_id: CARD,
    });
    const { id } = await call<RunView>('/runs', { kind: 'QUEUE', parameters: {}, selection: {} });
    await completed(id);
    expect(await lastCall()).toMatchObject({
      command: 'SEND_MAIL_MESSAGE_TO_CLIENT',
      smartcard: CARD,
      message: 'Hello',
    });
    expect(await call(`/queue/${number}`, undefined, '/queue/{number}')).toMatchObject({
      state: 'COMPLETED',
      run_id: id,
    });
    await call(`/queue/${number}/remove`, {}, '/queue/{number}/remove');
    expect(await call('/queue?state=COMPLETED_AND_REMOVED')).toMatchObject({ entries: [{ number }] });
  });

  test.each([
    [{ kind: 'DANCE', parameters: {}, selection: {} }, 'PARAMETER_INVALID', 'kind'],
    [
      { kind: 'MESSAGE', parameters: { type: 'BARK', message: 'x'.repeat(130) }, selection: { all: true } },
      'PARAMETER_INVALID',
      'parameters.message',
    ],
    [
      { kind: 'MESSAGE', parameters: { type: 'BARK', message: 'x' }, selection: {} },
      'PARAMETERS_CONFLICT',
      'selection',
    ],
    [
      { kind: 'MESSAGE', parameters: { type: 'BARK', message: 'x' }, selection: { cards: ['1'] } },
      'CA_ID_INVALID',
      'no. 1: "1"',
    ],
  ])('refuses a run with %j before anything is there', async (body, code, named) => {
    const before = await world.db.query('select count(*) from run');
    const { status, code: answered, description } = await world.operate('/runs', body);
    expect([status, answered, description]).toEqual([
      code === 'CA_ID_INVALID' ? 422 : 400,
      code,
      expect.stringContaining(named),
    ]);
    expect(await world.db.query('select count(*) from run')).toEqual(before);
  });

  test('lets viewers read and start nothing', async () => {
    const started = await world.operate('/runs', { kind: 'QUEUE', parameters: {}, selection: {} }, 'viewer');
    expect(started.code).toBe('NOT_PERMITTED');
    expect((await world.operate('/runs', undefined, 'viewer')).code).toBe('OK');
    expect(refusal(await world.operate('/runs/999999'), 'there is no run 999999')).toEqual([
      404,
      'RUN_NOT_FOUND',
      'there is no run 999999',
    ]);
  });
});

test('of two instances one starts the run of a schedule, and the card gets its message once', async () => {
  await world.startService();
  const names = ['one', 'two', 'three', 'four', 'five'];
  for (const name of names) {
    await call('/schedules', {
      name,
      kind: 'MESSAGE',
      parameters: { type: 'BARK', message: `schedule ${name}` },
      selection: { cards: [CARD] },
      cron: '0 0 1 1 *',
    });
  }
  await world.db.query(`update schedule set next_at = now() - interval '1 minute'`);
  const shown = async (): Promise<string[]> =>
    (await world.journal())
      .map(({ parameters }) => String((parameters as { message?: string }).message))
      .filter((message) => message.startsWith('schedule '))
      .toSorted();
  await eventually(async () => ((await shown()).length >= names.length ? true : undefined), 'five messages');
  await eventually(async () => {
    const open = await world.db.query('select from run where open');
    return open.length === 0 ? true : undefined;
  }, 'no run is open');
  expect(await shown()).toEqual(names.map((name) => `schedule ${name}`).toSorted());
  const starts = await world.db.query<{ outcome: string }>('select outcome from schedule_start');
  expect(starts.map(({ outcome }) => outcome)).toEqual(names.map(() => 'STARTED'));
});

describe('the command line', () => {
  test('starts a run, follows it to its end, and shows it', async () => {
    const message = ['--type', 'REPEATING_BARK', '--message', 'Goal', '--repetitions', '2', '--interval', '10'];
    const ran = await runCli(
      ['runs', 'message', ...message, '--product-code', 'P1001', '--yes', '--json', '--by', 'anna'],
      world.env,
    );
    expect(ran.stderr).toContain(`1 targets: ${CARD} of S0000008601`);
    expect(ran.exitCode).toBe(0);
    const run = JSON.parse(ran.stdout) as RunView;
    expect(run).toMatchObject({ state: 'COMPLETED', created_by_user: 'anna', counts: { outcomes: { COMPLETED: 1 } } });
    expect(await lastCall()).toMatchObject({
      command: 'SEND_REPEATING_BARK_MESSAGE_TO_CLIENT',
      message: 'Goal',
      repetitions: 2,
      intervalSeconds: 10,
    });
    const shown = await runCli(['runs', 'show', String(run.id)], world.env);
    expect(shown.stdout).toContain(`run ${run.id} COMPLETED: 1 of 1 (100 %): 1 COMPLETED`);
    expect(shown.stdout).toContain('created by anna');
  });

  test('refuses wrong options with the option, and asks nobody who is not there', async () => {
    const runs = (...args: string[]) => runCli(['runs', 'message', '--type', 'BARK', ...args], world.env);
    const [long, nobody, none, unasked] = await Promise.all([
      runs('--message', 'x'.repeat(130), '--all'),
      runs('--message', 'x'),
      runs('--message', 'x', '--product-code', 'NOTHING', '--yes'),
      runs('--message', 'x', '--all'),
    ]);
    expect([long.exitCode, long.stderr]).toEqual([2, expect.stringContaining('--message is "xxx')]);
    expect([nobody.exitCode, nobody.stderr]).toEqual([2, expect.stringContaining('give --card alone')]);
    expect([none.exitCode, none.stderr]).toEqual([3, expect.stringContaining('Nothing is selected')]);
    expect([unasked.exitCode, unasked.stderr]).toEqual([2, expect.stringContaining('add --yes')]);
  });
});
