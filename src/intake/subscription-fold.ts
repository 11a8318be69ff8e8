import type { ActionEvent } from '../events/action-event.ts';
import type { Subscription } from '../events/crm.generated.ts';
import { foldPairing, withoutCards, withoutDepartedCards } from '../planning/pairings.ts';
import { snapshotCards } from '../planning/snapshot.ts';
import type { KnownPairings, Pairing } from '../planning/types.ts';
import { type PairingCommand, smartcardsOf } from '../requests/command.ts';
import type { Current, Facts, PendingPairing, Stay } from './facts.ts';

/** One subscription while a chunk is folded: what it is after the messages so far. */
export interface SubscriptionFold {
  readonly number: string;
  /** The newest applied snapshot, null where there is none yet. */
  readonly current: Current | null;
  /** Whether a snapshot of this chunk was applied. */
  readonly changed: boolean;
  /** Snapshots that were current before or came with this chunk, in the order of arrival. */
  snapshots(): readonly Current[];
  /** Ids of the actions of this chunk that have the version. */
  actionsAtVersion(version: number): readonly string[];
  /** The pairings of the cards that the newest snapshot has, pending requests folded in (R7). */
  knownPairings(): KnownPairings;
  /** Takes note of an event, whatever becomes of it. */
  noteVersion(event: ActionEvent): void;
  /** Applies the snapshot of the message at this position: cards that it lacks leave, and their pairings with them. */
  apply(snapshot: Subscription, position: number): void;
  /** Folds in a pairing command that was planned now. */
  pair(command: PairingCommand): void;
  /** What has to be done to the rows of its cards. */
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

export function createSubscriptionFold(
  number: string,
  facts: Pick<Facts, 'current' | 'stays' | 'pendingPairings'>,
): SubscriptionFold {
  const before: ReadonlyMap<string, Stay> = facts.stays.get(number) ?? new Map();
  let current = facts.current.get(number) ?? null;
  let changed = false;
  const snapshots: Current[] = current === null ? [] : [current];
  const actions = new Map<number, Set<string>>();
  const cards = new Set<string>(before.keys());
  const joinedAt = new Map<string, number>();
  const past = new Set<string>();
  let pairings = pairingsBefore();

  return {
    number,
    get current() {
      return current;
    },
    get changed() {
      return changed;
    },
    snapshots: () => snapshots,
    actionsAtVersion: (version) => [...(actions.get(version) ?? [])],
    knownPairings: () => pairings,
    noteVersion(event) {
      const { subscription, action } = event;
      snapshots.push({ version: subscription.version, snapshot: subscription });
      const ids = actions.get(subscription.version) ?? new Set();
      actions.set(subscription.version, ids.add(action.id));
    },
    apply(snapshot, position) {
      current = { version: snapshot.version, snapshot };
      changed = true;
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
      const gone = [...left, ...joinedAt.keys()];
      return { left, past: [...past], joined, thinned: thinned(gone) };
    },
  };

  /** The established pairings of the cards that stayed, where they lose one that went. */
  function thinned(gone: readonly string[]): CardChanges['thinned'] {
    const departed = new Set(gone);
    return [...withoutCards(established(), gone)].flatMap(([card, pairing]) =>
      before.get(card)?.pairing?.smartcards.some((member) => departed.has(member)) ? [{ card, pairing }] : [],
    );
  }

  function established(): KnownPairings {
    return new Map(
      [...before].flatMap(([card, { pairing }]): [string, Pairing][] => (pairing === null ? [] : [[card, pairing]])),
    );
  }

  /**
   * What finished requests established and what pending ones will, without earlier stays of a card (R7). A card that
   * left, or left and came back, takes part in the requests of its earlier stay, which may have brought other cards
   * together, and is taken out where that stay ended.
   */
  function pairingsBefore(): KnownPairings {
    const pending = facts.pendingPairings.get(number) ?? [];
    const ended = earlierStays(pending);
    let known: KnownPairings = established();
    for (const { number: request, command } of pending) {
      known = withoutCards(known, endedBefore(request));
      known = foldPairing(known, command);
    }
    return withoutCards(known, endedBefore(Infinity));

    /** Cards whose earlier stay ended before the request, each given once. */
    function endedBefore(request: number): string[] {
      const cardsThen = [...ended].filter(([, joined]) => joined <= request).map(([card]) => card);
      for (const card of cardsThen) ended.delete(card);
      return cardsThen;
    }
  }

  /** Cards of pending requests that belong to an earlier stay, with the number from which on the present one counts. */
  function earlierStays(pending: readonly PendingPairing[]): Map<string, number> {
    const ended = new Map<string, number>();
    for (const { number: request, command } of pending) {
      for (const card of smartcardsOf(command)) {
        const joined = before.get(card)?.joinedNumber ?? Infinity;
        if (joined > request) ended.set(card, joined);
      }
    }
    return ended;
  }
}
