import type { KnownPairings, Pairing } from '../planning/types.ts';
import type { Transaction } from '../platform/database.ts';
import { pairingChanges, subscriptionsTaught, type Taught } from './news.ts';
import { type CardChanges, knownPairings, type PendingPairing, type Stay, type Stays } from './stays.ts';

/** Returns the stays of the cards of these subscriptions, by number. */
export async function readStays(tx: Transaction, numbers: readonly string[]): Promise<Map<string, Stays>> {
  return staysOf(await tx.query<StayRow>(READ_STAYS, [numbers]));
}

/**
 * Returns the pending pairing requests of these subscriptions, by number, in their order. A request whose date has not
 * come is not ahead of anything; its work row decides, because its date may be in the future again after the clock went
 * back.
 */
export async function readPendingPairings(
  tx: Transaction,
  numbers: readonly string[],
): Promise<Map<string, PendingPairing[]>> {
  const rows = await tx.query<PendingPairing & { subscription: string }>(READ_PENDING, [numbers]);
  return Map.groupBy(rows, ({ subscription }) => subscription);
}

/** Returns the pairings of a subscription's cards as far as our own requests show, pending ones folded in (R7). */
export async function readKnownPairings(tx: Transaction, number: string): Promise<KnownPairings> {
  const [stays, pending] = await Promise.all([readStays(tx, [number]), readPendingPairings(tx, [number])]);
  return knownPairings(stays.get(number) ?? new Map(), pending.get(number) ?? []);
}

/**
 * Folds what finished requests taught into the known pairings of their subscriptions, which are locked
 * (`subscriptionsTaught`). A request without a subscription establishes nothing.
 */
export async function establishPairings(tx: Transaction, requests: readonly Taught[]): Promise<void> {
  const numbers = subscriptionsTaught(requests);
  if (numbers.length === 0) return;
  const stays = staysOf(await tx.query<StayRow>(LOCK_STAYS, [numbers]));
  const changed = numbers.flatMap((number) =>
    pairingChanges(
      stays.get(number) ?? new Map(),
      requests.filter((request) => request.subscriptionNumber === number),
    ).map((change) => ({ ...change, number })),
  );
  writePairings(tx, changed);
}

/** The pairing that is known of a card in the subscription with this number; null: none. */
export interface CardPairing {
  readonly number: string;
  readonly card: string;
  readonly pairing: Pairing | null;
}

/** Writes the known pairings of cards that stay in their subscriptions. */
export function writePairings(tx: Transaction, pairings: readonly CardPairing[]): void {
  if (pairings.length === 0) return;
  tx.send(WRITE_PAIRINGS, [
    pairings.map(({ number }) => number),
    pairings.map(({ card }) => card),
    pairings.map(({ pairing }) => JSON.stringify(pairing?.smartcards ?? null)),
    pairings.map(({ pairing }) => JSON.stringify(pairing?.setTopBoxes ?? null)),
  ]);
}

/**
 * Writes which cards left and joined subscriptions, and what is left of the pairings of those that stayed.
 * @param joinedNumber the number from which on requests belong to the stay of a card that the message at a position
 *   brought.
 */
export function writeCardChanges(
  tx: Transaction,
  changes: readonly (CardChanges & { readonly number: string })[],
  joinedNumber: (position: number) => number,
): void {
  const left = changes.flatMap(({ number, left: cards }) => cards.map((card) => ({ number, card })));
  if (left.length > 0) {
    tx.send(DELETE_LEFT, [left.map(({ card }) => card), left.map(({ number }) => number)]);
  }
  const past = changes.flatMap(({ number, past: cards }) => cards.map((card) => ({ number, card })));
  if (past.length > 0) {
    tx.send(INSERT_PAST, [past.map(({ card }) => card), past.map(({ number }) => number)]);
  }
  writePairings(
    tx,
    changes.flatMap(({ number, thinned }) => thinned.map((one) => ({ ...one, number }))),
  );
  const joined = changes.flatMap(({ number, joined: cards }) => cards.map((card) => ({ ...card, number })));
  if (joined.length === 0) return;
  tx.send(UPSERT_JOINED, [
    joined.map(({ card }) => card),
    joined.map(({ number }) => number),
    joined.map(({ position }) => joinedNumber(position)),
  ]);
}

interface StayRow extends Record<string, unknown> {
  readonly number: string;
  readonly card: string;
  readonly joined: number;
  readonly smartcards: string[] | null;
  readonly setTopBoxes: string[] | null;
}

function staysOf(rows: readonly StayRow[]): Map<string, Stays> {
  const stays = new Map<string, Map<string, Stay>>();
  for (const { number, card, joined, smartcards, setTopBoxes } of rows) {
    const pairing = smartcards && setTopBoxes ? { smartcards, setTopBoxes } : null;
    const cards = stays.get(number) ?? new Map<string, Stay>();
    stays.set(number, cards.set(card, { joinedNumber: joined, pairing }));
  }
  return stays;
}

/** Walks subscription_card_subscription. */
const READ_STAYS = /* sql */ `
select subscription_number as number, card, joined_number as joined,
       pairing_smartcards as smartcards, pairing_set_top_boxes as "setTopBoxes"
  from subscription_card where subscription_number = any($1::text[])`;

const LOCK_STAYS = `${READ_STAYS} order by subscription_number, card for update`;

/** Walks request_pairing and work's primary key; `number + 0` keeps it off request's (planner-settings.ts). */
const READ_PENDING = /* sql */ `
select r.subscription_number as subscription, r.number, r.command
  from request r join work w on w.number = any (array[r.number])
 where r.subscription_number = any($1::text[]) and r.life_cycle_state = 'PENDING'
   and r.type in ('CREATE_PAIRING', 'ADD_TO_EXISTING_PAIRING') and (w.waits >= 0 or w.ready_at <= now())
 order by r.number + 0`;

/** Walks subscription_card's primary key. The arrays come as JSON: they have different lengths. */
const WRITE_PAIRINGS = /* sql */ `
update subscription_card c
   set pairing_smartcards = case when jsonb_typeof(n.smartcards) = 'array'
                                 then array(select jsonb_array_elements_text(n.smartcards)) end,
       pairing_set_top_boxes = case when jsonb_typeof(n.set_top_boxes) = 'array'
                                    then array(select jsonb_array_elements_text(n.set_top_boxes)) end
  from unnest($1::text[], $2::text[], $3::jsonb[], $4::jsonb[]) n (subscription_number, card, smartcards, set_top_boxes)
 where c.card = any (array[n.card]) and c.subscription_number = any (array[n.subscription_number])`;

/** Walk the primary keys of subscription_card and past_card. */
const DELETE_LEFT = /* sql */ `
delete from subscription_card c using unnest($1::text[], $2::text[]) gone (card, subscription_number)
 where c.card = any (array[gone.card]) and c.subscription_number = any (array[gone.subscription_number])`;
const INSERT_PAST = /* sql */ `
insert into past_card (card, subscription_number) select * from unnest($1::text[], $2::text[])
on conflict do nothing`;
const UPSERT_JOINED = /* sql */ `
insert into subscription_card (card, subscription_number, joined_number)
select * from unnest($1::text[], $2::text[], $3::bigint[])
on conflict (card, subscription_number) do update set joined_number = excluded.joined_number,
  pairing_smartcards = null, pairing_set_top_boxes = null`;
