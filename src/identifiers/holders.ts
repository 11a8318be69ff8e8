import type { Subscription } from '../events/crm.generated.ts';
import type { Queryable, Transaction } from '../platform/database.ts';
import type { Device } from '../planning/command.ts';
import { lockSubscriptions } from '../requests/locks.ts';
import { heldDevice, resolveSetTopBoxByCaId, resolveSmartcardByCaId } from './device.ts';
import { found } from './problem.ts';
import { lockedSubscription, type SubscriptionIdentifier } from './subscription.ts';

/** A smart card to send to, and the subscription in whose name; null if no subscription, or no single one, holds it. */
export interface HeldCard {
  readonly smartcard: Device;
  readonly subscription: { readonly id: string; readonly number: string } | null;
}

/** Returns the card as a command for this holder names it. */
export function heldCard(holder: Subscription | null, caId: string): HeldCard {
  return {
    smartcard: heldDevice(holder, 'SMARTCARD', caId),
    subscription: holder === null ? null : { id: holder.id, number: holder.number },
  };
}

/**
 * Returns the newest snapshots of all subscriptions that hold each of these cards, in the order of the subscriptions'
 * numbers; a card that nobody holds is absent. While the cards are locked, no event or import changes who holds them.
 */
export async function holdingSnapshots(db: Queryable, cards: readonly string[]): Promise<Map<string, Subscription[]>> {
  const holders = new Map<string, Subscription[]>();
  if (cards.length === 0) return holders;
  const rows = await db.query<{ snapshot: Subscription; cards: string[] }>(READ_HOLDERS, [cards]);
  for (const { snapshot, cards: held } of rows) {
    for (const card of held) {
      const others = holders.get(card);
      if (others) others.push(snapshot);
      else holders.set(card, [snapshot]);
    }
  }
  return holders;
}

/**
 * Returns where these cards are by the newest snapshots, in their order: in the subscription that is named with one, if it
 * holds the card still, else in the first that does, else in none. Locks nothing.
 */
export async function heldCards(
  db: Queryable,
  cards: readonly { readonly card: string; readonly subscription: string | null }[],
): Promise<HeldCard[]> {
  const holding = await holdingSnapshots(
    db,
    cards.map(({ card }) => card),
  );
  return cards.map(({ card, subscription }) => {
    const holders = holding.get(card) ?? [];
    return heldCard(holders.find(({ number }) => number === subscription) ?? holders[0] ?? null, card);
  });
}

/**
 * Locks the subscriptions that hold some of these cards until the transaction's end, and returns their newest snapshots by
 * card. A card that several subscriptions hold is absent, and so is one that moved while its holder's lock was waited for:
 * its new holder is not locked, and to lock it now would be out of order.
 */
export async function lockedHolders(
  tx: Transaction,
  cards: readonly string[],
): Promise<ReadonlyMap<string, Subscription>> {
  const before = await tx.query<{ number: string }>(FIND_HOLDERS, [cards]);
  const locked = new Set(before.map(({ number }) => number));
  lockSubscriptions(tx, [...locked]);
  // A statement of its own: it sees what was committed until the locks were there.
  const now = await holdingSnapshots(tx, cards);
  return new Map(
    [...now].flatMap(([card, [holder, ...others]]) =>
      holder !== undefined && others.length === 0 && locked.has(holder.number) ? [[card, holder] as const] : [],
    ),
  );
}

/** A CA id, and the input's field that has it. */
export interface NamedDevice {
  readonly field: string;
  readonly caId: string;
}

/**
 * Returns the named devices with their distributors, and the subscription that they are for, locked until the
 * transaction's end. With an identifier, every device must be of that subscription. Without one it is the subscription
 * that alone holds all the cards, so that its known pairings follow (R7), else null; a device that it lacks has no
 * distributor.
 * @throws OperationError naming the field that does not resolve.
 */
export async function lockedDevices(
  tx: Transaction,
  identifier: SubscriptionIdentifier | undefined,
  cards: readonly NamedDevice[],
  setTopBoxes: readonly NamedDevice[],
): Promise<{ subscription: Subscription | null; smartcards: Device[]; setTopBoxes: Device[] }> {
  if (identifier !== undefined) {
    const subscription = await lockedSubscription(tx, identifier);
    return {
      subscription,
      smartcards: cards.map(({ field, caId }) => found(field, resolveSmartcardByCaId(subscription, caId))),
      setTopBoxes: setTopBoxes.map(({ field, caId }) => found(field, resolveSetTopBoxByCaId(subscription, caId))),
    };
  }
  const caIds = cards.map(({ caId }) => caId);
  const holders = await lockedHolders(tx, caIds);
  const [holder = null] = holders.values();
  const subscription = caIds.every((caId) => holders.get(caId)?.number === holder?.number) ? holder : null;
  return {
    subscription,
    smartcards: caIds.map((caId) => heldDevice(subscription, 'SMARTCARD', caId)),
    setTopBoxes: setTopBoxes.map(({ caId }) => heldDevice(subscription, 'SET_TOP_BOX', caId)),
  };
}

/** Walks subscription_card's primary key. */
const FIND_HOLDERS = /* sql */ `
select subscription_number as number from subscription_card where card = any($1::text[])`;

/** Walks subscription_card's and subscription's primary keys. A snapshot comes once, however many of the cards it has. */
const READ_HOLDERS = /* sql */ `
select s.snapshot, held.cards
  from (select subscription_number as number, array_agg(card) as cards
          from (select card, subscription_number from subscription_card where card = any($1::text[]) offset 0) card
         group by subscription_number) held
  join subscription s on s.number = any (array[held.number])
 order by held.number`;
