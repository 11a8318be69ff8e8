import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import pg from 'pg';
import { pino } from 'pino';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { type Database, type DatabaseOptions, openDatabase } from '../../src/platform/database.ts';
import { isDatabaseOutage, isReadOnlyRefusal } from '../../src/platform/database-errors.ts';
import { listen } from '../../src/platform/listen.ts';
import { ReadOnlyServerError } from '../../src/platform/session.ts';
import { type OwnServer, startOwnServer } from '../support/postgres-server.ts';
import { eventually } from '../support/scene.ts';

let server: OwnServer;
const closers: (() => Promise<unknown>)[] = [];
beforeAll(async () => {
  server = await startOwnServer();
});
afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close();
});
afterAll(() => server.close());

function open(more: Partial<DatabaseOptions> = {}): Database {
  const database = openDatabase({ url: server.url, maxConnections: 2, applicationName: 'tested', ...more });
  closers.push(() => database.close());
  return database;
}

/** Hears on a channel; what it counts is how often listening started, and it notes why it did not. */
function startListening(): { readonly times: () => number; readonly problems: () => string } {
  let times = 0;
  let problems = '';
  const log = new Writable({
    write(chunk: Buffer, _encoding, done) {
      problems += chunk.toString('utf8');
      done();
    },
  });
  const listener = listen({
    databaseUrl: server.url,
    applicationName: 'tested',
    channel: 'tested',
    onMessage: () => {},
    onListening: () => (times += 1),
    logger: pino({ level: 'debug' }, log),
  });
  closers.push(() => listener.stop());
  return { times: () => times, problems: () => problems };
}

const problemOf = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => null,
    (error: unknown) => error,
  );

/** Past the pools; by the server's own session, as an administrator has it. */
async function administer<T extends object>(...statements: string[]): Promise<T[]> {
  const client = new pg.Client({ connectionString: server.url, application_name: 'administrator' });
  await client.connect();
  try {
    let rows: T[] = [];
    for (const statement of statements) ({ rows } = await client.query<T>(statement));
    return rows;
  } finally {
    await client.end();
  }
}

const sessions = (): Promise<object[]> =>
  administer(`select query from pg_stat_activity where application_name = 'tested'`);

test('a standby is refused by pools and listeners, which keep no session with it, and they are back with the primary', async () => {
  const database = open();
  const heard = startListening();
  await database.query('create table place (name text)');
  await eventually(async () => (heard.times() === 1 ? true : undefined), 'listening');

  await server.control.stop();
  await writeFile(join(server.data, 'standby.signal'), '');
  await server.control.start();
  const problem = await eventually(async () => {
    const one = await problemOf(database.query('select from place'));
    return one instanceof ReadOnlyServerError ? one : undefined;
  }, 'the refusal of a statement that only reads');
  expect(problem.message).toMatch(/standby/);
  expect(isDatabaseOutage(problem)).toBe(true);
  await eventually(async () => (/is a standby/.test(heard.problems()) ? true : undefined), "the listener's refusal");
  await eventually(async () => ((await sessions()).length === 0 ? true : undefined), 'no session with the standby');

  const reader = open({ applicationName: 'reader', acceptReadOnly: true });
  expect(await reader.query('select name from place')).toEqual([]);
  expect(await reader.transaction((tx) => tx.query('select name from place'))).toEqual([]);
  const refusal = await problemOf(reader.query(`insert into place values ('reader')`));
  expect(isReadOnlyRefusal(refusal)).toBe(true);
  expect(isDatabaseOutage(refusal)).toBe(true);

  await server.control.stop();
  await rm(join(server.data, 'standby.signal'));
  await server.control.start();
  await eventually(async () => {
    return (await problemOf(database.query(`insert into place values ('home')`))) === null ? true : undefined;
  }, 'a statement that writes');
  await eventually(async () => (heard.times() === 2 ? true : undefined), 'listening again');
  await reader.query(`insert into place values ('reader')`);
});

test('a session that was opened with a server that takes no writes is soon used no more, so that the primary is found', async () => {
  const reader = open({ maxConnections: 1, acceptReadOnly: true });
  const pid = async (): Promise<unknown> =>
    (await reader.query<{ pid: number }>('select pg_backend_pid() as pid'))[0]?.pid;
  await administer('alter database conax set default_transaction_read_only = on');
  const first = await pid();
  await administer(
    'set default_transaction_read_only = off',
    'alter database conax reset default_transaction_read_only',
  );
  await eventually(async () => ((await pid()) === first ? undefined : true), 'another session');
  expect(await problemOf(reader.query('create temporary table mine ()'))).toBeNull();
});

test('sessions from before the server became read-only are used by no pool again, and no listener stays with it', async () => {
  const reads = open();
  const writes = open();
  const heard = startListening();
  const pid = async (database: Database): Promise<unknown> =>
    (await database.query('select pg_backend_pid() as pid'))[0];
  const [reader, writer] = [await pid(reads), await pid(writes)];
  await eventually(async () => (heard.times() === 1 ? true : undefined), 'listening');

  await administer('alter system set default_transaction_read_only = on', 'select pg_reload_conf()');
  const problem = await eventually(
    async () => (await problemOf(writes.query('create table later ()'))) ?? undefined,
    'the refusal of a statement that writes',
  );
  expect(problem).toMatchObject({ code: '25006' });
  expect(isDatabaseOutage(problem)).toBe(true);
  expect(await problemOf(reads.query('select 1'))).toBeInstanceOf(ReadOnlyServerError);
  await eventually(async () => (/takes no writes/.test(heard.problems()) ? true : undefined), "the listener's refusal");

  await administer('alter system reset default_transaction_read_only', 'select pg_reload_conf()');
  await eventually(async () => {
    return (await problemOf(writes.query('create table if not exists later ()'))) === null ? true : undefined;
  }, 'a statement that writes');
  expect(await pid(writes)).not.toEqual(writer);
  expect(await pid(reads)).not.toEqual(reader);
  await eventually(async () => (heard.times() === 2 ? true : undefined), 'listening again');
});
