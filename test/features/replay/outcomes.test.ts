import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type CrmSubscription, events, setServices } from '../../../dev/demo/crm.ts';
import { connectCrm } from '../../../dev/demo/wire.ts';
import type { Received } from '../../../dev/demo/wire.ts';
import { createReplay, resumeReplay } from '../../../src/features/replay/record.ts';
import { outcomeSelection, replayOutcomes } from '../../../src/features/replay/outcomes.ts';
import { outcomesAfter } from '../../../src/features/replay/select-outcomes.ts';
import { eventually, type Ground, openGround } from '../../outcomes/support.ts';
import { runCli } from '../../support/cli.ts';
import { finishPending } from '../../support/finish.ts';
import { household } from '../../support/scene.ts';
import { kafkaBrokers, schemaRegistryUrl } from '../../support/stack.ts';
import { createLedTopics } from '../../../src/platform/topics.ts';

/** What a consumer keeps that has seen each `ce_id` once: the last outcome of each request and each action. */
function tableOf({ arrivals }: Ground['wire']): Map<string, string> {
  const seen = new Set<string>();
  const table = new Map<string, string>();
  for (const { headers, value } of [...arrivals.requestOutcomes, ...arrivals.actionOutcomes]) {
    const id = headers['ce_id'] ?? '';
    if (seen.has(id)) continue;
    seen.add(id);
    table.set('requestNumber' in value ? `request ${value.requestNumber}` : `action ${value.actionId}`, value.outcome);
  }
  return table;
}

const idsOf = (received: readonly Received<unknown>[], key?: string): string[] =>
  received.filter((one) => key === undefined || one.key === key).map(({ headers }) => headers['ce_id'] ?? '');

describe('replay outcomes', () => {
  let ground: Ground;
  const customers = ['S0000051001', 'S0000051002', 'S0000051003'];
  let before: { requests: string[]; actions: string[] };

  beforeAll(async () => {
    ground = await openGround('again', { partitions: 2 });
    ground.intake();
    ground.outcomes();
    const households = customers.map((number, index) => household(number, `5100000000${index}`, ['1001', '1002']));
    for (const subscription of households) await act(subscription, 'S:BECOME_SUBSCRIBER');
    for (const subscription of households) {
      setServices(subscription, 'NOT_EFFECTIVE');
      await act(subscription, 'S:DEACTIVATE_SUBSCRIPTION');
    }
    // 3 customers: pairing and 2 ADDs, then 2 CANCELs; each action's outcome.
    await eventually(() => (counts().requests === 15 && counts().actions === 6 ? true : undefined), 'all outcomes');
    before = {
      requests: idsOf(ground.wire.arrivals.requestOutcomes),
      actions: idsOf(ground.wire.arrivals.actionOutcomes),
    };
  });
  afterAll(() => ground.close());

  const counts = () => ({
    requests: ground.wire.arrivals.requestOutcomes.length,
    actions: ground.wire.arrivals.actionOutcomes.length,
  });

  async function act(subscription: CrmSubscription, action: 'S:BECOME_SUBSCRIBER' | 'S:DEACTIVATE_SUBSCRIPTION') {
    const [made] = events(subscription, [{ action }]);
    if (!made) throw new Error('no event');
    await ground.send([made]);
    await eventually(async () => ((await finishPending(ground.db)).length > 0 ? true : undefined), 'requests');
  }

  const env = (): Record<string, string> => ({
    DATABASE_URL: ground.databaseUrl,
    KAFKA_BROKERS: kafkaBrokers(),
    SCHEMA_REGISTRY_URL: schemaRegistryUrl(),
    ...ground.topics,
  });
  const replay = (...args: string[]) => runCli(['replay', ...args], env());

  test('a consumer that deduplicates by ce_id ends with the same table, each key in the same order', async () => {
    const table = tableOf(ground.wire);
    const { exitCode, stderr } = await replay('outcomes', '--from', '2020-01-01', '--reason', 'consumer restored');
    expect([exitCode, stderr]).toEqual([0, '']);
    await eventually(() => (counts().requests === 30 && counts().actions === 12 ? true : undefined), 'all once more');
    expect(tableOf(ground.wire)).toEqual(table);
    for (const key of customers) {
      const ids = idsOf(ground.wire.arrivals.requestOutcomes, key);
      expect(ids.slice(5)).toEqual(ids.slice(0, 5));
      const actions = idsOf(ground.wire.arrivals.actionOutcomes, key);
      expect(actions.slice(2)).toEqual(actions.slice(0, 2));
    }
  });

  test('those of one subscription, and of one request with its action: what was published again is not taken twice', async () => {
    const start = counts();
    const one = await replay('outcomes', '--subscription', 'S0000051002', '--reason', 'asked for', '--json');
    expect(JSON.parse(one.stdout)).toMatchObject({ state: 'COMPLETED', counts: { outcomes: 7 } });
    const [request] = await ground.db.query<{ number: number }>(
      `select min(number) as number from request where subscription_number = 'S0000051003'`,
    );
    const two = await replay('outcomes', '--request', String(request?.number), '--reason', 'asked for', '--json');
    expect(JSON.parse(two.stdout)).toMatchObject({ state: 'COMPLETED', counts: { outcomes: 2 } });
    await eventually(
      () => (counts().requests === start.requests + 6 && counts().actions === start.actions + 3 ? true : undefined),
      'the outcomes again',
    );
  });

  test('to another topic, without a word in those that everybody reads', async () => {
    const start = counts();
    const topic = `${ground.topics.OUTCOME_TOPIC}.again`;
    expect(await replay('outcomes', '--from', '2020-01-01', '--topic', topic, '--reason', 'audit')).toMatchObject({
      exitCode: 2,
      stderr: expect.stringMatching(/there is no such topic/) as string,
    });
    const admin = ground.kafka.admin();
    await admin.connect();
    await createLedTopics(admin, [{ topic, numPartitions: 2 }]);
    await admin.disconnect();
    const { exitCode, stderr } = await replay(
      'outcomes',
      '--from',
      '2020-01-01',
      '--topic',
      topic,
      '--reason',
      'audit',
    );
    expect([exitCode, stderr]).toEqual([0, '']);
    const reader = await connectCrm({
      brokers: kafkaBrokers(),
      registryUrl: schemaRegistryUrl(),
      topics: {
        events: ground.topics.CRM_TOPICS,
        requestOutcomes: topic,
        actionOutcomes: ground.topics.ACTION_OUTCOME_TOPIC,
        deadLetters: ground.topics.DEAD_LETTER_TOPIC,
      },
    });
    try {
      await eventually(
        () => (reader.arrivals.requestOutcomes.length === 21 ? true : undefined),
        'all in the other topic',
      );
      expect(idsOf(reader.arrivals.requestOutcomes).toSorted()).toEqual(
        [...before.requests, ...before.actions].toSorted(),
      );
    } finally {
      await reader.close();
    }
    expect(counts()).toEqual(start);
  });

  test('one that was stopped is resumed where it ended, and says who did it and why', async () => {
    const selection = await outcomeSelection(
      ground.db,
      { from: null, to: null, subscription: 'S0000051001', request: null, latest: true },
      null,
    );
    const by = { user: 'ann', unit: null };
    const asked = { kind: 'OUTCOMES', selection, reason: 'for the test', by } as const;
    const start = counts();
    const stopped = new AbortController();
    stopped.abort();
    const begun = await createReplay(ground.db, asked, '00000000-0000-0000-0000-000000000001');
    const how = {
      owner: '00000000-0000-0000-0000-000000000001',
      destination: { kind: 'outbox' },
      signal: stopped.signal,
      onProgress: () => {},
    } as const;
    expect(await replayOutcomes(ground.db, begun, how)).toBe('STOPPED');
    await expect(resumeReplay(ground.db, 999_999, how.owner)).rejects.toThrow('There is no replay 999999');
    const resumed = await replay('resume', String(begun.id), '--json');
    expect(JSON.parse(resumed.stdout)).toMatchObject({ state: 'COMPLETED', counts: { outcomes: 7 } });
    expect((await replay('resume', String(begun.id))).stderr).toMatch(/is completed/);
    await eventually(() => (counts().requests === start.requests + 5 ? true : undefined), 'the outcomes again');
    expect((await replay('show', String(begun.id))).stdout).toMatch(/reason +for the test\nauthor +ann\n/);
  });

  test('with a time that is none it says what to give', async () => {
    const wrong = await replay('outcomes', '--from', 'yesterday', '--reason', 'x');
    expect([wrong.exitCode, wrong.stderr]).toEqual([
      2,
      expect.stringMatching(/--from is "yesterday": give a time like/),
    ]);
  });

  test('of an action with several outcomes, --latest takes the last one alone', async () => {
    const [first] = ground.wire.arrivals.actionOutcomes;
    if (!first) throw new Error('no outcome');
    await ground.db.query(
      `insert into outbox (kind, event_id, message_key, record, headers, action_id, published_at)
       select kind, gen_random_uuid(), message_key, record, headers, action_id, now() from outbox
       where event_id = $1::uuid and replay_id is null`,
      [first.headers['ce_id']],
    );
    const selected = async (latest: boolean) => {
      const selection = { from: null, to: null, subscription: first.key, request: null, latest };
      const stored = await outcomeSelection(ground.db, selection, null);
      return (await outcomesAfter(ground.db, stored, stored, 0, 100)).length;
    };
    expect(await selected(false)).toBe(8);
    expect(await selected(true)).toBe(7);
  });
});
