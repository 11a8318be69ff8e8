import { z } from 'zod';
import { nearName } from '../platform/near-name.ts';
import { mask } from '../platform/masking.ts';
import { inOurWords, unknownName } from '../platform/schema-words.ts';
import { isSecretName } from './security-check.ts';

/** What an object says, as far as it is right. */
export type AsFarAsRight<T> = { readonly [K in keyof T]?: T[K] };

/** Takes what is wrong with a member: its path, and the place in the file if the member has another name there. */
export type ReportAt = (path: readonly string[], problem: string, place?: readonly string[]) => void;

/**
 * Reads an object member by member, so that a wrong one hides no other, and a wrong entry of a list or record no other
 * entry. A member whose name is misspelt is reported, and read as the one that was meant.
 */
export function readMembers<T extends z.ZodRawShape>(
  schema: z.ZodObject<T>,
  value: unknown,
  at: readonly string[],
  report: ReportAt,
): AsFarAsRight<z.infer<z.ZodObject<T>>> {
  const found: Record<string, unknown> = {};
  if (!isObject(value)) {
    report(at, wrongValue(value, 'write an object {…}'));
    return found as AsFarAsRight<z.infer<z.ZodObject<T>>>;
  }
  const shape: Readonly<Record<string, z.ZodType>> = schema.shape as never;
  const names = Object.keys(shape);
  const reported = new Set<string>();
  for (const [written, member] of Object.entries(value)) {
    const place = [...at, written];
    const name = names.includes(written) ? written : nearName(written, names);
    if (name !== written) report(place, `is ${unknownName(written, names)}`);
    if (name === null || (name !== written && name in value)) continue;
    const type = shape[name] as z.ZodType;
    const inner = unwrapped(type);
    const path = [...at, name];
    if (inner instanceof z.ZodObject) {
      found[name] = readMembers(inner, member, path, report);
      continue;
    }
    const parsed = type.safeParse(member, { error: inOurWords });
    if (parsed.success) {
      found[name] = parsed.data;
      continue;
    }
    reported.add(name);
    for (const issue of parsed.error.issues) {
      const [key] = issue.path;
      const entry = key === undefined ? member : (member as Readonly<Record<PropertyKey, unknown>>)[key];
      const below = issue.path.map(String);
      // Somebody may have written user and password in place of a flag.
      const isFlag = 'expected' in issue && issue.expected === 'boolean';
      const shown = isFlag && typeof entry === 'string' ? entry.replace(/:.*$/s, `:${mask}`) : entry;
      report([...path, ...below], wrongValue(shown, issue.message), [...place, ...below]);
    }
    const rest = type.safeParse(without(member, new Set(parsed.error.issues.map(({ path: [key] }) => String(key)))));
    if (rest.success) found[name] = rest.data;
  }
  for (const [name, type] of Object.entries(shape)) {
    if (name in found || reported.has(name)) continue;
    const parsed = type.safeParse(undefined, { error: inOurWords });
    if (!parsed.success)
      report([...at, name], `is missing; ${parsed.error.issues.map(({ message }) => message).join('; ')}`);
    else if (parsed.data !== undefined) found[name] = parsed.data;
  }
  return found as AsFarAsRight<z.infer<z.ZodObject<T>>>;
}

function unwrapped(type: z.ZodType): unknown {
  return type instanceof z.ZodOptional || type instanceof z.ZodDefault ? unwrapped(type.unwrap() as z.ZodType) : type;
}

/** A list or record without its wrong entries; undefined if it is wrong as a whole. */
function without(member: unknown, wrong: ReadonlySet<string>): unknown {
  if (Array.isArray(member)) return member.filter((_, index) => !wrong.has(String(index)));
  if (!isObject(member)) return null;
  return Object.fromEntries(Object.entries(member).filter(([key]) => !wrong.has(key)));
}

function wrongValue(value: unknown, remedy: string): string {
  const text = JSON.stringify(value).replaceAll(/([\w.-]+)=[^&"]+/g, (whole, name: string) =>
    isSecretName(name) ? `${name}=${mask}` : whole,
  );
  const shown = isObject(value) ? 'an object' : Array.isArray(value) ? 'a list' : text.slice(0, 60);
  return `is ${shown}; ${remedy}`;
}

export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
