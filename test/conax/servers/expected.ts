import type { ConaxCall } from '../../../src/conax/client.types.ts';
import { call, calls, card, device } from '../support.ts';
import type { ReadElement } from './cxf.ts';

/** The texts of a body in their order: each element that has no children, with its path below the operation's element. */
export type Leaves = readonly (readonly [path: string, text: string])[];

/** The leaves of an element that CXF read. @throws when an element is not in the namespace. */
export function leavesOf(element: ReadElement, namespace: string): Leaves {
  const walk = (one: ReadElement, path: string): [string, string][] => {
    if (!one.name.startsWith(`{${namespace}}`)) throw new Error(`${one.name} is not of ${namespace}`);
    return one.children === undefined
      ? [[path, one.text ?? '']]
      : one.children.flatMap((child) => walk(child, below(path, child.name.replace(/^.*\}/, ''))));
  };
  return walk(element, '');
}

/** The leaves of arguments that the package `soap` read; it makes numbers and dates of texts. */
export function leavesOfArguments(value: unknown, path = ''): Leaves {
  if (Array.isArray(value)) return value.flatMap((item) => leavesOfArguments(item, path));
  if (value instanceof Date) return [[path, value.toISOString().replace('.000Z', 'Z')]];
  if (typeof value !== 'object' || value === null) return [[path, String(value)]];
  return Object.entries(value).flatMap(([name, item]) => leavesOfArguments(item, below(path, name)));
}

function below(path: string, name: string): string {
  return path === '' ? name : `${path}/${name}`;
}

const time = (epochMs: number): string => new Date(epochMs).toISOString().replace('.000Z', 'Z');

/** Calls with as little, as much and as odd as each command allows. */
export const variants: Readonly<Record<string, ConaxCall>> = {
  ...calls,
  'a pairing of many': call({
    type: 'CREATE_PAIRING',
    smartcards: Array.from({ length: 40 }, (_, i) => device(`000000001${i}`, i % 2 === 0 ? null : `room ${i}`)),
    setTopBoxes: Array.from({ length: 40 }, (_, i) => device(`STB-<${i}>&`, 'room')),
  }),
  'cards alone to a pairing': call({
    type: 'ADD_TO_EXISTING_PAIRING',
    existingSmartcard: device(card, 'kitchen'),
    smartcards: [device('00000000003'), device('00000000004')],
    setTopBoxes: [],
  }),
  'boxes alone to a pairing': call({
    type: 'ADD_TO_EXISTING_PAIRING',
    existingSmartcard: device(card),
    smartcards: [],
    setTopBoxes: [device('STB3'), device('STB4')],
  }),
  'an odd mail': call({
    type: 'SEND_MAIL_MESSAGE_TO_CLIENT',
    smartcard: device(card),
    message: 'a]]>b &amp; <!-- "ταινία" \t 😀 {{pin}} $& \r\n end',
    startAt: Date.UTC(2026, 1, 28, 23, 59, 59, 7),
    queueNumber: '77',
  }),
  'a bark of every character that hurts': call({
    type: 'SEND_BARK_MESSAGE_TO_CLIENT',
    smartcard: device(card),
    message: `<>&"']]>\u0085\u2028\uFFFD`,
    startAt: 0,
    queueNumber: null,
    durationSeconds: 0,
  }),
  'a fingerprint beyond the edge': call({
    type: 'DISPLAY_FINGERPRINT',
    smartcard: device(card),
    displayAt: Date.UTC(9999, 11, 31),
    durationSeconds: 2_147_483_647,
    x: -2_147_483_648,
    y: 0,
    height: 1,
    slot: 0,
  }),
};

/** The operation of the project's own WSDLs that a call must reach, its area, and what it must find in the request. */
export function expectedByOwnWsdls({ command, pin, requestNumber }: ConaxCall): {
  readonly area: string;
  readonly operation: string;
  readonly leaves: Leaves;
} {
  const list = (name: string, item: string, values: readonly string[]): Leaves =>
    values.map((value) => [`${name}/${item}`, value]);
  const reach = (area: string, operation: string, ...parts: readonly Leaves[]) => ({
    area,
    operation,
    leaves: parts.flat().map(([path, text]) => [`${operation}Request/${path}`, text] as const),
  });
  const text = (name: string, value: string | number): Leaves => [[name, String(value)]];
  const cards = (values: readonly string[]): Leaves => list('CaClientIds', 'CaClientId', values);
  const boxes = (values: readonly string[]): Leaves => list('PairingModuleIds', 'PairingModuleId', values);
  const ids = (devices: readonly { caId: string }[]): string[] => devices.map(({ caId }) => caId);
  switch (command.type) {
    case 'ADD_SUBSCRIPTIONS':
    case 'CANCEL_SUBSCRIPTIONS':
      return reach(
        'authorization',
        command.type === 'ADD_SUBSCRIPTIONS' ? 'AddSubscriptions' : 'CancelSubscriptions',
        cards([command.smartcard]),
        list('ProductIds', 'ProductId', [command.service.caId]),
      );
    case 'GET_ACTIVE_SUBSCRIPTIONS':
      return reach('authorization', 'GetActiveSubscriptions', text('CaClientId', command.smartcard.caId));
    case 'CREATE_PAIRING':
      return reach('pairing', 'CreatePairing', cards(ids(command.smartcards)), boxes(ids(command.setTopBoxes)));
    case 'ADD_TO_EXISTING_PAIRING':
      return reach(
        'pairing',
        'AddToExistingPairing',
        text('ExistingCaClientId', command.existingSmartcard.caId),
        cards(ids(command.smartcards)),
        boxes(ids(command.setTopBoxes)),
      );
    case 'GET_PAIRING_STATUS_FOR_CARD':
      return reach('pairing', 'GetPairingStatusForCard', text('CaClientId', command.smartcard.caId));
    case 'GET_PAIRING_STATUS_FOR_PAIRING_MODULE':
      return reach('pairing', 'GetPairingStatusForPairingModule', text('PairingModuleId', command.setTopBox.caId));
    case 'SEND_MAIL_MESSAGE_TO_CLIENT':
    case 'SEND_BARK_MESSAGE_TO_CLIENT':
    case 'SEND_REPEATING_BARK_MESSAGE_TO_CLIENT': {
      const name = { MAIL: 'Mail', BARK: 'Bark', REPEATING: 'RepeatingBark' }[command.type.split('_')[1] ?? ''];
      return reach(
        'user-text-messaging',
        `Send${name}MessageToClients`,
        cards([command.smartcard.caId]),
        text('Message', command.message),
        'durationSeconds' in command ? text('DisplayDurationInSeconds', command.durationSeconds) : [],
        'repetitions' in command ? text('RepetitionCount', command.repetitions) : [],
        'repetitions' in command ? text('RepetitionIntervalInSeconds', command.intervalSeconds) : [],
        text('SequenceNumber', requestNumber),
        text('StartIndicationTime', time(command.startAt)),
      );
    }
    case 'DISPLAY_FINGERPRINT':
      return reach(
        'fingerprinting',
        'DisplayFingerprint',
        cards([command.smartcard.caId]),
        text('DisplayTime', time(command.displayAt)),
        text('DurationInSeconds', command.durationSeconds),
        text('PositionX', command.x),
        text('PositionY', command.y),
        text('Height', command.height),
        text('FingerprintSlot', command.slot),
      );
    case 'UPDATE_CA_PIN_TO_DEFAULT_VALUE':
      return reach('ca-pin', 'UpdateCaPinToDefaultValue', cards([command.smartcard.caId]));
    case 'UPDATE_CA_PIN_TO_GIVEN_VALUE':
      return reach('ca-pin', 'UpdateCaPinToGivenValue', cards([command.smartcard.caId]), text('CaPin', pin ?? ''));
  }
}
