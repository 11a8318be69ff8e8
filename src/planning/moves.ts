import type { Service } from '../events/crm.generated.ts';
import { presentService } from './situation.ts';
import type { Situation } from './situation.ts';
import { cardsByDistributor, isEffective, pairKey, smartcardDevices } from './snapshot.ts';
import type { Distributor } from './snapshot.ts';
import type { SnapshotView } from './snapshot-view.ts';

/** Something that a distributor groups: a service or an installed item. */
interface Placed {
  readonly id: string;
  readonly distributor: Distributor;
}

/** One account of where services and cards were before the event; undefined for things that it does not know. */
interface Account {
  readonly distributorOfService: (service: Placed) => Distributor | undefined;
  readonly distributorOfItem: (item: Placed) => Distributor | undefined;
  /** Returns the CA ids of the cards that had a distributor. */
  readonly cardsAt: (distributor: Distributor) => ReadonlySet<string>;
  /** True if a thing that this account does not know was not there before; false if that proves nothing. */
  readonly isComplete: boolean;
}

/**
 * The subscription before the event (R10), by two accounts. One is the event's own snapshot with the listed moves
 * undone; the other is the previous snapshot, if one is known. They agree unless versions are missing in between or the
 * CRM's list is incomplete. Then a change in either of them counts. That may repeat a command of the missing event,
 * which does no harm. And no entitlement stays on a card that moved unseen.
 */
export interface Before {
  readonly accounts: readonly Account[];
  /** Returns whether a service or an item is elsewhere now, or came with the event itself. */
  readonly serviceMoved: (service: Placed) => boolean;
  readonly itemMoved: (item: Placed) => boolean;
}

/** A service, the cards that it was with before the event and no longer is, and its distributor then. */
export interface Unlinked {
  readonly service: Service;
  readonly distributor: Distributor;
  readonly cards: readonly string[];
}

/** A service, and the cards that it is with after the event and was not before. */
export interface Linked {
  readonly service: Service;
  readonly cards: readonly string[];
  /** True if the service itself moved, false if only cards did. */
  readonly serviceMoved: boolean;
}

const NO_CARDS: ReadonlySet<string> = new Set();

/** Derives the subscription before the event from the event's snapshot. */
export function before(situation: Situation): Before {
  const { previous, lists } = situation;
  const brought = new Set(lists.incomingItems);
  const accounts = [ownAccount(situation, brought), ...(previous === null ? [] : [previousAccount(previous)])];
  const moved = (distributor: Distributor | undefined, now: Distributor): boolean =>
    distributor !== undefined && distributor !== now;
  return {
    accounts,
    serviceMoved: (service) =>
      accounts.some((account) => moved(account.distributorOfService(service), service.distributor)),
    itemMoved: (item) =>
      brought.has(item.id) || accounts.some((account) => moved(account.distributorOfItem(item), item.distributor)),
  };
}

/**
 * Returns services with the cards that they were with before and no longer are (R10). In the event's snapshot the
 * service, the card or both are elsewhere, or the card is gone. What moved as a whole is still together and not
 * included. A DRAFT service was never active.
 */
export function unlinked(situation: Situation): Unlinked[] {
  const { accounts } = before(situation);
  const { own, previous } = situation;
  return own.services
    .filter((service) => (previous?.service(service.id) ?? service).state !== 'DRAFT')
    .flatMap((service) => {
      const together = new Set(own.cardsAt(service.distributor));
      return accounts.flatMap((account) => {
        const distributor = account.distributorOfService(service);
        const cards = [...cardsWith(account, service)].filter((card) => !together.has(card));
        for (const card of cards) together.add(card);
        return distributor === undefined || cards.length === 0 ? [] : [{ service, distributor, cards }];
      });
    });
}

/**
 * Returns services with the cards that they are with after the event and were not before (R10), in any state. It leaves
 * out pairs that were effective before through another service. It includes a moved service without a card at its new
 * distributor. For a late event it also includes the links that the newest snapshot shows for what the event moved.
 */
export function linked(situation: Situation): Linked[] {
  const past = before(situation);
  const effectiveBefore = pairsEffectiveBefore(situation, past);
  const { own, present, late } = situation;
  const newLinks = (service: Service, view: SnapshotView, distributor: Distributor): string[] =>
    view
      .devicesAt(distributor)
      .filter((device) => device.kind === 'SMARTCARD')
      .filter((card) => past.accounts.some((account) => isNewLink(account, service, card)))
      .map((card) => card.caId);
  const movedCards = new Set(
    own
      .cards()
      .filter((card) => past.itemMoved(card))
      .map((card) => card.caId),
  );
  return own.services.flatMap((service) => {
    const serviceMoved = past.serviceMoved(service);
    const now = late ? presentService(situation, service) : null;
    const linkedSince = now === null ? [] : newLinks(service, present, now.distributor);
    const cards = new Set([
      ...newLinks(service, own, service.distributor),
      ...linkedSince.filter((card) => serviceMoved || movedCards.has(card)),
    ]);
    const news = [...cards].filter(
      (card) => service.caId === null || !effectiveBefore.has(pairKey(card, service.caId)),
    );
    const withoutCard = own.cardsAt(service.distributor).size === 0;
    return news.length > 0 || (serviceMoved && withoutCard) ? [{ service, cards: news, serviceMoved }] : [];
  });
}

/** Returns the event's snapshot with its moves undone, and with its lost cards where they were (R1). */
function ownAccount({ own, previous, lists }: Situation, brought: ReadonlySet<string>): Account {
  const services = new Map(lists.movedServices.map((move) => [move.id, move.fromDistributor]));
  const items = new Map(lists.movedItems.map((move) => [move.id, move.fromDistributor]));
  const distributorOfService = (service: Placed): Distributor => undone(services, service);
  const distributorOfItem = (item: Placed): Distributor | undefined =>
    brought.has(item.id) ? undefined : undone(items, item);
  const stayed = own.cards().flatMap((card) => {
    const distributor = distributorOfItem(card);
    return distributor === undefined ? [] : [{ caId: card.caId, distributor }];
  });
  const held = new Set(own.cards().map((card) => card.caId));
  const had = [...(previous?.cards() ?? []), ...smartcardDevices(lists.removedItems)];
  const cards = cardsByDistributor([...stayed, ...had.filter((card) => !held.has(card.caId))]);
  return {
    distributorOfService,
    distributorOfItem,
    cardsAt: (distributor) => cards.get(distributor) ?? NO_CARDS,
    isComplete: true,
  };
}

function previousAccount(previous: SnapshotView): Account {
  return {
    distributorOfService: (service) => previous.service(service.id)?.distributor,
    distributorOfItem: (item) => previous.distributorOfItem(item.id),
    cardsAt: previous.cardsAt,
    isComplete: false,
  };
}

/** Returns the cards that an account has with the service; none if it does not know the service. */
function cardsWith(account: Account, service: Placed): ReadonlySet<string> {
  const distributor = account.distributorOfService(service);
  return distributor === undefined ? NO_CARDS : account.cardsAt(distributor);
}

/** Returns whether the account did not have the service with the card. */
function isNewLink(account: Account, service: Placed, card: Placed & { readonly caId: string }): boolean {
  const isKnown = account.distributorOfService(service) !== undefined && account.distributorOfItem(card) !== undefined;
  return (isKnown || account.isComplete) && !cardsWith(account, service).has(card.caId);
}

/** Returns the pairs that were effective before by every account. An extra ADD does no harm, a missing one does. */
function pairsEffectiveBefore({ own, previous }: Situation, past: Before): Set<string> {
  const [undoing] = past.accounts;
  const inPrevious = previous?.entitlements() ?? null;
  const pairs = new Set<string>();
  for (const service of own.services) {
    if (service.caId === null || !isEffective(service) || undoing === undefined) continue;
    for (const card of cardsWith(undoing, service)) {
      const key = pairKey(card, service.caId);
      if (inPrevious === null || inPrevious.has(key)) pairs.add(key);
    }
  }
  return pairs;
}

function undone(moves: ReadonlyMap<string, Distributor>, placed: Placed): Distributor {
  const distributor = moves.get(placed.id);
  return distributor === undefined ? placed.distributor : distributor;
}
