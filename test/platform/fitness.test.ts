import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { freePort } from '../../dev/stack/ports.ts';
import { type Database, openDatabase } from '../../src/platform/database.ts';
import { requireFitDatabase, requireFitServer, schemaProblem } from '../../src/platform/fitness.ts';
import { listen } from '../../src/platform/listen.ts';
import { createLogger } from '../../src/platform/logging.ts';
import { migrateDatabase } from '../../src/platform/migrate.ts';
import { createTestDatabase } from '../support/database.ts';
import { eventually } from '../support/scene.ts';
import { targetOf } from '../support/tcp-proxy.ts';

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close();
});

async function open(): Promise<{ readonly url: string; readonly db: Database }> {
  const database = await createTestDatabase();
  closers.push(() => database.drop());
  const { url } = database;
  const db = openDatabase({ url, maxConnections: 2, applicationName: 'test' });
  closers.push(() => db.close());
  return { url, db };
}

describe('A database', () => {
  test('with the tables of this version is fit', async () => {
    const { url } = await open();
    await expect(requireFitDatabase(url)).resolves.toBeUndefined();
  });

  test('without tables is refused with the command that makes them, and is fit after it', async () => {
    const { url, db } = await open();
    await db.query('drop schema public cascade');
    await db.query('create schema public');
    await expect(requireFitDatabase(url)).rejects.toThrow(
      'The database has no tables of conax-provisioning: run "conax-provisioning migrate" with the same DATABASE_URL.',
    );
    await migrateDatabase(url);
    await expect(requireFitDatabase(url)).resolves.toBeUndefined();
  });

  test('that lacks the newest migration is refused with its name', async () => {
    const { url, db } = await open();
    const [{ name } = { name: '' }] = await db.query<{ name: string }>(
      'delete from knex_migrations where id = (select max(id) from knex_migrations) returning name',
    );
    await expect(requireFitDatabase(url)).rejects.toThrow(
      `lacks ${name.replace('.ts', '')}: run "conax-provisioning migrate"`,
    );
  });

  test('of a newer version goes on being used, and "migrate" leaves it as it is', async () => {
    const { url, db } = await open();
    await db.query(
      `insert into knex_migrations (name, batch, migration_time) values ('0998_newer.ts', 9, now()), ('0999_newest.ts', 9, now())`,
    );
    await requireFitDatabase(url);
    await migrateDatabase(url);
    const rows = await db.query('select name from knex_migrations order by id desc limit 2');
    expect(rows).toEqual([{ name: '0999_newest.ts' }, { name: '0998_newer.ts' }]);
  });

  test('of a newer version that this one must not work with is refused, by "migrate" too', async () => {
    const { url, db } = await open();
    await db.query(`insert into knex_migrations (name, batch, migration_time) values ('0999_newest.ts', 9, now())`);
    await db.query('update schema_compatibility set must_know = 999');
    const message = /This version of conax-provisioning is too old .* knows 999\. Use a newer version\.$/;
    await expect(requireFitDatabase(url)).rejects.toThrow(message);
    await expect(migrateDatabase(url)).rejects.toThrow(message);
  });

  test('that loses its tables under the service is told of by the next look', async () => {
    const { db } = await open();
    expect(await schemaProblem(db)).toBeNull();
    await db.query('drop schema public cascade');
    expect(await schemaProblem(db)).toMatch(/has no tables of conax-provisioning: run/);
  });

  test.each(['LATIN1', 'SQL_ASCII'])('with the encoding %s is refused with the remedy', async (encoding) => {
    const { url, db } = await open();
    const name = `${new URL(url).pathname.slice(1)}_${encoding.toLowerCase()}`;
    await db.query(`create database ${name} encoding '${encoding}' locale 'C' template template0`);
    closers.push(() => db.query(`drop database ${name} with (force)`));
    const own = new URL(url);
    own.pathname = `/${name}`;
    await expect(migrateDatabase(own.href)).rejects.toThrow(
      `The database ${name} has the encoding ${encoding} and cannot keep every text of the CRM: ` +
        `create one with "create database ${name} encoding 'UTF8' template template0", and migrate that.`,
    );
  });
});

/** Debian's package `pgbouncer`; the tests with it are left out if it is not installed. */
const PGBOUNCER = ['/usr/sbin/pgbouncer', '/usr/bin/pgbouncer', '/opt/homebrew/bin/pgbouncer'].find((path) => {
  try {
    return execFileSync(path, ['--version']).length > 0;
  } catch {
    return false;
  }
});

/** pgbouncer with its default settings but the pool mode, before the server of a URL; the URL by way of it. */
async function startPooler(url: string, mode: string, more = ''): Promise<string> {
  const directory = mkdtempSync(join(tmpdir(), 'conax-pgbouncer-'));
  chmodSync(directory, 0o755);
  const port = await freePort();
  const { host, port: serverPort } = targetOf(url);
  const file = join(directory, 'pgbouncer.ini');
  writeFileSync(
    file,
    `[databases]\n* = host=${host} port=${serverPort} user=${new URL(url).username}\n[pgbouncer]\nlisten_addr = 127.0.0.1\n` +
      `listen_port = ${port}\nunix_socket_dir =\nauth_type = any\npool_mode = ${mode}\n${more}`,
  );
  const root = process.getuid?.() === 0 ? ['-u', 'postgres'] : [];
  const child: ChildProcess = spawn(PGBOUNCER ?? '', [...root, file], { stdio: 'ignore' });
  const ended = new Promise((resolve) => child.once('exit', resolve));
  closers.push(async () => {
    child.kill('SIGKILL');
    await ended;
    rmSync(directory, { recursive: true });
  });
  const pooled = new URL(url);
  pooled.host = `127.0.0.1:${port}`;
  const probe = openDatabase({ url: pooled.href, maxConnections: 1, applicationName: 'probe' });
  await eventually(() => probe.query('select 1').catch(() => undefined), 'pgbouncer');
  await probe.close();
  return pooled.href;
}

describe.skipIf(PGBOUNCER === undefined)('A pooler', () => {
  test.each([
    ['transaction', ''],
    ['transaction', 'server_round_robin = 1'],
    ['transaction', 'default_pool_size = 1'],
    ['statement', ''],
  ])('in %s mode is refused (%s)', async (mode, more) => {
    const { url } = await open();
    const pooled = await startPooler(url, mode, more);
    const message =
      /shares sessions \(transaction or statement mode\): connect to PostgreSQL directly, or set pool_mode = session/;
    for (let time = 0; time < 5; time += 1) await expect(requireFitServer(pooled)).rejects.toThrow(message);
    await expect(migrateDatabase(pooled)).rejects.toThrow(message);
  });

  test('in session mode carries everything: settings, transactions, long statements, notifications', async () => {
    const { url, db } = await open();
    const pooled = await startPooler(url, 'session');
    await requireFitDatabase(pooled);
    await migrateDatabase(pooled);
    const database = openDatabase({ url: pooled, maxConnections: 2, applicationName: 'pooled', prepared: true });
    closers.push(() => database.close());
    expect(await database.query(`select current_setting('lock_timeout') as lock`)).toEqual([{ lock: '15s' }]);
    // Longer than the watch for half-open connections takes to believe that the server has forgotten a statement.
    expect(await database.query('select 1 as answer from pg_sleep(5)')).toEqual([{ answer: 1 }]);
    const heard: string[] = [];
    let listening = false;
    const listener = listen({
      databaseUrl: pooled,
      applicationName: 'pooled listener',
      channel: 'tested',
      onMessage: (message) => heard.push(message),
      onListening: () => (listening = true),
      logger: createLogger('silent'),
    });
    closers.push(() => listener.stop());
    await eventually(() => (listening ? true : undefined), 'listening');
    await db.query(`select pg_notify('tested', 'hello')`);
    await eventually(() => (heard.includes('hello') ? true : undefined), 'the notification');
  });
});
