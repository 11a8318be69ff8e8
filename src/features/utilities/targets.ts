import type { Subscription } from '../../events/crm.generated.ts';
import { resolveSmartcardByCaId } from '../../identifiers/device.ts';
import { type HeldCard, heldCard, lockedHolders } from '../../identifiers/holders.ts';
import { found } from '../../identifiers/problem.ts';
import { lockedSubscription } from '../../identifiers/subscription.ts';
import { misfit } from '../../planning/ca-ids.ts';
import { casDevices, type CasDevice } from '../../planning/snapshot.ts';
import type { Transaction } from '../../platform/database.ts';
import type { Command, Device } from '../../planning/command.ts';
import type { ProcessName } from '../../requests/new-request.ts';
import type { OperationContext } from '../../operations/operation.ts';
import type { OneOf } from '../../http/input-kinds.ts';
import { OperationError } from '../../http/operation-error.ts';
import type { InputPatterns } from '../../http/parts.ts';
import type { SendingInput } from './inputs.ts';
import { type Called, callUtility, type LeftOut } from './utility.ts';

export interface CardsInput {
  readonly subscription_identifier?: OneOf<'id' | 'number'> | undefined;
  readonly smartcard_ca_ids?: readonly string[] | undefined;
}

/**
 * The cards that are meant: all of a subscription, those that are named of it, or those that are named alone. Locks the
 * subscriptions of the cards, so that their snapshots stay until the transaction's end.
 * @throws OperationError if something does not resolve, or no card is left.
 */
export async function targetCards(
  tx: Transaction,
  input: CardsInput,
  patterns: InputPatterns,
): Promise<{ cards: HeldCard[]; leftOut: LeftOut[] }> {
  const { subscription_identifier: identifier, smartcard_ca_ids: named } = input;
  if (identifier === undefined) {
    const holders = await lockedHolders(tx, named ?? []);
    return { cards: (named ?? []).map((caId) => heldCard(holders.get(caId) ?? null, caId)), leftOut: [] };
  }
  const subscription = await lockedSubscription(tx, identifier);
  if (named !== undefined) {
    const cards = named.map((caId, index) => ({
      smartcard: found(`smartcard_ca_ids[${index}]`, resolveSmartcardByCaId(subscription, caId)),
      subscription,
    }));
    return { cards, leftOut: [] };
  }
  const { sound, malformed } = devicesOf(subscription, patterns);
  const cards = sound
    .filter(({ kind }) => kind === 'SMARTCARD')
    .map((device) => ({ smartcard: deviceOf(device), subscription }));
  if (cards.length > 0) return { cards, leftOut: malformed.filter(({ smartcard_ca_id: card }) => card !== null) };
  throw new OperationError(
    'NO_DEVICE',
    'subscription_identifier',
    `subscription ${subscription.number} has no smart card with a CA id that fits ${patterns.smartcard.source}; check it in the CRM`,
  );
}

/** Sends to each card that is meant what `commands` makes for it: one command, or several. */
export async function sendToCards(
  context: OperationContext,
  process: ProcessName,
  input: CardsInput & SendingInput,
  commands: (smartcard: Device) => Command | readonly Command[],
  sealedPin?: (tx: Transaction) => Promise<Buffer>,
): Promise<Called> {
  return await callUtility(context, process, input, async (tx) => {
    const { cards, leftOut } = await targetCards(tx, input, context.patterns);
    const requests = [];
    for (const { smartcard, subscription } of cards) {
      const sealed = sealedPin === undefined ? {} : { sealedPin: await sealedPin(tx) };
      requests.push(...[commands(smartcard)].flat().map((command) => ({ command, subscription, ...sealed })));
    }
    return { requests, leftOut };
  });
}

/** The devices of a subscription, each CA id once, and those that are left out since their CA id does not fit. */
export function devicesOf(
  { installedItems }: Subscription,
  patterns: InputPatterns,
): { sound: CasDevice[]; malformed: LeftOut[] } {
  const once = new Map(
    casDevices(installedItems)
      .toReversed()
      .map((device) => [`${device.kind} ${device.caId}`, device]),
  );
  const devices = [...once.values()].toReversed();
  const fits = ({ kind, caId }: CasDevice): boolean =>
    (kind === 'SMARTCARD' ? patterns.smartcard : patterns.setTopBox).test(caId);
  return {
    sound: devices.filter(fits),
    malformed: devices
      .filter((device) => !fits(device))
      .map(({ id, kind, caId }) => {
        const isCard = kind === 'SMARTCARD';
        const problem = isCard
          ? misfit('smart card CA id', caId, patterns.smartcard)
          : misfit('STB CA id', caId, patterns.setTopBox);
        return {
          smartcard_ca_id: isCard ? caId : null,
          stb_ca_id: isCard ? null : caId,
          reason: 'INVALID_CA_ID',
          detail: `Of installed item ${id}: ${problem}.`,
        };
      }),
  };
}

export function deviceOf({ caId, distributor }: CasDevice): Device {
  return { caId, distributor };
}
