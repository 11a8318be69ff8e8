import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Database, openDatabase } from '../../src/platform/database.ts';
import { requireFitDatabase } from '../../src/platform/fitness.ts';
import { migrateDatabase } from '../../src/platform/migrate.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';

/** The statements of docs/database.md, with names and passwords of this run's own. */
const suffix = randomBytes(4).toString('hex');
const OWNER = `conax_owner_${suffix}`;
const SERVICE = `conax_service_${suffix}`;
const documented = readFileSync(fileURLToPath(new URL('../../docs/database.md', import.meta.url)), 'utf8')
  .replaceAll('conax_owner', OWNER)
  .replaceAll('conax_service', SERVICE)
  .replaceAll('…', 'secret');
const [roles = '', before = '', afterwards = ''] = [...documented.matchAll(/```sql\n(.*?)```/gs)].map(([, text]) =>
  (text ?? '').replace(/^create database .*\n/, ''),
);

let own: TestDatabase;
let admin: Database;
beforeAll(async () => {
  own = await createTestDatabase();
  admin = openDatabase({ url: own.url, maxConnections: 1, applicationName: 'test' });
  await admin.query(roles);
});
afterAll(async () => {
  await admin.query(`drop owned by ${OWNER}, ${SERVICE} cascade`);
  await admin.query(`drop role ${OWNER}, ${SERVICE}`);
  await admin.close();
  await own.drop();
});

function as(role: string): string {
  const url = new URL(own.url);
  url.username = role;
  url.password = 'secret';
  return url.href;
}

async function emptyDatabase(): Promise<void> {
  await admin.query('drop schema public cascade');
  // Without anything that PUBLIC had by default.
  await admin.query('create schema public');
}

/** Every table and sequence can be used as the service does, and none can be changed. */
async function servesAndNoMore(): Promise<true> {
  await requireFitDatabase(as(SERVICE));
  const service = openDatabase({ url: as(SERVICE), maxConnections: 1, applicationName: 'test' });
  const tables = await service.query<{ name: string; may: boolean }>(
    `select tablename as name, has_table_privilege(tablename::text, 'select') and has_table_privilege(tablename::text, 'insert')
            and has_table_privilege(tablename::text, 'update') and has_table_privilege(tablename::text, 'delete') as may
       from pg_tables where schemaname = 'public'`,
  );
  expect(tables.length).toBeGreaterThan(20);
  expect(tables.filter(({ may }) => !may)).toEqual([]);
  expect(await service.query(`select nextval('request_number')`)).toHaveLength(1);
  await service.transaction(async (tx) => {
    await tx.query(`insert into subscription (number, crm_id, version, snapshot) values ('S1', '1', 1, '{}')`);
    await tx.query(`delete from subscription where number = 'S1'`);
  });
  await expect(service.query('alter table request add column mine int')).rejects.toMatchObject({ code: '42501' });
  await expect(service.query('create table mine ()')).rejects.toMatchObject({ code: '42501' });
  await service.close();
  return true;
}

test('a role with the documented grants migrates, and another one has what the service needs and no more', async () => {
  await emptyDatabase();
  await admin.query(before);
  await migrateDatabase(as(OWNER));
  await migrateDatabase(as(OWNER));
  expect(await servesAndNoMore()).toBe(true);
});

test('the grants for tables that are already there do the same', async () => {
  await admin.query(`drop owned by ${SERVICE}`);
  await emptyDatabase();
  await admin.query(`grant usage, create on schema public to ${OWNER}; grant usage on schema public to ${SERVICE}`);
  await migrateDatabase(as(OWNER));
  await admin.query(afterwards);
  expect(await servesAndNoMore()).toBe(true);
});
