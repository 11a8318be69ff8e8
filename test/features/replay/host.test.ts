import { Registry } from '@prometheus-io/client';
import { randomInt, randomUUID } from 'node:crypto';
import kafkajs from '../../../src/platform/kafkajs/index.ts';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createLogger } from '../../../src/platform/logging.ts';
import { openSchemaRegistry } from '../../../src/platform/schema-registry.ts';
import { plan } from '../../../src/planning/plan.ts';
import { type ReplayHost, replayMetrics, startReplayHost } from '../../../src/features/replay/host.ts';
import { planRowsAfter } from '../../../src/features/replay/hosted-plan.ts';
import { askToStop, createReplay, findReplay, type Replay, resumeReplay } from '../../../src/features/replay/record.ts';
import { findSchema, openTestIntake, RULES, type TestIntake } from '../../intake/support.ts';
import { avroRecord, randomHistories } from '../../support/histories.ts';
import { eventually } from '../../support/scene.ts';
import { accept, ALL, contentsOf, misentitled, planned, withoutOutgoingCancels } from './support.ts';

/** A REPLAY_SEED repeats a run. */
const seed = Number(process.env['REPLAY_SEED'] ?? randomInt(2 ** 31));
/** Nobody listens there: what is replayed here comes from the inbox and goes through the outbox. */
const NOWHERE = '127.0.0.1:1';
const BY = { user: 'ann', unit: null };

describe(`Replays that the service works on (REPLAY_SEED=${seed})`, () => {
  let intake: TestIntake;
  const hosts: ReplayHost[] = [];
  beforeEach(async () => {
    intake = await openTestIntake();
    const { events } = randomHistories(seed, { subscriptions: 30, actions: 12 });
    await intake.apply(events.map(avroRecord), { plan: withoutOutgoingCancels });
    await accept(intake.db);
  });
  afterEach(async () => {
    await Promise.all(hosts.splice(0).map((host) => host.stop()));
    await intake.close();
  });

  function startHost(): ReplayHost {
    const kafka = new kafkajs.Kafka({ brokers: [NOWHERE], logLevel: kafkajs.logLevel.NOTHING, retry: { retries: 0 } });
    const started = startReplayHost({
      db: intake.db,
      reading: { kafka, findWriterSchema: findSchema },
      publishing: {
        kafka,
        registry: openSchemaRegistry({ url: `http://${NOWHERE}`, username: undefined, password: undefined }),
        OUTCOME_TOPIC: 'outcomes',
        ACTION_OUTCOME_TOPIC: 'action-outcomes',
        DEAD_LETTER_TOPIC: 'dead-letters',
      },
      evaluation: { plan, rules: RULES, stalePolicy: 'plan' },
      facetWaitMs: 30_000,
      metrics: replayMetrics(new Registry()),
      logger: createLogger('silent'),
      onOutbox: () => {},
    });
    hosts.push(started);
    return started;
  }

  /** Handed to the service; so many requests a second, so that it can be interrupted. */
  function handed(perSecond: number | null): Promise<Replay> {
    const limits = { window: 1_000_000, perSecond };
    const selection = { ...ALL, ranges: null, fingerprint: null, again: false, limits };
    return createReplay(intake.db, { kind: 'EVENTS', selection, reason: 'a rule was off', by: BY }, null);
  }

  const until = (id: number, what: string, is: (replay: Replay) => boolean): Promise<Replay> =>
    eventually(async () => {
      const found = await findReplay(intake.db, id);
      return found !== null && is(found) ? found : undefined;
    }, what);

  const madeByReplays = () =>
    intake.db.query<{ key: string; count: number }>(
      `select subscription_number || ' ' || (command::text) as key, count(*) as count
       from request where process_name = 'REPLAY' group by 1`,
    );

  test('a plan keeps its summary and the rows that differ, as the command line shows them, and changes nothing else', async () => {
    const { rows, summary } = await planned(intake.db);
    const others = async (): Promise<string[]> =>
      (await contentsOf(intake.db)).split('\n').filter((line) => !line.startsWith('replay'));
    const before = await others();
    const asked = { kind: 'PLAN', selection: { ...ALL, ranges: null, fingerprint: null, again: false } } as const;
    const { id } = await createReplay(intake.db, { ...asked, reason: 'how bad is it', by: BY }, null);
    startHost();
    const { result } = await until(id, 'the plan', ({ state }) => state === 'COMPLETED');
    expect(result).toEqual({ ...summary, unreadable: {}, rowsLeftOut: 0 });
    expect(summary.differing).toBeGreaterThan(0);
    const kept = (await planRowsAfter(intake.db, id, 0, 10_000)).map(({ content }) => content);
    const differing = rows.filter(({ verdict }) => ['new', 'no longer', 'changed'].includes(verdict));
    expect(kept).toEqual(JSON.parse(JSON.stringify(differing)));
    const [first, ...rest] = await planRowsAfter(intake.db, id, 0, 2);
    expect((await planRowsAfter(intake.db, id, first?.position ?? 0, 1)).map(({ content }) => content)).toEqual(
      rest.map(({ content }) => content),
    );
    expect(await others()).toEqual(before);
  });

  test('an instance that stops hands its replay back, and another one goes on without repeating anything', async () => {
    const { summary } = await planned(intake.db);
    const { id } = await handed(20);
    const first = startHost();
    await until(id, 'some requests', ({ counts }) => (counts['requests'] ?? 0) > 0);
    await first.stop();
    const between = await findReplay(intake.db, id);
    expect(between).toMatchObject({ state: 'RUNNING', endedAt: null });
    expect(between?.counts['requests']).toBeLessThan(summary.send['CANCEL_SUBSCRIPTIONS'] ?? 0);
    startHost();
    const { counts } = await until(id, 'the rest', ({ state }) => state === 'COMPLETED');
    const made = await madeByReplays();
    expect(made.filter(({ count }) => count > 1)).toEqual([]);
    expect(made).toHaveLength(summary.send['CANCEL_SUBSCRIPTIONS'] ?? 0);
    expect(counts['requests']).toBe(made.length);
    expect(await misentitled(intake.db)).toEqual([]);
  });

  test('one whose instance stands still is taken over, and the two of them repeat nothing', async () => {
    const { summary } = await planned(intake.db);
    const { id } = await handed(20);
    startHost();
    await until(id, 'some requests', ({ counts }) => (counts['requests'] ?? 0) > 0);
    // As if it had given no sign of life for the time of its lease.
    await intake.db.query('update replay set owner = $2, lease_until = now() where id = $1', [id, randomUUID()]);
    startHost();
    await until(id, 'the end', ({ state }) => state === 'COMPLETED');
    const made = await madeByReplays();
    expect(made.filter(({ count }) => count > 1)).toEqual([]);
    expect(made).toHaveLength(summary.send['CANCEL_SUBSCRIPTIONS'] ?? 0);
  });

  test('what waited before an interruption counts into the window of whoever goes on', async () => {
    const selection = { ...ALL, ranges: null, fingerprint: null, again: false, limits: { window: 3, perSecond: null } };
    const asked = { kind: 'EVENTS', selection, reason: 'a rule was off', by: BY } as const;
    await createReplay(intake.db, asked, null);
    const first = startHost();
    const waiting = (): Promise<number> => madeByReplays().then((made) => made.length);
    await eventually(async () => ((await waiting()) >= 3 ? true : undefined), 'a full window');
    await first.stop();
    const before = await waiting();
    startHost();
    // Each look for room is a sign of life.
    const signs = new Set<string>();
    await eventually(async () => {
      const [row] = await intake.db.query<{ until: string }>(
        'select lease_until::text as until from replay where owner is not null',
      );
      if (row) signs.add(row.until);
      return signs.size > 3 ? true : undefined;
    }, 'looks for room');
    expect(await waiting()).toBe(before);
    await accept(intake.db);
    await eventually(async () => ((await waiting()) > before ? true : undefined), 'room again');
  });

  test('one is stopped by a person, stays so, and is resumed by the service', async () => {
    const { id } = await handed(20);
    startHost();
    await until(id, 'some requests', ({ counts }) => (counts['requests'] ?? 0) > 0);
    expect(await askToStop(intake.db, id, 'bob')).toBe(true);
    const stopped = await until(id, 'the stop', ({ state }) => state === 'STOPPED');
    expect(stopped).toMatchObject({ stopRequestedBy: 'bob', hosted: true, failure: null });
    await resumeReplay(intake.db, id, null);
    await until(id, 'the end', ({ state }) => state === 'COMPLETED');
    expect((await madeByReplays()).filter(({ count }) => count > 1)).toEqual([]);
    expect(await misentitled(intake.db)).toEqual([]);
  });

  test('one whose topic is not to be had waits for Kafka, and keeps no other one waiting', async () => {
    const topic = { kind: 'kafka', topic: 'away', partition: null, fromOffset: null, toOffset: null } as const;
    const selection = { ...ALL, source: { ...topic, from: null, to: null }, ranges: null, fingerprint: null };
    const asked = { kind: 'EVENTS', selection: { ...selection, again: false }, reason: 'a topic', by: BY } as const;
    const away = await createReplay(intake.db, asked, null);
    const { id } = await handed(null);
    startHost();
    await until(id, 'the other one', ({ state }) => state === 'COMPLETED');
    const waiting = await until(away.id, 'the outage', ({ failure }) => failure !== null);
    expect(waiting).toMatchObject({ state: 'RUNNING', failure: expect.stringMatching(/ECONNREFUSED|Connection/) });
    // Somebody may have enough of it: nobody works on it until its lease is over.
    await intake.db.query('update replay set lease_until = now() where id = $1', [away.id]);
    await askToStop(intake.db, away.id, 'bob');
    await until(away.id, 'the stop', ({ state }) => state === 'STOPPED');
  });

  test('one that is stopped before anybody begins it does nothing', async () => {
    const { id } = await handed(null);
    await askToStop(intake.db, id, 'bob');
    expect(await findReplay(intake.db, id)).toMatchObject({ state: 'STOPPED', stopRequestedBy: 'bob' });
    const dead = await handed(null);
    await intake.db.query('update replay set owner = $2 where id = $1', [dead.id, randomUUID()]);
    await askToStop(intake.db, dead.id, 'bob');
    startHost();
    await until(dead.id, 'the stop', ({ state }) => state === 'STOPPED');
    expect(await madeByReplays()).toEqual([]);
  });

  test('one that finds other events than it was begun with is stopped and says so', async () => {
    const selection = { ...ALL, source: { kind: 'file', path: '/dev/null' }, ranges: null, again: false };
    const asked = {
      kind: 'EVENTS',
      selection: { ...selection, fingerprint: '9 was' },
      reason: 'a file',
      by: BY,
    } as const;
    const { id } = await createReplay(intake.db, asked, null);
    startHost();
    const { failure } = await until(id, 'the failure', ({ state }) => state === 'STOPPED');
    expect(failure).toMatch(/not those that replay \d+ was started with/);
  });
});
