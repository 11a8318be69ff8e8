import { z } from 'zod';
import { didYouMean } from './near-name.ts';

const KINDS: Readonly<Record<string, string>> = {
  string: 'text in quotation marks',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list: […]',
  object: 'an object: {…}',
  record: 'an object: {…}',
  null: 'null',
};
const UNITS: Readonly<Record<string, string>> = { string: ' characters', array: ' elements', set: ' elements' };

/**
 * Words for what a schema refuses without words of its own: what must be there. Give it to `safeParse` as `error`. For
 * names that the schema does not have, one line each, in the order of the issue's `keys`.
 */
export const inOurWords: z.core.$ZodErrorMap = (issue) => {
  if (issue.code === 'invalid_type') return `must be ${KINDS[issue.expected] ?? issue.expected}`;
  if (issue.code === 'invalid_value') {
    return `must be ${issue.values.length === 1 ? '' : 'one of '}${issue.values.map(String).join(', ')}`;
  }
  if (issue.code === 'too_small') return `must be at least ${issue.minimum}${UNITS[issue.origin] ?? ''}`;
  if (issue.code === 'too_big') return `must be at most ${issue.maximum}${UNITS[issue.origin] ?? ''}`;
  if (issue.code !== 'unrecognized_keys') return undefined;
  const { inst } = issue;
  const names = inst instanceof z.ZodObject ? Object.keys(inst.shape) : [];
  return issue.keys.map((key) => unknownName(key, names)).join('\n');
};

/** Names that are listed if none is near. */
const NAMES_MAX = 20;

/** The error text for an unknown name. */
export function unknownName(name: string, known: readonly string[]): string {
  const meant =
    didYouMean(name, known) || (known.length === 0 ? '' : `the names are ${known.slice(0, NAMES_MAX).join(', ')}; `);
  return `not known here; ${meant}leave it out or correct the name`;
}

/** What is wrong with each member: a path, and words for people. The schema was run with `inOurWords`. */
export function mistakesOf({ issues }: z.core.$ZodError): { path: PropertyKey[]; problem: string }[] {
  return issues.flatMap((issue) => {
    const { path, message } = issue;
    if (issue.code !== 'unrecognized_keys') return [{ path, problem: message }];
    const problems = message.split('\n');
    return issue.keys.map((key, index) => ({ path: [...path, key], problem: problems[index] ?? message }));
  });
}
