import { randomInt } from 'node:crypto';
import { setInterval as ticks } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Subscription } from '../../src/events/crm.generated.ts';
import { expectedEntitlements, expectedPairings } from '../support/expected-state.ts';
import { cardsOutOfOrder } from '../support/order.ts';
import { avroRecord, carelesslyDelivered, type HistoryEvent, randomHistories } from '../support/histories.ts';
import { startWorld, type World } from '../support/world.ts';

/** Histories of each delivery. Each run makes others; a CONVERGENCE_SEED repeats those of a run. */
const HISTORIES = Number(process.env['CONVERGENCE_HISTORIES'] ?? 80);
const SETTLED_MS = 200_000;
const seed = Number(process.env['CONVERGENCE_SEED'] ?? randomInt(2 ** 31));

interface Card {
  readonly smartcard: string;
  readonly entitlements: readonly string[];
  readonly pairing: { readonly smartcards: readonly string[]; readonly setTopBoxes: readonly string[] } | null;
}

const deliveries = [
  ['as the CRM made them', 1, {}],
  ['each one to three times', 2, { repeats: true }],
  ['with late facets and whole late actions', 3, { late: true }],
  ['both late and repeated', 4, { late: true, repeats: true }],
] as const;

describe(`the CAS converges to the CRM's last snapshots (CONVERGENCE_SEED=${seed})`, () => {
  let world: World;
  beforeAll(async () => {
    world = await startWorld({ CONAX_MAX_REQUESTS_PER_SECOND: '100000', CONAX_MAX_CONCURRENCY: '32' });
  });
  afterAll(() => world.close());

  test.each(deliveries)(
    `${HISTORIES} random histories, interleaved, events delivered %s`,
    async (_how, round, how) => {
      const own = randomHistories(seed + round, { subscriptions: HISTORIES, actions: 12, prefix: `${round}1` });
      // Cards that are in two subscriptions are paired as whichever of them acted last wants it.
      const sharing = randomHistories(seed + round + 100, {
        subscriptions: HISTORIES / 4,
        actions: 12,
        sharedCards: true,
        prefix: `${round}2`,
      });
      await deliver(world, carelesslyDelivered(seed, [...own.events, ...sharing.events], how));
      await settled(world);

      const cards = new Map((await world.simulator<Card[]>('GET', 'cards')).map((card) => [card.smartcard, card]));
      const snapshots = [...own.finalSnapshots, ...sharing.finalSnapshots];
      const entitlements = expectedEntitlements(snapshots);
      // Cards that no last snapshot holds have to be dark.
      for (const card of await cardsOfRequests(world, snapshots)) {
        if (!entitlements.has(card)) entitlements.set(card, []);
      }
      const wrong = [...entitlements].flatMap(([card, crm]) => {
        const cas = (cards.get(card)?.entitlements ?? []).map((caId) => caId.replace(/^0+(?=.)/, '')).toSorted();
        return JSON.stringify(cas) === JSON.stringify(crm) ? [] : [{ card, cas, crm }];
      });
      expect(entitlements.size).toBeGreaterThan(HISTORIES);
      expect(wrong).toEqual([]);

      const unpaired = [...expectedPairings(own.finalSnapshots)].flatMap(([card, stbs]) =>
        stbs
          .filter((stb) => cards.get(card)?.pairing?.setTopBoxes.includes(stb) !== true)
          .map((stb) => `${card} ${stb}`),
      );
      expect(unpaired).toEqual([]);
      expect(await cardsOutOfOrder(world, await world.journal())).toEqual([]);
    },
    240_000,
  );
});

async function deliver(world: World, events: readonly HistoryEvent[]): Promise<void> {
  for (let from = 0; from < events.length; from += 500) {
    await world.wire.send(
      events.slice(from, from + 500).map((event) => ({
        key: event.subscription.number,
        message: { kind: 'event', event: avroRecord(event) },
      })),
    );
  }
  sent += events.length;
}

let sent = 0;

/**
 * Everything was read, everything that follows from it is final, and every outcome is published. A message may have been
 * read twice: on a busy machine the group is formed anew.
 */
async function settled(world: World): Promise<void> {
  const until = performance.now() + SETTLED_MS;
  for await (const _ of ticks(100)) {
    const [left] = await world.db.query<{ read: number; work: number; outbox: number }>(`
      select (select count(distinct (partition, message_offset)) from inbox) as read, (select count(*) from work) as work,
             (select count(*) from outbox where published_at is null) as outbox`);
    if (left && left.read >= sent && left.work === 0 && left.outbox === 0) return;
    if (performance.now() > until) throw new Error(`Not settled, ${sent} sent: ${JSON.stringify(left)}`);
  }
}

async function cardsOfRequests(world: World, snapshots: readonly Subscription[]): Promise<string[]> {
  const rows = await world.db.query<{ card: string }>(
    'select distinct card from request cross join unnest(cards) card where subscription_number = any($1::text[])',
    [snapshots.map(({ number }) => number)],
  );
  return rows.map(({ card }) => card);
}
