import { afterAll, beforeAll, expect, test } from 'vitest';
import { countTargets } from '../../src/features/runs/counts.ts';
import { kindOf } from '../../src/features/runs/kinds.ts';
import { addSchedule, scheduleHistory } from '../../src/features/schedules/store.ts';
import type { CardView } from '../../src/simulator/state.ts';
import { act, eventually, household, outcomeOf } from '../support/scene.ts';
import { RULES } from '../features/runs/support.ts';
import { startWorld, type World } from '../support/world.ts';

const [renewed, left] = ['20000000001', '20000000002'] as const;
const DAY_MS = 86_400_000;

let world: World;
beforeAll(async () => {
  world = await startWorld({ ENTITLEMENT_MONTHS: '1' });
});
afterAll(() => world.close());

const cardOf = (card: string): Promise<CardView> => world.simulator<CardView>('GET', `cards/${card}`);

function daysUntil(time: string | undefined): number {
  return (Date.parse(time ?? '') - Date.now()) / DAY_MS;
}

test('with ENTITLEMENT_MONTHS=1 an ADD carries its end, the CAS ends it by time, and a scheduled resync renews it', async () => {
  for (const [number, card] of [
    ['S0000000001', renewed],
    ['S0000000002', left],
  ] as const) {
    const done = await act(world, household(number, card, ['101', '102']), { action: 'S:BECOME_SUBSCRIBER' });
    expect((await outcomeOf(world, done)).value.outcome).toBe('PROVISIONED');
  }
  const added = await cardOf(renewed);
  expect(added.entitlements).toEqual(['101', '102']);
  for (const caId of ['101', '102']) {
    expect(daysUntil(added.ends?.[caId])).toBeGreaterThan(27);
    expect(daysUntil(added.ends?.[caId])).toBeLessThanOrEqual(31);
  }

  // Both were added almost a month ago.
  const soon = new Date(Date.now() + DAY_MS).toISOString();
  for (const card of [renewed, left]) {
    await world.simulator('PATCH', 'state', [{ ...(await cardOf(card)), ends: { '101': soon, '102': soon } }]);
  }
  await addSchedule(
    world.db,
    {
      name: 'renew entitlements',
      kind: kindOf('RESYNC'),
      cron: '0 3 1 * *',
      time_zone: 'UTC',
      parameters: {},
      selection: { subscriptions: ['S0000000001'] },
      by: { user: 'test', unit: null },
    },
    { rules: RULES },
  );
  await world.db.query('update schedule set next_at = now()');
  const counts = await eventually(async () => {
    const [start] = await scheduleHistory(world.db, 'renew entitlements', 1);
    return start?.runState === 'COMPLETED' && start.runId !== null ? countTargets(world.db, start.runId) : undefined;
  }, 'the scheduled resync is done');
  expect(counts).toMatchObject({ targets: 1, outcomes: { COMPLETED: 1 } });
  expect(daysUntil((await cardOf(renewed)).ends?.['101'])).toBeGreaterThan(27);

  await world.simulator('PUT', 'clock', { aheadMs: 2 * DAY_MS });
  expect(await cardOf(renewed)).toMatchObject({ entitlements: ['101', '102'] });
  expect(await cardOf(left)).toMatchObject({ entitlements: [] });
  await world.simulator('PUT', 'clock', { aheadMs: 32 * DAY_MS });
  expect(await cardOf(renewed)).toMatchObject({ entitlements: [] });
}, 120_000);
