import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { z } from 'zod';
import { fieldsOf } from '../../../src/commands/command-fields.ts';
import { audit } from '../../../src/features/audit/audit.ts';
import { secretFields, shownInput } from '../../../src/features/audit/entry.ts';
import { audited, auditedHandler } from '../../../src/features/audit/record.ts';
import { FEATURES } from '../../../src/features/features.ts';
import { OperationError } from '../../../src/http/operation-error.ts';
import {
  commandsOf,
  inputSchemaOf,
  operation,
  type OperationContext,
  routeOf,
} from '../../../src/operations/operation.ts';
import { type Database, openDatabase } from '../../../src/platform/database.ts';
import { runCli, startCli } from '../../support/cli.ts';
import { createTestDatabase, type TestDatabase } from '../../support/database.ts';
import { eventually } from '../../support/scene.ts';
import { type BothWays, type Input, openBothWays } from '../both-ways.ts';

interface Entry {
  readonly id: number;
  readonly started_date: string;
  readonly user: string | null;
  readonly source: string;
  readonly operation: string;
  readonly input: Readonly<Record<string, unknown>>;
  readonly result: string | null;
  readonly ended_date: string | null;
  readonly made: Readonly<Record<string, unknown>> | null;
}

const OPERATIONS = FEATURES.flatMap(({ operations }) => operations);
const RECORDED = OPERATIONS.filter((one) => one.role !== 'viewer' && routeOf(one).method === 'POST');
const [list] = audit.operations;
if (list === undefined) throw new Error('There is no audit.list');
const operationOf = (name: string) => {
  const found = OPERATIONS.find((one) => one.name === name);
  if (found === undefined) throw new Error(`There is no ${name}`);
  return found;
};

let ways: BothWays;
let database: TestDatabase;
let db: Database;
const directory = mkdtempSync(join(tmpdir(), 'conax-audit-'));
beforeAll(async () => {
  ways = await openBothWays();
  database = await createTestDatabase();
  db = openDatabase({ url: database.url, maxConnections: 3, applicationName: 'test' });
});
beforeEach(() => db.query('truncate audit restart identity'));
afterEach(() => vi.unstubAllEnvs());
afterAll(async () => {
  await ways.close();
  await db.close();
  await database.drop();
  rmSync(directory, { recursive: true });
});

/** The entries of the database, or of the one behind the calls, the newest first. */
async function entries(input: Input = {}): Promise<Entry[]> {
  const output = await list?.handle({ db } as OperationContext, inputSchemaOf(list).parse(input));
  return (output as { entries: Entry[] }).entries;
}

async function entriesOfCalls(input: Input = {}): Promise<Entry[]> {
  const { data } = await ways.call(operationOf('audit.list'), { limit: 1_000, ...input }, []);
  return (data as { entries: Entry[] }).entries;
}

async function entriesOfCommands(input: Input = {}): Promise<Entry[]> {
  const [command] = commandsOf(audit);
  if (command === undefined) throw new Error('There is no command');
  const { data } = await ways.command(command, { limit: 1_000, ...input }, fieldsOf(command));
  return (data as { entries: Entry[] }).entries;
}

describe('what is recorded', () => {
  test('every call that an operator or admin changes or sends something with, and no other', async () => {
    for (const one of OPERATIONS) await ways.call(one, one.example, fieldsOf({ operation: one, fixed: {}, cli: {} }));
    const found = await entriesOfCalls();
    const names = new Set(found.map((entry) => entry.operation));
    expect([...names].toSorted()).toEqual(RECORDED.map(({ name }) => name).toSorted());
    expect(found.filter(({ source, user, result }) => source !== 'api' || user !== 'admin' || result === null)).toEqual(
      [],
    );
  });

  test('every command of such an operation, and no other', async () => {
    for (const command of FEATURES.flatMap(commandsOf)) {
      await ways.command(command, command.operation.example, fieldsOf(command));
    }
    const found = await entriesOfCommands();
    const withCommand = RECORDED.filter(({ hasCommand = true }) => hasCommand).map(({ name }) => name);
    const names = new Set(found.map((entry) => entry.operation));
    expect([...names].toSorted()).toEqual(withCommand.toSorted());
    expect(found.filter(({ source, user, result }) => source !== 'cli' || user !== 'admin' || result === null)).toEqual(
      [],
    );
  });

  test('the input, how it ended, and what it made', async () => {
    const message = { type: 'BARK', message: 'hello', smartcard_ca_ids: ['20000000329'] };
    await ways.call(operationOf('message.send'), message, []);
    const [sent] = await entriesOfCalls({ operation: 'message.send' });
    expect(sent).toMatchObject({ input: message, result: 'OK', made: { run: null, requests_total: 1 } });
    expect(sent?.made?.['requests']).toEqual([expect.any(Number)]);
    const run = { kind: 'RECONCILE', parameters: {}, selection: { cards: ['20000000329'] } };
    const { data } = await ways.call(operationOf('runs.start'), run, []);
    const [started] = await entriesOfCalls({ operation: 'runs.start' });
    expect(started?.made).toMatchObject({ run: (data as { id: number }).id, requests: [] });
    expect(Date.parse(started?.ended_date ?? '')).toBeGreaterThanOrEqual(Date.parse(started?.started_date ?? ''));
  });

  test('the code of what failed, and not what was refused before it started', async () => {
    await ways.call(operationOf('users.disable'), { username: 'emil' }, []);
    await ways.call(operationOf('users.disable'), { username: 'a b' }, []);
    const failed = (await entriesOfCalls({ operation: 'users.disable' })).slice(0, 2);
    expect(failed[0]).toMatchObject({ input: { username: 'emil' }, result: 'USER_NOT_FOUND', made: null });
    expect(failed[1]?.input).not.toEqual({ username: 'a b' });
  });

  test('commands that are no operations and change something', async () => {
    const env = { DATABASE_URL: database.url, RETENTION_AUDIT_DAYS: '1000' };
    const file = join(directory, 'customers.jsonl');
    writeFileSync(file, '');
    for (const args of [
      ['import', file],
      ['retention', 'run', '--dry-run'],
      ['retention', 'run'],
      ['replay', 'run', '--subscription', 'S1', '--reason', 'a test'],
      ['replay', 'run', '--subscription', 'S1', '--reason', 'a test', '--by', 'anna', '--yes'],
    ]) {
      expect(await runCli(args, env)).toMatchObject({ exitCode: 0 });
    }
    const found = (await entries()).toReversed();
    expect(found).toMatchObject([
      { operation: 'import', source: 'cli', result: 'OK', input: { file, from_line: 1 } },
      { operation: 'retention.run', source: 'cli', result: 'OK', input: { days: { audit: 1_000 } } },
      {
        operation: 'replay.run',
        user: 'anna',
        result: 'OK',
        input: { subscription_number: 'S1', reason: 'a test' },
        made: { replay: 1 },
      },
    ]);
  });
});

describe('secrets', () => {
  test.each([
    ['users.add', { username: 'emil', role: 'viewer', organisation: 'x', password: 'correct horse 9517' }, 'password'],
    ['users.reset_password', { username: 'nobody', password: 'correct horse 9517' }, 'password'],
    ['pin.set', { smartcard_ca_ids: ['20000000329'], pin: '9517' }, 'pin'],
  ])('of %s are not stored, by call and by command', async (name, input: Input, secret) => {
    const one = operationOf(name);
    const command = FEATURES.flatMap(commandsOf).find((other) => other.operation === one);
    if (command === undefined) throw new Error('There is no command');
    await ways.call(one, input, []);
    await ways.command(command, input, fieldsOf(command));
    const found = [await entriesOfCalls({ operation: name }), await entriesOfCommands({ operation: name })];
    for (const [newest] of found) expect(newest?.input).toEqual({ ...newest?.input, ...input, [secret]: '****' });
    expect(JSON.stringify(found)).not.toContain('9517');
  });

  test('are found in every form of an input, and in the objects of it', () => {
    const secret = z.string().meta({ format: 'password' });
    const input = z.discriminatedUnion('kind', [
      z.strictObject({ kind: z.literal('A'), code: secret }),
      z.strictObject({ kind: z.literal('B'), inner: z.strictObject({ key: secret.optional() }) }),
    ]);
    expect(secretFields(input)).toEqual(new Set(['code', 'key']));
    const shown = shownInput({ kind: 'B', inner: { key: 'x', other: 'y' } }, secretFields(input));
    expect(shown).toEqual({ kind: 'B', inner: { key: '****', other: 'y' } });
  });
});

test('an input of a million cards and a long text is stored in part, with what is left out', () => {
  const cards = Array.from({ length: 1_000_000 }, (_, index) => String(20_000_000_000 + index));
  const shown = shownInput({ selection: { cards }, reason: `a\u0000${'x'.repeat(600)}`, at: new Date(0) }, new Set());
  expect(shown).toEqual({
    selection: { cards: [...cards.slice(0, 20), '… (999980 more)'] },
    reason: `a${'x'.repeat(499)}… (101 more characters)`,
    at: new Date(0),
  });
});

describe('an operation', () => {
  const made = (handle: () => Promise<{ done: boolean }>) =>
    auditedHandler(
      operation({
        name: 'things.make',
        summary: 'Make a thing',
        description: 'Makes it.',
        role: 'operator',
        route: 'POST /things',
        input: z.strictObject({}),
        output: z.strictObject({ done: z.boolean() }),
        example: {},
        handle,
      }),
      'api',
    );
  const contextOf = (on: unknown) => ({ db: on, by: { user: 'anna', unit: 'Care' } }) as OperationContext;

  test('is recorded before it starts', async () => {
    let during: Entry[] = [];
    const handle = made(async () => {
      during = await entries();
      return { done: true };
    });
    await handle(contextOf(db), {});
    expect(during).toMatchObject([{ user: 'anna', unit: 'Care', result: null, ended_date: null, made: null }]);
    expect(await entries()).toMatchObject([{ result: 'OK' }]);
  });

  test('is not done if it cannot be recorded', async () => {
    const handle = vi.fn(async () => ({ done: true }));
    const away = { query: () => Promise.reject(new Error('away')) };
    await expect(made(handle)(contextOf(away), {})).rejects.toThrow('away');
    expect(handle).not.toHaveBeenCalled();
  });

  test('that is done stays done if its end cannot be recorded', async () => {
    const half = {
      query: (text: string, values: unknown[]) =>
        text.startsWith('update') ? Promise.reject(new Error('away')) : db.query(text, values),
    };
    expect(await made(async () => ({ done: true }))(contextOf(half), {})).toEqual({ done: true });
    expect(await entries()).toMatchObject([{ result: null }]);
  });

  test.each([
    [new OperationError('STATE_CONFLICT', null, 'x'), 'STATE_CONFLICT'],
    [new TypeError('x'), 'INTERNAL_ERROR'],
  ])('that throws %s ends with a code', async (error, code) => {
    const handle = made(async () => {
      throw error;
    });
    await expect(handle(contextOf(db), {})).rejects.toBe(error);
    expect(await entries()).toMatchObject([{ result: code, made: null }]);
  });

  test('whose process is killed in the middle leaves an entry without an end', async () => {
    await db.transaction(async (tx) => {
      // The command waits for this lock, after it was recorded.
      await tx.query('select from provider for update');
      const command = startCli(['provider', 'pause', '--by', 'anna'], { DATABASE_URL: database.url });
      await eventually(async () => ((await entries()).length > 0 ? true : undefined), 'the entry of the command');
      command.signal('SIGKILL');
      await command.ended;
    });
    expect(await entries()).toMatchObject([
      { user: 'anna', source: 'cli', operation: 'provider.pause', result: null, ended_date: null },
    ]);
  });
});

describe('the list', () => {
  const did = (user: string, name: string) =>
    audited(db, { source: 'cli', operation: name, by: { user, unit: null }, input: {} }, async () => ({}));
  const ids = async (input: Input) => (await entries(input)).map(({ id }) => id);

  test('has the newest first, a page at a time, by user, operation and time', async () => {
    for (const user of ['anna', 'bert', 'anna', 'bert']) await did(user, `runs.${user === 'anna' ? 'stop' : 'start'}`);
    await db.query(`update audit set started_at = '2026-01-01T00:00:00Z'::timestamptz + id * interval '1 hour'`);
    expect(await ids({})).toEqual([4, 3, 2, 1]);
    expect(await ids({ limit: 3 })).toEqual([4, 3, 2]);
    expect(await ids({ limit: 3, before: 2 })).toEqual([1]);
    expect(await ids({ user: 'anna' })).toEqual([3, 1]);
    expect(await ids({ operation: 'runs.start', before: 4 })).toEqual([2]);
    expect(await ids({ since: '2026-01-01T02:00:00Z', until: '2026-01-01T04:00:00Z' })).toEqual([3, 2]);
  });

  test('is for people a line an entry', async () => {
    await did('anna', 'runs.stop');
    const { stdout } = await runCli(['audit', 'list'], { DATABASE_URL: database.url });
    expect(stdout).toMatch(
      /^started +user +source +operation +result +input\n\S+Z +anna +cli +runs\.stop +OK +\{\}\n$/,
    );
  });
});
