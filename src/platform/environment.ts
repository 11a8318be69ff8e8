import type { z } from 'zod';
import { messageOf } from './errors.ts';
import { isSecret } from './setting-kinds.ts';
import { nearName } from './near-name.ts';
import { inOurWords } from './schema-words.ts';
import { readTextFile, replacedBytesIn } from './text.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

/** Settings that are wrong; the message lists every mistake with its remedy. */
export class SettingsError extends Error {
  override readonly name = 'SettingsError';
  /** The groups of settings that were read. */
  readonly groups: readonly string[];
  constructor(mistakes: readonly string[], groups: readonly string[] = []) {
    super(
      `These settings are wrong (docs/settings.md describes them all):\n${mistakes.map((line) => `  ${line}`).join('\n')}`,
    );
    this.groups = groups;
  }
}

/**
 * Reads the settings that `schemas` describes (name -> schema). An empty value counts as not set; `NAME_FILE` reads the
 * value of NAME from a file, without its last line break. Every mistake is one sentence; secrets are never repeated.
 * `wrong` has the names of the settings with a mistake.
 */
export function readEnvironment(
  schemas: Readonly<Record<string, z.ZodType>>,
  env: Environment,
): { values: Record<string, unknown>; mistakes: string[]; wrong: ReadonlySet<string> } {
  const mistakes: string[] = [];
  const values: Record<string, unknown> = {};
  const wrong = new Set<string>();
  for (const [name, schema] of Object.entries(schemas)) {
    const given = valueOf(name, env, mistakes);
    const parsed = given === WRONG ? null : schema.safeParse(given, { error: inOurWords });
    if (parsed?.success) {
      values[name] = parsed.data;
      continue;
    }
    wrong.add(name);
    if (given === WRONG || parsed === null) continue;
    mistakes.push(`${name} ${given === undefined ? 'is not set' : shown(schema, given)}: ${problemOf(parsed.error)}`);
  }
  return { values, mistakes, wrong };
}

/**
 * Returns a sentence for each name in the environment that looks like a setting which is not set. They are hints, no
 * mistakes: the environment has names of others, too.
 */
export function misspelt(settings: readonly string[], env: Environment): string[] {
  const isSetting = new Set(settings.flatMap((name) => [name, `${name}_FILE`]));
  const isGiven = (name: string): boolean => Boolean(env[name] || env[`${name}_FILE`]);
  return Object.keys(env).flatMap((name) => {
    if (isSetting.has(name) || !isGiven(name)) return [];
    const [word = ''] = name.split('_', 1);
    const free = settings.filter((setting) => setting.startsWith(`${word}_`) && !isGiven(setting));
    const meant = nearName(name, free);
    return meant === null ? [] : [`${name} is set, and no setting has that name: did you mean ${meant}?`];
  });
}

const WRONG = Symbol('a mistake that was already noted');

function valueOf(name: string, env: Environment, mistakes: string[]): string | undefined | typeof WRONG {
  const direct = env[name] === '' ? undefined : env[name];
  const replaced = replacedBytesIn(direct ?? '');
  if (replaced !== null) {
    mistakes.push(`${name} cannot be used: ${replaced}`);
    return WRONG;
  }
  const fileName = `${name}_FILE`;
  const file = name.endsWith('_FILE') || env[fileName] === '' ? undefined : env[fileName];
  if (file === undefined) return direct;
  if (direct !== undefined) {
    mistakes.push(`${name} and ${fileName} are both set: keep one of them`);
    return WRONG;
  }
  try {
    return readTextFile(file).replace(/\r?\n$/, '');
  } catch (error) {
    mistakes.push(`${fileName}: ${messageOf(error)}`);
    return WRONG;
  }
}

function shown(schema: z.ZodType, value: string): string {
  if (isSecret(schema)) return 'has a wrong value';
  // Whatever stands before an @ may be a password in an address, and so may its query.
  const masked = value
    .replaceAll(/(^|\s)([a-z][\w+.-]*:\/\/)?\S*@/gi, '$1$2…@')
    .replaceAll(/(https?:\/\/[^\s?#]*[?#])\S+/gi, '$1…');
  return `is ${JSON.stringify(masked.length > 80 ? `${masked.slice(0, 80)}…` : masked)}`;
}

function problemOf(error: z.ZodError): string {
  return error.issues.map((issue) => issue.message).join('; ');
}
