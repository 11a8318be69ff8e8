import type { Subscription } from '../events/crm.generated.ts';
import { snapshotCards } from '../planning/snapshot.ts';
import type { KnownPairings, Pairing } from '../planning/types.ts';
import { type PairingCommand, smartcardsOf } from '../planning/command.ts';
import { foldPairing, withoutCards, withoutDepartedCards } from './folds.ts';

/** A card's stay in a subscription, and the pairing that finished requests established since it came (R7). */
export interface Stay {
  /** Requests with a lower number belong to an earlier stay. */
  readonly joinedNumber: number;
  readonly pairing: Pairing | null;
}

/** The stays of one subscription's cards. */
export type Stays = ReadonlyMap<string, Stay>;

export interface PendingPairing {
  readonly number: number;
  readonly command: PairingCommand;
}

/** The cards of one subscription and what is known of their pairings, while snapshots and commands are folded in. */
export interface StaysFold {
  /** The pairings of the cards that the newest snapshot has, pending requests folded in (R7). */
  knownPairings(): KnownPairings;
  /** Applies the snapshot of the message at this position: cards that it lacks leave, and their pairings with them. */
  apply(snapshot: Subscription, position: number): void;
  /** Folds in a pairing command that was planned now. */
  pair(command: PairingCommand): void;
  /** Returns the changes that the rows of its cards need. */
  cardChanges(): CardChanges;
}

export interface CardChanges {
  readonly left: readonly string[];
  /** Cards that went, also those that came with a snapshot of this chunk and went with a later one. */
  readonly past: readonly string[];
  /** Cards that came, also those that left and came back, with the position of the message that brought them. */
  readonly joined: readonly { readonly card: string; readonly position: number }[];
  /** Cards that stayed, with what is left of their established pairing now that others went. */
  readonly thinned: readonly { readonly card: string; readonly pairing: Pairing }[];
}

/** Pure. `pending` are the subscription's pending pairing requests that are due, in the order of their numbers. */
export function createStaysFold(before: Stays, pending: readonly PendingPairing[]): StaysFold {
  const cards = new Set<string>(before.keys());
  const joinedAt = new Map<string, number>();
  const past = new Set<string>();
  let pairings = knownPairings(before, pending);

  return {
    knownPairings: () => pairings,
    apply(snapshot, position) {
      const present = new Set(snapshotCards(snapshot));
      for (const card of cards) {
        if (present.has(card)) continue;
        cards.delete(card);
        joinedAt.delete(card);
        past.add(card);
      }
      for (const card of present) {
        if (cards.has(card)) continue;
        cards.add(card);
        joinedAt.set(card, position);
      }
      pairings = withoutDepartedCards(pairings, snapshot);
    },
    pair(command) {
      pairings = foldPairing(pairings, command);
    },
    cardChanges() {
      const joined = [...joinedAt].map(([card, position]) => ({ card, position }));
      const left = [...before.keys()].filter((card) => !cards.has(card));
      return { left, past: [...past], joined, thinned: thinned(before, [...left, ...joinedAt.keys()]) };
    },
  };
}

/**
 * Returns what finished requests established and what pending ones will, without earlier stays of a card (R7). A card that
 * left, or left and came back, takes part in the requests of its earlier stay, which may have brought other cards
 * together, and is taken out where that stay ended. Pure.
 */
export function knownPairings(stays: Stays, pending: readonly PendingPairing[]): KnownPairings {
  const ended = earlierStays(stays, pending);
  let known: KnownPairings = established(stays);
  for (const { number: request, command } of pending) {
    known = withoutCards(known, endedBefore(request));
    known = foldPairing(known, command);
  }
  return withoutCards(known, endedBefore(Infinity));

  /** Cards whose earlier stay ended before the request, each returned once. */
  function endedBefore(request: number): string[] {
    const cardsThen = [...ended].filter(([, joined]) => joined <= request).map(([card]) => card);
    for (const card of cardsThen) ended.delete(card);
    return cardsThen;
  }
}

/** Cards of pending requests that belong to an earlier stay, with the number from which on the present one counts. */
function earlierStays(stays: Stays, pending: readonly PendingPairing[]): Map<string, number> {
  const ended = new Map<string, number>();
  for (const { number: request, command } of pending) {
    for (const card of smartcardsOf(command)) {
      const joined = stays.get(card)?.joinedNumber ?? Infinity;
      if (joined > request) ended.set(card, joined);
    }
  }
  return ended;
}

function established(stays: Stays): KnownPairings {
  return new Map(
    [...stays].flatMap(([card, { pairing }]): [string, Pairing][] => (pairing === null ? [] : [[card, pairing]])),
  );
}

/** The established pairings of the cards that stayed, if they lose one that went. */
function thinned(before: Stays, gone: readonly string[]): CardChanges['thinned'] {
  const departed = new Set(gone);
  return [...withoutCards(established(before), gone)].flatMap(([card, pairing]) =>
    before.get(card)?.pairing?.smartcards.some((member) => departed.has(member)) ? [{ card, pairing }] : [],
  );
}
