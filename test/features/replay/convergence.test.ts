import { randomInt } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { onFaultPoint } from '../../../src/platform/fault-points.ts';
import { plan } from '../../../src/planning/plan.ts';
import { createReplay, type Replay, resumeReplay } from '../../../src/features/replay/record.ts';
import { runEvents } from '../../../src/features/replay/run-events.ts';
import { inboxPages } from '../../../src/features/replay/select-events.ts';
import { openTestIntake, type TestIntake } from '../../intake/support.ts';
import { avroRecord, carelesslyDelivered, randomHistories } from '../../support/histories.ts';
import { type Random, randomFrom } from '../../support/random.ts';
import { accept, ALL, misentitled, OPTIONS, withoutGuard, withoutOutgoingCancels } from './support.ts';

/** How many seeds; 200 say enough (REPLAY_SEEDS=200), a few are part of the suite. */
const SEEDS = Number(process.env['REPLAY_SEEDS'] ?? 3);
/** A REPLAY_SEED repeats a run. */
const first = Number(process.env['REPLAY_SEED'] ?? randomInt(2 ** 31 - 1_000));

class Killed extends Error {}

describe(`Replays in random order, beside live events and with kills (REPLAY_SEED=${first}, ${SEEDS} seeds)`, () => {
  let intake: TestIntake;
  beforeAll(async () => {
    intake = await openTestIntake();
  });
  afterAll(() => intake.close());

  test('end with the CAS as the newest snapshots say, each card having had its live actions in their order', async () => {
    const seen = { kills: 0, replays: 0, mends: 0 };
    for (let index = 0; index < SEEDS; index += 1) {
      await playOut(first + index, String(index % 1_000), seen);
      expect(await misentitled(intake.db), `seed ${first + index}`).toEqual([]);
    }
    expect(await outOfOrder(), `seeds ${first} to ${first + SEEDS - 1}`).toEqual([]);
    console.log(`${SEEDS} seeds: ${seen.replays} replays, ${seen.kills} kills, ${seen.mends} requests of replays`);
    expect(seen.replays).toBeGreaterThan(SEEDS);
  }, 3_600_000);

  /** A CRM acts while a service with a fault is replaced by the right one, and people replay this and that. */
  async function playOut(
    seed: number,
    prefix: string,
    seen: { kills: number; replays: number; mends: number },
  ): Promise<void> {
    const random = randomFrom(seed);
    const { events, finalSnapshots } = randomHistories(seed, {
      subscriptions: 3,
      actions: 8,
      sharedCards: true,
      prefix,
    });
    const messages = carelesslyDelivered(seed, events, { repeats: random.chance(0.3), late: random.chance(0.5) }).map(
      avroRecord,
    );
    const faulty = random.pick([withoutGuard, withoutOutgoingCancels, plan]);
    const mendedAt = random.int(messages.length);
    const numbers = finalSnapshots.map(({ number }) => number);
    const feed = { isLive: true };
    const crm = async (): Promise<void> => {
      for (let from = 0; from < messages.length;) {
        const size = 1 + random.int(12);
        await intake.apply(messages.slice(from, from + size), { plan: from < mendedAt ? faulty : plan });
        if (random.chance(0.4)) await accept(intake.db);
        from += size;
      }
      feed.isLive = false;
    };
    const people = async (): Promise<void> => {
      while (feed.isLive) await replayed(random.pick(numbers), random, seen, random.chance(0.2));
    };
    onFaultPoint((point) => {
      if (!point.startsWith('replay:') || !random.chance(0.25)) return;
      seen.kills += 1;
      throw new Killed(point);
    });
    try {
      await Promise.all([crm(), people()]);
      for (const number of random.shuffled(numbers)) await replayed(number, random, seen, false);
    } finally {
      onFaultPoint(null);
    }
    await accept(intake.db);
    const [made] = await intake.db.query<{ count: number }>(
      `select count(*) as count from request where process_name = 'REPLAY'`,
    );
    seen.mends = made?.count ?? 0;
  }

  /** One replay to its end, however often its process dies. */
  async function replayed(number: string, random: Random, seen: { replays: number }, again: boolean): Promise<void> {
    seen.replays += 1;
    const selection = { ...ALL, subscription: number };
    const by = { user: 'ann', unit: null };
    const asked = { kind: 'EVENTS', selection, reason: 'convergence', by } as const;
    let owner = random.uuid();
    let replay: Replay = await createReplay(intake.db, asked, owner);
    for (;;) {
      try {
        await runEvents(intake.db, replay, inboxPages(intake.db, selection, replay.cursor), {
          ...OPTIONS,
          again,
          owner,
          facetWaitMs: 30_000,
          window: 1_000_000,
          perSecond: null,
          signal: new AbortController().signal,
          onProgress: () => {},
        });
        return;
      } catch (error) {
        if (!(error instanceof Killed)) throw error;
        // The lease of a dead process ends; the test does not wait for it.
        await intake.db.query('update replay set lease_until = now() where id = $1', [replay.id]);
        owner = random.uuid();
        replay = await resumeReplay(intake.db, replay.id, owner);
      }
    }
  }

  /** Live requests of a card and subscription that were numbered in another order than their events came. */
  function outOfOrder(): Promise<unknown[]> {
    return intake.db.query(
      `select number from (
         select number, inbox_id, lag(inbox_id) over (partition by card, subscription_number order by number) as before
         from request cross join unnest(cards) card where process_name = 'TRIGGER') as one
       where before > inbox_id`,
    );
  }
});
