import type { InstalledItem, Subscription } from '../events/crm.generated.ts';
import { type CasDevice, casDevices } from '../planning/snapshot.ts';
import type { Device } from '../planning/command.ts';
import { type IdentifierProblem, shown } from './problem.ts';

export type InstalledItemIdentifier =
  | { readonly id: string }
  | { readonly serial_number: string }
  | { readonly alternative_code: string };

/** A smart card that the CAS knows. */
export type CasSmartcard = InstalledItem & { readonly caId: string };

/**
 * The smart card of the subscription that an installed item identifier means. Where a card and other hardware share a
 * code or a serial number, it is the card.
 */
export function resolveSmartcard(
  { number, installedItems }: Subscription,
  identifier: InstalledItemIdentifier,
): CasSmartcard | IdentifierProblem {
  const { field, value, fits } = condition(identifier);
  const items = installedItems.filter(fits);
  const [item] = items;
  if (item === undefined) {
    return {
      code: 'ITEM_NOT_FOUND',
      field,
      problem: `subscription ${number} has no installed item with the ${field} ${shown(value)}`,
      remedy: 'check it, and that the item is installed in this subscription',
    };
  }
  const cards = items.filter(({ kind }) => kind === 'SMARTCARD');
  const [card] = cards;
  if (card === undefined) {
    return {
      code: 'ITEM_IS_NO_SMARTCARD',
      field,
      problem: `the installed item ${shown(item.id)} is a ${item.kind}`,
      remedy: 'identify a smart card',
    };
  }
  if (new Set(cards.map(({ caId, distributor }) => JSON.stringify([caId, distributor]))).size > 1) {
    return {
      code: 'ITEM_AMBIGUOUS',
      field,
      problem: `${cards.length} smart cards fit ${shown(value)}, such as ${shown(card.id)} and ${shown(cards[1]?.id ?? '')}`,
      remedy: 'identify the card by its id',
    };
  }
  if (card.caId !== null) return { ...card, caId: card.caId };
  return {
    code: 'SMARTCARD_WITHOUT_CA_ID',
    field,
    problem: `the smart card ${shown(card.id)} has no CA id`,
    remedy: 'give the item its CA id in the CRM',
  };
}

/** Returns the smart card of the subscription with this CA id, compared as it is written: leading zeros count. */
export function resolveSmartcardByCaId(subscription: Subscription, caId: string): Device | IdentifierProblem {
  const card = deviceIn(subscription, 'SMARTCARD', caId);
  if (card !== null) return card;
  const other = subscription.installedItems.find((item) => item.caId === caId);
  const instead = other === undefined ? '' : `; its item with that CA id, ${shown(other.id)}, is a ${other.kind}`;
  return {
    code: 'SMARTCARD_NOT_OF_SUBSCRIPTION',
    problem: `subscription ${subscription.number} has no smart card with the CA id ${shown(caId)}${instead}`,
    remedy: 'check card and subscription',
  };
}

/** Returns the set-top box of the subscription with this CA id. */
export function resolveSetTopBoxByCaId(subscription: Subscription, caId: string): Device | IdentifierProblem {
  return (
    deviceIn(subscription, 'SET_TOP_BOX', caId) ?? {
      code: 'STB_NOT_OF_SUBSCRIPTION',
      problem: `subscription ${subscription.number} has no set-top box with the CA id ${shown(caId)}`,
      remedy: 'check both, or leave the subscription out',
    }
  );
}

/** Returns the device with its distributor in the subscription; without one if there is no subscription, or it lacks it. */
export function heldDevice(subscription: Subscription | null, kind: CasDevice['kind'], caId: string): Device {
  const device = subscription === null ? null : deviceIn(subscription, kind, caId);
  return device ?? { caId, distributor: null };
}

function deviceIn({ installedItems }: Subscription, kind: CasDevice['kind'], caId: string): Device | null {
  const device = casDevices(installedItems).find((one) => one.kind === kind && one.caId === caId);
  return device === undefined ? null : { caId, distributor: device.distributor };
}

function condition(identifier: InstalledItemIdentifier): {
  field: string;
  value: string;
  fits: (item: InstalledItem) => boolean;
} {
  if ('id' in identifier) {
    const { id: value } = identifier;
    return { field: 'id', value, fits: ({ id }) => id === value };
  }
  if ('serial_number' in identifier) {
    const { serial_number: value } = identifier;
    return { field: 'serial_number', value, fits: ({ serialNumber }) => serialNumber === value };
  }
  const { alternative_code: value } = identifier;
  return { field: 'alternative_code', value, fits: ({ alternativeCode }) => alternativeCode === value };
}
