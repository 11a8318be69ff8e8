import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import { z } from 'zod';
import { featureCommand } from '../../src/commands/feature-command.ts';
import { type CommandLine, type FurtherCommand, operation } from '../../src/operations/operation.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';

const input = z.strictObject({
  id: z.int('give a number').describe('Which.'),
  card_ids: z.array(z.string().regex(/^\d+$/, 'give digits')).min(1, 'give a card').describe('Cards.'),
  kind: z.enum(['MAIL', 'BARK'], 'give MAIL or BARK').optional().describe('What.'),
  where: z.record(z.string(), z.string(), 'give a JSON object').default({}).describe('Where.'),
  dry_run: z.boolean('give true or false').optional().describe('Only count.'),
});
const show = operation({
  name: 'things.show',
  summary: 'Show a thing',
  description: 'Repeats its input.',
  role: 'operator',
  route: 'POST /things/{id}',
  input,
  output: z.strictObject({ by: z.string(), input }),
  example: { id: 1, card_ids: ['2'] },
  cli: { arguments: ['id'] },
  handle: async ({ by }, given) => ({ by: by.user, input: given }),
});

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(async () => {
  rmSync(directory, { recursive: true });
  await database.drop();
});
const directory = mkdtempSync(join(tmpdir(), 'feature-command-'));
/** A file with this text. */
function fileOf(text: string): string {
  const file = join(directory, 'file');
  writeFileSync(file, text);
  return file;
}

let printed = '';
beforeEach(() => {
  printed = '';
  vi.stubEnv('DATABASE_URL', database.url);
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
    printed += String(text);
    return true;
  });
});
afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllEnvs();
});

const command = () => featureCommand({ name: 'things', summary: 'Things.', operations: [show] });
const run = (...args: string[]) => command().parseAsync(['show', ...args], { from: 'user' });

test('arguments and options become the input: numbers, JSON, flags, and options that are repeated', async () => {
  const cards = ['--card-ids', '1', '--card-ids', '2'];
  await run('7', ...cards, '--kind', 'BARK', '--where', '{"a":"b"}', '--dry-run', '--by', 'anna', '--json');
  expect(JSON.parse(printed)).toEqual({
    by: 'anna',
    input: { id: 7, card_ids: ['1', '2'], kind: 'BARK', where: { a: 'b' }, dry_run: true },
  });
});

test('one error names all options and arguments that are wrong, as they are typed', async () => {
  await expect(run('x', '--card-ids', 'y', '--kind', 'SMS', '--where', '{')).rejects.toThrow(
    'id is "x": give a number; --card-ids is "y": give digits; --kind is "SMS": give MAIL or BARK; --where is "{": give a JSON object',
  );
  await expect(run('1')).rejects.toThrow('--card-ids is missing: ');
  expect(printed).toBe('');
});

test('the help shows what each field takes', () => {
  const help = command().commands[0]?.helpInformation() ?? '';
  expect(help).toContain('Usage: things show [options] <id>');
  expect(help).toMatch(/--card-ids <text> +Cards\. Repeat it for several\. Required\./);
  expect(help).toMatch(/--kind <text> +What\. One of MAIL, BARK\./);
  expect(help).toMatch(/--where <json> +Where\. Default \{\}\./);
  expect(help).toMatch(/--dry-run +Only count\./);
});

const start = operation({
  name: 'runs.start',
  summary: 'Start a run',
  description: 'Repeats its input.',
  role: 'operator',
  route: 'POST /runs',
  input: ({ smartcard }) =>
    z.discriminatedUnion('kind', [
      z.strictObject({
        kind: z.literal('SHOW').describe('Which.'),
        parameters: z.strictObject({ display_height: z.int('give a number').describe('How high.') }).describe('What.'),
        selection: z
          .strictObject({
            cards: z.array(z.string().regex(smartcard, 'give a card')).optional().describe('Cards.'),
            distributor: z.string().nullable().optional().describe('Whose.'),
            product: z.strictObject({ code: z.string().optional().describe('By its code.') }).optional(),
          })
          .describe('Where.'),
        pin: z.string().meta({ format: 'password', title: 'PIN', description: 'Secret.' }).optional(),
        generate: z.boolean().optional().describe('Make one up.'),
        wait: z.boolean().default(true).describe('Wait.'),
      }),
      z.strictObject({
        kind: z.literal('NONE'),
        parameters: z.strictObject({}),
        selection: z.strictObject({}),
      }),
    ]),
  output: z.strictObject({ steps: z.int(), input: z.unknown() }),
  example: { kind: 'NONE', parameters: {}, selection: {} },
  handle: async (_, given) => ({ steps: 0, input: given }),
});
const cli: CommandLine = {
  options: { parameters: '', selection: '', display_height: 'height', cards: 'card', wait: 'no-wait' },
  files: { 'selection.cards': 'cards' },
  instead: { pin: 'generate' },
};
const shows = (more: Partial<FurtherCommand> = {}): FurtherCommand => ({
  name: 'runs show',
  summary: 'Show',
  description: 'Shows.',
  operation: start,
  fixed: { kind: 'SHOW' },
  cli,
  ...more,
});
function runs(args: string[], more: Partial<FurtherCommand> = {}): Promise<unknown> {
  const group = featureCommand({ name: 'runs', summary: 'Runs.', operations: [start], commands: [shows(more)] });
  for (const one of [group, ...group.commands]) one.exitOverride().configureOutput({ writeErr: () => {} });
  return group.parseAsync(args, { from: 'user' });
}
const shown = (): unknown => (JSON.parse(printed) as { input: unknown }).input;

test('a further command fixes fields; the fields of objects are options, lists may be files, null has an option', async () => {
  const cards = ['--cards', fileOf('20000000001\n 20000000002 \n')];
  await runs(['show', '--height', '3', ...cards, '--without-distributor', '--no-wait', '--generate', '--json']);
  expect(shown()).toEqual({
    kind: 'SHOW',
    parameters: { display_height: 3 },
    selection: { cards: ['20000000001', '20000000002'], distributor: null },
    generate: true,
    wait: false,
  });
  printed = '';
  await runs(['start', '--kind', 'NONE', '--parameters', '{}', '--selection', '{}', '--json']);
  expect(shown()).toEqual({ kind: 'NONE', parameters: {}, selection: {} });
});

test('errors name the option that was used, and the pattern is that of the settings', async () => {
  vi.stubEnv('SMARTCARD_CA_ID_PATTERN', '^9');
  const file = fileOf('1');
  await expect(runs(['show', '--cards', file, '--generate'])).rejects.toThrow(
    '--height is missing: give a number; --cards is "1": give a card',
  );
  await expect(runs(['show', '--height', '1', '--card', '1', '--generate'])).rejects.toThrow('--card is "1"');
  const both = ['show', '--height', '1', '--card', '1', '--cards', file, '--generate'];
  await expect(runs(both)).rejects.toThrow("option '--cards <file>' cannot be used with option '--card <text>'");
  await expect(runs(['show', '--cards', join(directory, 'none')])).rejects.toThrow('/none cannot be read');
});

test('a secret comes from a file or the terminal, and from no argument', async () => {
  await runs(['show', '--height', '1', '--pin-file', fileOf('4711\n'), '--json']);
  expect(shown()).toMatchObject({ pin: '4711' });
  await expect(runs(['show', '--height', '1'])).rejects.toThrow(
    'There is no terminal to ask for the PIN: give --pin-file, --pin-stdin or --generate',
  );
  await expect(runs(['show', '--height', '1', '--pin', '4711'])).rejects.toThrow("unknown option '--pin'");
});

test('a command asks before, follows what was started, and fails after it printed the output', async () => {
  const steps = (output: object): number => (output as { steps: number }).steps;
  const following: CommandLine = {
    ...cli,
    ask: async () => ({ shown: '2 targets', question: 'Start?', nothing: null }),
    follow: {
      onlyIfAsked: false,
      again: async (_, output) => ({ ...output, steps: steps(output) + 1 }),
      isOver: (output) => steps(output) === 1,
      progress: (output) => `step ${steps(output)}`,
      left: () => 'goes on',
      failure: (output) => (steps(output) === 1 ? 'not all is well' : null),
    },
    text: (output) => `done: ${steps(output)}`,
  };
  const { options: _, ...rest } = following;
  const given = ['show', '--height', '1', '--generate'];
  const more = { cli: { ...rest, options: { parameters: '', selection: '', display_height: 'height' } } };
  await expect(runs(given, more)).rejects.toThrow('Nobody can be asked whether to start: add --yes');
  await expect(runs([...given, '--yes'], more)).rejects.toThrow('not all is well');
  expect(printed).toBe('done: 1\n');
  printed = '';
  await runs([...given, '--yes', '--no-wait'], more);
  expect(printed).toBe('done: 0\n');
  const nothing: FurtherCommand['cli']['ask'] = async () => ({
    shown: '',
    question: '',
    nothing: 'Nothing is selected',
  });
  await expect(runs([...given, '--yes'], { cli: { ...more.cli, ask: nothing } })).rejects.toThrow(
    'Nothing is selected',
  );
});

test('with its option a command does another one in its place', async () => {
  const does = shows({ cli: { ...cli, text: () => 'the other' } });
  const more = { cli: { ...cli, text: () => 'the first', unless: { option: 'send', does } } };
  const given = ['show', '--height', '1', '--generate'];
  await runs(given, more);
  await runs([...given, '--send'], more);
  expect(printed).toBe('the first\nthe other\n');
});
