import type { Service } from '../events/crm.generated.ts';
import { invalidPair } from './ca-ids.ts';
import { guarded } from './guard.ts';
import { unlinked } from './moves.ts';
import { describeDistributor, describeService, entitlementCommand, send, withhold } from './proposal.ts';
import type { Proposal } from './proposal.ts';
import { presentService, servicesNamed } from './situation.ts';
import type { Situation } from './situation.ts';
import { hasNothingToRevoke, isRevocable, smartcardDevices } from './snapshot.ts';
import type { Distributor } from './snapshot.ts';
import type { CancelCell } from './trigger-matrix.ts';

const CANCEL = 'CANCEL_SUBSCRIPTIONS';

const SELECTORS: Readonly<Record<CancelCell, (situation: Situation) => Proposal[]>> = {
  '': () => [],
  'all revocable services': revocableServices,
  'outgoing services': outgoingServices,
  'services on the removed card': servicesOnRemovedCards,
  '(service, card) pairs that the move unlinked': unlinkedPairs,
};

/** Returns the CANCEL_SUBSCRIPTIONS that a cell of the matrix selects, sent or withheld (R1, R3, R4, R10). */
export function cancelProposals(situation: Situation, cell: CancelCell): Proposal[] {
  return SELECTORS[cell](situation);
}

/** A card that may have an entitlement to a service, and the distributor of the service there. */
interface Holder {
  readonly smartcard: string;
  readonly distributor: Distributor;
}

/**
 * Returns the CANCELs of a subscription action (R3): what is not effective after it. A late event also follows the
 * newest state. But what its own snapshot revoked stays revoked, unless the newest snapshot entitles the pair (the
 * guard checks). The card may have left since, and no other event would revoke it there.
 */
function revocableServices(situation: Situation): Proposal[] {
  return situation.own.services.flatMap((service) => {
    const now = presentService(situation, service);
    if (isRevocable(service) || (now !== null && isRevocable(now) && !hasNothingToRevoke(service))) {
      return cancels(situation, service, holdersOf(situation, service), false);
    }
    if (hasNothingToRevoke(service) || now === null || hasNothingToRevoke(now)) return [];
    if (service.caId === null) return [noServiceCaId(service)];
    const why = `The action leaves ${describeService(service)} as it is.`;
    return onEachCard(situation, service, (card) => withhold(CANCEL, 'STILL_EFFECTIVE', card, service.caId, why));
  });
}

/** Returns the CANCELs of outgoing services in any state except DRAFT, which was never active (R3). */
function outgoingServices(situation: Situation): Proposal[] {
  return servicesNamed(situation, situation.lists.outgoingServices).flatMap((service) => {
    if (service.state !== 'DRAFT') return cancels(situation, service, holdersOf(situation, service), true);
    const why = `Never active: ${describeService(service)}.`;
    return onEachCard(situation, service, (card) => withhold(CANCEL, 'NOT_EFFECTIVE', card, service.caId, why));
  });
}

/**
 * Returns the CANCELs of services on a removed card, in any state except DRAFT and history (R3). It takes the services
 * of the distributor that the removed item names. It also takes those where the previous snapshot had the card (R1), in
 * case the CRM detached it first.
 */
function servicesOnRemovedCards(situation: Situation): Proposal[] {
  const before = situation.previous?.cards() ?? [];
  return smartcardDevices(situation.lists.removedItems).flatMap((card) => {
    const cards = [card, ...before.filter((item) => item.caId === card.caId)];
    const distributors = new Set(cards.map((item) => item.distributor));
    return situation.own.services
      .filter((service) => distributors.has(service.distributor) && !isPast(situation, service))
      .flatMap((service) => {
        const holder = { smartcard: card.caId, distributor: service.distributor };
        return cancels(situation, service, [holder], false);
      });
  });
}

/**
 * Returns whether a service has nothing to revoke in its own snapshot; for a late event, also not in the newest one.
 */
function isPast(situation: Situation, service: Service): boolean {
  const now = presentService(situation, service);
  return hasNothingToRevoke(service) && (now === null || hasNothingToRevoke(now));
}

/** Returns the CANCELs of unlinked pairs, with the distributor that the service had (R10). */
function unlinkedPairs(situation: Situation): Proposal[] {
  return unlinked(situation).flatMap(({ service, distributor, cards }) => {
    const holders = cards.map((smartcard) => ({ smartcard, distributor }));
    return cancels(situation, service, holders, false);
  });
}

/**
 * Returns the holders for a CANCEL (R1): the cards with the distributor of the service, and those that the previous
 * snapshot had there. It adds those that the previous snapshot had with the service at its former distributor, because a
 * version with the move may be missing.
 */
function holdersOf(situation: Situation, service: Service): Holder[] {
  const { own, present, previous } = situation;
  const distributor = service.distributor;
  const here = new Set([own, previous, present].flatMap((view) => [...(view?.cardsAt(distributor) ?? [])]));
  const earlier = previous?.service(service.id);
  const there = previous === null || earlier === undefined ? [] : [...previous.cardsAt(earlier.distributor)];
  return [
    ...[...here].map((smartcard) => ({ smartcard, distributor })),
    ...there
      .filter((smartcard) => !here.has(smartcard))
      .map((smartcard) => ({ smartcard, distributor: earlier?.distributor ?? null })),
  ];
}

function cancels(situation: Situation, service: Service, holders: readonly Holder[], outgoing: boolean): Proposal[] {
  const { caId } = service;
  if (caId === null) return [noServiceCaId(service)];
  if (holders.length === 0) {
    const detail = `No smart card with ${describeDistributor(service.distributor)} for ${describeService(service)}.`;
    return [withhold(CANCEL, 'NO_CARD_FOR_SERVICE', null, caId, detail)];
  }
  return holders.map(
    ({ smartcard, distributor }) =>
      invalidPair(situation.rules, CANCEL, smartcard, service, caId) ??
      guarded(situation, { smartcard, service, serviceCaId: caId, outgoing }) ??
      send(entitlementCommand(CANCEL, smartcard, caId, distributor), describeService(service)),
  );
}

function noServiceCaId(service: Service): Proposal {
  return withhold(CANCEL, 'NO_SERVICE_CA_ID', null, null, `Not the CAS's business: ${describeService(service)}.`);
}

/**
 * Returns one proposal per card of the service, or one without a card. A withheld command names its card if it has one.
 */
function onEachCard(situation: Situation, service: Service, propose: (card: string | null) => Proposal): Proposal[] {
  const holders = holdersOf(situation, service);
  return holders.length === 0 ? [propose(null)] : holders.map(({ smartcard }) => propose(smartcard));
}
