import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createReplay } from '../../../src/features/replay/record.ts';
import { runCli } from '../../support/cli.ts';
import { act, callsOf, callTexts, eventually, household, outcomeOf, spoil } from '../../support/scene.ts';
import { refusal, startWebWorld, type WebWorld } from '../../web-api/support.ts';
import { ALL } from './support.ts';

interface ReplayTold {
  readonly id: number;
  readonly state: string;
  readonly failure: string | null;
  readonly result: unknown;
}

describe('The operations API of replays', () => {
  let world: WebWorld;
  beforeAll(async () => {
    world = await startWebWorld();
  });
  afterAll(() => world.close());

  test('shows replays, and asks one to stop for the user who calls', async () => {
    const asked = {
      kind: 'EVENTS',
      selection: ALL,
      reason: 'a rule was off',
      by: { user: 'ann', unit: null },
    } as const;
    const { id } = await createReplay(world.db, asked, randomUUID());
    const all = await world.operate<{ replays: { id: number; reason: string }[] }>('/replays', undefined, 'viewer');
    expect(all.data.replays).toMatchObject([
      { id, state: 'RUNNING', reason: 'a rule was off', created_by_user: 'ann' },
    ]);
    const stopped = await world.operate(`/replays/${id}/stop`, {}, 'operator');
    expect(stopped.data).toMatchObject({ id, stop_requested_by: 'operator' });
    const shown = await runCli(['replay', 'show', String(id), '--json'], world.env);
    expect(JSON.parse(shown.stdout)).toEqual(stopped.data);
    expect(await runCli(['replay', 'show', '999'], world.env)).toMatchObject({ exitCode: 3 });
    expect(await world.operate('/replays/999')).toMatchObject({ status: 404, code: 'REPLAY_NOT_FOUND' });
  });

  test("tells what today's rules make of a subscription's past events", async () => {
    const made = await act(world, household('S0000054001', '54000000001', ['1001']), { action: 'S:BECOME_SUBSCRIBER' });
    await outcomeOf(world, made);
    const { data } = await world.operate<{ rows: object[] }>('/replay_plan?subscription_number=S0000054001&all=true');
    expect(data).toMatchObject({ events: 1, differing: false });
    expect(data.rows).toMatchObject([
      { verdict: 'same', type: 'CREATE_PAIRING', then_state: 'COMPLETED' },
      { verdict: 'same', type: 'ADD_SUBSCRIPTIONS', service_ca_id: '1001', smartcard_ca_id: '54000000001' },
    ]);
  });

  test('plans and runs a replay in the service: what the CAS refused once is asked for again, for the user who calls', async () => {
    const card = '54000000002';
    await spoil(world, {
      match: { command: 'ADD_SUBSCRIPTIONS', smartcard: card },
      times: 1,
      fault: 'status:INPUT_VALIDATION_ERROR',
    });
    const made = await act(world, household('S0000054002', card, ['1001']), { action: 'S:BECOME_SUBSCRIBER' });
    await outcomeOf(world, made);
    const selection = { subscription_number: 'S0000054002' };
    const planned = await ended('/replays/plan', { ...selection, reason: 'what if' });
    expect(planned).toMatchObject({ kind: 'PLAN', state: 'COMPLETED', created_by_user: 'operator' });
    expect(planned.result).toMatchObject({ differing: 1, mended: 1, send: { ADD_SUBSCRIPTIONS: 1 } });
    const { data } = await world.operate<{ rows: object[] }>(`/replays/${planned.id}/plan_rows`, undefined, 'viewer');
    expect(data).toMatchObject({
      rows: [
        {
          subscription_number: 'S0000054002',
          verdict: 'new',
          smartcard_ca_id: card,
          effects: [{ kind: 'send', type: 'ADD_SUBSCRIPTIONS', smartcard_ca_id: card, service_ca_id: '1001' }],
        },
      ],
      last: null,
    });
    const rows = await runCli(['replay', 'plan-rows', String(planned.id), '--json'], world.env);
    expect(JSON.parse(rows.stdout)).toEqual(data);
    // The topic has the same events as the inbox.
    const topic = { topic: world.settings.CRM_TOPICS[0], ...selection };
    expect(await ended('/replays/plan', { ...topic, reason: 'from Kafka' })).toMatchObject({
      result: { differing: 1 },
    });

    const run = await ended('/replays', { ...topic, reason: 'the CAS is mended' });
    expect(run).toMatchObject({ state: 'COMPLETED', hosted: true, counts: { requests: 1, differing: 1 } });
    await outcomeOf(world, made, 2);
    expect(callTexts(await callsOf(world, card)).slice(-1)).toEqual(['ADD_SUBSCRIPTIONS 1001 OK effect']);
    expect(
      await world.db.query(
        `select created_by_user, created_by_unit, process_id from request where process_name = 'REPLAY'`,
      ),
    ).toEqual([{ created_by_user: 'operator', created_by_unit: 'Nicosia', process_id: String(run.id) }]);
    expect(await ended('/replays', { ...topic, reason: 'once more' })).toMatchObject({ counts: { requests: 0 } });
  });

  test('keeps to its window, is stopped, and goes on with the same messages of the topic', async () => {
    const cards = ['54000000011', '54000000012', '54000000013'];
    for (const smartcard of cards) {
      await spoil(world, { match: { command: 'ADD_SUBSCRIPTIONS', smartcard }, times: 1, fault: 'status:CA_ERROR' });
      const subscription = household(`S00${smartcard}`, smartcard, ['1001']);
      await outcomeOf(world, await act(world, subscription, { action: 'S:BECOME_SUBSCRIBER' }));
    }
    await world.operate('/provider/pause', { reason: 'a replay that waits' }, 'admin');
    const topic = world.settings.CRM_TOPICS[0];
    const begun = await world.operate<ReplayTold>('/replays', { topic, window: 1, reason: 'refused' }, 'operator');
    const { id } = begun.data;
    const waiting = (): Promise<number> =>
      world.db
        .query(`select from work join request using (number) where process_id = $1`, [String(id)])
        .then((rows) => rows.length);
    await eventually(async () => ((await waiting()) > 0 ? true : undefined), 'the first request');
    expect(await world.operate(`/replays/${id}/stop`, {}, 'operator')).toMatchObject({ status: 200 });
    expect(await over(id)).toMatchObject({ state: 'STOPPED', counts: { requests: 1 } });
    expect(await waiting()).toBe(1);
    // What came since is none of its messages.
    const later = await act(world, household('S0000054019', '54000000019', ['1001']), {
      action: 'S:BECOME_SUBSCRIBER',
    });
    await world.operate('/provider/resume', {}, 'admin');
    await world.operate(`/replays/${id}/resume`, {}, 'operator');
    expect(await over(id)).toMatchObject({ state: 'COMPLETED', counts: { requests: 3, differing: 3 } });
    await outcomeOf(world, later);
    await eventually(async () => {
      const journal = await Promise.all(cards.map((card) => callsOf(world, card)));
      return journal.every((calls) => callTexts(calls).at(-1) === 'ADD_SUBSCRIPTIONS 1001 OK effect')
        ? true
        : undefined;
    }, 'each of them at the CAS');
  });

  test('sends again what a CAS has lost, where that is asked for', async () => {
    const card = '54000000004';
    const made = await act(world, household('S0000054004', card, ['1001']), { action: 'S:BECOME_SUBSCRIBER' });
    await outcomeOf(world, made);
    const asked = { subscription_number: 'S0000054004', reason: 'the CAS was restored from yesterday' };
    expect(await ended('/replays', asked)).toMatchObject({ counts: { requests: 0 } });
    expect(await ended('/replays', { ...asked, again: true })).toMatchObject({ counts: { requests: 2 } });
    await outcomeOf(world, made, 2);
    expect(callTexts(await callsOf(world, card))).toHaveLength(4);
  });

  test('a plan is resumed on the command line as a plan: the service works it out anew, and nothing is sent', async () => {
    const { data } = await world.operate<ReplayTold>('/replays/plan', {
      from_date: '2020-01-01T00:00:00',
      reason: 'x',
    });
    await over(data.id);
    await world.db.query(`update replay set state = 'STOPPED', result = null where id = $1`, [data.id]);
    const requests = async () => (await world.db.query('select from request')).length;
    const before = await requests();
    const { exitCode, stdout } = await runCli(['replay', 'resume', String(data.id)], world.env);
    expect([exitCode, stdout]).toEqual([0, `plan ${data.id} starts again in the service\n`]);
    expect(await over(data.id)).toMatchObject({ state: 'COMPLETED', result: { differing: 0 } });
    expect(await requests()).toBe(before);
    const shown = await runCli(['replay', 'show', String(data.id)], world.env);
    expect(shown.stdout).toMatch(/kind +PLAN\n[^]*by +the service\n/);
  });

  test('publishes the outcomes of a subscription again, with their ce_id', async () => {
    const made = await act(world, household('S0000054003', '54000000003', ['1001']), { action: 'S:BECOME_SUBSCRIBER' });
    const first = await outcomeOf(world, made);
    const run = await ended('/replays/outcomes', { subscription_number: 'S0000054003', reason: 'restored' });
    expect(run).toMatchObject({ kind: 'OUTCOMES', state: 'COMPLETED', counts: { outcomes: 3 } });
    const again = await outcomeOf(world, made, 2);
    expect(again.headers['ce_id']).toBe(first.headers['ce_id']);
  });

  test('tells what is wrong before anything begins, and why the service gave a replay up', async () => {
    const before = (await world.operate<{ replays: object[] }>('/replays')).data.replays.length;
    const wrong: [string, object, string, string][] = [
      ['/replays', {}, 'PARAMETER_MISSING', 'reason is missing'],
      ['/replays', { reason: 'x', partition: 1 }, 'PARAMETER_INVALID', 'belong to topic'],
      ['/replays', { reason: 'x', topic: 't', from_offset: 1 }, 'PARAMETER_MISSING', 'need partition'],
      ['/replays', { reason: 'x', action_type: 'ADD_SERVICE' }, 'PARAMETER_INVALID', 'give S, V or I'],
      [
        '/replays/plan',
        { reason: 'x', topic: 't', disposition: 'STALE' },
        'PARAMETER_INVALID',
        'for events of the inbox',
      ],
      ['/replays/outcomes', { reason: 'x' }, 'PARAMETER_MISSING', 'name the outcomes'],
      [
        '/replays/outcomes',
        { reason: 'x', request_number: 1, topic: world.settings.CRM_TOPICS[0] },
        'PARAMETER_INVALID',
        'the service itself reads or writes it',
      ],
    ];
    for (const [path, body, code, named] of wrong) {
      expect(refusal(await world.operate(path, body, 'operator'), named)).toEqual([400, code, named]);
    }
    for (const path of ['/replays', '/replays/plan']) {
      expect(await world.operate(path, { reason: 'x' }, 'viewer')).toMatchObject({ status: 403 });
    }
    expect((await world.operate<{ replays: object[] }>('/replays')).data.replays).toHaveLength(before);

    for (const path of ['/replays', '/replays/outcomes'] as const) {
      const body = { topic: 'nobody-has-it', subscription_number: 'S0000054003', reason: 'x' };
      const { id, state, failure } = await ended(path, body);
      expect([state, failure]).toEqual(['STOPPED', expect.stringContaining('There is no topic nobody-has-it')]);
      const resumed = await world.operate<{ state: string }>(`/replays/${id}/resume`, {}, 'operator');
      expect(resumed.data).toMatchObject({ state: 'RUNNING', failure: null });
      await over(id);
    }
    const done = await ended('/replays', { subscription_number: 'S0000054003', reason: 'x' });
    const refused = await world.operate(`/replays/${done.id}/resume`, {}, 'operator');
    expect(refusal(refused, 'is completed')).toEqual([409, 'REPLAY_NOT_RESUMABLE', 'is completed']);
  });

  /** Begins one and waits until the service has ended it. */
  async function ended(path: string, body: object): Promise<ReplayTold> {
    const { data, description } = await world.operate<ReplayTold | null>(path, body, 'operator');
    if (data === null) throw new Error(description);
    return over(data.id);
  }

  function over(id: number): Promise<ReplayTold> {
    return eventually(async () => {
      const { data } = await world.operate<ReplayTold>(`/replays/${id}`);
      return data.state === 'RUNNING' ? undefined : data;
    }, `the end of replay ${id}`);
  }
});
