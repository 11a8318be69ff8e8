import { randomUUID } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { BACKFILLS } from '../../migrations/follow-ups/backfills.ts';
import { INDEXES } from '../../migrations/follow-ups/indexes.ts';
import { type Database, openDatabase } from '../../src/platform/database.ts';
import { newestMigration } from '../../src/platform/fitness.ts';
import { migrateDatabase } from '../../src/platform/migrate.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { eventually } from '../support/scene.ts';

const NAMES = BACKFILLS.map(({ name }) => name);
const [INDEX = { name: '', definition: '' }] = INDEXES;

let database: TestDatabase;
let db: Database;
beforeEach(async () => {
  database = await createTestDatabase();
  db = openDatabase({ url: database.url, maxConnections: 6, applicationName: 'test', lockTimeoutMs: 1_000 });
});
afterEach(async () => {
  await db.close();
  await database.drop();
});

describe('An index on a big table', () => {
  const isValid = async (): Promise<boolean> => {
    const [row] = await db.query<{ valid: boolean }>(
      'select indisvalid as valid from pg_index where indexrelid = to_regclass($1)',
      [INDEX.name],
    );
    return row?.valid === true;
  };
  const write = (): Promise<unknown> =>
    db.query(
      `insert into inbox (disposition, topic, partition, message_offset, message_timestamp) values ('DUPLICATE', 't', 0, 1, now())`,
    );
  const isWaiting = async (): Promise<true | undefined> => {
    const waiting = await db.query(
      `select from pg_stat_activity where query like 'create index concurrently%' and wait_event_type = 'Lock' and datname = current_database()`,
    );
    return waiting.length > 0 ? true : undefined;
  };

  test('is built while others write, and waits for them and not they for it; another "migrate" is not blocked either', async () => {
    await db.query(`drop index ${INDEX.name}`);
    let migrating: Promise<unknown> | undefined;
    await db.transaction(async (tx) => {
      await tx.query(
        `insert into inbox (disposition, topic, partition, message_offset, message_timestamp) values ('DUPLICATE', 't', 0, 0, now())`,
      );
      migrating = migrateDatabase(database.url);
      await eventually(isWaiting, 'the build that waits for this transaction');
      await write();
      // The lock of the migrations, by which a "migrate" of an older version waits: the build would wait for that in turn.
      expect(await db.query('select pg_try_advisory_lock(6202611) as free')).toEqual([{ free: true }]);
    });
    await migrating;
    expect(await isValid()).toBe(true);
  });

  test('is built again if a kill left it unusable', async () => {
    await db.query('update pg_index set indisvalid = false where indexrelid = to_regclass($1)', [INDEX.name]);
    await migrateDatabase(database.url);
    expect(await isValid()).toBe(true);
  });

  test('is built once by two at once: the second waits without a statement that the build would wait for', async () => {
    await db.query(`drop index ${INDEX.name}`);
    const steps: string[] = [];
    const next: Promise<unknown>[] = [];
    await db.transaction(async (tx) => {
      await tx.query(
        `insert into inbox (disposition, topic, partition, message_offset, message_timestamp) values ('DUPLICATE', 't', 0, 0, now())`,
      );
      next.push(migrateDatabase(database.url));
      await eventually(isWaiting, 'the build that waits for this transaction');
      next.push(migrateDatabase(database.url, { onStep: (step) => steps.push(step) }));
      const second = await eventually(
        async () =>
          (
            await db.query(
              `select from pg_stat_activity where query like '%pg_try_advisory_lock%' and datname = current_database() and pid <> pg_backend_pid()`,
            )
          )[0],
        'the second "migrate"',
      );
      expect(second).toBeDefined();
    });
    await Promise.all(next);
    expect(await isValid()).toBe(true);
    expect(steps.filter((step) => step.includes(INDEX.name))).toEqual([]);
  });
});

describe('A backfill', () => {
  async function start(knows: number | null): Promise<string> {
    const id = randomUUID();
    await db.query(`insert into dispatcher_instance (id, expires_at) values ($1::uuid, now() + interval '1 minute')`, [
      id,
    ]);
    await db.query(
      `insert into service_instance (id, host, started_at, parts, knows) values ($1::uuid, 'h', now(), '[]', $2)`,
      [id, knows],
    );
    return id;
  }
  const stop = (id: string): Promise<unknown> => db.query('delete from dispatcher_instance where id = $1::uuid', [id]);
  const filledIn = async (again = false): Promise<string[]> =>
    Object.keys((await migrateDatabase(database.url, { again })).filled);

  test('is done once, and again on request', async () => {
    expect(await filledIn()).toEqual([]);
    expect(await filledIn(true)).toEqual(NAMES);
    expect(await filledIn()).toEqual([]);
  });

  test('is put off while an instance runs that does not know its migration, and done once it has stopped', async () => {
    await start(newestMigration());
    const old = await start(null);
    expect(await migrateDatabase(database.url)).toEqual({ filled: {}, putOff: NAMES });
    await stop(old);
    expect(await filledIn()).toEqual(NAMES);
    expect(await filledIn()).toEqual([]);
  });

  test('is put off for those migrations only that a running instance does not know', async () => {
    await start(10);
    const { putOff } = await migrateDatabase(database.url);
    expect(putOff).toEqual(BACKFILLS.filter(({ migration }) => migration > 10).map(({ name }) => name));
  });

  test('is not done by a version that is older than the tables, whose "migrate" changes nothing', async () => {
    await db.query(`insert into knex_migrations (name, batch, migration_time) values ('0999_newest.ts', 9, now())`);
    await db.query(`drop index ${INDEX.name}; delete from follow_up`);
    expect(await migrateDatabase(database.url)).toEqual({ filled: {}, putOff: [] });
    expect(await db.query('select to_regclass($1) as index', [INDEX.name])).toEqual([{ index: null }]);
    expect(await db.query('select from follow_up')).toEqual([]);
  });
});
