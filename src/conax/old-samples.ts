import type { Command, CommandType, Device } from '../requests/command.ts';
import { checkContent, type ElementModel } from './content-model.ts';
import { fieldValues } from './fields.ts';
import type { Encode } from './encoder.ts';
import type { MappedCommand } from './mapping.ts';
import { readSoapBody } from './soap-envelope.ts';

const card: Device = { caId: '01234567890', distributor: null };
const cardInRoom: Device = { caId: '01234567891', distributor: '0FBD5F6A1B2C4D3E8F90A1B2C3D4E5F6' };
const setTopBox: Device = { caId: 'STB000001', distributor: null };
const setTopBoxInRoom: Device = { caId: 'STB000002', distributor: cardInRoom.distributor };
const text = { smartcard: card, message: 'text', startAt: 1_700_000_000_000, queueNumber: null };
const textInRoom = { ...text, smartcard: cardInRoom, queueNumber: '17' };

/** The parameters of a command of this type. */
type Parameters<Type extends CommandType> = Command extends infer Any
  ? Any extends { readonly type: infer Types }
    ? Type extends Types
      ? Omit<Any, 'type'>
      : never
    : never
  : never;

/** Commands of each type with as little and with as much in them as there can be. */
const samples: Readonly<{ [Type in CommandType]: readonly Parameters<Type>[] }> = {
  ADD_SUBSCRIPTIONS: [
    { smartcard: card.caId, service: { caId: '101', distributor: null } },
    { smartcard: card.caId, service: { caId: '101', distributor: cardInRoom.distributor } },
  ],
  CANCEL_SUBSCRIPTIONS: [
    { smartcard: card.caId, service: { caId: '101', distributor: null } },
    { smartcard: card.caId, service: { caId: '101', distributor: cardInRoom.distributor } },
  ],
  CREATE_PAIRING: [
    { smartcards: [card], setTopBoxes: [setTopBox] },
    { smartcards: [card, cardInRoom], setTopBoxes: [setTopBox, setTopBoxInRoom] },
  ],
  ADD_TO_EXISTING_PAIRING: [
    { existingSmartcard: card, smartcards: [cardInRoom], setTopBoxes: [] },
    { existingSmartcard: card, smartcards: [], setTopBoxes: [setTopBox] },
    { existingSmartcard: cardInRoom, smartcards: [card, cardInRoom], setTopBoxes: [setTopBox, setTopBoxInRoom] },
  ],
  GET_ACTIVE_SUBSCRIPTIONS: [{ smartcard: card }, { smartcard: cardInRoom }],
  GET_PAIRING_STATUS_FOR_CARD: [{ smartcard: card }, { smartcard: cardInRoom }],
  GET_PAIRING_STATUS_FOR_PAIRING_MODULE: [{ setTopBox }, { setTopBox: setTopBoxInRoom }],
  SEND_MAIL_MESSAGE_TO_CLIENT: [text, textInRoom],
  SEND_BARK_MESSAGE_TO_CLIENT: [
    { ...text, durationSeconds: 20 },
    { ...textInRoom, durationSeconds: 20 },
  ],
  SEND_REPEATING_BARK_MESSAGE_TO_CLIENT: [
    { ...text, durationSeconds: 20, repetitions: 2, intervalSeconds: 10 },
    { ...textInRoom, durationSeconds: 20, repetitions: 2, intervalSeconds: 10 },
  ],
  DISPLAY_FINGERPRINT: [card, cardInRoom].map((smartcard) => ({
    smartcard,
    displayAt: text.startAt,
    durationSeconds: 20,
    x: 1,
    y: 2,
    height: 3,
    slot: 4,
  })),
  UPDATE_CA_PIN_TO_DEFAULT_VALUE: [{ smartcard: card }, { smartcard: cardInRoom }],
  UPDATE_CA_PIN_TO_GIVEN_VALUE: [{ smartcard: card }, { smartcard: cardInRoom }],
};

/** What would come of sending this command: samples of it are encoded and read back against the WSDL. */
export function sampleProblems(command: MappedCommand, encode: Encode): string[] {
  const problems = new Set<string>();
  const attribute = requiredAttribute(command.input);
  if (attribute !== null) {
    problems.add(`commands.${command.type}: the WSDL requires ${attribute}, and attributes are not sent`);
  }
  for (const sample of samples[command.type]) {
    const problem = problemOf(command, { type: command.type, ...sample } as Command, encode);
    if (problem !== null) {
      problems.add(`commands.${command.type}: what would be sent does not fit the WSDL: ${problem}`);
    }
  }
  return [...problems];
}

function problemOf(mapped: MappedCommand, command: Command, encode: Encode): string | null {
  try {
    const content = readSoapBody(encode(mapped, fieldValues({ command, pin: '1234', requestNumber: 1 }))).content;
    return checkContent(content, mapped.input, { values: false })?.message ?? null;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

function requiredAttribute(model: ElementModel): string | null {
  const type = model.type();
  const [attribute] = type.kind === 'elements' ? type.requiredAttributes : [];
  return attribute === undefined ? null : `the attribute ${attribute} of ${model.name}`;
}
