import { z } from 'zod';
import type { WebApiCodeName } from './codes.ts';
import { parseDate } from './dates.ts';

const DAY_MS = 86_400_000;
/** Clocks and zones of callers differ from ours by less than this. */
const PAST_MAX_MS = DAY_MS;
const FUTURE_MAX_MS = 3_653 * DAY_MS;

/**
 * What a check of ours adds to its message: the answer's code, and whether the message names field and value itself.
 */
export function because(code: WebApiCodeName, whole = false) {
  return { code, whole };
}

/**
 * Reports in a schema's own check what is wrong with several fields together. A field's name in braces is replaced by
 * what the caller calls it: `{display_duration}`.
 */
export function refuse(context: z.RefinementCtx, code: WebApiCodeName, message: string): void {
  context.addIssue({ code: 'custom', message, params: because(code, true) });
}

/** A text that PostgreSQL and XML can hold: no U+0000, no half surrogate pair; at most `max` characters. */
export function text(max: number, what = `give a text of at most ${max} characters`): z.ZodString {
  return z
    .string(what)
    .max(max, what)
    .refine(isStorable, 'give a text without control characters and broken characters');
}

/** PostgreSQL takes no U+0000, and XML none of these. A check and no pattern: not every client's patterns know surrogates. */
function isStorable(given: string): boolean {
  // eslint-disable-next-line no-control-regex -- control characters are what it is about
  return given.isWellFormed() && !/[\u0000-\u0008\u000B\u000C\u000E-\u001F\uFFFE\uFFFF]/.test(given);
}

/** A date of the Web API, as text; see `parseDate`. */
export const date = z
  .string(DATE_REMEDY())
  .meta({ examples: ['2014-11-28T15:05:20'], description: 'Without zone UTC; an offset is accepted.' })
  .transform((given, context) => {
    const parsed = parseDate(given);
    if (parsed !== null) return parsed;
    context.addIssue({ code: 'custom', input: given, message: DATE_REMEDY(), params: because('PARAMETER_INVALID') });
    return z.NEVER;
  });

function DATE_REMEDY(): string {
  return 'give a date that exists, like 2014-11-28T15:05:20 (UTC) or 2014-11-28T15:05:20+02:00';
}

/** The date from which on a request is due. */
export const scheduledDate = date.superRefine((at, context) => {
  const ahead = at.getTime() - Date.now();
  if (ahead >= -PAST_MAX_MS && ahead <= FUTURE_MAX_MS) return;
  context.addIssue({
    code: 'custom',
    input: at,
    message: 'give a date from now on (at most a day ago, at most ten years ahead), or leave it out for now',
    params: because('DATE_OUT_OF_RANGE'),
  });
});

/** An identifier of a POST: an object with exactly one of these fields. */
export function identifier<K extends string>(...fields: readonly [K, K, ...K[]]) {
  const remedy = `give exactly one of ${fields.join(', ')}, like {${JSON.stringify(fields[0])}:"…"}`;
  const shape = Object.fromEntries(
    fields.map((field) => [field, text(200).min(1, 'give it a value').optional()]),
  ) as unknown as Record<K, z.ZodOptional<z.ZodString>>;
  return z
    .strictObject(shape, { error: (issue) => (issue.code === 'unrecognized_keys' ? undefined : remedy) })
    .meta({ minProperties: 1, maxProperties: 1 })
    .transform((given, context): OneOf<K> => {
      const carried = Object.entries(given).filter(([, value]) => value !== undefined);
      if (carried.length === 1) return given as OneOf<K>;
      context.addIssue({ code: 'custom', input: given, message: remedy, params: because('IDENTIFIER_INVALID') });
      return z.NEVER;
    });
}

/** An object with exactly one of these fields. */
export type OneOf<K extends string> = { [F in K]: Readonly<Record<F, string>> }[K];

/** Returns the number that a text is; any other value stays as it is, for the error to show. */
export function numeral(given: unknown): unknown {
  const isNumber = typeof given === 'string' && /^-?\d{1,16}$/.test(given) && Number.isSafeInteger(Number(given));
  return isNumber ? Number(given) : given;
}

/** A whole number in a query, in a range. */
export function integer(min: number, max: number) {
  const remedy = `give a whole number from ${min} to ${max}`;
  return z
    .string(remedy)
    .regex(/^\d{1,15}$/, remedy)
    .transform(Number)
    .refine((value) => value >= min && value <= max, remedy);
}
