import type { Service, Subscription } from '../events/crm.generated.ts';
import { presentService } from './situation.ts';
import type { Situation } from './situation.ts';
import { cardsAt, cardsByPlace, isEffective, pairKey, smartcardDevices } from './snapshot.ts';
import type { CasDevice, Place } from './snapshot.ts';

/** Something that a distributor groups: a service or an installed item. */
interface Placed {
  readonly id: string;
  readonly distributor: Place;
}

/**
 * Where services and items were before the event (R10). For each of them the first that says something decides: the
 * event's own list of moves; the previous snapshot; the event's snapshot (what nobody moved was there before).
 */
export interface Before {
  readonly placeOfService: (service: Placed) => Place;
  /** Undefined for an item that the event itself brought: it was nowhere. */
  readonly placeOfItem: (item: Placed) => Place | undefined;
  /** CA ids of the cards by the place where they were, those included that the event's snapshot has lost (R1). */
  readonly cards: ReadonlyMap<Place, ReadonlySet<string>>;
}

/** A service with the cards that it was with before the event and is no longer with, and the place where it was then. */
export interface Unlinked {
  readonly service: Service;
  readonly place: Place;
  readonly cards: readonly string[];
}

/** A service with the cards that it is with after the event and was not with before. */
export interface Linked {
  readonly service: Service;
  readonly cards: readonly string[];
  /** True where the service itself moved, false where only cards did. */
  readonly serviceMoved: boolean;
}

/** Looks back from the event's snapshot to the subscription before the event. */
export function before(situation: Situation): Before {
  const { own, previous, lists } = situation;
  const serviceOrigins = new Map([
    ...placesOf(previous?.services ?? []),
    ...lists.movedServices.map((move) => [move.id, move.fromDistributor] as const),
  ]);
  const itemOrigins = new Map([
    ...placesOf(previous?.installedItems ?? []),
    ...lists.movedItems.map((move) => [move.id, move.fromDistributor] as const),
  ]);
  const brought = new Set(lists.incomingItems);
  const placeOfItem = (item: Placed): Place | undefined =>
    brought.has(item.id) ? undefined : origin(itemOrigins, item);

  const stayed = smartcardDevices(own.installedItems).flatMap((card) => {
    const place = placeOfItem(card);
    return place === undefined ? [] : [{ caId: card.caId, distributor: place }];
  });
  return {
    placeOfService: (service) => origin(serviceOrigins, service),
    placeOfItem,
    cards: cardsByPlace([...stayed, ...lostCards(situation)]),
  };
}

/**
 * R10: services with the cards that they were with before and are no longer with: in the own snapshot the service, the
 * card or both are elsewhere, or the card is gone. What moved as a whole is still together and no part of it. Services
 * that were DRAFT were never active.
 */
export function unlinked(situation: Situation): Unlinked[] {
  const past = before(situation);
  const statesBefore = new Map(situation.previous?.services.map((service) => [service.id, service.state]));
  const cardsNow = cardsByPlace(smartcardDevices(situation.own.installedItems));
  return situation.own.services
    .filter((service) => (statesBefore.get(service.id) ?? service.state) !== 'DRAFT')
    .map((service) => {
      const place = past.placeOfService(service);
      const now = cardsNow.get(service.distributor);
      const cards = [...(past.cards.get(place) ?? [])].filter((card) => now?.has(card) !== true);
      return { service, place, cards };
    })
    .filter(({ cards }) => cards.length > 0);
}

/**
 * R10: services with the cards that they are with after the move and were not with before, whatever the service's
 * state, but without the pairs that were effective before through another service. A service that moved is there also
 * where its new place has no card. For a late event also the links that the present snapshot shows for what it moved.
 */
export function linked(situation: Situation): Linked[] {
  const past = before(situation);
  const effectiveBefore = pairsEffectiveBefore(situation, past);
  const linksIn = (service: Service, snapshot: Subscription, placed: Service): string[] => {
    const were = past.cards.get(past.placeOfService(service));
    return smartcardDevices(snapshot.installedItems)
      .filter((card) => card.distributor === placed.distributor && were?.has(card.caId) !== true)
      .map((card) => card.caId);
  };
  const movedCards = new Set(
    smartcardDevices(situation.own.installedItems)
      .filter((card) => past.placeOfItem(card) !== card.distributor)
      .map((card) => card.caId),
  );
  return situation.own.services.flatMap((service) => {
    const serviceMoved = past.placeOfService(service) !== service.distributor;
    const now = situation.late ? presentService(situation, service) : null;
    const nowLinked = now === null ? [] : linksIn(service, situation.present, now);
    const cards = new Set([
      ...linksIn(service, situation.own, service),
      ...nowLinked.filter((card) => serviceMoved || movedCards.has(card)),
    ]);
    const news = [...cards].filter(
      (card) => service.caId === null || !effectiveBefore.has(pairKey(card, service.caId)),
    );
    const withoutCard = cards.size === 0 && cardsAt(situation.own, service.distributor).length === 0;
    return news.length > 0 || (serviceMoved && withoutCard) ? [{ service, cards: news, serviceMoved }] : [];
  });
}

/** Pairs that were effective before the move: by the previous snapshot's states, else by those of the event's own. */
function pairsEffectiveBefore(situation: Situation, past: Before): Set<string> {
  const known = situation.previous ?? situation.own;
  const held = new Set(smartcardDevices(known.installedItems).map((card) => card.caId));
  const pairs = new Set<string>();
  for (const service of known.services) {
    if (service.caId === null || !isEffective(service)) continue;
    for (const card of past.cards.get(past.placeOfService(service)) ?? []) {
      if (held.has(card)) pairs.add(pairKey(card, service.caId));
    }
  }
  return pairs;
}

/** Cards that the subscription had before and the event's snapshot has no longer, where they were (R1). */
function lostCards({ own, previous, lists }: Situation): CasDevice[] {
  const held = new Set(smartcardDevices(own.installedItems).map((card) => card.caId));
  const had = smartcardDevices([...(previous?.installedItems ?? []), ...lists.removedItems]);
  return had.filter((card) => !held.has(card.caId));
}

function origin(origins: ReadonlyMap<string, Place>, placed: Placed): Place {
  const place = origins.get(placed.id);
  return place === undefined ? placed.distributor : place;
}

function placesOf(elements: readonly Placed[]): [string, Place][] {
  return elements.map((element) => [element.id, element.distributor]);
}
