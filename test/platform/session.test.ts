import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Database, openDatabase } from '../../src/platform/database.ts';
import { migrateDatabase } from '../../src/platform/migrate.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';

/** What an administrator may have set for good reasons of their own. */
const DEFAULTS = {
  default_transaction_isolation: 'serializable',
  default_transaction_deferrable: 'on',
  DateStyle: 'German, DMY',
  IntervalStyle: 'sql_standard',
  TimeZone: 'Asia/Kathmandu',
  bytea_output: 'escape',
  extra_float_digits: '-10',
  standard_conforming_strings: 'off',
  transform_null_equals: 'on',
  array_nulls: 'off',
  client_encoding: 'LATIN1',
  statement_timeout: '1s',
  lock_timeout: '1s',
  idle_in_transaction_session_timeout: '1s',
  idle_session_timeout: '1s',
  synchronous_commit: 'off',
} as const;

let own: TestDatabase;
let db: Database;

/** A database with these defaults, without tables, and then migrated. */
beforeAll(async () => {
  own = await createTestDatabase();
  const before = openDatabase({ url: own.url, maxConnections: 1, applicationName: 'test' });
  const [{ name } = { name: '' }] = await before.query<{ name: string }>('select current_database() as name');
  await before.query('drop schema public cascade');
  await before.query('create schema public');
  for (const [setting, value] of Object.entries(DEFAULTS)) {
    await before.query(`alter database ${name} set ${setting} = '${value}'`);
  }
  await before.query(`alter database ${name} set search_path = nowhere, pg_catalog`);
  await before.close();
  await migrateDatabase(own.url);
  db = openDatabase({ url: own.url, maxConnections: 2, applicationName: 'test' });
}, 120_000);
afterAll(async () => {
  await db.close();
  await own.drop();
});

describe('Whatever the defaults of the database are,', () => {
  test('the migrations make their tables in the schema public', async () => {
    const rows = await db.query(`select schemaname from pg_tables where tablename = 'request'`);
    expect(rows).toEqual([{ schemaname: 'public' }]);
  });

  test('each statement of a transaction sees what was committed before it', async () => {
    const card = randomBytes(4).toString('hex');
    const seen = await db.transaction(async (tx) => {
      const look = (): Promise<unknown[]> => tx.query('select from subscription where number = $1', [card]);
      expect(await look()).toEqual([]);
      await db.query(`insert into subscription (number, crm_id, version, snapshot) values ($1, $1, 1, '{}')`, [card]);
      return await look();
    });
    expect(seen).toHaveLength(1);
  });

  test('times, bytes, numbers and texts come back as they were', async () => {
    const time = new Date('2030-02-01T03:04:05.678Z');
    const bytes = Buffer.from([0, 92, 39, 200, 255]);
    const text = "Ελληνικά \\ ' 日本";
    const [row] = await db.query(
      `select $1::timestamptz as time, $2::bytea as bytes, $3::text as text, 0.1::float8 + 0.2 as number,
              array[1, null]::text as list, null = null as unknown, '\\' as backslash, to_char($1::timestamptz, 'HH24') as hour`,
      [time, bytes, text],
    );
    expect(row).toEqual({
      time,
      bytes,
      text,
      number: 0.1 + 0.2,
      list: '{1,NULL}',
      unknown: null,
      backslash: '\\',
      hour: '03',
    });
  });

  test('statements have the times of the pool, and a commit is durable', async () => {
    const impatient = openDatabase({ url: own.url, maxConnections: 1, applicationName: 'test', lockTimeoutMs: 123 });
    const [row] = await impatient.query(
      `select current_setting('statement_timeout') as statement, current_setting('lock_timeout') as lock,
              current_setting('idle_in_transaction_session_timeout') as transaction,
              current_setting('idle_session_timeout') as idle, current_setting('synchronous_commit') as commit`,
    );
    await impatient.close();
    expect(row).toEqual({ statement: '30s', lock: '123ms', transaction: '1min', idle: '0', commit: 'on' });
  });
});

test('tables that are found by the search path of the role stay in use, and those of other schemas are not touched', async () => {
  const other = await createTestDatabase();
  const admin = openDatabase({ url: other.url, maxConnections: 1, applicationName: 'test' });
  const [{ name } = { name: '' }] = await admin.query<{ name: string }>('select current_database() as name');
  await admin.query('create schema conax');
  await admin.query(`alter database ${name} set search_path = conax`);
  await admin.close();
  await migrateDatabase(other.url);
  const session = openDatabase({ url: other.url, maxConnections: 1, applicationName: 'test' });
  const [row] = await session.query(`select current_setting('search_path') as path, 'request'::regclass::text as found,
    (select relnamespace::regnamespace::text from pg_class where oid = 'request'::regclass) as schema`);
  await session.close();
  await other.drop();
  expect(row).toEqual({ path: 'conax', found: 'request', schema: 'conax' });
});
