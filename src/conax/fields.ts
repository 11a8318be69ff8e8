import type { Command, Device } from '../requests/command.ts';
import type { ConaxCall } from './client.types.ts';
import type { FieldValue, FieldValues } from './template.ts';

/** A command cannot be put into SOAP. The message names the field and what is wrong, never a secret. */
export class NotEncodable extends Error {
  override readonly name = 'NotEncodable';
  readonly code: 'COMMAND_NOT_ENCODABLE' | 'PIN_MISSING';
  constructor(message: string, code: 'COMMAND_NOT_ENCODABLE' | 'PIN_MISSING' = 'COMMAND_NOT_ENCODABLE') {
    super(message);
    this.code = code;
  }
}

/** What the fields of a call come from besides the call itself. */
export interface FieldSource {
  /** Epoch milliseconds. */
  readonly now: number;
  /** A new UUID. */
  readonly messageId: string;
  readonly username: string | undefined;
  readonly password: string | undefined;
  /** After how many calendar months an entitlement ends; 0: never. */
  readonly entitlementMonths: number;
}

/** Returns the values of a call's fields, as text. Times become xsd:dateTime in UTC. @throws NotEncodable */
export function fieldValues(call: ConaxCall, source: FieldSource): FieldValues {
  const { command, pin, requestNumber } = call;
  return {
    requestNumber: whole('requestNumber', requestNumber),
    now: dateTime('now', source.now),
    messageId: `urn:uuid:${source.messageId}`,
    username: source.username ?? null,
    password: source.password ?? null,
    ...commandValues(command, pin),
    ...(command.type === 'ADD_SUBSCRIPTIONS' ? entitledPeriod(source) : {}),
  };
}

function entitledPeriod({ now, entitlementMonths }: FieldSource): Record<string, FieldValue> {
  if (entitlementMonths === 0) return { entitledFrom: null, entitledUntil: null };
  return {
    entitledFrom: dateTime('entitledFrom', now),
    entitledUntil: dateTime('entitledUntil', monthsLater(now, entitlementMonths)),
  };
}

/** The same time of day in UTC so many calendar months later; on the month's last day if it has no such day. */
export function monthsLater(epochMs: number, months: number): number {
  const date = new Date(epochMs);
  const day = date.getUTCDate();
  date.setUTCMonth(date.getUTCMonth() + months, 1);
  const lastDay = new Date(Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1, 0)).getUTCDate();
  date.setUTCDate(Math.min(day, lastDay));
  return date.getTime();
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

function pairedDevices({
  smartcards,
  setTopBoxes,
}: {
  readonly smartcards: readonly Device[];
  readonly setTopBoxes: readonly Device[];
}): Record<string, FieldValue> {
  return {
    smartcards,
    hasSmartcards: smartcards.length > 0 ? 'true' : null,
    setTopBoxes,
    hasSetTopBoxes: setTopBoxes.length > 0 ? 'true' : null,
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
