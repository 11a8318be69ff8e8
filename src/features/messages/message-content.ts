import { z } from 'zod';
import type { Command, Device } from '../../planning/command.ts';
import { formatDate, parseDate } from '../../http/dates.ts';
import { because, refuse, scheduledDate } from '../../http/input-kinds.ts';
import { messageTextProblem } from './message-text.ts';
import { wholeNumber } from '../../operations/fields.ts';

/** A mail is kept until it is read, a bark is shown at once, a repeating one several times. */
export const MESSAGE_TYPES = ['MAIL', 'BARK', 'REPEATING_BARK'] as const;
export type MessageType = (typeof MESSAGE_TYPES)[number];

/** Characters (code points) that a message has at most. */
export const MESSAGE_CHARACTERS: Readonly<Record<MessageType, number>> = { MAIL: 141, BARK: 129, REPEATING_BARK: 129 };

/** Seconds for which a text or fingerprint is shown by default. */
export const DISPLAY_SECONDS = 20;

const MESSAGE = 'give the text of the message';

/** The fields of a message, for a schema that adds whom it is for; `checkMessage` goes with them. */
export const messageFields = {
  type: z
    .enum(MESSAGE_TYPES, `give one of ${MESSAGE_TYPES.join(', ')}`)
    .describe('A mail stays until it is read; a bark shows at once, a repeating one several times.'),
  message: z
    .string(MESSAGE)
    .max(1_000, MESSAGE)
    .min(1, MESSAGE)
    .superRefine((given, context) => {
      const problem = messageTextProblem(given);
      if (given !== '' && problem !== null) refuse(context, 'PARAMETER_INVALID', `{message} ${problem}`);
    })
    .describe(
      '1 to 141 characters for a mail, 1 to 129 for a bark; something that shows, and no character that does not: no control, direction or format characters.',
    ),
  start_indication_date_time: screenTime('When it is first shown').optional(),
  display_duration: wholeNumber(1, 3_600, 'Seconds for which a bark is shown, default 20').optional(),
  repetition_count: wholeNumber(1, 255, 'How often a repeating bark is shown').optional(),
  repetition_interval: wholeNumber(
    10,
    2_550,
    'Seconds from one showing of a repeating bark to the next',
    10,
  ).optional(),
};

/** The options of these fields on the command line. */
export const messageOptions = {
  start_indication_date_time: 'start',
  display_duration: 'duration',
  repetition_count: 'repetitions',
  repetition_interval: 'interval',
} as const;

/** A message that was checked; it is JSON, and reads as itself. */
export type MessageContent = z.output<z.ZodObject<typeof messageFields>>;

/** The limits that hang together: the length, and which fields belong to which type. For `superRefine`. */
export function checkMessage(given: MessageContent, context: z.RefinementCtx): void {
  const { type, message } = given;
  const [length, most] = [Array.from(message).length, MESSAGE_CHARACTERS[type]];
  if (length > most) {
    context.addIssue({
      code: 'custom',
      path: ['message'],
      input: message,
      message: `it has ${length} characters; give at most ${most} for a ${nameOf(type)}`,
      params: because('PARAMETER_INVALID'),
    });
  }
  if (type === 'MAIL' && given.display_duration !== undefined) {
    refuse(
      context,
      'PARAMETERS_CONFLICT',
      '{display_duration} is there: a mail stays until it is read, so leave it out',
    );
  }
  for (const field of ['repetition_count', 'repetition_interval'] as const) {
    if (type === 'REPEATING_BARK' && given[field] === undefined) {
      refuse(context, 'PARAMETER_MISSING', `{${field}} is missing: a repeating bark needs it`);
    }
    if (type !== 'REPEATING_BARK' && given[field] !== undefined) {
      refuse(context, 'PARAMETERS_CONFLICT', `{${field}} is there: a ${nameOf(type)} is not repeated, so leave it out`);
    }
  }
}

/**
 * The command that shows the message on a card's screen.
 * @param begin when it is first shown if the message has no time: now, or when the request is due.
 * @param queueNumber of the communication queue's entry that it comes from, null if there is none.
 */
export function messageCommand(
  content: MessageContent,
  smartcard: Device,
  begin: Date,
  queueNumber: string | null,
): Command {
  const { type, message } = content;
  const startAt = screenTimeOf(content.start_indication_date_time, begin);
  const mail = { smartcard, message, startAt, queueNumber };
  if (type === 'MAIL') return { type: 'SEND_MAIL_MESSAGE_TO_CLIENT', ...mail };
  const bark = { ...mail, durationSeconds: content.display_duration ?? DISPLAY_SECONDS };
  if (type === 'BARK') return { type: 'SEND_BARK_MESSAGE_TO_CLIENT', ...bark };
  const { repetition_count: repetitions, repetition_interval: intervalSeconds } = content;
  if (repetitions === undefined || intervalSeconds === undefined) {
    throw new Error('A repeating bark came without its repetitions: it was not checked');
  }
  return { type: 'SEND_REPEATING_BARK_MESSAGE_TO_CLIENT', ...bark, repetitions, intervalSeconds };
}

function nameOf(type: MessageType): string {
  return type.toLowerCase().replace('_', ' ');
}

/**
 * A time at which a screen shows something, as text. It is read like any date of the Web API, and returned as UTC in whole
 * seconds, so that the result can be read again.
 */
export function screenTime(what: string) {
  return scheduledDate.transform(formatDate).meta({
    description: `${what}, default now. Without zone UTC; an offset is accepted.`,
    examples: ['2030-11-28T15:05:20'],
  });
}

/** The time of such a text in epoch milliseconds, or of its default, in whole seconds: no finer time is shown. */
export function screenTimeOf(text: string | undefined, fallback: Date): number {
  const time = (text === undefined ? null : parseDate(text)) ?? fallback;
  return Math.floor(time.getTime() / 1_000) * 1_000;
}
