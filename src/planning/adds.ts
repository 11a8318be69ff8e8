import type { Service } from '../events/crm.generated.ts';
import { invalidPair } from './ca-ids.ts';
import { linked } from './moves.ts';
import { describeDistributor, describeService, entitlementCommand, send, withhold } from './proposal.ts';
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

/** Returns the ADD_SUBSCRIPTIONS that a cell of the matrix selects, sent or withheld (R1, R2, R10). */
export function addProposals(situation: Situation, cell: AddCell): Proposal[] {
  return SELECTORS[cell](situation);
}

/**
 * Returns the ADDs that a new card lacks (R10, I: ADD_INSTALLED_ITEM). The matrix entitles nothing there, so they are
 * withheld as NOT_TRIGGERED. With the setting ENTITLE_ADDED_CARDS they are sent.
 */
export function addedCardProposals(situation: Situation): Proposal[] {
  const proposals = servicesOnNewCards(situation);
  if (situation.rules.entitleAddedCards) return proposals;
  return proposals.flatMap((proposal) => {
    if (proposal.kind === 'command') return [{ ...proposal, kind: 'untriggered' }];
    return proposal.kind === 'withheld' && proposal.withheld.reason === 'NO_SERVICE_CA_ID' ? [] : [proposal];
  });
}

/**
 * Returns the ADDs of the S: activation rows. A late event also includes what became effective since, because states
 * come from the newest snapshot.
 */
function effectiveServices(situation: Situation): Proposal[] {
  return situation.own.services
    .filter((service) => isEffective(service) || isEffectiveNow(situation, service))
    .flatMap((service) => adds(situation, service));
}

/**
 * Returns the ADDs of the incoming services. A regretted addition has none, a regretted swap has (R10), so the list
 * itself distinguishes them.
 */
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

/**
 * Returns the ADDs of linked pairs. A moved service that is not effective shows as NOT_EFFECTIVE; one that a moved card
 * merely joins does not.
 */
function linkedPairs(situation: Situation): Proposal[] {
  return linked(situation)
    .filter(({ service, serviceMoved }) => serviceMoved || isEffective(service) || isEffectiveNow(situation, service))
    .flatMap(({ service, cards }) => adds(situation, service, cards));
}

/**
 * Returns the ADDs of one service, for all its cards or only for the given ones.
 *
 * On time: R1 and R2 on the event's snapshot. Late: pairs of the newest snapshot are sent. A pair that only the event's
 * own snapshot had is SUPERSEDED, unless the newest entitles it through another service. Then the ADD contradicts
 * nothing, and may be the only one.
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
    const detail = `No smart card with ${describeDistributor(current.distributor)} for ${describeService(current)}.`;
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

/** Returns one proposal per card, or one without a card if there is none. */
function eachOrNone(cards: readonly string[], propose: (card: string | null) => Proposal): Proposal[] {
  return cards.length === 0 ? [propose(null)] : cards.map(propose);
}
