import type { KnownPairings, Pairing } from '../planning/types.ts';
import { type Command, isPairing } from '../planning/command.ts';
import { foldAnswer, foldPairing, withoutCards } from './folds.ts';
import type { Stays } from './stays.ts';

/** What a final request taught about pairings (R7, R8). */
export type PairingNews =
  /** A pairing command was accepted. */
  | { readonly kind: 'done' }
  /** What the CAS answered that it holds, in the order of the questions. */
  | { readonly kind: 'told'; readonly answers: readonly PairingAnswer[] };

/** The whole pairing of a card that the CAS was asked about; null if it is in none. */
export interface PairingAnswer {
  readonly smartcard: string;
  readonly pairing: Pairing | null;
}

/** The part of a finished request that matters here. */
export interface Taught {
  readonly number: number;
  readonly command: Command;
  readonly subscriptionNumber: string | null;
  readonly pairingNews: PairingNews | null;
}

/** Returns the subscriptions whose known pairings these requests change, each once. */
export function subscriptionsTaught(requests: readonly Taught[]): string[] {
  const numbers = requests.flatMap(({ pairingNews, subscriptionNumber }) =>
    pairingNews !== null && subscriptionNumber !== null ? [subscriptionNumber] : [],
  );
  return [...new Set(numbers)];
}

/**
 * Returns the cards of one subscription whose pairing differs once all its finished requests are folded in, in the
 * requests' order. A card that left the subscription has no stay and remains unknown; one that left and came back joined
 * with a higher number than the request's, and what the request did belongs to its earlier stay (R7). Pure.
 */
export function pairingChanges(
  stays: Stays,
  requests: readonly Taught[],
): { readonly card: string; readonly pairing: Pairing | null }[] {
  const current = new Map([...stays].map(([card, { pairing }]) => [card, pairing]));
  for (const request of requests.toSorted((a, b) => a.number - b.number)) {
    const eligible = [...stays].flatMap(([card, { joinedNumber }]) => (joinedNumber <= request.number ? [card] : []));
    const known = new Map<string, Pairing>();
    for (const card of eligible) {
      const pairing = current.get(card);
      if (pairing) known.set(card, pairing);
    }
    const folded = fold(known, request);
    for (const card of eligible) current.set(card, folded.get(card) ?? null);
  }
  return [...current]
    .filter(([card, pairing]) => JSON.stringify(pairing) !== JSON.stringify(stays.get(card)?.pairing ?? null))
    .map(([card, pairing]) => ({ card, pairing }));
}

function fold(known: KnownPairings, { command, pairingNews }: Taught): KnownPairings {
  if (pairingNews?.kind === 'done') {
    return isPairing(command) ? foldPairing(known, command) : known;
  }
  if (pairingNews?.kind !== 'told') return known;
  return pairingNews.answers.reduce(
    (before, { smartcard, pairing }) =>
      pairing === null ? withoutCards(before, [smartcard]) : foldAnswer(before, pairing),
    known,
  );
}
