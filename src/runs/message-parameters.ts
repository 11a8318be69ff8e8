import { z } from 'zod';
import type { Command, Device } from '../requests/command.ts';
import { text } from '../web-api/input-kinds.ts';
import { dateText } from './date-text.ts';

/** The longest texts that the CAS shows (domain). */
export const MESSAGE_LENGTH = { MAIL: 141, BARK: 129, REPEATING_BARK: 129 } as const;
const DURATION_MAX_S = 86_400;
const REPETITIONS_MAX = 1_000;
const INTERVAL_S = { min: 10, max: 2_550, step: 10 } as const;

const message = (max: number) => text(max, `give a text of 1 to ${max} characters`).min(1, 'give it a text');
const start_at = dateText('when it may be shown; left out: as soon as it arrives').optional();
const duration_seconds = z
  .int('give a whole number of seconds')
  .min(1, 'give at least 1 second')
  .max(DURATION_MAX_S, `give at most ${DURATION_MAX_S} seconds (a day)`)
  .default(20);

/** What to show on the screens, by its type. */
export const messageParameters = z.discriminatedUnion(
  'type',
  [
    z.strictObject({ type: z.literal('MAIL'), message: message(MESSAGE_LENGTH.MAIL), start_at }),
    z.strictObject({ type: z.literal('BARK'), message: message(MESSAGE_LENGTH.BARK), start_at, duration_seconds }),
    z.strictObject({
      type: z.literal('REPEATING_BARK'),
      message: message(MESSAGE_LENGTH.REPEATING_BARK),
      start_at,
      duration_seconds,
      repetitions: z
        .int('give a whole number of repetitions')
        .min(1, 'give at least 1 repetition')
        .max(REPETITIONS_MAX, `give at most ${REPETITIONS_MAX} repetitions`),
      interval_seconds: z
        .int('give a whole number of seconds')
        .min(INTERVAL_S.min, `give at least ${INTERVAL_S.min} seconds`)
        .max(INTERVAL_S.max, `give at most ${INTERVAL_S.max} seconds`)
        .multipleOf(INTERVAL_S.step, `give a multiple of ${INTERVAL_S.step} seconds`),
    }),
  ],
  'give MAIL, BARK or REPEATING_BARK as type',
);
export type MessageParameters = z.output<typeof messageParameters>;

/** The command that shows the message on one card. @param now when there is no start of its own. */
export function messageCommand(
  parameters: MessageParameters,
  smartcard: Device,
  now: number,
  queueNumber: string | null,
): Command {
  const startAt = parameters.start_at === undefined ? now : Date.parse(parameters.start_at);
  const shared = { smartcard, message: parameters.message, startAt, queueNumber };
  switch (parameters.type) {
    case 'MAIL':
      return { type: 'SEND_MAIL_MESSAGE_TO_CLIENT', ...shared };
    case 'BARK':
      return { type: 'SEND_BARK_MESSAGE_TO_CLIENT', ...shared, durationSeconds: parameters.duration_seconds };
    case 'REPEATING_BARK':
      return {
        type: 'SEND_REPEATING_BARK_MESSAGE_TO_CLIENT',
        ...shared,
        durationSeconds: parameters.duration_seconds,
        repetitions: parameters.repetitions,
        intervalSeconds: parameters.interval_seconds,
      };
  }
}
