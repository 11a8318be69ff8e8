import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createReplay } from '../../src/replay/record.ts';
import { act, household, outcomeOf } from '../support/scene.ts';
import { startWebWorld, type WebWorld } from '../web-api/support.ts';
import { ALL } from './support.ts';

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

  test('lists dead letters, and gives one up with a reason, once', async () => {
    await world.wire.send([{ key: 'S1', message: { kind: 'bytes', key: 'S1', value: Buffer.from('no Avro at all') } }]);
    await world.wire.until(({ deadLetters }) => deadLetters[0], 'the dead letter', 20_000);
    const { data } = await world.operate<{ dead_letters: { id: number }[] }>('/dead_letters');
    expect(data.dead_letters).toMatchObject([{ reason: 'NOT_AVRO', resolution: null }]);
    const path = `/dead_letters/${data.dead_letters[0]?.id}/discard`;
    const given = await world.operate(path, { reason: 'a test of theirs' }, 'operator');
    expect(given.data).toMatchObject({ resolution: 'discarded by operator: a test of theirs' });
    const again = await world.operate(path, { reason: 'again' }, 'operator');
    expect(again).toMatchObject({ status: 404, code: 'DEAD_LETTER_NOT_FOUND' });
  });
});
