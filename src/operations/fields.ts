import { z } from 'zod';
import { parseDate } from '../http/dates.ts';
import { because } from '../http/input-kinds.ts';

/** A moment in an operation's data: ISO 8601 in UTC, with `Z`. */
export const instant = () => z.iso.datetime().meta({ examples: ['2026-11-28T15:05:20.123Z'] });

const MOMENT = 'give a time like 2026-11-28T15:05:20Z, or a date like 2026-11-28';

/** A moment in an operation's input: ISO 8601, in UTC if it has no zone; a date alone is its first moment in UTC. */
export function moment(what: string) {
  return z
    .string(MOMENT)
    .meta({ examples: ['2026-11-28T15:05:20Z'] })
    .transform((given, context) => {
      const [, day, minute = 'T00:00', second = ':00', zone = ''] = FORM.exec(given) ?? [];
      const parsed = parseDate(`${day}${minute}${second}${zone}`);
      if (parsed !== null) return parsed;
      context.addIssue({ code: 'custom', input: given, message: MOMENT, params: because('PARAMETER_INVALID') });
      return z.NEVER;
    })
    .describe(`${what}: ISO 8601, in UTC without a zone; or a date.`);
}

const FORM = /^(\d{4}-\d{2}-\d{2})(?:(T\d{2}:\d{2})(:\d{2}(?:\.\d{1,9})?)?(Z|[+-]\d{2}:\d{2})?)?$/;

/** A row of the database that has the members of `T`, its times still as dates. */
export type RowOf<T> = {
  readonly [F in keyof T]: T[F] extends string | null
    ? F extends `${string}_date`
      ? Date | Extract<T[F], null>
      : T[F]
    : T[F];
};

/** Returns the row with its times as an operation's data has them. */
export function shownRow<T>(row: RowOf<T>): T {
  const members = Object.entries(row).map(([name, value]) => [
    name,
    value instanceof Date ? value.toISOString() : value,
  ]);
  return Object.fromEntries(members) as T;
}

/** The input of an operation that needs none. */
export const noInput = z.strictObject({}, 'leave the parameters out, or send {}');

/** How many entries of a list an operation shows: 1 to 1,000, default 50. */
export const limit = () => wholeNumber(1, 1_000, 'How many').default(50);

/** A whole number in a range, with what it is for the document. */
export function wholeNumber(min: number, max: number, what: string, step = 1) {
  const steps = step === 1 ? '' : ` in steps of ${step}`;
  const remedy = `give a whole number from ${min} to ${max}${steps}`;
  const number = z.int(remedy).min(min, remedy).max(max, remedy);
  return (step === 1 ? number : number.multipleOf(step, remedy)).describe(`${what}: ${min} to ${max}${steps}.`);
}
