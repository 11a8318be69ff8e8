import type { Command } from 'commander';
import { numeral } from '../http/input-kinds.ts';
import { type CommandLine, inputSchemaOf } from '../operations/operation.ts';
import { messageOf } from '../platform/errors.ts';
import { readStandardInput, readTextFile } from '../platform/text.ts';
import {
  attributeOf,
  type Field,
  type FieldSchema,
  formOf,
  isNullable,
  kebab,
  titleOf,
  typeOf,
  type WithFields,
} from './command-fields.ts';
import { UsageError } from './exit-codes.ts';
import { type OptionNames, refuseOthers } from './operation.ts';
import { casPatterns } from './operation-context.ts';
import { secretFrom } from './secret-input.ts';

type Options = Readonly<Record<string, unknown>>;

/**
 * The input as a JSON body would have it, for the schema to check, and the names for its errors. Reads files, and asks
 * for secrets.
 * @throws UsageError if the rest is wrong: then no secret is asked for.
 */
export async function givenInput(
  command: Command,
  fields: readonly Field[],
  { operation, fixed, cli }: WithFields,
): Promise<{ input: object; names: OptionNames }> {
  const input = emptyInput(formOf(operation, fixed));
  const names: Record<string, string> = { ...containerNames(cli) };
  for (const [path, value] of Object.entries(fixed)) if (value !== undefined) put(input, path, value);
  const take = ({ path }: Field, { value, name }: Given): void => {
    names[path] = name;
    if (value !== undefined) put(input, path, value);
  };
  const secrets = fields.filter(({ schema }) => schema.format === 'password');
  for (const [place, field] of fields.entries()) {
    if (!secrets.includes(field)) take(field, await valueOf(command, field, place, cli));
  }
  if (secrets.length > 0) {
    const paths = secrets.map(({ path }) => path);
    refuseOthers(inputSchemaOf(operation, casPatterns), input, names, paths);
  }
  for (const field of secrets) take(field, await secretOf(field, command.opts<Options>(), cli));
  return { input, names };
}

interface Given {
  readonly value?: unknown;
  /** As errors call it. */
  readonly name: string;
}

async function valueOf(command: Command, field: Field, place: number, cli: CommandLine): Promise<Given> {
  const { path, schema, name, isArgument } = field;
  if (isArgument) return { value: typed(schema, (command.processedArgs as unknown[])[place]), name };
  const options = command.opts<Options>();
  const option = `--${name}`;
  const file = options[attributeOf(cli.files?.[path] ?? '')];
  if (typeof file === 'string') {
    const from = `--${cli.files?.[path]}`;
    return { value: await linesOf(from, file), name: from };
  }
  if (isNullable(schema) && options[attributeOf(`without-${name}`)] === true) return { value: null, name: option };
  const value = options[attributeOf(name.replace(/^no-/, ''))];
  if (name.startsWith('no-')) return value === false ? { value, name: option } : { name: option };
  return { value: typed(schema, value), name: option };
}

async function secretOf(field: Field, options: Options, { instead = {} }: CommandLine): Promise<Given> {
  const [what, flag] = [titleOf(field), instead[field.path]];
  const name = `the ${what}`;
  if (flag !== undefined && options[attributeOf(kebab(flag))] === true) return { name };
  const [file, stdin] = [options[attributeOf(`${field.name}-file`)], options[attributeOf(`${field.name}-stdin`)]];
  const ways = ['file', 'stdin'].map((way) => `--${field.name}-${way}`);
  const listed = [...ways, ...(flag === undefined ? [] : [`--${kebab(flag)}`])];
  const given = `${listed.slice(0, -1).join(', ')} or ${listed.at(-1)}`;
  const source = { file: file as string | undefined, stdin: stdin === true };
  // An optional secret is asked for only if a flag could replace it and is not given.
  const isAsked = field.isRequired || flag !== undefined;
  if (!isAsked && source.file === undefined && !source.stdin) return { name };
  return { value: await secretFrom(what, source, given), name };
}

/** The lines, without blanks around them and without empty ones at the end, so that a place in the list is a line. */
async function linesOf(option: string, file: string): Promise<string[]> {
  try {
    const text = file === '-' ? await readStandardInput() : readTextFile(file);
    return text
      .trimEnd()
      .split('\n')
      .map((line) => line.trim());
  } catch (error) {
    throw new UsageError(`${option}: ${messageOf(error)}`);
  }
}

/** The objects that the input needs in any case, so that errors name what is missing in them. */
function emptyInput({ properties = {}, required = [] }: FieldSchema): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(properties).flatMap(([name, schema]) =>
      schema.properties !== undefined && required.includes(name) ? [[name, emptyInput(schema)]] : [],
    ),
  );
}

/** Objects that have an option's name of their own. */
function containerNames({ options = {} }: CommandLine): Record<string, string> {
  return Object.fromEntries(Object.entries(options).flatMap(([path, name]) => (name ? [[path, `--${name}`]] : [])));
}

function put(input: Record<string, unknown>, path: string, value: unknown): void {
  const names = path.split('.');
  let at = input;
  for (const name of names.slice(0, -1)) at = (at[name] ??= {}) as Record<string, unknown>;
  at[names.at(-1) ?? ''] = value;
}

function typed(schema: FieldSchema, value: unknown): unknown {
  const type = typeOf(schema);
  if (Array.isArray(value)) return value.map((one) => typed(schema.items ?? {}, one));
  if (type === 'object' && typeof value === 'string') return parsed(value);
  return type === 'integer' || type === 'number' ? numeral(value) : value;
}

/** The value that a text is in JSON; without one the text itself, for the error to show. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text;
  }
}
