import type { ActionEvent } from './action-event.ts';
import type { InstalledItem, Move, Subscription } from './crm.generated.ts';

/**
 * Returns every way in which an event contradicts itself, as sentences that name the field and the value. Empty if the
 * event is sound (contract: dead letter reason CONTRADICTORY). Only what breaks planning counts: ids that do not
 * resolve, ids that resolve twice, and hardware that is in two places. An id may be in both the incoming and the
 * outgoing list: a CRM may stop and start a service in one action.
 */
export function contradictionsOf(event: ActionEvent): string[] {
  return [
    ...blankIdentity(event),
    ...ambiguousSnapshot(event.subscription),
    ...(event.family === 'INSTALLED_ITEM' ? [] : wrongMoves(event)),
    ...(event.family === 'SERVICE' ? wrongServiceLists(event) : []),
    ...(event.family === 'SUBSCRIPTION' ? [] : wrongInstalledItemLists(event)),
  ];
}

/** Returns, as such sentences, every way in which an imported snapshot contradicts itself. */
export function snapshotContradictionsOf(subscription: Subscription): string[] {
  return ambiguousSnapshot(subscription);
}

function blankIdentity(event: ActionEvent): string[] {
  const identity = [
    ['eventId', event.eventId],
    ['action.id', event.action.id],
    ['subscription.number', event.subscription.number],
  ] as const;
  return identity
    .filter(([, value]) => value.trim() === '')
    .map(([field, value]) => `${field} is ${quoted(value)}, but must not be blank.`);
}

function ambiguousSnapshot(subscription: Subscription): string[] {
  return [
    ...twice('subscription.services', idsOf(subscription.services)),
    ...twice('subscription.installedItems', idsOf(subscription.installedItems)),
  ];
}

function wrongMoves(event: Exclude<ActionEvent, { family: 'INSTALLED_ITEM' }>): string[] {
  const { services, installedItems } = event.subscription;
  return [
    ...misplaced('movedServices', event.movedServices, 'service', services),
    ...misplaced('movedInstalledItems', event.movedInstalledItems, 'installed item', installedItems),
  ];
}

function wrongServiceLists(event: Extract<ActionEvent, { family: 'SERVICE' }>): string[] {
  const present = idsOf(event.subscription.services);
  return [
    ...missing('incomingServices', event.incomingServices, 'service', present),
    ...twice('incomingServices', event.incomingServices),
    ...missing('outgoingServices', event.outgoingServices, 'service', present),
    ...twice('outgoingServices', event.outgoingServices),
  ];
}

function wrongInstalledItemLists(event: Exclude<ActionEvent, { family: 'SUBSCRIPTION' }>): string[] {
  const present = idsOf(event.subscription.installedItems);
  return [
    ...missing('incomingInstalledItems', event.incomingInstalledItems, 'installed item', present),
    ...twice('incomingInstalledItems', event.incomingInstalledItems),
    ...stillThere(event.removedInstalledItems, new Set(present)),
    ...twice('removedInstalledItems', idsOf(event.removedInstalledItems)),
  ];
}

function missing(field: string, ids: readonly string[], kind: string, present: readonly string[]): string[] {
  const known = new Set(present);
  return [...new Set(ids)]
    .filter((id) => !known.has(id))
    .map((id) => `${field} names the ${kind} ${quoted(id)}, which the snapshot lacks.`);
}

function stillThere(removed: readonly InstalledItem[], present: ReadonlySet<string>): string[] {
  return removed
    .filter((item) => present.has(item.id))
    .map((item) => `removedInstalledItems has the installed item ${quoted(item.id)}, which is still in the snapshot.`);
}

function misplaced(
  field: string,
  moves: readonly Move[],
  kind: string,
  present: readonly { readonly id: string; readonly distributor: string | null }[],
): string[] {
  const places = new Map(present.map((element) => [element.id, element.distributor]));
  const ids = moves.map((move) => move.id);
  const elsewhere = moves
    .filter((move) => places.has(move.id) && places.get(move.id) !== move.toDistributor)
    .map(
      (move) =>
        `${field} moves the ${kind} ${quoted(move.id)} to distributor ${quoted(move.toDistributor)}, ` +
        `but the snapshot has it with distributor ${quoted(places.get(move.id) ?? null)}.`,
    );
  return [...missing(field, ids, kind, [...places.keys()]), ...elsewhere, ...twice(field, ids)];
}

function twice(field: string, ids: readonly string[]): string[] {
  const seen = new Set<string>();
  const repeated = new Set<string>();
  for (const id of ids) (seen.has(id) ? repeated : seen).add(id);
  return [...repeated].map((id) => `${field} has the id ${quoted(id)} more than once.`);
}

function idsOf(elements: readonly { readonly id: string }[]): string[] {
  return elements.map((element) => element.id);
}

function quoted(value: string | null): string {
  return value === null ? 'null' : JSON.stringify(value);
}
