import { z } from 'zod';
import { serversOf } from './database-servers.ts';
import { messageOf } from './errors.ts';

/** Whether no message, log or document may show a setting's value. */
export function isSecret(schema: z.ZodType): boolean {
  return schema.meta()?.['secret'] === true;
}

/** Marks a setting as a secret. */
export function secret<T extends z.ZodType>(schema: T): T {
  return schema.meta({ secret: true });
}

/** What a setting that is a number may be, in the words of JSON Schema. */
export interface NumberKind {
  readonly type: 'integer' | 'number';
  readonly minimum: number;
  readonly maximum: number;
}

/** Returns which numbers a setting takes; null if it is no number. */
export function numberKindOf(schema: z.ZodType): NumberKind | null {
  return (schema.meta()?.['number'] as NumberKind | undefined) ?? null;
}

/** A whole number in a range. */
export function integer(min: number, max: number, fallback: number): z.ZodType<number> {
  return wholeNumber(min, max)
    .default(fallback)
    .meta({ number: wholeNumberKind(min, max) });
}

/** A whole number in a range, or not set. */
export function optionalInteger(min: number, max: number): z.ZodType<number | undefined> {
  return wholeNumber(min, max)
    .optional()
    .meta({ number: wholeNumberKind(min, max) });
}

function wholeNumberKind(minimum: number, maximum: number): NumberKind {
  return { type: 'integer', minimum, maximum };
}

function wholeNumber(min: number, max: number) {
  const range = `set it to a whole number from ${min} to ${max}`;
  return z
    .string()
    .regex(/^-?\d+$/, range)
    .transform(Number)
    .refine((value) => value >= min && value <= max, range);
}

/** A part of the whole, from 0 to 1. */
export function fraction(fallback: number): z.ZodType<number> {
  return z
    .string()
    .regex(/^(?:0?\.\d{1,9}|[01](?:\.0{0,9})?)$/, PART)
    .transform(Number)
    .default(fallback)
    .meta({ number: { type: 'number', minimum: 0, maximum: 1 } satisfies NumberKind });
}

const PART = 'set it to a part of the whole, from 0 to 1, such as 0.2';

/** true or false. */
export function flag(fallback: boolean): z.ZodType<boolean> {
  return z
    .enum(['true', 'false'], 'set it to true or false')
    .transform((value) => value === 'true')
    .default(fallback);
}

/** Any text, with a default. */
export function text(fallback: string): z.ZodType<string> {
  return z.string().default(fallback);
}

/** Any text, or not set. */
export function optionalText(): z.ZodOptional<z.ZodString> {
  return z.string().optional();
}

/** Several values separated by commas; without a default it must be set. */
export function list(item: string, fallback?: string): z.ZodType<readonly string[]> {
  const schema = z
    .string(`set it to ${item}, or several separated by commas`)
    .transform((value) => value.split(',').map((one) => one.trim()))
    .refine((values) => values.every((value) => value !== ''), `set it to ${item}, or several separated by commas`);
  return fallback === undefined ? schema : schema.default([fallback]);
}

/** `name=value` pairs separated by commas, percent-encoded, as OpenTelemetry has them; or not set. */
export function keyValues(): z.ZodType<Readonly<Record<string, string>> | undefined> {
  return z
    .string()
    .transform((given, context) => {
      try {
        return Object.fromEntries(given.split(',').map(keyValue));
      } catch {
        context.addIssue({ code: 'custom', message: KEY_VALUES });
        return z.NEVER;
      }
    })
    .optional();
}

const KEY_VALUES = 'set it to name=value, or several separated by commas, each percent-encoded';

function keyValue(pair: string): [string, string] {
  const [, name = '', value = ''] = /^\s*([!-<>-~]+?)\s*=\s*([ -~]*?)\s*$/.exec(pair) ?? [];
  if (name === '') throw new Error(KEY_VALUES);
  return [decodeURIComponent(name), decodeURIComponent(value)];
}

/** A regular expression. */
export function pattern(fallback: string): z.ZodType<RegExp> {
  return z
    .string()
    .default(fallback)
    .transform((source, context) => {
      try {
        return new RegExp(source, 'u');
      } catch (error) {
        context.addIssue({ code: 'custom', message: `set it to a regular expression (${messageOf(error)})` });
        return z.NEVER;
      }
    });
}

/** An http or https address. */
export function httpUrl(): z.ZodType<string> {
  return z.url({ protocol: /^https?$/, error: 'set it to an address that starts with http:// or https://' });
}

/** A PostgreSQL address; a socket directory may be named as its `host` parameter. */
export function postgresUrl(): z.ZodType<string> {
  const form = 'set it to an address that starts with postgres://';
  return z
    .string(form)
    .regex(/^postgres(ql)?:\/\//, form)
    .refine(
      (given) => serversOf(given).every((server) => URL.canParse(server)),
      'it cannot be read as an address: percent-encode user and password, and give several hosts as host1:port,host2:port',
    )
    .refine(
      (given) => /[?&]target_session_attrs=(?!(?:read-write|primary)(?:&|$))/.exec(given) === null,
      'target_session_attrs must be read-write or left out: the service needs the server that takes writes',
    );
}
