import type { Pairing } from '../planning/types.ts';
import { type PairingCommand, smartcardsOf } from '../planning/command.ts';
import type { PairingAnswer } from './news.ts';

/** Returns the pairing of a card, the card included; null if the CAS holds it together with nothing. */
export function heldPairing(card: string, pairing: Pairing | null): Pairing | null {
  if (pairing === null) return null;
  const smartcards = [...new Set([card, ...pairing.smartcards])];
  return smartcards.length === 1 && pairing.setTopBoxes.length === 0
    ? null
    : { smartcards, setTopBoxes: pairing.setTopBoxes };
}

/** Whether all devices of the command are paired together. */
export function isDone(command: PairingCommand, held: Pairing): boolean {
  return (
    smartcardsOf(command).every((card) => held.smartcards.includes(card)) &&
    command.setTopBoxes.every(({ caId }) => held.setTopBoxes.includes(caId))
  );
}

/** A pairing that is refused with one of these has that cause, whatever pairing its cards are in. */
const CAUSE_IS_NAMED: ReadonlySet<string> = new Set([
  'CLIENT_NOT_FOUND',
  'CLIENT_NOT_MANAGED_BY_SMS',
  'FEATURE_NOT_AVAILABLE',
]);

/**
 * Returns the first card to be paired that is in a pairing with other devices than the command names, unless the CAS's
 * refusal names another cause. The pairing that ADD_TO_EXISTING_PAIRING extends is not another one, and its card is not
 * one to be paired.
 */
export function pairedElsewhere(
  command: PairingCommand,
  told: readonly PairingAnswer[],
  refusal: string,
): { readonly smartcard: string; readonly pairing: Pairing } | undefined {
  if (CAUSE_IS_NAMED.has(refusal)) return undefined;
  const existing = command.type === 'ADD_TO_EXISTING_PAIRING' ? command.existingSmartcard.caId : null;
  const extended = told.find(({ smartcard }) => smartcard === existing)?.pairing;
  const own = new Set([
    ...smartcardsOf(command),
    ...command.setTopBoxes.map(({ caId }) => caId),
    ...devicesOf(extended ?? { smartcards: [], setTopBoxes: [] }),
  ]);
  for (const { smartcard, pairing } of told) {
    if (smartcard === existing || pairing === null) continue;
    if (devicesOf(pairing).some((caId) => !own.has(caId))) return { smartcard, pairing };
  }
  return undefined;
}

export function devicesOf({ smartcards, setTopBoxes }: Pairing): string[] {
  return [...smartcards, ...setTopBoxes];
}
