import type { ActionEvent } from '../events/action-event.ts';
import type { InstalledItem, Service, ServiceState, Subscription } from '../events/crm.generated.ts';
import { comparableServiceCaId } from './command.ts';

/** A distributor. Null is one like any other: that of services and devices without a distributor (R1, R10). */
export type Distributor = string | null;

const EFFECTIVE: ReadonlySet<ServiceState> = new Set(['EFFECTIVE', 'SHORT_TERM_EFFECTIVE']);
const REVOCABLE: ReadonlySet<ServiceState> = new Set([
  'NOT_EFFECTIVE',
  'SHORT_TERM_NOT_EFFECTIVE',
  'IN_RESTING',
  'CANCELLED',
]);
const NOTHING_TO_REVOKE: ReadonlySet<ServiceState> = new Set(['DRAFT', 'REMOVED', 'REGRETTED', 'SWAPPED']);

/**
 * Returns whether the customer may watch the service (R2). An unknown state counts as not effective: nobody watches for
 * free.
 */
export function isEffective(service: Service): boolean {
  return EFFECTIVE.has(service.state);
}

/** Returns whether a subscription action that revokes services revokes this one (R3). */
export function isRevocable(service: Service): boolean {
  return REVOCABLE.has(service.state);
}

/**
 * Returns whether the service was never active (DRAFT), or was cancelled when its state came about (REMOVED, REGRETTED,
 * SWAPPED) (R3).
 */
export function hasNothingToRevoke(service: Service): boolean {
  return NOTHING_TO_REVOKE.has(service.state);
}

/** A smart card or a set-top box with a CA id. Any other item does not concern the CAS (R1). */
export interface CasDevice {
  readonly id: string;
  readonly kind: 'SMARTCARD' | 'SET_TOP_BOX';
  readonly caId: string;
  readonly distributor: Distributor;
}

/** Returns the item as the CAS knows it; null if it does not concern the CAS. */
export function casDevice(item: InstalledItem): CasDevice | null {
  if (item.caId === null || (item.kind !== 'SMARTCARD' && item.kind !== 'SET_TOP_BOX')) return null;
  return { id: item.id, kind: item.kind, caId: item.caId, distributor: item.distributor };
}

/** Returns the smart cards and set-top boxes with a CA id, in the snapshot's order. */
export function casDevices(items: readonly InstalledItem[]): CasDevice[] {
  return items.map(casDevice).filter((device) => device !== null);
}

/** Returns the smart cards with a CA id, in the snapshot's order. */
export function smartcardDevices(items: readonly InstalledItem[]): CasDevice[] {
  return casDevices(items).filter((device) => device.kind === 'SMARTCARD');
}

/** Returns the CA ids of the smart cards of a snapshot, each once, in the snapshot's order. */
export function snapshotCards(subscription: Subscription): string[] {
  return caIds(smartcardDevices(subscription.installedItems));
}

/**
 * Returns the CA ids of all smart cards in the event, each once: those of its snapshot and the removed ones. With those
 * of the previous and the newest snapshot, they are the cards to lock and to look for in other subscriptions (R4).
 */
export function eventCards(event: ActionEvent): string[] {
  const removed = event.family === 'SUBSCRIPTION' ? [] : event.removedInstalledItems;
  return caIds(smartcardDevices([...event.subscription.installedItems, ...removed]));
}

/**
 * Returns a key of a (card, service CA id) pair: the card as written, the service CA id as the CAS compares it (R4).
 */
export function pairKey(smartcard: string, serviceCaId: string): string {
  return `${smartcard} ${comparableServiceCaId(serviceCaId)}`;
}

/** Groups the CA ids of cards by distributor, each once per distributor. */
export function cardsByDistributor(
  cards: Iterable<{ readonly caId: string; readonly distributor: Distributor }>,
): Map<Distributor, Set<string>> {
  const byDistributor = new Map<Distributor, Set<string>>();
  for (const card of cards) {
    const there = byDistributor.get(card.distributor);
    if (there === undefined) byDistributor.set(card.distributor, new Set([card.caId]));
    else there.add(card.caId);
  }
  return byDistributor;
}

function caIds(devices: readonly CasDevice[]): string[] {
  return [...new Set(devices.map((device) => device.caId))];
}

/** Returns the set-top boxes of the distributors that a card has in a subscription: what it must be paired with (R7). */
export function groupOf(card: string, { installedItems }: Subscription): string[] {
  const devices = casDevices(installedItems);
  const cards = devices.filter((device) => device.kind === 'SMARTCARD' && device.caId === card);
  const own = new Set(cards.map(({ distributor }) => distributor));
  return devices
    .filter(({ kind, distributor }) => kind === 'SET_TOP_BOX' && own.has(distributor))
    .map(({ caId }) => caId);
}
