import { formatDate, parseDate } from '../../http/dates.ts';
import { scheduledDate } from '../../http/input-kinds.ts';

/**
 * A time at which a screen shows something, as text: read like any date of the Web API, and given as UTC in whole
 * seconds, so that what it gives reads as itself.
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
