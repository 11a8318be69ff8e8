import type { Transaction } from '../platform/database.ts';
import type { KnownPairings, Pairing } from '../planning/types.ts';
import type { Command, PairingCommand } from './command.ts';
import { lockSubscriptions } from './lock-subscriptions.ts';

/** What a final request taught about pairings (R7, R8). */
export type PairingNews =
  /** A pairing command was accepted. */
  | { readonly kind: 'done' }
  /** The CAS said what it holds, in the order in which it was asked. */
  | { readonly kind: 'told'; readonly answers: readonly PairingAnswer[] };

/** The whole pairing of a card that the CAS was asked about; null if it is in none. */
export interface PairingAnswer {
  readonly smartcard: string;
  readonly pairing: Pairing | null;
}

/** How news changes known pairings; pure. */
export interface PairingFolds {
  /** The known pairings after the CAS accepted the command. */
  readonly foldPairing: (known: KnownPairings, command: PairingCommand) => KnownPairings;
  /** The known pairings after the CAS told of one. */
  readonly foldAnswer: (known: KnownPairings, pairing: Pairing) => KnownPairings;
  /** The known pairings after the CAS told that these cards are in none. */
  readonly withoutCards: (known: KnownPairings, cards: readonly string[]) => KnownPairings;
}

/** The part of a finished request that matters here. */
export interface Taught {
  readonly number: number;
  readonly command: Command;
  readonly subscriptionNumber: string | null;
  readonly pairingNews: PairingNews | null;
}

/**
 * Locks the subscriptions whose known pairings these requests change. The first lock of the transaction: intake too
 * locks subscriptions before cards.
 */
export async function lockPairings(tx: Transaction, requests: readonly Taught[]): Promise<void> {
  await lockSubscriptions(tx, subscriptionsOf(requests));
}

/**
 * Folds what finished requests taught into the known pairings of their subscriptions, in the requests' order. A card
 * that left the subscription has no row and stays unknown; one that left and came back joined with a higher number than
 * the request's, and what the request did belongs to its earlier stay (R7). A request without a subscription
 * establishes nothing.
 */
export async function establishPairings(
  tx: Transaction,
  requests: readonly Taught[],
  folds: PairingFolds,
): Promise<void> {
  const numbers = subscriptionsOf(requests);
  if (numbers.length === 0) return;
  const rows = await tx.query<CardRow>(READ_CARDS, [numbers]);
  const changed = numbers.flatMap((subscription) =>
    pairingChanges(
      rows.filter((row) => row.subscription === subscription),
      requests.filter((request) => request.subscriptionNumber === subscription),
      folds,
    ),
  );
  if (changed.length === 0) return;
  await tx.query(WRITE_CARDS, [
    changed.map(({ subscription }) => subscription),
    changed.map(({ card }) => card),
    changed.map(({ pairing }) => JSON.stringify(pairing?.smartcards ?? null)),
    changed.map(({ pairing }) => JSON.stringify(pairing?.setTopBoxes ?? null)),
  ]);
}

/** A card's stay in a subscription, and the pairing that is established of it. */
export interface CardRow {
  subscription: string;
  card: string;
  joined: number;
  smartcards: string[] | null;
  setTopBoxes: string[] | null;
}

export interface PairingChange {
  readonly subscription: string;
  readonly card: string;
  readonly pairing: Pairing | null;
}

/** The rows of one subscription that differ once all its requests are folded in. Pure. */
export function pairingChanges(
  rows: readonly CardRow[],
  requests: readonly Taught[],
  folds: PairingFolds,
): PairingChange[] {
  const current = new Map(rows.map((row) => [row.card, pairingOf(row)]));
  for (const request of requests.toSorted((a, b) => a.number - b.number)) {
    const eligible = rows.filter((row) => row.joined <= request.number);
    const known = new Map<string, Pairing>();
    for (const { card } of eligible) {
      const pairing = current.get(card);
      if (pairing) known.set(card, pairing);
    }
    const folded = fold(known, request, folds);
    for (const { card } of eligible) current.set(card, folded.get(card) ?? null);
  }
  return rows
    .map((row) => ({ row, pairing: current.get(row.card) ?? null }))
    .filter(({ row, pairing }) => JSON.stringify(pairing) !== JSON.stringify(pairingOf(row)))
    .map(({ row, pairing }) => ({ subscription: row.subscription, card: row.card, pairing }));
}

function fold(known: KnownPairings, { command, pairingNews }: Taught, folds: PairingFolds): KnownPairings {
  if (pairingNews?.kind === 'done') {
    return command.type === 'CREATE_PAIRING' || command.type === 'ADD_TO_EXISTING_PAIRING'
      ? folds.foldPairing(known, command)
      : known;
  }
  if (pairingNews?.kind !== 'told') return known;
  return pairingNews.answers.reduce(
    (before, { smartcard, pairing }) =>
      pairing === null ? folds.withoutCards(before, [smartcard]) : folds.foldAnswer(before, pairing),
    known,
  );
}

function pairingOf(row: CardRow): Pairing | null {
  return row.smartcards && row.setTopBoxes ? { smartcards: row.smartcards, setTopBoxes: row.setTopBoxes } : null;
}

function subscriptionsOf(requests: readonly Taught[]): string[] {
  const numbers = requests.flatMap(({ pairingNews, subscriptionNumber }) =>
    pairingNews !== null && subscriptionNumber !== null ? [subscriptionNumber] : [],
  );
  return [...new Set(numbers)];
}

/** Walks subscription_card_subscription. */
const READ_CARDS = /* sql */ `
select subscription_number as subscription, card, joined_number as joined,
       pairing_smartcards as smartcards, pairing_set_top_boxes as "setTopBoxes"
  from subscription_card where subscription_number = any($1::text[])
 order by subscription_number, card for update`;

/** Walks subscription_card's primary key. The arrays come as JSON: they have different lengths. */
const WRITE_CARDS = /* sql */ `
update subscription_card c
   set pairing_smartcards = case when jsonb_typeof(n.smartcards) = 'array'
                                 then array(select jsonb_array_elements_text(n.smartcards)) end,
       pairing_set_top_boxes = case when jsonb_typeof(n.set_top_boxes) = 'array'
                                    then array(select jsonb_array_elements_text(n.set_top_boxes)) end
  from unnest($1::text[], $2::text[], $3::jsonb[], $4::jsonb[]) n (subscription_number, card, smartcards, set_top_boxes)
 where c.card = n.card and c.subscription_number = n.subscription_number`;
