import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import { z } from 'zod';
import { featureCommand } from '../../src/commands/feature-command.ts';
import { operation } from '../../src/operations/operation.ts';
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
afterAll(() => database.drop());

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
