import { z } from 'zod';
import { parseDate } from '../web-api/dates.ts';

const DAY_MS = 86_400_000;
const PAST_MAX_MS = DAY_MS;
const FUTURE_MAX_MS = 3_653 * DAY_MS;

/** A date that stays a text (UTC, with milliseconds), so that it can be kept as JSON and read again. */
export function dateText(description: string) {
  return z
    .string('give a date like 2014-11-28T15:05:20 (UTC) or 2014-11-28T15:05:20+02:00')
    .meta({ description, examples: ['2014-11-28T15:05:20'] })
    .transform((given, context) => {
      const parsed = parseDate(given);
      if (parsed !== null) return parsed.toISOString();
      context.addIssue({
        code: 'custom',
        input: given,
        message: 'give a date that exists, like 2014-11-28T15:05:20 (UTC) or 2014-11-28T15:05:20+02:00',
      });
      return z.NEVER;
    });
}

/**
 * Whether a date that was just given is one that can be meant: at most a day ago and ten years ahead. Not part of
 * `dateText`, since what is kept is read again later.
 */
export function isPlausible(date: string): boolean {
  const ahead = Date.parse(date) - Date.now();
  return ahead >= -PAST_MAX_MS && ahead <= FUTURE_MAX_MS;
}
