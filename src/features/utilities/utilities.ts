import type { Database, Transaction } from '../../platform/database.ts';
import type { Seal } from '../../platform/seal.ts';
import type { Command, Device } from '../../planning/command.ts';
import type { ProcessName } from '../../requests/new-request.ts';
import { fingerprintCommand } from '../messages/fingerprint-content.ts';
import { messageCommand } from '../messages/message-content.ts';
import { sealPin } from '../../http/seal-pin.ts';
import type { SendingInput, UtilityInput, UtilityPatterns } from './inputs.ts';
import { planAddToPairing, planCreatePairing, planPairingStatus } from './pairing.ts';
import { type Caller, type Submitted, submitUtility } from './submit.ts';
import { type CardsInput, targetCards } from './targets.ts';

export interface UtilityParts {
  readonly db: Database;
  readonly patterns: UtilityPatterns;
  /** Seals PINs; null if no PIN_KEY is set. */
  readonly seal: Seal | null;
}

/**
 * The utilities: each makes its requests at once, or throws an OperationError and makes none. What becomes of them tells
 * `awaitOutcome`. Inputs are those that the schemas of `utilityInputs` have read.
 */
export function utilities({ db, patterns, seal }: UtilityParts) {
  return {
    createPairing: (input: UtilityInput<'createPairing'>, caller: Caller): Promise<Submitted> =>
      submitUtility(db, 'PAIRING_UTILITY', { ...caller, sending: input }, (tx) =>
        planCreatePairing(tx, input, patterns),
      ),

    addToPairing: (input: UtilityInput<'addToPairing'>, caller: Caller): Promise<Submitted> =>
      submitUtility(db, 'PAIRING_UTILITY', { ...caller, sending: input }, (tx) =>
        planAddToPairing(tx, input, patterns),
      ),

    pairingStatus: (input: UtilityInput<'pairingStatus'>, caller: Caller): Promise<Submitted> =>
      submitUtility(db, 'PAIRING_UTILITY', { ...caller, sending: input }, (tx) =>
        planPairingStatus(tx, input, patterns),
      ),

    /** Asks for the active subscriptions; `compareWithCrm` puts the answers beside the CRM's snapshots. */
    information: (input: UtilityInput<'information'>, caller: Caller): Promise<Submitted> =>
      toCards('CONAX_INFORMATION_UTILITY', { ...input, wait: true }, caller, (smartcard) => ({
        type: 'GET_ACTIVE_SUBSCRIPTIONS',
        smartcard,
      })),

    message: (input: UtilityInput<'message'>, caller: Caller): Promise<Submitted> => {
      const begin = beginOf(input);
      return toCards('MAIL_BARK_MESSAGE_UTILITY', input, caller, (card) => messageCommand(input, card, begin, null));
    },

    fingerprint: (input: UtilityInput<'fingerprint'>, caller: Caller): Promise<Submitted> => {
      const begin = beginOf(input);
      return toCards('FINGERPRINTING_UTILITY', input, caller, (card) => fingerprintCommand(input, card, begin));
    },

    pinToDefault: (input: UtilityInput<'pinToDefault'>, caller: Caller): Promise<Submitted> =>
      toCards('RESET_PIN', input, caller, (smartcard) => ({ type: 'UPDATE_CA_PIN_TO_DEFAULT_VALUE', smartcard })),

    pinToGiven: async ({ pin, ...input }: UtilityInput<'pinToGiven'>, caller: Caller): Promise<Submitted> => {
      const command = (smartcard: Device): Command => ({ type: 'UPDATE_CA_PIN_TO_GIVEN_VALUE', smartcard });
      return toCards('RESET_PIN', input, caller, command, (tx) => sealPin(tx, seal, pin));
    },
  };

  /** One request for each card that is meant. */
  function toCards(
    process: ProcessName,
    input: CardsInput & SendingInput,
    caller: Caller,
    command: (smartcard: Device) => Command,
    sealedPin?: (tx: Transaction) => Promise<Buffer>,
  ): Promise<Submitted> {
    return submitUtility(db, process, { ...caller, sending: input }, async (tx) => {
      const { cards, leftOut } = await targetCards(tx, input, patterns);
      const requests = [];
      for (const { smartcard, subscription } of cards) {
        const sealed = sealedPin === undefined ? {} : { sealedPin: await sealedPin(tx) };
        requests.push({ command: command(smartcard), subscription, ...sealed });
      }
      return { requests, leftOut };
    });
  }
}

/** When a screen begins to show something where nothing is said: now, or when the request is due. */
function beginOf({ scheduled_date: scheduledAt }: { readonly scheduled_date?: Date | undefined }): Date {
  return new Date(Math.max(Date.now(), scheduledAt?.getTime() ?? 0));
}

export type Utilities = ReturnType<typeof utilities>;
