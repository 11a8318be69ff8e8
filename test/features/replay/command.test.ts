import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { addService, type CrmEvent, events } from '../../../dev/demo/crm.ts';
import { listReplays } from '../../../src/features/replay/record.ts';
import { runCli } from '../../support/cli.ts';
import { act, action, callTexts, callsOf, household, outcomeOf, send } from '../../support/scene.ts';
import { startWorld, type World } from '../../support/world.ts';

/** A command takes its time on a machine that is busy otherwise. */
const SLOW_MS = 240_000;

const LIVE = '53000000001';
const LOST = '53000000002';

/** An event as a line of a file. */
function lineOf({ schema, value }: CrmEvent): string {
  const family = schema.includes('.Subscription')
    ? 'SUBSCRIPTION'
    : schema.includes('.Service')
      ? 'SERVICE'
      : 'INSTALLED_ITEM';
  return JSON.stringify({ family, ...value });
}

describe('conax-provisioning replay', () => {
  let world: World;
  let directory: string;
  let sent: CrmEvent[];
  beforeAll(async () => {
    directory = mkdtempSync(join(tmpdir(), 'conax-replay-test-'));
    world = await startWorld();
    const subscription = household('S0000053001', LIVE, ['1001']);
    const first = await act(world, subscription, { action: 'S:BECOME_SUBSCRIBER' });
    await outcomeOf(world, first);
    addService(subscription, 'films', '1003');
    const second = await act(world, subscription, { action: 'V:ADD_SERVICE', incomingServices: ['films'] });
    await outcomeOf(world, second);
    sent = [...first.events, ...second.events];
  });
  afterAll(async () => {
    await world.close();
    rmSync(directory, { recursive: true });
  });

  const replay = (...args: string[]) => runCli(['replay', ...args], world.env);

  test(
    'a plan of the topic finds everything the same',
    async () => {
      const topic = await replay('plan', '--topic', world.env['CRM_TOPICS'] ?? '', '--json', '--all');
      expect([topic.exitCode, topic.stderr]).toEqual([0, '']);
      const rows = topic.stdout
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line) as Record<string, string>);
      expect(rows.slice(0, -1).map(({ verdict, type, then_state: then }) => `${verdict} ${type} ${then}`)).toEqual([
        'same CREATE_PAIRING COMPLETED',
        'same ADD_SUBSCRIPTIONS COMPLETED',
        'same ADD_SUBSCRIPTIONS COMPLETED',
        'withheld ADD_TO_EXISTING_PAIRING withheld ALREADY_PAIRED',
      ]);
      expect(rows.at(-1)).toMatchObject({ kind: 'summary', events: 2, differing: 0, send: {} });
    },
    SLOW_MS,
  );

  test(
    'events that never arrived come in from a file, once, for the person and the reason that are given',
    async () => {
      const subscription = household('S0000053002', LOST, ['1001']);
      const lost = action(subscription, { action: 'S:BECOME_SUBSCRIBER' });
      const file = join(directory, 'lost.jsonl');
      writeFileSync(file, `${[...lost.events, ...sent].map(lineOf).join('\n')}\n{"family":"SERVICE"}\n`);
      const looked = await replay('run', '--file', file, '--reason', 'lost');
      expect(looked.stdout).toMatch(/A run would send\n  1 {2}CREATE_PAIRING\n  1 {2}ADD_SUBSCRIPTIONS\n/);
      expect(looked.stdout).toMatch(/cannot be read\n  1 {2}UNREADABLE\nNothing was sent: add --yes/);
      const ran = await replay('run', '--file', file, '--reason', 'a topic was lost', '--by', 'ann', '--yes', '--json');
      expect(JSON.parse(ran.stdout)).toMatchObject({
        state: 'COMPLETED',
        counts: { events: 3, received: 1, requests: 2 },
        created_by_user: 'ann',
      });
      expect((await outcomeOf(world, lost)).value.outcome).toBe('PROVISIONED');
      expect(callTexts(await callsOf(world, LOST))).toEqual([
        'CREATE_PAIRING OK effect',
        'ADD_SUBSCRIPTIONS 1001 OK effect',
      ]);
      expect(
        await world.db.query(
          `select distinct process_name, process_id, created_by_user, bulk from request where subscription_number = $1`,
          ['S0000053002'],
        ),
      ).toEqual([{ process_name: 'REPLAY', process_id: '1', created_by_user: 'ann', bulk: true }]);
      expect(await listReplays(world.db, 10)).toMatchObject([
        { id: 1, kind: 'EVENTS', state: 'COMPLETED', reason: 'a topic was lost', createdBy: { user: 'ann' } },
      ]);
    },
    SLOW_MS,
  );

  test('a tool that copies messages back into the topic does no harm: they are seen, counted and skipped', async () => {
    const before = (await world.journal()).length;
    const [next] = events(household('S0000053003', '53000000003', ['1001']), [{ action: 'S:BECOME_SUBSCRIBER' }]);
    if (!next) throw new Error('no event');
    await send(world, [...sent, ...sent, next]);
    await outcomeOf(world, { id: next.value.action.id, events: [next] });
    expect(
      (await world.journal()).slice(before).map(({ parameters }) => parameters.smartcard ?? parameters.smartcards?.[0]),
    ).toEqual(['53000000003', '53000000003']);
    const seen = await world.db.query(`select count(*) as count from inbox where disposition = 'DUPLICATE'`);
    expect(seen).toEqual([{ count: 4 }]);
  });
});
