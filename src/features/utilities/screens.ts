import { type CommandLine, type Feature, type FurtherCommand, operation } from '../../operations/operation.ts';
import { fingerprintCommand, fingerprintOptions } from '../messages/fingerprint-content.ts';
import { MESSAGE_TYPES, messageCommand, messageOptions, type MessageType } from '../messages/message-content.ts';
import { utilityInputs } from './inputs.ts';
import { sendToCards } from './targets.ts';
import { beginOf, utilityCli, utilityOutput, WAITING } from './utility.ts';

const messageCli = {
  ...utilityCli,
  options: { ...utilityCli.options, ...messageOptions },
} satisfies CommandLine;

const send = operation({
  name: 'message.send',
  summary: 'Show a mail, a bark or a repeating bark',
  description: `Shows it on the screens of cards or of a whole subscription. ${WAITING}`,
  role: 'operator',
  route: 'POST /utilities/messages',
  input: (patterns) => utilityInputs(patterns).message,
  output: utilityOutput,
  example: { type: 'BARK', message: 'Your new package is on', smartcard_ca_ids: ['20000000329'] },
  takesIdempotencyKey: true,
  cli: messageCli,
  async handle(context, input) {
    const begin = beginOf(input);
    const command = (card: Parameters<typeof messageCommand>[1]) => messageCommand(input, card, begin, null);
    return (await sendToCards(context, 'MAIL_BARK_MESSAGE_UTILITY', input, command)).shown;
  },
});

const SUMMARIES: Readonly<Record<MessageType, string>> = {
  MAIL: 'Send a mail, which is kept until it is read',
  BARK: 'Show a text at once',
  REPEATING_BARK: 'Show a text several times',
};
/** Fields that a message of the type cannot have. */
const WITHOUT: Readonly<Record<MessageType, object>> = {
  MAIL: { display_duration: undefined, repetition_count: undefined, repetition_interval: undefined },
  BARK: { repetition_count: undefined, repetition_interval: undefined },
  REPEATING_BARK: {},
};

/** `message`: texts on screens. */
export const message: Feature = {
  name: 'message',
  summary: 'Shows texts on the screens of cards or of a subscription (docs/utilities.md).',
  operations: [send],
  commands: MESSAGE_TYPES.map((type): FurtherCommand => ({
    name: `message ${type.toLowerCase().replace('_', '-')}`,
    summary: SUMMARIES[type],
    description: `Is \`message send\` of the type ${type}.`,
    operation: send,
    fixed: { type, ...WITHOUT[type] },
    cli: { ...messageCli, arguments: ['message'] },
  })),
};

/** `fingerprint`: the card's number on screens. */
export const fingerprint: Feature = {
  name: 'fingerprint',
  summary: 'Shows a fingerprint on screens (docs/utilities.md).',
  operations: [
    operation({
      name: 'fingerprint',
      summary: 'Show a fingerprint',
      description: `Shows it on the screens of cards or of a whole subscription. ${WAITING}`,
      role: 'operator',
      route: 'POST /utilities/fingerprints',
      input: (patterns) => utilityInputs(patterns).fingerprint,
      output: utilityOutput,
      example: { position_x: 100, position_y: 50, height: 20, fingerprint_slot: 1, smartcard_ca_ids: ['20000000329'] },
      takesIdempotencyKey: true,
      cli: { ...utilityCli, options: { ...utilityCli.options, ...fingerprintOptions } },
      async handle(context, input) {
        const begin = beginOf(input);
        const command = (card: Parameters<typeof fingerprintCommand>[1]) => fingerprintCommand(input, card, begin);
        return (await sendToCards(context, 'FINGERPRINTING_UTILITY', input, command)).shown;
      },
    }),
  ],
};
