import type { Subscription } from '../events/crm.generated.ts';
import { snapshotCards } from '../planning/snapshot.ts';

/** The subscriptions that hold each smart card by their newest snapshots, while a chunk is folded (R4). */
export interface CardHolders {
  /** Sets the newest snapshot of a subscription. */
  set(snapshot: Subscription): void;
  /** Returns the newest snapshots of the subscriptions that hold one of the cards, except the one with this number. */
  holding(cards: Iterable<string>, exceptNumber: string): Subscription[];
}

export function createCardHolders(snapshots: Iterable<Subscription>): CardHolders {
  const newest = new Map<string, Subscription>();
  const numbersByCard = new Map<string, Set<string>>();
  for (const snapshot of snapshots) set(snapshot);
  return { set, holding };

  function set(snapshot: Subscription): void {
    const { number } = snapshot;
    const before = newest.get(number);
    if (before) for (const card of snapshotCards(before)) numbersByCard.get(card)?.delete(number);
    newest.set(number, snapshot);
    for (const card of snapshotCards(snapshot)) {
      const numbers = numbersByCard.get(card);
      if (numbers) numbers.add(number);
      else numbersByCard.set(card, new Set([number]));
    }
  }

  function holding(cards: Iterable<string>, exceptNumber: string): Subscription[] {
    const numbers = new Set<string>();
    for (const card of cards) for (const number of numbersByCard.get(card) ?? []) numbers.add(number);
    numbers.delete(exceptNumber);
    // Sorted, so that the reported entitlement does not depend on what was read before.
    return [...numbers].toSorted().flatMap((number) => newest.get(number) ?? []);
  }
}
