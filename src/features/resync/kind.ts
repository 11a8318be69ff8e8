import { z } from 'zod';
import { newestSnapshots } from '../../identifiers/subscription.ts';
import { planResync } from '../../planning/resync.ts';
import { snapshotCards } from '../../planning/snapshot.ts';
import { type CardPairing, writePairings } from '../../pairings/store.ts';
import { isPairing, smartcardsOf } from '../../planning/command.ts';
import { lockCards, lockSubscriptions } from '../../requests/locks.ts';
import { runKind, type TargetPlan, withheldJson } from '../runs/kind.ts';
import { subscriptionSource } from './source.ts';

/**
 * RESYNC: sends again what the newest snapshot of each selected subscription entitles. It sends CREATE_PAIRING of the
 * groups (R7), then ADD_SUBSCRIPTIONS of the effective pairs (R1, R2). Each subscription is planned when its turn
 * comes, with itself and its cards locked. So the snapshot includes every earlier event, and what follows from a later
 * event is sent later.
 *
 * A resync is for a CAS that may have lost everything. So the known pairing of a card that it does not pair again is
 * void (R7): the next set-top box of its group gets CREATE_PAIRING, since the CAS would refuse to add it to a pairing
 * that it lost.
 */
export const resyncKind = runKind({
  name: 'RESYNC',
  description: 'sends again what the newest snapshots of subscriptions entitle: pairings, then services',
  process: 'RESYNC',
  parameters: z.strictObject({}),
  source: subscriptionSource,
  goodOutcomes: ['NOTHING_TO_SEND'],
  // Few, because one transaction locks at most 1,000 cards, unless a single subscription has more.
  chunk: 20,
  async planRequests(tx, _run, targets, { rules }) {
    const numbers = targets.map(({ target }) => target);
    lockSubscriptions(tx, numbers);
    const snapshots = await newestSnapshots(tx, numbers);
    lockCards(tx, [...new Set([...snapshots.values()].flatMap(snapshotCards))]);
    const unpaired: CardPairing[] = [];
    const plans = numbers.map((target): TargetPlan => {
      const snapshot = snapshots.get(target);
      if (snapshot === undefined) return { target, requests: [], outcome: 'SUBSCRIPTION_NOT_FOUND' };
      const { commands, withheld } = planResync(snapshot, rules);
      const paired = new Set(commands.filter(isPairing).flatMap(smartcardsOf));
      for (const card of snapshotCards(snapshot)) {
        if (!paired.has(card)) unpaired.push({ number: target, card, pairing: null });
      }
      const result = { withheld: withheld.map(withheldJson) };
      const subscription = { id: snapshot.id, number: snapshot.number };
      const [first, ...more] = commands.map((command) => ({ command, subscription }));
      if (first === undefined) return { target, requests: [], outcome: 'NOTHING_TO_SEND', result };
      return { target, requests: [first, ...more], result };
    });
    writePairings(tx, unpaired);
    return plans;
  },
  async preview(db, _parameters, targets, { rules }) {
    const snapshots = await newestSnapshots(
      db,
      targets.map(({ target }) => target),
    );
    const plans = snapshots
      .entries()
      .map(([number, snapshot]) => [number, planResync(snapshot, rules).commands] as const);
    return new Map(plans);
  },
});
