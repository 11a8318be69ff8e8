import type { Service } from '../events/crm.generated.ts';
import type { Situation } from './situation.ts';
import { hasNothingToRevoke, smartcardDevices } from './snapshot.ts';
import type { View } from './view.ts';

/**
 * Commands, sent and withheld, that one event may make. They are stored in one transaction, in pieces: 10,000 take 3 s
 * on two cores, and a statement may take 30 s. No household and no hotel comes near it.
 */
export const COMMANDS_MAX = 20_000;

/** Pairs of a service and a card that a snapshot may have: what the rules look at takes so much time and memory. */
export const PAIRS_MAX = 500_000;

/** The event is too large to be planned. The message names the bound, what the event has, and what helps. */
export class TooManyCommandsError extends Error {
  override readonly name = 'TooManyCommandsError';
}

/**
 * Refuses an event that is too large, before any of its commands is worked out.
 * @throws TooManyCommandsError
 */
export function assertPlannable(situation: Situation): void {
  const { own, previous, present, lists } = situation;
  for (const view of new Set([own, present, ...(previous === null ? [] : [previous])])) {
    const pairs = pairsOf(view.services, [view]);
    if (pairs > PAIRS_MAX) {
      throw new TooManyCommandsError(
        `version ${view.version} of subscription ${view.number} has ${pairs} pairs of a service and a smart card with ` +
          `the same distributor, more than the ${PAIRS_MAX} that are taken: spread its devices over several distributors`,
      );
    }
  }
  if (lists.movedServices.length + lists.movedItems.length > 0) return;
  const named = [...lists.incomingServices, ...lists.outgoingServices];
  const items = smartcardDevices([...situation.incomingItems, ...lists.removedItems]);
  const views = [own, present, ...(previous === null ? [] : [previous])];
  const services =
    named.length > 0 ? named.map((id) => own.service(id)).filter((service) => service !== undefined) : own.services;
  const active = services.filter((service) => named.length > 0 || !hasNothingToRevoke(service));
  const touched = items.length > 0 ? items.length * active.length : pairsOf(active, views);
  assertCommands(touched);
}

/** @throws TooManyCommandsError */
export function assertCommands(count: number): void {
  if (count <= COMMANDS_MAX) return;
  throw new TooManyCommandsError(
    `the event makes up to ${count} commands, more than the ${COMMANDS_MAX} that one event may make: ` +
      'let the CRM send several smaller actions, for example one for some of the services, or resync the subscription',
  );
}

/** The largest number of pairs in one of the views. */
function pairsOf(services: readonly Service[], views: readonly View[]): number {
  let pairs = 0;
  for (const { caId, distributor } of services) {
    if (caId === null) continue;
    let cards = 0;
    for (const view of views) cards = Math.max(cards, view.cardsAt(distributor).size);
    pairs += cards;
  }
  return pairs;
}
