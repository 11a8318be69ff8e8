import type { Command, CommandType, Device } from '../requests/command.ts';
import type { ConaxCall } from './client.types.ts';

/**
 * How often a field of a command is there: `one`, always once; `optional`, once or not at all; `many`, at least once;
 * `any`, any number of times.
 */
export type FieldCount = 'one' | 'optional' | 'many' | 'any';

const messageFields = {
  smartcard: 'one',
  smartcardDistributor: 'optional',
  message: 'one',
  startAt: 'one',
  queueNumber: 'optional',
} as const;

/**
 * The fields of each command, under the names that the mapping file uses. A field that the mapping does not name is not
 * sent; `one` and `many` must be named, but for `startAt`, which some installations do not have. Every command has
 * `requestNumber`, too.
 */
export const requestFields: Readonly<Record<CommandType, Readonly<Record<string, FieldCount>>>> = {
  ADD_SUBSCRIPTIONS: { smartcard: 'one', service: 'one', serviceDistributor: 'optional' },
  CANCEL_SUBSCRIPTIONS: { smartcard: 'one', service: 'one', serviceDistributor: 'optional' },
  CREATE_PAIRING: {
    smartcards: 'many',
    smartcardDistributors: 'any',
    setTopBoxes: 'many',
    setTopBoxDistributors: 'any',
  },
  ADD_TO_EXISTING_PAIRING: {
    existingSmartcard: 'one',
    existingSmartcardDistributor: 'optional',
    smartcards: 'any',
    smartcardDistributors: 'any',
    setTopBoxes: 'any',
    setTopBoxDistributors: 'any',
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

/** The 13 commands, in the order in which people list them. */
export const commandTypes = Object.keys(requestFields) as readonly CommandType[];

/** The fields of each command's answer beside `statusCode`, `message` and `referenceNumber`; all are lists. */
export const answerLists: Readonly<Partial<Record<CommandType, readonly string[]>>> = {
  GET_ACTIVE_SUBSCRIPTIONS: ['activeServices'],
  GET_PAIRING_STATUS_FOR_CARD: ['pairedSmartcards', 'pairedSetTopBoxes'],
  GET_PAIRING_STATUS_FOR_PAIRING_MODULE: ['pairedSmartcards', 'pairedSetTopBoxes'],
};

/** A field's value: null where there is none; a list keeps its holes, so that device and distributor stay together. */
export type FieldValue = string | null | readonly (string | null)[];

/** A command cannot be put into SOAP. The message names the field and what is wrong, never a secret. */
export class NotEncodable extends Error {
  override readonly name = 'NotEncodable';
  readonly code: 'COMMAND_NOT_ENCODABLE' | 'PIN_MISSING';
  constructor(message: string, code: 'COMMAND_NOT_ENCODABLE' | 'PIN_MISSING' = 'COMMAND_NOT_ENCODABLE') {
    super(message);
    this.code = code;
  }
}

/** The values of a call's fields, as text. Times become xsd:dateTime in UTC. Throws NotEncodable. */
export function fieldValues(call: ConaxCall): Readonly<Record<string, FieldValue>> {
  return { requestNumber: whole('requestNumber', call.requestNumber), ...commandValues(call.command, call.pin) };
}

function commandValues(command: Command, pin: string | undefined): Record<string, FieldValue> {
  switch (command.type) {
    case 'ADD_SUBSCRIPTIONS':
    case 'CANCEL_SUBSCRIPTIONS':
      return {
        smartcard: command.smartcard,
        service: command.service.caId,
        serviceDistributor: command.service.distributor,
      };
    case 'CREATE_PAIRING':
      return pairedDevices(command);
    case 'ADD_TO_EXISTING_PAIRING':
      return {
        existingSmartcard: command.existingSmartcard.caId,
        existingSmartcardDistributor: command.existingSmartcard.distributor,
        ...pairedDevices(command),
      };
    case 'GET_PAIRING_STATUS_FOR_PAIRING_MODULE':
      return { setTopBox: command.setTopBox.caId, setTopBoxDistributor: command.setTopBox.distributor };
    case 'GET_ACTIVE_SUBSCRIPTIONS':
    case 'GET_PAIRING_STATUS_FOR_CARD':
    case 'UPDATE_CA_PIN_TO_DEFAULT_VALUE':
      return smartcard(command);
    case 'UPDATE_CA_PIN_TO_GIVEN_VALUE':
      if (pin === undefined) throw new NotEncodable('pin: is missing, and the command sets one', 'PIN_MISSING');
      return { ...smartcard(command), pin };
    case 'SEND_MAIL_MESSAGE_TO_CLIENT':
      return messageValues(command);
    case 'SEND_BARK_MESSAGE_TO_CLIENT':
      return { ...messageValues(command), durationSeconds: whole('durationSeconds', command.durationSeconds) };
    case 'SEND_REPEATING_BARK_MESSAGE_TO_CLIENT':
      return {
        ...messageValues(command),
        durationSeconds: whole('durationSeconds', command.durationSeconds),
        repetitions: whole('repetitions', command.repetitions),
        intervalSeconds: whole('intervalSeconds', command.intervalSeconds),
      };
    case 'DISPLAY_FINGERPRINT':
      return {
        ...smartcard(command),
        displayAt: dateTime('displayAt', command.displayAt),
        durationSeconds: whole('durationSeconds', command.durationSeconds),
        x: whole('x', command.x),
        y: whole('y', command.y),
        height: whole('height', command.height),
        slot: whole('slot', command.slot),
      };
  }
}

function smartcard(command: { readonly smartcard: Device }): Record<string, FieldValue> {
  return { smartcard: command.smartcard.caId, smartcardDistributor: command.smartcard.distributor };
}

function pairedDevices(command: {
  readonly smartcards: readonly Device[];
  readonly setTopBoxes: readonly Device[];
}): Record<string, FieldValue> {
  return {
    smartcards: command.smartcards.map((device) => device.caId),
    smartcardDistributors: command.smartcards.map((device) => device.distributor),
    setTopBoxes: command.setTopBoxes.map((device) => device.caId),
    setTopBoxDistributors: command.setTopBoxes.map((device) => device.distributor),
  };
}

type MessageCommand = Extract<Command, { readonly message: string }>;

function messageValues(command: MessageCommand): Record<string, FieldValue> {
  return {
    ...smartcard(command),
    message: command.message,
    startAt: dateTime('startAt', command.startAt),
    queueNumber: command.queueNumber,
  };
}

function whole(field: string, value: number): string {
  if (!Number.isSafeInteger(value)) throw new NotEncodable(`${field}: ${value} is no whole number`);
  return String(value);
}

function dateTime(field: string, epochMs: number): string {
  const date = new Date(epochMs);
  const year = date.getUTCFullYear();
  if (!(year >= 1 && year <= 9999)) throw new NotEncodable(`${field}: ${epochMs} is no time of the years 1 to 9999`);
  return date.toISOString().replace('.000Z', 'Z');
}
