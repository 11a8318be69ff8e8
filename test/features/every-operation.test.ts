import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { type Field, fieldsOf } from '../../src/commands/command-fields.ts';
import { FEATURES } from '../../src/features/features.ts';
import { commandsOf } from '../../src/operations/operation.ts';
import { type BothWays, type Input, openBothWays } from './both-ways.ts';

let ways: BothWays;
beforeAll(async () => {
  ways = await openBothWays();
});
afterAll(() => ways.close());
afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllEnvs();
});

/** Every command of an operation that can do the operation's example. */
const COMMANDS = FEATURES.flatMap((feature) =>
  commandsOf(feature)
    .filter(({ operation, fixed }) => {
      const example = Object.entries(operation.example);
      return example.every(([name, value]) => !(name in fixed) || fixed[name] === value);
    })
    .map((command) => [command.name, command] as const),
);

describe.each(COMMANDS)('%s', (_, command) => {
  const { operation } = command;
  const example: Input = operation.example;
  const fields = fieldsOf(command);
  const bad = fields.flatMap((field) =>
    badValues(field, command.cli.defaults?.[field.path] !== undefined).map(
      ([what, value]) => [`${field.path}: ${what}`, withValue(example, field.path, value)] as const,
    ),
  );

  test('gives the same data, or the same error, for its example', async () => {
    const [api, cli] = [await ways.call(operation, example, fields), await ways.command(command, example, fields)];
    expect({ ...cli, data: steady(cli.data) }).toEqual({ ...api, data: steady(api.data) });
  });

  test.runIf(bad.length > 0).each(bad)('gives the same answer if it is wrong: %s', async (__, input) => {
    const [api, cli] = [await ways.call(operation, input, fields), await ways.command(command, input, fields)];
    // If commander itself refuses, the words are its own.
    expect({ ...cli, data: steady(cli.data), said: cli.said ?? api.said }).toEqual({ ...api, data: steady(api.data) });
  });

  test('refuses a field that it does not know', async () => {
    const api = await ways.call(operation, { ...example, nonsense: 'x' }, fields);
    expect(api).toMatchObject({ exitCode: 2, said: expect.stringMatching(/^nonsense: not known here/) as string });
    const unknown: Field = { path: 'nonsense', name: 'nonsense', schema: {}, isArgument: false, isRequired: false };
    expect(await ways.command(command, { ...example, nonsense: 'x' }, [...fields, unknown])).toMatchObject({
      exitCode: 2,
    });
  });
});

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

/** Wrong values of a field: missing, of another type, too long, beyond a limit. Some fields take some of them. */
function badValues({ schema, isRequired, isArgument }: Field, hasDefault: boolean): [what: string, value: unknown][] {
  const { enum: choices, minimum = -Infinity, maximum = Infinity, items } = schema as FieldSchema;
  const types = new Set([schema.type].flat());
  const values: [string, unknown][] = [];
  // The command line asks for a secret, and reports a missing argument in its own words.
  if (isRequired && !isArgument && !hasDefault && schema.format !== 'password') values.push(['missing', undefined]);
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
