import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { addService, setService } from '../../dev/demo/crm.ts';
import type { HeldEvent } from '../../src/features/waiting-events/held.ts';
import { runCli } from '../support/cli.ts';
import { act, action, callTexts, callsOf, household, outcomeOf, send } from '../support/scene.ts';
import { startWorld, type World } from '../support/world.ts';

const CARD = '36000000001';

describe('conax-provisioning events', () => {
  let world: World;
  let held: HeldEvent[];
  let late: ReturnType<typeof action>;

  beforeAll(async () => {
    world = await startWorld({ STALE_POLICY: 'hold' });
    const subscription = household('S0000036001', CARD, ['1001']);
    await outcomeOf(world, await act(world, subscription, { action: 'S:BECOME_SUBSCRIBER' }));
    addService(subscription, 'films', '1003');
    const first = action(subscription, { action: 'V:ADD_SERVICE', incomingServices: ['films'] });
    addService(subscription, 'news', '1004');
    late = action(subscription, { action: 'V:ADD_SERVICE', incomingServices: ['news'] });
    setService(subscription, 'service-1001', 'REMOVED');
    await outcomeOf(
      world,
      await act(world, subscription, { action: 'V:REMOVE_SERVICE', outgoingServices: ['service-1001'] }),
    );
    await send(world, [...late.events, ...first.events]);
    await outcomeOf(world, late);
    await outcomeOf(world, first);
    held = JSON.parse((await events('held', '--json')).stdout) as HeldEvent[];
  });
  afterAll(() => world.close());

  const events = (...args: string[]) => runCli(['events', ...args], { DATABASE_URL: world.env['DATABASE_URL'] ?? '' });
  const idOf = (index: number): string => String(held[index]?.id);

  test('lists what is held, as JSON and as text', async () => {
    expect(held).toMatchObject([
      { subscriptionNumber: 'S0000036001', family: 'SERVICE', type: 'ADD_SERVICE', version: 3, actionId: late.id },
      { subscriptionNumber: 'S0000036001', family: 'SERVICE', type: 'ADD_SERVICE', version: 2 },
    ]);
    const { stdout } = await events('held');
    expect(stdout).toMatch(new RegExp(`^${idOf(0)}  .*  S0000036001 +3 +SERVICE +ADD_SERVICE`, 'm'));
  });

  test('a released event is planned, and the CRM gets the further outcome', async () => {
    const { exitCode, stdout } = await events('release', idOf(0), '--by', 'ann');
    expect({ exitCode, stdout }).toEqual({ exitCode: 0, stdout: `event ${idOf(0)} is released: PLANNED\n` });
    expect((await outcomeOf(world, late, 2)).value.outcome).toBe('PROVISIONED');
    expect(callTexts(await callsOf(world, CARD))).toContain('ADD_SUBSCRIPTIONS 1004 OK effect');
  });

  test('a discarded event sends nothing, and the trail says who and why', async () => {
    const { exitCode } = await events('discard', idOf(1), '--by', 'bob', '--reason', 'done by hand');
    expect(exitCode).toBe(0);
    expect(callTexts(await callsOf(world, CARD))).not.toContain('ADD_SUBSCRIPTIONS 1003 OK effect');
    expect(await world.db.query('select disposition, resolution from inbox where id = $1', [idOf(1)])).toEqual([
      { disposition: 'NOTHING_TO_DO', resolution: 'discarded by bob: done by hand' },
    ]);
  });

  test('what is not held is not found, and what is no number is wrong usage', async () => {
    const again = await events('release', idOf(0));
    expect(again.exitCode).toBe(3);
    expect(again.stderr).toMatch(/is not held/);
    expect((await events('discard', 'x', '--reason', 'y')).exitCode).toBe(2);
    expect((await events('discard', idOf(1))).exitCode).toBe(2);
  });

  test('a dead letter is listed, shown with its bytes, and discarded', async () => {
    await world.wire.send([
      { key: 'S0000036009', message: { kind: 'bytes', key: 'S0000036009', value: Buffer.from('no Avro at all') } },
    ]);
    await world.wire.until(({ deadLetters }) => deadLetters[0], 'the dead letter', 20_000);
    const [letter] = JSON.parse((await events('dead-letters', '--json')).stdout) as { id: number }[];
    const id = String(letter?.id);
    const shown = await runCli(['events', 'show', id], world.env);
    expect([shown.exitCode, shown.stdout]).toEqual([
      0,
      expect.stringMatching(/NOT_AVRO[^]*6e 6f 20 41 .* no Avro at all/),
    ]);
    expect((await events('discard', id, '--by', 'bob', '--reason', 'a test of theirs')).exitCode).toBe(0);
    expect((await events('dead-letters')).stdout).toBe('');
  });
});
