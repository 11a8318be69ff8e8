import type { Command, Option } from 'commander';
import { z } from 'zod';
import { type CommandLine, type FurtherCommand, inputSchemaOf, type Operation } from '../operations/operation.ts';

/** A field of an operation's input as a command has it; the fields of an object are fields of their own. */
export interface Field {
  /** Such as `selection.product.code`. */
  readonly path: string;
  readonly schema: FieldSchema;
  /** Of the argument or option, without dashes. */
  readonly name: string;
  readonly isArgument: boolean;
  readonly isRequired: boolean;
}

/** The JSON Schema of a field, or of a whole input. */
export interface FieldSchema {
  readonly type?: string | readonly string[];
  readonly title?: string;
  readonly description?: string;
  readonly format?: string;
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly items?: FieldSchema;
  readonly default?: unknown;
  readonly properties?: Readonly<Record<string, FieldSchema>>;
  readonly required?: readonly string[];
  /** The forms of an input that a field distinguishes. */
  readonly oneOf?: readonly FieldSchema[];
}

/** What decides about the fields of a command. */
export interface WithFields extends Pick<FurtherCommand, 'fixed' | 'cli'> {
  readonly operation: Pick<Operation, 'input'>;
}

/** The fields of a command: arguments first, in the order of the override. */
export function fieldsOf({ operation, fixed, cli }: WithFields): Field[] {
  const { arguments: positional = [], options = {} } = cli;
  const found: Field[] = [];
  collect(formOf(operation, fixed), '', true);
  const placeOf = ({ path }: Field) => (positional.includes(path) ? positional.indexOf(path) : positional.length);
  return found.toSorted((one, other) => placeOf(one) - placeOf(other));

  function collect(whole: FieldSchema, prefix: string, isWhole: boolean): void {
    const { properties = {}, required = [] } = whole;
    for (const [name, field] of Object.entries(properties)) {
      const { description = prefix === '' ? undefined : whole.description } = field;
      const schema = description === undefined ? field : { ...field, description };
      const path = prefix === '' ? name : `${prefix}.${name}`;
      if (path in fixed) continue;
      const isRequired = isWhole && required.includes(name);
      if (schema.properties !== undefined) collect(schema, path, isRequired);
      else {
        found.push({ path, schema, name: nameOf(path, options), isArgument: positional.includes(path), isRequired });
      }
    }
  }
}

/** The schema of the input; of several forms the one that is fixed, else what they have in common. */
export function formOf(one: WithFields['operation'], fixed: FurtherCommand['fixed']): FieldSchema {
  const whole = z.toJSONSchema(inputSchemaOf(one), { io: 'input', unrepresentable: 'any' });
  const { oneOf: forms, ...schema } = whole as FieldSchema;
  if (forms === undefined) return schema;
  const isFixed = ([name, field]: [string, FieldSchema]) => field.const !== undefined && field.const === fixed[name];
  return forms.find(({ properties = {} }) => Object.entries(properties).some(isFixed)) ?? inCommon(forms);
}

function inCommon(forms: readonly FieldSchema[]): FieldSchema {
  const [{ properties = {}, required = [] } = {}] = forms;
  const common = Object.entries(properties).map(([name, field]): [string, FieldSchema] => {
    const { description = '' } = field;
    if (field.properties !== undefined) return [name, { type: 'object', description }];
    if (field.const === undefined) return [name, field];
    return [name, { type: 'string', description, enum: forms.map((form) => form.properties?.[name]?.const) }];
  });
  return { properties: Object.fromEntries(common), required };
}

function nameOf(path: string, options: NonNullable<CommandLine['options']>): string {
  const [, parent = '', last = path] = /^(.*)\.([^.]*)$/.exec(path) ?? [];
  const given = options[path] ?? options[last];
  if (given !== undefined) return given;
  const before = parent === '' ? '' : nameOf(parent, options);
  return [before, kebab(last)].filter(Boolean).join('-');
}

/** Adds the arguments and options. A missing or wrong value is left to the input's own schema, which names all. */
export function addFields(command: Command, fields: readonly Field[], cli: CommandLine): void {
  const { defaults = {}, files = {}, instead = {} } = cli;
  const add = (option: Option): void => addOnce(command, option);
  for (const field of fields) {
    const { path, schema, name } = field;
    if (field.isArgument) {
      if (!command.registeredArguments.some((one) => one.name() === name)) {
        command.argument(field.isRequired ? `<${name}>` : `[${name}]`, schema.description);
      }
    } else if (schema.format === 'password') {
      const what = titleOf(field);
      const others = instead[path] === undefined ? [] : [attributeOf(kebab(instead[path]))];
      add(
        command
          .createOption(`--${name}-file <path>`, `Reads the ${what} from a file, without its last line break.`)
          .conflicts([attributeOf(`${name}-stdin`), ...others]),
      );
      add(
        command
          .createOption(`--${name}-stdin`, 'Reads it from standard input; without either option it is asked for.')
          .conflicts(others),
      );
    } else {
      add(optionFor(command, field, defaults[path], files[path] !== undefined));
      if (files[path] !== undefined) {
        const text = 'The same from a file, one a line; - is standard input.';
        add(command.createOption(`--${files[path]} <file>`, text).conflicts(attributeOf(name)));
      }
      if (isNullable(schema)) {
        add(command.createOption(`--without-${name}`, `Without a ${name}.`).conflicts(attributeOf(name)));
      }
    }
  }
}

/** Adds an option, unless the command has it already. */
export function addOnce(command: Command, option: Option): void {
  if (!command.options.some(({ long }) => long === option.long)) command.addOption(option);
}

function optionFor(
  command: Command,
  { schema, name, isRequired }: Field,
  fallback: unknown,
  isElsewhere: boolean,
): Option {
  const isList = typeOf(schema) === 'array';
  const { enum: choices } = isList ? (schema.items ?? {}) : schema;
  const flag = `--${name}`;
  const notes = [
    schema.description ?? '',
    ...(choices === undefined ? [] : [`One of ${choices.join(', ')}.`]),
    ...(isList ? ['Repeat it for several.'] : []),
    ...(schema.default === undefined || schema.default === '' ? [] : [`Default ${textOf(schema.default)}.`]),
    ...(isRequired && fallback === undefined && !isElsewhere ? ['Required.'] : []),
  ];
  const option = command.createOption(
    typeOf(schema) === 'boolean' ? flag : `${flag} <${valueName(schema)}>`,
    notes.filter(Boolean).join(' '),
  );
  if (isList) option.argParser((value: string, earlier?: string[]) => [...(earlier ?? []), value]);
  return fallback === undefined ? option : option.default(fallback);
}

export function typeOf({ type }: FieldSchema): string | undefined {
  return typeof type === 'string' ? type : type?.find((one) => one !== 'null');
}

export function isNullable({ type }: FieldSchema): boolean {
  return Array.isArray(type) && type.includes('null');
}

function valueName(schema: FieldSchema): string {
  const type = typeOf(schema);
  const kind = type === 'array' ? typeOf(schema.items ?? {}) : type;
  if (kind === 'object') return 'json';
  return kind === 'integer' || kind === 'number' ? 'number' : 'text';
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}

export function titleOf({ schema, name }: Field): string {
  return schema.title ?? name.replaceAll('-', ' ');
}

export function kebab(name: string): string {
  return name.replaceAll('_', '-');
}

/** The name under which commander keeps an option's value. */
export function attributeOf(name: string): string {
  return name.replaceAll(/-(\w)/g, (_, letter: string) => letter.toUpperCase());
}
