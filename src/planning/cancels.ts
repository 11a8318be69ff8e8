import type { Service } from '../events/crm.generated.ts';
import { invalidPair } from './ca-ids.ts';
import { guarded } from './guard.ts';
import { unlinked } from './moves.ts';
import { describePlace, describeService, entitlementCommand, send, withhold } from './proposal.ts';
import type { Proposal } from './proposal.ts';
import { presentService, servicesNamed } from './situation.ts';
import type { Situation } from './situation.ts';
import { cardsAt, hasNothingToRevoke, isRevocable, smartcardDevices } from './snapshot.ts';
import type { Place } from './snapshot.ts';
import type { CancelCell } from './trigger-matrix.ts';

const CANCEL = 'CANCEL_SUBSCRIPTIONS';

const SELECTORS: Readonly<Record<CancelCell, (situation: Situation) => Proposal[]>> = {
  '': () => [],
  'all revocable services': revocableServices,
  'outgoing services': outgoingServices,
  'services on the removed card': servicesOnRemovedCards,
  '(service, card) pairs that the move unlinked': unlinkedPairs,
};

/** The CANCEL_SUBSCRIPTIONS that a cell of the matrix selects, sent or withheld (R1, R3, R4, R10). */
export function cancelProposals(situation: Situation, cell: CancelCell): Proposal[] {
  return SELECTORS[cell](situation);
}

/**
 * R3, subscription actions: what is not effective after the action. A late event goes by the newest state too, but
 * what its own snapshot revoked stays revoked unless the newest snapshot entitles the pair (the guard finds out):
 * the card may have left since, and nobody else would revoke it there.
 */
function revocableServices(situation: Situation): Proposal[] {
  return situation.own.services.flatMap((service) => {
    const now = presentService(situation, service);
    const cards = cardsToRevoke(situation, service.distributor);
    if (isRevocable(service) || (now !== null && isRevocable(now) && !hasNothingToRevoke(service))) {
      return cancels(situation, service, service.distributor, cards, false);
    }
    if (hasNothingToRevoke(service) || now === null || hasNothingToRevoke(now)) return [];
    if (service.caId === null) return [noServiceCaId(service)];
    return forEachCard(cards).map((card) =>
      withhold(
        CANCEL,
        'STILL_EFFECTIVE',
        card,
        service.caId,
        `The action leaves ${describeService(service)} as it is.`,
      ),
    );
  });
}

/** R3: outgoing services in any state but DRAFT, which was never active. */
function outgoingServices(situation: Situation): Proposal[] {
  return servicesNamed(situation, situation.lists.outgoingServices).flatMap((service) => {
    const cards = cardsToRevoke(situation, service.distributor);
    if (service.state !== 'DRAFT') return cancels(situation, service, service.distributor, cards, true);
    return forEachCard(cards).map((card) =>
      withhold(CANCEL, 'NOT_EFFECTIVE', card, service.caId, `Never active: ${describeService(service)}.`),
    );
  });
}

/**
 * R3: services on a removed card, in any state but DRAFT and history: those of the distributor that the removed item
 * names, and of the one where the previous snapshot had the card (R1), should the CRM have detached it first.
 */
function servicesOnRemovedCards(situation: Situation): Proposal[] {
  return smartcardDevices(situation.lists.removedItems).flatMap((card) => {
    const earlier = smartcardDevices(situation.previous?.installedItems ?? []).filter(
      (item) => item.caId === card.caId,
    );
    const places = new Set([card, ...earlier].map((item) => item.distributor));
    return situation.own.services
      .filter((service) => places.has(service.distributor) && !isPast(situation, service))
      .flatMap((service) => cancels(situation, service, service.distributor, [card.caId], false));
  });
}

/** True for a service that has nothing to revoke in its own snapshot (a late event: there and in the newest one). */
function isPast(situation: Situation, service: Service): boolean {
  const now = presentService(situation, service);
  return hasNothingToRevoke(service) && (now === null || hasNothingToRevoke(now));
}

/** R10: the CANCEL names the distributor that the service had. */
function unlinkedPairs(situation: Situation): Proposal[] {
  return unlinked(situation).flatMap(({ service, place, cards }) => cancels(situation, service, place, cards, false));
}

/** R1 for a CANCEL: the cards with the distributor now, and those that an earlier snapshot had there. */
function cardsToRevoke(situation: Situation, place: Place): string[] {
  const { own, present, previous } = situation;
  return [
    ...new Set(
      [own, ...(previous === null ? [] : [previous]), present].flatMap((snapshot) => cardsAt(snapshot, place)),
    ),
  ];
}

function cancels(
  situation: Situation,
  service: Service,
  place: Place,
  cards: readonly string[],
  outgoing: boolean,
): Proposal[] {
  const { caId } = service;
  if (caId === null) return [noServiceCaId(service)];
  if (cards.length === 0) {
    const detail = `No smart card with ${describePlace(place)} for ${describeService(service)}.`;
    return [withhold(CANCEL, 'NO_CARD_FOR_SERVICE', null, caId, detail)];
  }
  return cards.map(
    (smartcard) =>
      invalidPair(situation.rules, CANCEL, smartcard, service, caId) ??
      guarded(situation, { smartcard, service, serviceCaId: caId, outgoing }) ??
      send(entitlementCommand(CANCEL, smartcard, caId, place), describeService(service)),
  );
}

function noServiceCaId(service: Service): Proposal {
  return withhold(CANCEL, 'NO_SERVICE_CA_ID', null, null, `Not the CAS's business: ${describeService(service)}.`);
}

/** The cards, or one null where there is none: a withheld command names its card where it has one. */
function forEachCard(cards: readonly string[]): readonly (string | null)[] {
  return cards.length === 0 ? [null] : cards;
}
