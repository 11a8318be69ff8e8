/** A CA id and its distributor (subscription provisioning distribution); null if there is none. */
export interface Device {
  readonly caId: string;
  readonly distributor: string | null;
}

/** The 13 Conax commands with their parameters (domain: "The 13 commands"). Times are epoch milliseconds, UTC. */
export type Command =
  | {
      readonly type: 'ADD_SUBSCRIPTIONS' | 'CANCEL_SUBSCRIPTIONS';
      readonly smartcard: string;
      readonly service: Device;
    }
  | { readonly type: 'CREATE_PAIRING'; readonly smartcards: readonly Device[]; readonly setTopBoxes: readonly Device[] }
  | {
      readonly type: 'ADD_TO_EXISTING_PAIRING';
      readonly existingSmartcard: Device;
      readonly smartcards: readonly Device[];
      readonly setTopBoxes: readonly Device[];
    }
  | { readonly type: 'GET_ACTIVE_SUBSCRIPTIONS' | 'GET_PAIRING_STATUS_FOR_CARD'; readonly smartcard: Device }
  | { readonly type: 'GET_PAIRING_STATUS_FOR_PAIRING_MODULE'; readonly setTopBox: Device }
  | (MessageCommand & { readonly type: 'SEND_MAIL_MESSAGE_TO_CLIENT' })
  | (MessageCommand & { readonly type: 'SEND_BARK_MESSAGE_TO_CLIENT'; readonly durationSeconds: number })
  | (MessageCommand & {
      readonly type: 'SEND_REPEATING_BARK_MESSAGE_TO_CLIENT';
      readonly durationSeconds: number;
      readonly repetitions: number;
      readonly intervalSeconds: number;
    })
  | {
      readonly type: 'DISPLAY_FINGERPRINT';
      readonly smartcard: Device;
      readonly displayAt: number;
      readonly durationSeconds: number;
      readonly x: number;
      readonly y: number;
      readonly height: number;
      readonly slot: number;
    }
  | { readonly type: 'UPDATE_CA_PIN_TO_DEFAULT_VALUE'; readonly smartcard: Device }
  /** The PIN is a secret and not part of the command. It is sealed in a separate row until the request is final. */
  | { readonly type: 'UPDATE_CA_PIN_TO_GIVEN_VALUE'; readonly smartcard: Device };

interface MessageCommand {
  readonly smartcard: Device;
  readonly message: string;
  readonly startAt: number;
  /** The number of the communication queue entry of the message, if there is one. */
  readonly queueNumber: string | null;
}

export type CommandType = Command['type'];
/** The names of all 13 commands, in the order of the domain. */
export const commandTypes = Object.keys({
  ADD_SUBSCRIPTIONS: true,
  CANCEL_SUBSCRIPTIONS: true,
  CREATE_PAIRING: true,
  ADD_TO_EXISTING_PAIRING: true,
  GET_ACTIVE_SUBSCRIPTIONS: true,
  GET_PAIRING_STATUS_FOR_CARD: true,
  GET_PAIRING_STATUS_FOR_PAIRING_MODULE: true,
  SEND_MAIL_MESSAGE_TO_CLIENT: true,
  SEND_BARK_MESSAGE_TO_CLIENT: true,
  SEND_REPEATING_BARK_MESSAGE_TO_CLIENT: true,
  DISPLAY_FINGERPRINT: true,
  UPDATE_CA_PIN_TO_DEFAULT_VALUE: true,
  UPDATE_CA_PIN_TO_GIVEN_VALUE: true,
} satisfies Record<CommandType, true>) as readonly CommandType[];
/** The commands that query the CAS and change nothing. */
export const questions = [
  'GET_ACTIVE_SUBSCRIPTIONS',
  'GET_PAIRING_STATUS_FOR_CARD',
  'GET_PAIRING_STATUS_FOR_PAIRING_MODULE',
] as const satisfies readonly CommandType[];

export type PairingCommand = Extract<Command, { type: 'CREATE_PAIRING' | 'ADD_TO_EXISTING_PAIRING' }>;
export type EntitlementCommand = Extract<Command, { type: 'ADD_SUBSCRIPTIONS' | 'CANCEL_SUBSCRIPTIONS' }>;

/** Returns whether the command makes the CAS pair devices. */
export function isPairing(command: Command): command is PairingCommand {
  return command.type === 'CREATE_PAIRING' || command.type === 'ADD_TO_EXISTING_PAIRING';
}

/** Returns a service CA id as the CAS compares it: without leading zeros (R4). */
export function comparableServiceCaId(caId: string): string {
  return caId.replace(/^0+(?=.)/, '');
}

/**
 * Returns all smart cards that a command touches, each once, in the command's order. The command has a place in their
 * lanes.
 */
export function smartcardsOf(command: Command): string[] {
  switch (command.type) {
    case 'ADD_SUBSCRIPTIONS':
    case 'CANCEL_SUBSCRIPTIONS':
      return [command.smartcard];
    case 'CREATE_PAIRING':
      return unique(command.smartcards);
    case 'ADD_TO_EXISTING_PAIRING':
      return unique([command.existingSmartcard, ...command.smartcards]);
    case 'GET_PAIRING_STATUS_FOR_PAIRING_MODULE':
      return [];
    case 'GET_ACTIVE_SUBSCRIPTIONS':
    case 'GET_PAIRING_STATUS_FOR_CARD':
    case 'SEND_MAIL_MESSAGE_TO_CLIENT':
    case 'SEND_BARK_MESSAGE_TO_CLIENT':
    case 'SEND_REPEATING_BARK_MESSAGE_TO_CLIENT':
    case 'DISPLAY_FINGERPRINT':
    case 'UPDATE_CA_PIN_TO_DEFAULT_VALUE':
    case 'UPDATE_CA_PIN_TO_GIVEN_VALUE':
      return [command.smartcard.caId];
  }
}

/**
 * Returns a key that is equal for two equal commands (R6). It contains type and parameters, service CA ids without
 * leading zeros, and the devices of a pairing in any order. It is for commands that events make.
 */
export function commandKey(command: EntitlementCommand | PairingCommand): string {
  switch (command.type) {
    case 'ADD_SUBSCRIPTIONS':
    case 'CANCEL_SUBSCRIPTIONS':
      return JSON.stringify([
        command.type,
        command.smartcard,
        comparableServiceCaId(command.service.caId),
        command.service.distributor,
      ]);
    case 'CREATE_PAIRING':
      return JSON.stringify([command.type, sorted(command.smartcards), sorted(command.setTopBoxes)]);
    case 'ADD_TO_EXISTING_PAIRING':
      return JSON.stringify([
        command.type,
        [command.existingSmartcard.caId, command.existingSmartcard.distributor],
        sorted(command.smartcards),
        sorted(command.setTopBoxes),
      ]);
  }
}

function sorted(devices: readonly Device[]): string[] {
  return devices.map((device) => JSON.stringify([device.caId, device.distributor])).toSorted();
}

function unique(devices: readonly Device[]): string[] {
  return [...new Set(devices.map((device) => device.caId))];
}
