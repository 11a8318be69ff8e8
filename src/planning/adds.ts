import type { Service } from '../events/crm.generated.ts';
import { invalidPair } from './ca-ids.ts';
import { linked } from './moves.ts';
import { describePlace, describeService, entitlementCommand, send, withhold } from './proposal.ts';
import type { Proposal } from './proposal.ts';
import { presentService, servicesNamed } from './situation.ts';
import type { Situation } from './situation.ts';
import { isEffective, pairKey, smartcardDevices } from './snapshot.ts';
import type { AddCell } from './trigger-matrix.ts';

const ADD = 'ADD_SUBSCRIPTIONS';

const SELECTORS: Readonly<Record<AddCell, (situation: Situation) => Proposal[]>> = {
  '': () => [],
  'all effective services': effectiveServices,
  'incoming services': incomingServices,
  'incoming services (only when a swap is regretted)': incomingServices,
  'services on the new card': servicesOnNewCards,
  '(service, card) pairs that the move linked': linkedPairs,
};

/** The ADD_SUBSCRIPTIONS that a cell of the matrix selects, sent or withheld (R1, R2, R10). */
export function addProposals(situation: Situation, cell: AddCell): Proposal[] {
  return SELECTORS[cell](situation);
}

/**
 * R10, I: ADD_INSTALLED_ITEM: the matrix entitles nothing there. The ADDs that a new card lacks are sent where the
 * setting ENTITLE_ADDED_CARDS says so, and are withheld as NOT_TRIGGERED otherwise.
 */
export function addedCardProposals(situation: Situation): Proposal[] {
  const proposals = servicesOnNewCards(situation);
  if (situation.rules.entitleAddedCards) return proposals;
  return proposals.flatMap((proposal) => {
    if (proposal.kind === 'command') return [{ ...proposal, kind: 'untriggered' }];
    return proposal.kind === 'withheld' && proposal.withheld.reason === 'NO_SERVICE_CA_ID' ? [] : [proposal];
  });
}

/** S: activation rows. For a late event also what has become effective since (states come from the newest snapshot). */
function effectiveServices(situation: Situation): Proposal[] {
  return situation.own.services
    .filter((service) => isEffective(service) || isEffectiveNow(situation, service))
    .flatMap((service) => adds(situation, service));
}

/** A regretted addition has no incoming services, a regretted swap has (R10): the list itself tells them apart. */
function incomingServices(situation: Situation): Proposal[] {
  return servicesNamed(situation, situation.lists.incomingServices).flatMap((service) => adds(situation, service));
}

function servicesOnNewCards(situation: Situation): Proposal[] {
  const { own, present, incomingItems } = situation;
  return smartcardDevices(incomingItems).flatMap((card) =>
    own.services
      .filter((service) => {
        const now = presentService(situation, service);
        const there = isEffective(service) && service.distributor === card.distributor;
        return there || (now !== null && isEffective(now) && present.cardsAt(now.distributor).has(card.caId));
      })
      .flatMap((service) => adds(situation, service, [card.caId])),
  );
}

/** Moved services that are not effective show as NOT_EFFECTIVE; those that a moved card merely meets do not. */
function linkedPairs(situation: Situation): Proposal[] {
  return linked(situation)
    .filter(({ service, serviceMoved }) => serviceMoved || isEffective(service) || isEffectiveNow(situation, service))
    .flatMap(({ service, cards }) => adds(situation, service, cards));
}

/**
 * The ADDs of one service, for all its cards or only for those given. On time: R1 and R2 on the event's snapshot. Late:
 * what the newest snapshot has the service on is sent; what only the event's own had it on is SUPERSEDED, unless the
 * newest entitles the same pair through another service: then that ADD contradicts nothing, and may be the only one.
 */
function adds(situation: Situation, service: Service, only?: readonly string[]): Proposal[] {
  const now = presentService(situation, service);
  const current = now ?? service;
  const { caId } = current;
  if (caId === null) {
    return [withhold(ADD, 'NO_SERVICE_CA_ID', null, null, `Not the CAS's business: ${describeService(current)}.`)];
  }
  const meant = (cards: ReadonlySet<string>): string[] => [...cards].filter((card) => only?.includes(card) ?? true);
  const cardsNow = now === null ? [] : meant(situation.present.cardsAt(now.distributor));
  const cardsThen = meant(situation.own.cardsAt(service.distributor));
  const effectiveNow = now !== null && isEffective(now);

  if (!isEffective(service) && !effectiveNow) {
    return eachOrNone(cardsThen, (card) =>
      withhold(ADD, 'NOT_EFFECTIVE', card, caId, `Not effective after the action: ${describeService(service)}.`),
    );
  }
  if (effectiveNow && cardsNow.length === 0 && (cardsThen.length === 0 || !isEffective(service))) {
    const detail = `No smart card with ${describePlace(current.distributor)} for ${describeService(current)}.`;
    return [withhold(ADD, 'NO_CARD_FOR_SERVICE', null, caId, detail)];
  }
  const sent = effectiveNow ? cardsNow.map((card) => add(situation, now, card, caId)) : [];
  const stale = isEffective(service) ? cardsThen.filter((card) => !effectiveNow || !cardsNow.includes(card)) : [];
  const superseded =
    effectiveNow && stale.length === 0 ? [] : eachOrNone(stale, (card) => staleAdd(situation, service, card, caId));
  return [...sent, ...superseded];
}

function add(situation: Situation, service: Service, smartcard: string, caId: string): Proposal {
  return (
    invalidPair(situation.rules, ADD, smartcard, service, caId) ??
    send(entitlementCommand(ADD, smartcard, caId, service.distributor), describeService(service))
  );
}

function staleAdd(situation: Situation, service: Service, smartcard: string | null, caId: string): Proposal {
  const through = smartcard === null ? undefined : situation.present.entitlements().get(pairKey(smartcard, caId))?.[0];
  if (smartcard !== null && through !== undefined) return add(situation, through, smartcard, through.caId ?? caId);
  const { number, version } = situation.present;
  const detail = `Version ${version} of ${number} no longer entitles the card to ${describeService(service)}.`;
  return withhold(ADD, 'SUPERSEDED', smartcard, caId, detail);
}

function isEffectiveNow(situation: Situation, service: Service): boolean {
  const now = presentService(situation, service);
  return now !== null && isEffective(now);
}

/** One proposal a card, or one without a card where there is none. */
function eachOrNone(cards: readonly string[], propose: (card: string | null) => Proposal): Proposal[] {
  return cards.length === 0 ? [propose(null)] : cards.map(propose);
}
