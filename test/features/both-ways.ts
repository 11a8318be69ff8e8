import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Registry } from '@prometheus-io/client';
import { CommanderError } from 'commander';
import Fastify from 'fastify';
import { vi } from 'vitest';
import type { Field } from '../../src/commands/command-fields.ts';
import { reportAndExitCode } from '../../src/commands/exit-codes.ts';
import { createProgram } from '../../src/commands/program.ts';
import { pauseProvider } from '../../src/dispatch/provider.ts';
import { addToQueue } from '../../src/features/queue/store.ts';
import { webApiCodes, type WebApiCodeName } from '../../src/http/codes.ts';
import { webApiMetrics } from '../../src/http/metrics.ts';
import { registerApis } from '../../src/http/server.ts';
import { operationsApi } from '../../src/operations-api/calls.ts';
import { type FurtherCommand, type Operation, routeOf } from '../../src/operations/operation.ts';
import { type Database, openDatabase } from '../../src/platform/database.ts';
import { createLogger } from '../../src/platform/logging.ts';
import { createSeal } from '../../src/platform/seal.ts';
import { createFinalWatch } from '../../src/requests/await-final.ts';
import { addUser } from '../../src/users/changes.ts';
import { issueToken } from '../../src/users/tokens.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { household } from '../support/scene.ts';
import { create, know, RULES } from './runs/support.ts';

const PIN_KEY = randomBytes(32).toString('hex');
const CARD = '20000000329';

/** An operation as a call and as a command, each on a database of its own with the same rows. */
export interface BothWays {
  call(one: Operation, input: Input, fields: readonly Field[]): Promise<Ended>;
  command(one: ComparedCommand, input: Input, fields: readonly Field[]): Promise<Ended>;
  close(): Promise<void>;
}

export type Input = Readonly<Record<string, unknown>>;

/** A command of an operation, or one that does an operation's work in a way of its own. */
export interface ComparedCommand extends Pick<FurtherCommand, 'name' | 'operation' | 'cli'> {
  /** Whether it has `--by`; by default if its call is a POST. */
  readonly takesBy?: boolean;
}

/** How a call or a command ended. */
export interface Ended {
  /** As the command line has it. */
  readonly exitCode: number;
  readonly data: unknown;
  /** The sentence of an error, with the fields' names; null if there is none. */
  readonly said: string | null;
  /** Commander refused the arguments, in its own words and with the options' names. */
  readonly isOfCommander?: true;
}

export async function openBothWays(): Promise<BothWays> {
  const directory = mkdtempSync(join(tmpdir(), 'both-ways-'));
  const [api, cli] = [await openPrepared(), await openPrepared()];
  const { app, token, stop } = await serve(api);
  return {
    call,
    command,
    async close() {
      await stop();
      for (const { database, db } of [api, cli]) {
        await db.close();
        await database.drop();
      }
      rmSync(directory, { recursive: true });
    },
  };

  async function call(one: Operation, input: Input, fields: readonly Field[]): Promise<Ended> {
    const { method, path } = routeOf(one);
    const rest = { ...input };
    const url = path.replaceAll(/\{(\w+)\}/g, (_, name: string) => {
      delete rest[name];
      return encodeURIComponent(String(input[name]));
    });
    const texts = Object.entries(rest).map(([name, value]): [string, string] => [name, String(value)]);
    const query = method === 'GET' ? `?${new URLSearchParams(texts).toString()}` : '';
    const response = await app.inject({
      method,
      url: `/api/v1${url}${query}`,
      headers: { authorization: `Bearer ${token}` },
      ...(method === 'POST' ? { payload: rest } : {}),
    });
    const { status, data } = response.json<{
      status: { code: WebApiCodeName; description: string | null };
      data: unknown;
    }>();
    const said = status.description === null ? null : withFields(status.description, fields);
    return { exitCode: exitCodeOf(status.code, said), data, said };
  }

  async function command(one: ComparedCommand, input: Input, fields: readonly Field[]): Promise<Ended> {
    let [stdout, stderr] = ['', ''];
    vi.spyOn(process.stdout, 'write').mockImplementation((text) => ((stdout += String(text)), true));
    vi.spyOn(process.stderr, 'write').mockImplementation((text) => ((stderr += String(text)), true));
    vi.stubEnv('DATABASE_URL', cli.database.url);
    vi.stubEnv('PIN_KEY', PIN_KEY);
    vi.stubEnv('KAFKA_BROKERS', '127.0.0.1:1');
    vi.stubEnv('SCHEMA_REGISTRY_URL', 'http://127.0.0.1:1');
    const { cli: its } = one;
    const { takesBy = routeOf(one.operation).method === 'POST' } = one;
    const args = [
      ...one.name.split(' '),
      '--json',
      ...(takesBy ? ['--by=admin'] : []),
      ...(its.ask === undefined ? [] : ['--yes']),
      ...(its.follow === undefined || its.follow.onlyIfAsked ? [] : ['--no-wait']),
      ...(its.waits === true ? ['--timeout=1'] : []),
      ...fields
        .filter(({ isArgument }) => !isArgument)
        .flatMap((field) => optionsOf(field, valueAt(input, field.path), directory)),
      '--',
      ...fields.filter(({ isArgument }) => isArgument).flatMap(({ path }) => textsOf(valueAt(input, path))),
    ];
    let exitCode = 0;
    try {
      await (await createProgram(args[0])).parseAsync(['node', 'cli', ...args]);
    } catch (error) {
      stderr = '';
      exitCode = reportAndExitCode(error);
      if (error instanceof CommanderError) return { exitCode, data: null, said: error.message, isOfCommander: true };
    } finally {
      vi.restoreAllMocks();
    }
    if (stdout !== '') return { exitCode: 0, data: JSON.parse(stdout) as unknown, said: null };
    return { exitCode, data: null, said: exitCode === 0 ? null : withFields(stderr.trim(), fields) };
  }
}

interface Prepared {
  readonly database: TestDatabase;
  readonly db: Database;
}

/** The things that the examples name. Sending is paused, so that nobody waits for an outcome. */
async function openPrepared(): Promise<Prepared> {
  const database = await createTestDatabase();
  const db = openDatabase({ url: database.url, maxConnections: 4, applicationName: 'test' });
  await addUser(db, {
    username: 'admin',
    role: 'admin',
    organisation: 'acme',
    unit: null,
    password: 'correct horse battery',
    by: 'test',
  });
  await pauseProvider(db, { reason: 'test', by: 'test' });
  const subscription = household('S0000000329', CARD, ['101', '102']);
  for (const service of subscription.services) service.productCode = 'SPORT';
  await know(db, [subscription]);
  // `runs queue` on the command line starts no run that has nothing to send.
  const entry = { type: 'MAIL', message: 'Your new package is on', smartcard_ca_id: CARD } as const;
  await addToQueue(db, entry, { user: 'test', unit: null }, { rules: RULES });
  for (const [table, column, next] of [
    ['run', 'id', 17],
    ['communication_queue', 'number', 17],
    ['request', 'number', 4711],
  ]) {
    await db.query(`select setval(pg_get_serial_sequence('${table}', '${column}'), ${Number(next) - 1})`);
  }
  const id = await create(db, { kind: 'RECONCILE', parameters: {}, selection: { cards: [CARD] } });
  if (id !== 17) throw new Error(`The run of the examples is ${id}`);
  await db.query(`update run set state = 'STOPPED', prepared_at = now()`);
  return { database, db };
}

/** Serves the operations API alone: nothing sends, and no run moves. */
async function serve({ database, db }: Prepared) {
  const logger = createLogger('silent');
  const finalWatch = createFinalWatch({ databaseUrl: database.url, db, logger });
  const app = Fastify();
  const server = { db, logger, metrics: webApiMetrics(new Registry()), drainMs: 1_000, starting: () => false };
  const api = operationsApi({
    db,
    logger,
    finalWatch,
    seal: createSeal(PIN_KEY),
    pinKey: PIN_KEY,
    patterns: {
      smartcard: RULES.smartcardPattern,
      setTopBox: RULES.setTopBoxPattern,
      service: RULES.servicePattern,
      pin: /^\d{4}$/,
    },
    immediateTimeoutMs: 1_000,
    rules: RULES,
    stalePolicy: 'plan',
    facetWaitMs: 0,
    tokenIdleMs: 3_600_000,
    findWriterSchema: async () => ({ kind: 'unknown' }),
    ownTopics: [],
  });
  const apis = await registerApis(app, server, [api]);
  const [{ passwordHash } = { passwordHash: '' }] = await db.query<{ passwordHash: string }>(
    `select password_hash as "passwordHash" from web_user where username = 'admin'`,
  );
  const token = await issueToken(db, { username: 'admin', passwordHash, tokenIdleMs: 3_600_000 });
  return {
    app,
    token,
    stop: async () => {
      await apis.stop();
      await app.close();
      await finalWatch.stop();
    },
  };
}

function exitCodeOf(code: WebApiCodeName | 'OK', said: string | null): number {
  if (code === 'OK') return 0;
  const { status } = webApiCodes[code];
  if (status === 404) return 3;
  // A conflict that names no field is about the state of something.
  if (status === 409) return /^[\w.]+: /.test(said ?? '') ? 2 : 1;
  return status < 500 || status === 501 ? 2 : 1;
}

function optionsOf({ name, schema }: Field, value: unknown, directory: string): string[] {
  if (value === undefined) return [];
  if (schema.format === 'password') {
    const file = join(directory, 'secret');
    writeFileSync(file, textsOf(value).join());
    return [`--${name}-file=${file}`];
  }
  if (value === null) return [`--without-${name}`];
  if (typeof value === 'boolean') return value === name.startsWith('no-') ? [] : [`--${name}`];
  return (Array.isArray(value) ? value : [value]).flatMap(textsOf).map((text) => `--${name}=${text}`);
}

function textsOf(value: unknown): string[] {
  if (value === undefined) return [];
  return [typeof value === 'string' ? value : JSON.stringify(value)];
}

/** Names options and arguments as the input does, and a place in a list or an object of JSON as its field. */
function withFields(text: string, fields: readonly Field[]): string {
  let named = text;
  for (const { path, name, isArgument, schema } of fields.toSorted(
    (one, other) => other.name.length - one.name.length,
  )) {
    const secret = schema.format === 'password' ? `the ${schema.title ?? name}` : null;
    const label = secret ?? (isArgument ? name : `--${name}`);
    named = named.replaceAll(
      new RegExp(`(^|[ ;])${label}(?= is |: | has | is missing|,|$| )`, 'g'),
      (whole, before: string) => (isArgument && before === ' ' ? whole : `${before}${path}`),
    );
  }
  const inExpression = (path: string): string => path.replaceAll('.', '\\.');
  for (const { path } of fields) {
    named = named.replaceAll(new RegExp(`\\b${inExpression(path)}(?:\\.\\w+|\\[\\d+\\])+`, 'g'), path);
  }
  // An object whose fields are options is named by the first of them.
  for (const { path } of fields) {
    const around = path.replace(/\.[^.]*$/, '');
    if (around !== path) named = named.replaceAll(new RegExp(`\\b${inExpression(around)}(?![.\\w])`, 'g'), path);
  }
  return named;
}

function valueAt(input: object, path: string): unknown {
  let at: unknown = input;
  for (const name of path.split('.')) at = (at as Record<string, unknown> | undefined)?.[name];
  return at;
}
