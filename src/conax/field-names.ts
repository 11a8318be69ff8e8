import type { CommandType } from '../planning/command.ts';

/**
 * How often a command has a field: `one`, always; `optional`, or not at all; `many`, a list with at least one device;
 * `any`, a list that may be empty.
 */
export type FieldCount = 'one' | 'optional' | 'many' | 'any';
export type FieldCounts = Readonly<Record<string, FieldCount>>;

const messageFields = {
  smartcard: 'one',
  smartcardDistributor: 'optional',
  message: 'one',
  startAt: 'one',
  queueNumber: 'optional',
} as const;

/** The fields of each command, by the names that templates use. */
export const requestFields: Readonly<Record<CommandType, FieldCounts>> = {
  ADD_SUBSCRIPTIONS: {
    smartcard: 'one',
    service: 'one',
    serviceDistributor: 'optional',
    entitledFrom: 'optional',
    entitledUntil: 'optional',
  },
  CANCEL_SUBSCRIPTIONS: { smartcard: 'one', service: 'one', serviceDistributor: 'optional' },
  CREATE_PAIRING: { smartcards: 'many', setTopBoxes: 'many' },
  ADD_TO_EXISTING_PAIRING: {
    existingSmartcard: 'one',
    existingSmartcardDistributor: 'optional',
    smartcards: 'any',
    hasSmartcards: 'optional',
    setTopBoxes: 'any',
    hasSetTopBoxes: 'optional',
  },
  GET_ACTIVE_SUBSCRIPTIONS: { smartcard: 'one', smartcardDistributor: 'optional' },
  GET_PAIRING_STATUS_FOR_CARD: { smartcard: 'one', smartcardDistributor: 'optional' },
  GET_PAIRING_STATUS_FOR_PAIRING_MODULE: { setTopBox: 'one', setTopBoxDistributor: 'optional' },
  SEND_MAIL_MESSAGE_TO_CLIENT: messageFields,
  SEND_BARK_MESSAGE_TO_CLIENT: { ...messageFields, durationSeconds: 'one' },
  SEND_REPEATING_BARK_MESSAGE_TO_CLIENT: {
    ...messageFields,
    durationSeconds: 'one',
    repetitions: 'one',
    intervalSeconds: 'one',
  },
  DISPLAY_FINGERPRINT: {
    smartcard: 'one',
    smartcardDistributor: 'optional',
    displayAt: 'one',
    durationSeconds: 'one',
    x: 'one',
    y: 'one',
    height: 'one',
    slot: 'one',
  },
  UPDATE_CA_PIN_TO_DEFAULT_VALUE: { smartcard: 'one', smartcardDistributor: 'optional' },
  UPDATE_CA_PIN_TO_GIVEN_VALUE: { smartcard: 'one', smartcardDistributor: 'optional', pin: 'one' },
};

/** Fields that every command has besides its own. No template needs them. */
export const commonFields = ['requestNumber', 'now', 'messageId', 'username', 'password'] as const;

/** Fields of each device of a list, inside the list's section. */
export const itemFields = ['caId', 'distributor'] as const;

/** Fields that say whether a list has a device: for an element around the list that must not be sent empty. */
export const listConditions: Readonly<Record<string, string>> = {
  hasSmartcards: 'smartcards',
  hasSetTopBoxes: 'setTopBoxes',
};

/** Whether a template of the command must send the field. Some installations have no start time. */
export function mustBeSent(field: string, count: FieldCount): boolean {
  return count !== 'optional' && field !== 'startAt';
}

/** The lists of each command's answer. */
export const answerLists: Readonly<Partial<Record<CommandType, readonly string[]>>> = {
  GET_ACTIVE_SUBSCRIPTIONS: ['activeServices'],
  GET_PAIRING_STATUS_FOR_CARD: ['pairedSmartcards', 'pairedSetTopBoxes'],
  GET_PAIRING_STATUS_FOR_PAIRING_MODULE: ['pairedSmartcards', 'pairedSetTopBoxes'],
};
