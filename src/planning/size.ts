import type { Service } from '../events/crm.generated.ts';
import type { Situation } from './situation.ts';
import { hasNothingToRevoke, smartcardDevices } from './snapshot.ts';
import type { SnapshotView } from './snapshot-view.ts';

/**
 * How many commands, sent and withheld, one event may make. One transaction stores them, in pieces: 10,000 take 3 s on
 * two cores, and a statement may take 30 s. No household and no hotel comes near it.
 */
export const COMMANDS_MAX = 20_000;

/** How many pairs of a service and a card a snapshot may have, which bounds the time and memory of the rules. */
export const PAIRS_MAX = 500_000;

/** The event is too large to plan. The message names the limit, what the event has, and a remedy. */
export class TooManyCommandsError extends Error {
  override readonly name = 'TooManyCommandsError';
}

/**
 * Refuses an event that is too large, before planning any of its commands.
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

/**
 * Refuses an event that makes too many commands.
 * @throws TooManyCommandsError
 */
export function assertCommands(count: number): void {
  if (count <= COMMANDS_MAX) return;
  throw new TooManyCommandsError(
    `the event makes up to ${count} commands, more than the ${COMMANDS_MAX} that one event may make: ` +
      'let the CRM send several smaller actions, for example one for some of the services, or resync the subscription',
  );
}

/** Returns the largest number of pairs in one of the views. */
function pairsOf(services: readonly Service[], views: readonly SnapshotView[]): number {
  let pairs = 0;
  for (const { caId, distributor } of services) {
    if (caId === null) continue;
    let cards = 0;
    for (const view of views) cards = Math.max(cards, view.cardsAt(distributor).size);
    pairs += cards;
  }
  return pairs;
}
