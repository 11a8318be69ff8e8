import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { addService, setService } from '../../../dev/demo/crm.ts';
import type { StoredEvent } from '../../../src/features/waiting-events/stored.ts';
import { runCli } from '../../support/cli.ts';
import { act, action, callTexts, callsOf, eventually, household, outcomeOf, send } from '../../support/scene.ts';
import { refusal, startWebWorld, type WebWorld } from '../../web-api/support.ts';

const CARD = '36000000001';

interface Held {
  readonly held_events: StoredEvent[];
}

describe('conax-provisioning events', () => {
  let world: WebWorld;
  let held: StoredEvent[];
  let late: ReturnType<typeof action>;

  beforeAll(async () => {
    world = await startWebWorld({ STALE_POLICY: 'hold' });
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
    held = (JSON.parse((await events('held', '--json')).stdout) as Held).held_events;
  });
  afterAll(() => world.close());

  /** Added services ask for the pairing too (R7). */
  const PAIRED = { type: 'ADD_TO_EXISTING_PAIRING', reason: 'ALREADY_PAIRED', smartcard_ca_id: CARD };
  const events = (...args: string[]) => runCli(['events', ...args], { DATABASE_URL: world.env['DATABASE_URL'] ?? '' });
  const idOf = (index: number): string => String(held[index]?.id);

  test('lists what is held, as JSON and as text', async () => {
    expect(held).toMatchObject([
      { subscription_number: 'S0000036001', family: 'SERVICE', type: 'ADD_SERVICE', version: 3, action_id: late.id },
      { subscription_number: 'S0000036001', family: 'SERVICE', type: 'ADD_SERVICE', version: 2 },
    ]);
    expect((await world.operate<Held>('/held_events', undefined, 'viewer')).data.held_events).toEqual(held);
    const { stdout } = await events('held');
    expect(stdout).toMatch(new RegExp(`^${idOf(0)}  .*  S0000036001 +3 +SERVICE +ADD_SERVICE`, 'm'));
  });

  test.each([
    [`card=${CARD}`, 2],
    ['card=36000000002', 0],
    ['subscription=S0000036001&since=2026-01-01', 2],
    ['subscription=S1', 0],
    ['until=2026-01-01T00:00Z', 0],
    ['limit=1', 1],
  ])('lists only what is asked for: %s', async (query, count) => {
    expect((await world.operate<Held>(`/held_events?${query}`)).data.held_events).toHaveLength(count);
  });

  test('a time that is none is refused in the same words by the API and the command', async () => {
    const says = 'give a time like 2026-11-28T15:05:20Z, or a date like 2026-11-28';
    expect(refusal(await world.operate('/held_events?since=noon'), says)).toEqual([400, 'PARAMETER_INVALID', says]);
    expect(await events('held', '--since', 'noon')).toMatchObject({
      exitCode: 2,
      stderr: `--since is "noon": ${says}\n`,
    });
  });

  test('a preview shows what a release would send, and stores nothing', async () => {
    const before = await world.db.query('select count(*)::int as count from request');
    const { data } = await world.operate(`/events/${idOf(0)}/preview`, undefined, 'viewer');
    expect(data).toEqual({
      commands: [{ type: 'ADD_SUBSCRIPTIONS', smartcard_ca_id: CARD, stb_ca_ids: [], service_ca_id: '1004' }],
      withheld: [expect.objectContaining(PAIRED)],
    });
    expect(await world.db.query('select count(*)::int as count from request')).toEqual(before);
    expect(JSON.parse((await events('held', '--json')).stdout)).toEqual({ held_events: held });
  });

  test('events of every disposition are listed, the newest first, page by page', async () => {
    interface Listed {
      readonly events: StoredEvent[];
      readonly next: number | null;
    }
    const list = async (query: string): Promise<Listed> =>
      (await world.operate<Listed>(`/events?${query}`, undefined, 'viewer')).data;
    const all = (await list('limit=1000')).events;
    expect(all.map(({ id }) => id)).toEqual(all.map(({ id }) => id).toSorted((one, other) => other - one));
    expect(new Set(all.map(({ disposition }) => disposition))).toEqual(new Set(['PLANNED', 'STALE']));
    const first = await list('limit=2');
    const second = await list(`limit=1000&before=${first.next}`);
    expect([...first.events, ...second.events]).toEqual(all);
    expect(second.next).toBeNull();
    expect((await list('disposition=STALE')).events).toEqual(held.toReversed());
    expect((await list(`card=${CARD}&limit=1000`)).events).toEqual(all);
    expect((await list('subscription=S0000036001&disposition=STALE')).events).toEqual(held.toReversed());
    expect((await list(`card=${CARD}&subscription=S1`)).events).toEqual([]);
    expect((await list('until=2026-01-01')).events).toEqual([]);
    expect(JSON.parse((await events('list', '--disposition', 'STALE', '--json')).stdout)).toEqual(
      await list('disposition=STALE'),
    );
  });

  test('a released event is planned, and the CRM gets the further outcome', async () => {
    const { exitCode, stdout } = await events('release', idOf(0), '--by', 'ann');
    expect({ exitCode, stdout }).toEqual({ exitCode: 0, stdout: `event ${idOf(0)} is released: PLANNED\n` });
    expect((await outcomeOf(world, late, 2)).value.outcome).toBe('PROVISIONED');
    expect(callTexts(await callsOf(world, CARD))).toContain('ADD_SUBSCRIPTIONS 1004 OK effect');
    expect((await world.operate(`/events/${idOf(0)}`, undefined, 'viewer')).data).toMatchObject({
      requests: [
        { type: 'ADD_SUBSCRIPTIONS', smartcard_ca_ids: [CARD], life_cycle_state: 'COMPLETED', error_code: null },
      ],
      withheld: [PAIRED],
    });
    const decided = await world.operate(`/events/${idOf(0)}/preview`, undefined, 'viewer');
    expect([decided.status, decided.code]).toEqual([409, 'EVENT_NOT_WAITING']);
  });

  test('a discarded event sends nothing, and the trail says who and why', async () => {
    const { exitCode } = await events('discard', idOf(1), '--by', 'bob', '--reason', 'done by hand');
    expect(exitCode).toBe(0);
    expect(callTexts(await callsOf(world, CARD))).not.toContain('ADD_SUBSCRIPTIONS 1003 OK effect');
    expect(await world.db.query('select disposition, resolution from inbox where id = $1', [idOf(1)])).toEqual([
      { disposition: 'NOTHING_TO_DO', resolution: 'discarded by bob: done by hand' },
    ]);
  });

  test('what is decided fails, what is not there is not found, and what is no number is wrong usage', async () => {
    const again = await events('release', idOf(0));
    expect([again.exitCode, again.stderr]).toEqual([1, expect.stringContaining('is not held')]);
    expect((await events('release', '999999')).exitCode).toBe(3);
    expect((await events('discard', 'x', '--reason', 'y')).exitCode).toBe(2);
    expect((await events('discard', idOf(1))).exitCode).toBe(2);
  });

  test('a dead letter is listed, shown with its bytes, and discarded', async () => {
    await world.wire.send([
      { key: 'S0000036009', message: { kind: 'bytes', key: 'S0000036009', value: Buffer.from('no Avro at all') } },
    ]);
    await world.wire.until(({ deadLetters }) => deadLetters[0], 'the dead letter', 20_000);
    const { dead_letters: letters } = JSON.parse((await events('dead-letters', '--json')).stdout) as {
      dead_letters: StoredEvent[];
    };
    expect((await world.operate('/dead_letters', undefined, 'viewer')).data).toEqual({ dead_letters: letters });
    const id = String(letters[0]?.id);
    const shown = await runCli(['events', 'show', id], world.env);
    expect([shown.exitCode, shown.stdout]).toEqual([
      0,
      expect.stringMatching(/NOT_AVRO[^]*6e 6f 20 41 .* no Avro at all/),
    ]);
    expect((await events('discard', id, '--by', 'bob', '--reason', 'a test of theirs')).exitCode).toBe(0);
    expect((await events('dead-letters')).stdout).toBe('');
  });

  test('lists dead letters, and gives one up with a reason, once', async () => {
    await world.wire.send([{ key: 'S1', message: { kind: 'bytes', key: 'S1', value: Buffer.from('no Avro at all') } }]);
    const { data } = await eventually(async () => {
      const listed = await world.operate<{ dead_letters: StoredEvent[] }>('/dead_letters?code=NOT_AVRO');
      return listed.data.dead_letters.length > 0 ? listed : undefined;
    }, 'the dead letter');
    expect(data.dead_letters).toMatchObject([{ reason: 'NOT_AVRO', resolution: null }]);
    expect((await world.operate('/dead_letters?code=UNREADABLE')).data).toEqual({ dead_letters: [] });
    const path = `/events/${data.dead_letters[0]?.id}/discard`;
    const given = await world.operate(path, { reason: 'a test of theirs' }, 'operator');
    expect(given.data).toMatchObject({ resolution: 'discarded by operator: a test of theirs' });
    const again = await world.operate(path, { reason: 'again' }, 'operator');
    expect(again).toMatchObject({ status: 409, code: 'EVENT_NOT_WAITING' });
  });

  test('shows a message decoded as far as it goes, and says why one cannot be released', async () => {
    await world.wire.send([{ key: 'S2', message: { kind: 'bytes', key: 'S2', value: Buffer.from([0, 0, 0]) } }]);
    const id = await eventually(async () => {
      const { data } = await world.operate<{ dead_letters: { id: number }[] }>('/dead_letters');
      return data.dead_letters[0]?.id;
    }, 'the dead letter');
    expect((await world.operate(`/events/${id}`, undefined, 'viewer')).data).toMatchObject({
      disposition: 'DEAD_LETTERED',
      message: { key: 'S2', bytes: 3, hex: [expect.stringContaining('00 00 00')] },
    });
    const released = await world.operate(`/events/${id}/release`, { reason: 'try' }, 'operator');
    const still = `dead letter ${id} still cannot be processed`;
    expect(refusal(released, still)).toEqual([409, 'EVENT_NOT_WAITING', still]);
    expect((await world.operate(`/events/${id}/release`, { reason: 'try' }, 'viewer')).status).toBe(403);
    expect(await world.operate('/events/999999')).toMatchObject({ status: 404, code: 'EVENT_NOT_FOUND' });
    const nobodys = await world.operate('/events/999999/discard', { reason: 'try' }, 'operator');
    expect(nobodys).toMatchObject({ status: 404, code: 'EVENT_NOT_FOUND' });
  });
});
