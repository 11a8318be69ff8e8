import { z } from 'zod';
import { inOurWords } from '../platform/schema-words.ts';
import type { WebApiCodeName } from './codes.ts';
import { WebApiError } from './envelope.ts';

/** Parameters whose values no answer repeats. */
const SECRETS = new Set(['pin', 'password', 'token']);
/** More than this many are a fault of a program, which one mistake shows as well as all of them. */
const MISTAKES_MAX = 5;
const VALUE_CHARACTERS_MAX = 60;
const NOT_KNOWN = 'not known here; leave it out or correct the name';

/** Reads input by a schema, so that its errors have what the functions below need. */
export function readInput<S extends z.ZodType>(schema: S, given: unknown): z.ZodSafeParseResult<z.output<S>> {
  return z.safeParse(schema, given, { reportInput: true, error: inOurWords });
}

/**
 * Reads a value that we stored earlier.
 * @param place what the error calls it, such as `The result of the card 20000000329`.
 * @throws Error that names the place and every mistake: the value was changed by hand, or comes from another version.
 */
export function readStored<S extends z.ZodType>(schema: S, stored: unknown, place: string): z.output<S> {
  const read = readInput(schema, stored);
  if (read.success) return read.data;
  const mistakes = problemText(read.error, (path) => (path.length === 0 ? 'the value' : fieldOf(path)));
  throw new Error(`${place}, as stored, cannot be read: ${mistakes}`, { cause: read.error });
}

/**
 * The error that an answer gives for input that a schema refuses: the code of the first mistake, and of each (at most
 * five) one sentence that names the field, what is wrong with its value, and the remedy. For errors of `readInput`.
 */
export function problemOf(error: z.core.$ZodError): WebApiError {
  const [first] = error.issues;
  return new WebApiError(first === undefined ? 'PARAMETER_INVALID' : codeOf(first), problemText(error));
}

/** The sentences alone, with other names for the fields: those of the command line's options. */
export function problemText(error: z.core.$ZodError, nameOf: NameOf = fieldOf): string {
  const told = error.issues.slice(0, MISTAKES_MAX).map((issue) => sentenceOf(issue, nameOf));
  const more = error.issues.length - told.length;
  if (more > 0) told.push(`and ${more} more of the kind`);
  return told.join('; ');
}

type NameOf = (path: readonly PropertyKey[]) => string;

/** The code that a schema's own check has set, else the one for this kind of issue. */
function codeOf(issue: z.core.$ZodIssue): WebApiCodeName {
  if (issue.code === 'custom') return (issue.params?.['code'] as WebApiCodeName | undefined) ?? 'PARAMETER_INVALID';
  if (issue.code === 'unrecognized_keys') return 'PARAMETER_UNKNOWN';
  if (issue.code === 'too_big' && issue.origin === 'array') return 'SET_TOO_LARGE';
  return isMissing(issue) ? 'PARAMETER_MISSING' : 'PARAMETER_INVALID';
}

function sentenceOf(issue: z.core.$ZodIssue, nameOf: NameOf): string {
  const field = nameOf(issue.path);
  if (issue.code === 'unrecognized_keys') {
    // A schema's own sentence is about a value that is no object at all.
    const remedies = issue.message.split('\n').filter((line) => line.startsWith('not known here'));
    const names = issue.keys.map(
      (key, index) => `${shortened(nameOf([...issue.path, key]))}: ${remedies[index] ?? NOT_KNOWN}`,
    );
    return names.slice(0, MISTAKES_MAX).join('; ');
  }
  if (isMissing(issue)) return `${field} is missing: ${issue.message}`;
  if (issue.code === 'too_big' && issue.origin === 'array') {
    return `${field} has ${lengthOf(issue.input)} elements: ${issue.message}`;
  }
  if (issue.code === 'custom' && issue.params?.['whole'] === true) {
    // A check names the fields of the object that it is for, or the field itself.
    const { path } = issue;
    const within = (name: string): readonly PropertyKey[] =>
      path.at(-1) === name ? path : [...path, ...name.split('.')];
    return issue.message.replaceAll(/\{([\w.]+)\}/g, (_, name: string) => nameOf(within(name)));
  }
  return `${field} is ${shown(issue)}: ${issue.message}`;
}

function isMissing(issue: z.core.$ZodIssue): boolean {
  return issue.input === undefined && (issue.code === 'invalid_type' || issue.code === 'invalid_value');
}

/** `smartcard_set[1].smartcard_ca_id` */
export function fieldOf(path: readonly PropertyKey[]): string {
  const text = path
    .map((part) => (typeof part === 'number' ? `[${part}]` : `.${String(part)}`))
    .join('')
    .replace(/^\./, '');
  return text === '' ? 'the body' : text;
}

function shown({ path, input }: z.core.$ZodIssue): string {
  if (path.some((part) => SECRETS.has(String(part)))) return 'not what is needed';
  if (Array.isArray(input)) return input.length === 0 ? 'empty' : `a list of ${input.length}`;
  return shortened(typeof input === 'number' ? String(input) : (JSON.stringify(input) ?? String(input)));
}

function shortened(text: string): string {
  // What is not seen, or turns the text round, would mislead the reader of the error.
  const clean = text
    .toWellFormed()
    .replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, (one) => `\\u{${(one.codePointAt(0) ?? 0).toString(16)}}`);
  return clean.length <= VALUE_CHARACTERS_MAX ? clean : `${clean.slice(0, VALUE_CHARACTERS_MAX).toWellFormed()}…`;
}

function lengthOf(input: unknown): number {
  return Array.isArray(input) ? input.length : 0;
}
