import { Command, type Option } from 'commander';
import { z } from 'zod';
import { numeral } from '../http/input-kinds.ts';
import { type Actor, localUser } from '../operations/actor.ts';
import { type Feature, type Operation, type OperationContext, routeOf } from '../operations/operation.ts';
import type { Database } from '../platform/database.ts';
import { planningRulesOf, readSettings } from '../settings.ts';
import { dataText, emptyText } from './data-text.ts';
import { withDatabase } from './database.ts';
import { inputOf, operated } from './operation.ts';
import { print, printJson, report } from './output.ts';

/** The command of a feature, with one subcommand for each operation. The handlers run in this process. */
export function featureCommand({ name, summary, operations }: Feature): Command {
  const command = new Command(name).description(summary);
  for (const one of operations) addOperation(command, one);
  return command;
}

/** A field of an operation's input, as JSON Schema describes it. */
interface Field {
  readonly name: string;
  readonly schema: FieldSchema;
  readonly isArgument: boolean;
  readonly isRequired: boolean;
}

interface FieldSchema {
  readonly type?: string;
  readonly description?: string;
  readonly enum?: readonly string[];
  readonly items?: FieldSchema;
  readonly default?: unknown;
}

type Options = Readonly<Record<string, unknown>>;

function addOperation(parent: Command, one: Operation): void {
  const { name, summary, description, input, cli = {} } = one;
  const verb = name.split('.').slice(1).join('-');
  const command = parent.command(verb).summary(summary).description(`${summary}. ${description}`);
  const fields = fieldsOf(one);
  for (const field of fields) {
    if (field.isArgument) command.argument(`<${kebab(field.name)}>`, field.schema.description);
    else command.addOption(optionFor(command, field, cli.defaults?.[field.name]));
  }
  const isChange = routeOf(one).method === 'POST';
  if (isChange) command.option('--by <name>', 'who does it', localUser());
  command.option('--json', 'print JSON: the same data as the HTTP call');

  const names = Object.fromEntries(fields.map((field) => [field.name, nameOnCommandLine(field)]));
  command.action(async () => {
    const options = command.opts<Options>();
    const given = inputOf(input, givenInput(command, fields), names);
    const by = { user: isChange ? String(options['by']) : localUser(), unit: null };
    const output = await operated(names, () => withDatabase((db) => one.handle(contextOf(db, by), given)));
    if (options['json'] === true) return await printJson(output);
    const empty = emptyText(output);
    if (empty !== null) return report(cli.empty ?? empty);
    await print(cli.text?.(output) ?? dataText(output, process.stdout.columns));
  });
}

/** The settings of the rules are read only by operations that need them. */
function contextOf(db: Database, by: Actor): OperationContext {
  return {
    db,
    by,
    get rules() {
      return planningRulesOf(readSettings(['rules']));
    },
  };
}

function fieldsOf({ input, cli }: Operation): Field[] {
  const { properties = {}, required = [] } = z.toJSONSchema(input, { io: 'input', unrepresentable: 'any' });
  const positional = cli?.arguments ?? [];
  // Arguments come in the order of the override.
  const order = [...positional, ...Object.keys(properties).filter((name) => !positional.includes(name))];
  return order.map((name) => ({
    name,
    schema: properties[name] as FieldSchema,
    isArgument: positional.includes(name),
    isRequired: required.includes(name),
  }));
}

/** A missing or wrong value is left to the input's own schema, whose errors have the remedy and name all fields. */
function optionFor(command: Command, { name, schema, isRequired }: Field, fallback: unknown): Option {
  const isList = schema.type === 'array';
  const { enum: choices } = isList ? (schema.items ?? {}) : schema;
  const flag = `--${kebab(name)}`;
  const notes = [
    schema.description ?? '',
    ...(choices === undefined ? [] : [`One of ${choices.join(', ')}.`]),
    ...(isList ? ['Repeat it for several.'] : []),
    ...(schema.default === undefined ? [] : [`Default ${textOf(schema.default)}.`]),
    ...(isRequired && fallback === undefined ? ['Required.'] : []),
  ];
  const option = command.createOption(
    schema.type === 'boolean' ? flag : `${flag} <${valueName(schema)}>`,
    notes.filter(Boolean).join(' '),
  );
  if (isList) option.argParser((value: string, earlier?: string[]) => [...(earlier ?? []), value]);
  return fallback === undefined ? option : option.default(fallback);
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}

function valueName({ type, items }: FieldSchema): string {
  const kind = type === 'array' ? items?.type : type;
  if (kind === 'object') return 'json';
  return kind === 'integer' || kind === 'number' ? 'number' : 'text';
}

/** The input as a JSON body would have it, for the schema to check. */
function givenInput(command: Command, fields: readonly Field[]): Record<string, unknown> {
  const options = command.opts<Options>();
  const values = command.processedArgs as unknown[];
  return Object.fromEntries(
    fields.flatMap((field, place) => {
      const { name, schema, isArgument } = field;
      const value = isArgument ? values[place] : options[attributeOf(name)];
      return value === undefined ? [] : [[name, typed(schema, value)]];
    }),
  );
}

function typed({ type, items }: FieldSchema, value: unknown): unknown {
  if (Array.isArray(value)) return value.map((one) => typed(items ?? {}, one));
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

function nameOnCommandLine({ name, isArgument }: Field): string {
  return isArgument ? kebab(name) : `--${kebab(name)}`;
}

function kebab(name: string): string {
  return name.replaceAll('_', '-');
}

/** The name under which commander keeps an option's value. */
function attributeOf(name: string): string {
  return name.replaceAll(/_(\w)/g, (_, letter: string) => letter.toUpperCase());
}
