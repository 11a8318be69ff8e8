import { Command } from 'commander';
import { MESSAGE_CHARACTERS, MESSAGE_TYPES, type MessageType } from '../features/messages/message-content.ts';
import { numeral } from '../http/input-kinds.ts';
import { callUtility, forWhom, given, sent, type UtilityOptions } from './utility.ts';

const TEXTS: Readonly<Record<MessageType, string>> = {
  MAIL: 'sends a mail, which is kept until it is read',
  BARK: 'shows a text at once',
  REPEATING_BARK: 'shows a text several times',
};

interface MessageOptions extends UtilityOptions {
  readonly start?: string;
  readonly duration?: string;
  readonly repetitions?: string;
  readonly interval?: string;
}

/** The options of a message's fields. */
export const MESSAGE_OPTIONS = {
  message: '<text>',
  start_indication_date_time: '--start',
  display_duration: '--duration',
  repetition_count: '--repetitions',
  repetition_interval: '--interval',
} as const;

/** `message`: texts on screens. */
export function messageCommand(): Command {
  const message = new Command('message').description('shows texts on the screens of cards or of a subscription');
  for (const type of MESSAGE_TYPES) {
    const one = message
      .command(type.toLowerCase().replace('_', '-'))
      .description(TEXTS[type])
      .argument('<text>', `at most ${MESSAGE_CHARACTERS[type]} characters`)
      .option('--start <date>', 'when it begins to show, like 2030-11-28T15:05:20 (UTC); default now');
    if (type !== 'MAIL') one.option('--duration <seconds>', 'how long it is shown, 1 to 3600; default 20');
    if (type === 'REPEATING_BARK') {
      one
        .requiredOption('--repetitions <count>', 'how often it is shown, 1 to 255')
        .requiredOption('--interval <seconds>', 'from one showing to the next, 10 to 2550 in steps of 10');
    }
    sent(forWhom(one)).action((text: string, options: MessageOptions) =>
      callUtility('message', { type, message: text, ...fieldsOf(options) }, options, MESSAGE_OPTIONS),
    );
  }
  return message;
}

function fieldsOf({ start, duration, repetitions, interval }: MessageOptions): object {
  return given({
    start_indication_date_time: start,
    display_duration: numeral(duration),
    repetition_count: numeral(repetitions),
    repetition_interval: numeral(interval),
  });
}
