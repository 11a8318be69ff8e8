import { readFileSync } from 'node:fs';
import type { Command } from 'commander';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { type Field, fieldsOf } from '../../src/commands/command-fields.ts';
import { createProgram } from '../../src/commands/program.ts';
import { FEATURES } from '../../src/features/features.ts';
import {
  localPlanInput,
  localResumeInput,
  localRunInput,
  OPTION_NAMES,
  outcomesInput,
} from '../../src/features/replay/inputs.ts';
import { commandsOf, routeOf } from '../../src/operations/operation.ts';
import { type BothWays, type ComparedCommand, type Ended, type Input, openBothWays } from './both-ways.ts';

let ways: BothWays;
beforeAll(async () => {
  ways = await openBothWays();
});
afterAll(() => ways.close());
afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllEnvs();
});

const ALL = { all: true };
const CARDS = { smartcard_ca_ids: ['20000000329'] };
/** Inputs of the commands that fix a field to another value than their operation's example has. */
const EXAMPLES: Readonly<Record<string, Input>> = {
  'message mail': { type: 'MAIL', message: 'Your new package is on', ...CARDS },
  'message repeating-bark': {
    type: 'REPEATING_BARK',
    message: 'Your new package is on',
    repetition_count: 2,
    repetition_interval: 10,
    ...CARDS,
  },
  'reconcile run': { kind: 'RECONCILE', parameters: {}, selection: ALL },
  resync: { kind: 'RESYNC', parameters: {}, selection: ALL },
  'runs fingerprint': {
    kind: 'FINGERPRINT',
    parameters: { position_x: 1, position_y: 2, height: 3, fingerprint_slot: 4 },
    selection: ALL,
  },
  'runs queue': { kind: 'QUEUE', parameters: {}, selection: {} },
};
const COMMANDS = FEATURES.flatMap(commandsOf).map((command) => [command.name, command] as const);
const OPERATIONS = FEATURES.flatMap(({ operations }) => operations);

describe.each(COMMANDS)('%s', (name, command) => {
  const { operation, fixed } = command;
  const example: Input = EXAMPLES[name] ?? operation.example;
  const fields = fieldsOf(command);
  const { path } = routeOf(operation);
  const bad = fields.flatMap((field) =>
    badValues(field, command.cli.defaults?.[field.path] !== undefined || path.includes(`{${field.path}}`)).map(
      ([what, value]) => [`${field.path}: ${what}`, withValue(example, field.path, value)] as const,
    ),
  );

  test('has an example with what it fixes', () => {
    const known = Object.entries(fixed).filter(([, value]) => value !== undefined);
    expect(example).toMatchObject(Object.fromEntries(known));
  });

  test('gives the same data, or the same error, for its example', async () => {
    const [api, cli] = [await ways.call(operation, example, fields), await ways.command(command, example, fields)];
    expect({ ...cli, data: steady(cli.data) }).toEqual({ ...api, data: steady(api.data) });
  });

  test.runIf(bad.length > 0).each(bad)('gives the same answer if it is wrong: %s', async (__, input) => {
    const [api, cli] = [await ways.call(operation, input, fields), await ways.command(command, input, fields)];
    const [ofCommand, ofCall] = comparable(api, cli, fields);
    expect(ofCommand).toEqual(ofCall);
  });

  test('refuses a field that it does not know', async () => {
    const api = await ways.call(operation, { ...example, nonsense: 'x' }, fields);
    expect(api).toMatchObject({ exitCode: 2, said: expect.stringMatching(/^nonsense: not known here/) as string });
    const cli = await ways.command(command, { ...example, nonsense: 'x' }, [...fields, UNKNOWN]);
    expect(cli).toMatchObject({ exitCode: 2, said: "error: unknown option '--nonsense=x'" });
  });
});

const UNKNOWN: Field = { path: 'nonsense', name: 'nonsense', schema: {}, isArgument: false, isRequired: false };

const REPLAY = { options: OPTION_NAMES };
/** The commands that do the work of a call in their own process: their data differ, their errors do not. */
const OWN_COMMANDS = [
  ['replay plan', localPlanInput, REPLAY, false],
  ['replay run', localRunInput, REPLAY, true],
  ['replay outcomes', outcomesInput, REPLAY, true],
  ['replay resume', localResumeInput, { ...REPLAY, arguments: ['id'] }, false],
] as const;

describe.each(OWN_COMMANDS)('%s', (name, input, cli, takesBy) => {
  const operation = OPERATIONS.find((one) => one.name === name.replace(' ', '.'));
  if (operation === undefined) throw new Error(`There is no call of the name of "${name}"`);
  const command: ComparedCommand = { name, operation, cli, takesBy };
  const fields = fieldsOf({ operation: { input }, fixed: {}, cli });
  const inCall = new Set(fieldsOf({ operation, fixed: {}, cli }).map(({ path }) => path));
  const example: Input = operation.example;
  const bad = fields
    .filter(({ path }) => inCall.has(path))
    .flatMap((field) =>
      badValues(field, operation.route.includes(`{${field.path}}`)).map(
        ([what, value]) => [`${field.path}: ${what}`, withValue(example, field.path, value)] as const,
      ),
    );

  test.each(bad)('refuses the same as its call: %s', async (_, given) => {
    const api = await ways.call(operation, given, fields);
    expect(api.exitCode).not.toBe(0);
    const [ofCommand, ofCall] = comparable(api, await ways.command(command, given, fields), fields);
    expect(ofCommand).toEqual(ofCall);
  });
});

describe('docs/decisions/0009-one-definition-per-operation.md', () => {
  const text = readFileSync(
    new URL('../../docs/decisions/0009-one-definition-per-operation.md', import.meta.url),
    'utf8',
  );
  const listed = (heading: string): string[] => {
    const [, after = ''] = text.split(`**${heading}**`);
    const [rows = ''] = after.split('\n**');
    return [...rows.matchAll(/^\| ((?:`[^`]+`(?:, )?)+) \|/gm)].flatMap(([, names = '']) =>
      names.split(', ').map((one) => one.replaceAll('`', '')),
    );
  };

  test('has a reason for every command that is no operation, and for no other', async () => {
    const ofOperations = new Set(COMMANDS.map(([name]) => name));
    const alone = leaves(await createProgram(), '').filter((name) => !ofOperations.has(name));
    expect(listed('Commands that are no operations.').toSorted()).toEqual(alone.toSorted());
  });

  test('has a reason for every call without a command of its name, and for no other', async () => {
    const all = leaves(await createProgram(), '');
    const commandOf = (name: string) => name.replace('.', ' ').replaceAll('_', '-');
    const alone = OPERATIONS.map(({ name }) => name).filter((name) => !all.includes(commandOf(name)));
    expect(listed('Calls without a command.')).toEqual(alone);
  });

  test('names as doing the work themselves just the commands that are compared so', () => {
    const ofCalls = OPERATIONS.filter(({ hasCommand = true }) => !hasCommand).map(({ name }) => name.replace('.', ' '));
    expect(OWN_COMMANDS.map(([name]) => name)).toEqual(ofCalls.filter((name) => name !== 'replay preview'));
  });
});

function leaves(command: Command, path: string): string[] {
  if (command.commands.length === 0) return [path];
  return command.commands.flatMap((one) => leaves(one, `${path} ${one.name()}`.trim()));
}

/**
 * How both ways ended, to be equal: the same data, or the same sentence. Commander's words differ: if it refuses, they
 * have to name an option for each field that the API names.
 */
function comparable(api: Ended, cli: Ended, fields: readonly Field[]): [cli: object, api: object] {
  if (cli.isOfCommander !== true)
    return [
      { ...cli, data: steady(cli.data) },
      { ...api, data: steady(api.data) },
    ];
  const names = fields.filter(({ path }) => new RegExp(`\\b${path}\\b`).test(api.said ?? '')).map(({ name }) => name);
  const named = names.filter((name) => cli.said?.includes(name));
  return [
    { exitCode: cli.exitCode, named },
    { exitCode: api.exitCode, named: names.length > 0 ? names : 'no field' },
  ];
}

/** The input with another value at the path; undefined: without it. */
function withValue(input: Input, path: string, value: unknown): Record<string, unknown> {
  const changed = structuredClone(input) as Record<string, unknown>;
  const names = path.split('.');
  let at = changed;
  for (const name of names.slice(0, -1)) at = (at[name] ??= {}) as Record<string, unknown>;
  if (value === undefined) delete at[names.at(-1) ?? ''];
  else at[names.at(-1) ?? ''] = value;
  return changed;
}

/**
 * Wrong values of a field: missing, of another type, too long, beyond a limit. Some fields take some of them.
 * @param isAlwaysThere the command has a default for it, or the call has it in its path.
 */
function badValues(
  { schema, isRequired, isArgument }: Field,
  isAlwaysThere: boolean,
): [what: string, value: unknown][] {
  const { enum: choices, minimum = -Infinity, maximum = Infinity, items } = schema as FieldSchema;
  const types = new Set([schema.type].flat());
  const values: [string, unknown][] = [];
  // The command line asks for a secret.
  if (isRequired && !isAlwaysThere && schema.format !== 'password') values.push(['missing', undefined]);
  if (types.has('integer') || types.has('number')) values.push(['no number', 'x']);
  if (minimum > Number.MIN_SAFE_INTEGER) values.push(['too small', minimum - 1]);
  if (maximum < Number.MAX_SAFE_INTEGER) values.push(['too large', maximum + 1]);
  if (choices !== undefined) values.push(['none of the list', 'NONSENSE']);
  else if (types.has('string') && !isArgument) {
    values.push(['too long', 'x'.repeat(2_000)], ['empty', ''], ['a control character', 'a\u0001b']);
  }
  if (items !== undefined) {
    const many = Array.from({ length: 201 }, (_, index) => String(20_000_000_000 + index));
    values.push(['a bad element', ['x'.repeat(2_000)]], ['too many', many]);
  }
  if (types.has('object')) values.push(['no JSON', '{']);
  return values;
}

type FieldSchema = Field['schema'] & { readonly minimum?: number; readonly maximum?: number };

/** What differs from call to call: times, and ids that are random. */
function steady(value: unknown): unknown {
  const text = JSON.stringify(value ?? null)
    .replaceAll(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{3})?Z?/g, 'TIME')
    .replaceAll(/"id":"[0-9A-F]{32}"/g, '"id":"ID"')
    .replaceAll(/[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, 'UUID')
    .replaceAll(/"password":"\w{24}"/g, '"password":"GENERATED"')
    // The caller's token is one of the API alone.
    .replaceAll(/"tokens":\d+/g, '"tokens":0');
  return JSON.parse(text) as unknown;
}
