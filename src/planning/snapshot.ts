import type { ActionEvent } from '../events/action-event.ts';
import type { InstalledItem, Service, ServiceState, Subscription } from '../events/crm.generated.ts';
import { comparableServiceCaId } from './command.ts';

/** A distributor, or null where the subscription has none: a place like any other (R1, R10). */
export type Place = string | null;

const EFFECTIVE: ReadonlySet<ServiceState> = new Set(['EFFECTIVE', 'SHORT_TERM_EFFECTIVE']);
const REVOCABLE: ReadonlySet<ServiceState> = new Set([
  'NOT_EFFECTIVE',
  'SHORT_TERM_NOT_EFFECTIVE',
  'IN_RESTING',
  'CANCELLED',
]);
const NOTHING_TO_REVOKE: ReadonlySet<ServiceState> = new Set(['DRAFT', 'REMOVED', 'REGRETTED', 'SWAPPED']);

/** R2: the customer may watch it. A state that we do not know counts as not effective: nobody watches for free. */
export function isEffective(service: Service): boolean {
  return EFFECTIVE.has(service.state);
}

/** R3: a subscription action that takes services away takes this one away. */
export function isRevocable(service: Service): boolean {
  return REVOCABLE.has(service.state);
}

/** R3: never active (DRAFT), or cancelled when the state came about (REMOVED, REGRETTED, SWAPPED). */
export function hasNothingToRevoke(service: Service): boolean {
  return NOTHING_TO_REVOKE.has(service.state);
}

/** A smart card or a set-top box that the CAS knows by a CA id; any other item is not the CAS's business (R1). */
export interface CasDevice {
  readonly id: string;
  readonly kind: 'SMARTCARD' | 'SET_TOP_BOX';
  readonly caId: string;
  readonly distributor: Place;
}

/** The item as the CAS sees it, null where it is none of its business. */
export function casDevice(item: InstalledItem): CasDevice | null {
  if (item.caId === null || (item.kind !== 'SMARTCARD' && item.kind !== 'SET_TOP_BOX')) return null;
  return { id: item.id, kind: item.kind, caId: item.caId, distributor: item.distributor };
}

/** The smart cards and set-top boxes with a CA id, in the snapshot's order. */
export function casDevices(items: readonly InstalledItem[]): CasDevice[] {
  return items.map(casDevice).filter((device) => device !== null);
}

/** The smart cards with a CA id, in the snapshot's order. */
export function smartcardDevices(items: readonly InstalledItem[]): CasDevice[] {
  return casDevices(items).filter((device) => device.kind === 'SMARTCARD');
}

/** CA ids of the smart cards of a snapshot, each once, in the snapshot's order. */
export function snapshotCards(subscription: Subscription): string[] {
  return caIds(smartcardDevices(subscription.installedItems));
}

/**
 * CA ids of all smart cards that the event itself speaks of: those of its snapshot and the removed ones, each once.
 * With those of the previous and the newest snapshot, the cards to lock and to look for in other subscriptions (R4).
 */
export function eventCards(event: ActionEvent): string[] {
  const removed = event.family === 'SUBSCRIPTION' ? [] : event.removedInstalledItems;
  return caIds(smartcardDevices([...event.subscription.installedItems, ...removed]));
}

/** What makes two (card, service CA id) pairs the same one: the card as written, the service CA id as the CAS compares it (R4). */
export function pairKey(smartcard: string, serviceCaId: string): string {
  return `${smartcard} ${comparableServiceCaId(serviceCaId)}`;
}

/** CA ids of cards by the distributor they are with, each once per distributor. */
export function cardsByPlace(
  cards: Iterable<{ readonly caId: string; readonly distributor: Place }>,
): Map<Place, Set<string>> {
  const byPlace = new Map<Place, Set<string>>();
  for (const card of cards) {
    const there = byPlace.get(card.distributor);
    if (there === undefined) byPlace.set(card.distributor, new Set([card.caId]));
    else there.add(card.caId);
  }
  return byPlace;
}

function caIds(devices: readonly CasDevice[]): string[] {
  return [...new Set(devices.map((device) => device.caId))];
}
