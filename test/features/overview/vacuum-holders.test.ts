import { randomUUID } from 'node:crypto';
import { Writable } from 'node:stream';
import { Registry } from '@prometheus-io/client';
import pg from 'pg';
import { pino } from 'pino';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { holderMetrics, type HolderOptions, lookForHolders } from '../../../src/features/overview/vacuum-holders.ts';
import { type Database, openDatabase } from '../../../src/platform/database.ts';
import { migrateDatabase } from '../../../src/platform/migrate.ts';
import { type OwnServer, startOwnServer } from '../../support/postgres-server.ts';
import { eventually } from '../../support/scene.ts';

/** A server of its own: what holds back vacuum on a shared one would be another test's. */
let server: OwnServer;
let db: Database;
const instance = randomUUID();
const closers: (() => Promise<unknown>)[] = [];
beforeAll(async () => {
  server = await startOwnServer();
  await administer('alter system set max_prepared_transactions = 2');
  await server.control.stop();
  await server.control.start();
  await migrateDatabase(server.url);
  db = openDatabase({ url: server.url, maxConnections: 2, applicationName: 'test' });
  await db.query(
    `insert into dispatcher_instance (id, slots, requests_per_second, expires_at) values ($1, 1, 1, now() + interval '1 day')`,
    [instance],
  );
  await db.query('create table place (name text)');
  await administer('create database other', `create role plain login password 'secret'`);
  await administer('grant select on dispatcher_instance to plain');
}, 60_000);
afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close();
});
afterAll(async () => {
  await db?.close();
  await server?.close();
});

async function administer(...statements: string[]): Promise<void> {
  const client = await connect({});
  for (const statement of statements) await client.query(statement);
  await client.end();
}

async function connect(config: pg.ClientConfig, url = server.url): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: url, ...config });
  await client.connect();
  return client;
}

/** Another client, which is in a transaction. */
async function inTransaction(application: string, statement: string, url = server.url): Promise<pg.Client> {
  const client = await connect({ application_name: application }, url);
  closers.push(() => client.end());
  await client.query('begin');
  await client.query(statement);
  return client;
}

interface Watched {
  readonly look: () => Promise<void>;
  readonly warnings: () => Record<string, unknown>[];
  readonly seconds: () => Promise<number | undefined>;
}

function watch(more: Partial<HolderOptions> = {}): Watched {
  const registry = new Registry();
  let log = '';
  const stream = new Writable({
    write(chunk: Buffer, _encoding, done) {
      log += chunk.toString('utf8');
      done();
    },
  });
  const look = lookForHolders({
    db,
    instance,
    metrics: holderMetrics(registry),
    logger: pino({ base: null }, stream),
    warnAfterMs: 100,
    ...more,
  });
  return {
    look,
    warnings: () =>
      log
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => JSON.parse(line) as Record<string, unknown>),
    seconds: async () => {
      const [, value] = /^conax_database_oldest_transaction_seconds (\S+)$/m.exec(await registry.metrics()) ?? [];
      return value === undefined ? undefined : Number(value);
    },
  };
}

const warned = (watched: Watched, times = 1): Promise<Record<string, unknown>> =>
  eventually(async () => {
    await watched.look();
    return watched.warnings()[times - 1];
  }, `warning ${times}`);

function as(role: string): string {
  const url = new URL(server.url);
  url.username = role;
  url.password = 'secret';
  return url.href;
}

test('a transaction that was forgotten is named once, and again later, without its statement', async () => {
  const watched = watch();
  expect(await watched.seconds()).toBeUndefined();
  await watched.look();
  expect(await watched.seconds()).toBe(0);

  const client = await inTransaction('report', `insert into place values ('s3cret')`);
  const { rows } = await client.query<{ pid: number }>('select pg_backend_pid() as pid');
  const pid = String(rows[0]?.pid);
  const warning = await warned(watched);
  expect(warning).toMatchObject({
    kind: 'session',
    name: pid,
    application: 'report',
    address: '127.0.0.1',
    state: 'idle in transaction',
    user: new URL(server.url).username,
    since: expect.stringMatching(/^\d{4}-.*Z$/),
    msg: `PostgreSQL cannot remove dead rows, and sending gets slower: a transaction of session ${pid} has been open for too long; end it, or select pg_terminate_backend(${pid}) (docs/database.md)`,
  });
  expect(JSON.stringify(warning)).not.toContain('s3cret');
  expect(await watched.seconds()).toBeGreaterThan(0.1);
  await watched.look();
  expect(watched.warnings()).toHaveLength(1);

  const impatient = watch({ warnAgainMs: 1 });
  await warned(impatient, 2);
  await client.query('commit');
  await watched.look();
  expect(await watched.seconds()).toBe(0);
});

test('what does not hold back vacuum is not counted: a transaction without a snapshot, and one of another database', async () => {
  await inTransaction('reader', 'select from place');
  await inTransaction('other', 'create table place ()', server.url.replace(/\/\w+$/, '/other'));
  const watched = watch();
  await watched.look();
  expect(await watched.seconds()).toBe(0);
});

test('a transaction that only reads is counted if it keeps its snapshot', async () => {
  const client = await inTransaction('dump', 'set transaction isolation level repeatable read');
  await client.query('select from place');
  expect(await warned(watch())).toMatchObject({ application: 'dump' });
});

test('a role without the right to see other sessions still names process and user, and with it all', async () => {
  await inTransaction('report', `insert into place values ('x')`);
  const plain = (): Database => {
    const own = openDatabase({ url: as('plain'), maxConnections: 1, applicationName: 'plain' });
    closers.push(() => own.close());
    return own;
  };
  const warning = await warned(watch({ db: plain() }));
  expect(warning).toMatchObject({
    kind: 'session',
    user: new URL(server.url).username,
    application: 'report',
    address: null,
    since: null,
    state: null,
  });
  expect(warning['msg']).toMatch(/pg_terminate_backend/);
  await administer('grant pg_read_all_stats to plain');
  expect(await warned(watch({ db: plain() }))).toMatchObject({ application: 'report', state: 'idle in transaction' });
});

test('a prepared transaction that nobody ends is named', async () => {
  await administer('begin', `insert into place values ('y')`, `prepare transaction 'forgotten'`);
  closers.push(() => administer(`rollback prepared 'forgotten'`));
  expect(await warned(watch())).toMatchObject({
    kind: 'prepared transaction',
    name: 'forgotten',
    msg: expect.stringContaining('prepared transaction forgotten was forgotten; commit prepared or rollback prepared'),
  });
});

test('a replication slot that keeps the transaction of a standby is named, also after the standby is gone', async () => {
  await administer(`select pg_create_physical_replication_slot('old_standby', true)`);
  closers.push(() => administer(`select pg_drop_replication_slot('old_standby')`));
  const [at] = await db.query<{ xid: string; lsn: string }>(
    'select pg_current_xact_id()::text as xid, pg_current_wal_lsn()::text as lsn',
  );
  const standby = await connect({ replication: 'true' } as pg.ClientConfig);
  const { connection } = standby as unknown as {
    connection: NodeJS.EventEmitter & { sendCopyFromChunk(bytes: Buffer): void };
  };
  const started = new Promise((resolve) => connection.once('replicationStart', resolve));
  standby.query(`START_REPLICATION SLOT old_standby PHYSICAL ${at?.lsn ?? ''}`).catch(() => {});
  await started;
  // As hot_standby_feedback reports the oldest transaction of a standby.
  const feedback = Buffer.alloc(25);
  feedback.write('h');
  feedback.writeUInt32BE(Number(at?.xid), 9);
  connection.sendCopyFromChunk(feedback);
  await warned(watch());
  standby.end().catch(() => {});
  const warning = await eventually(async () => {
    const one = await warned(watch());
    return one['state'] === 'inactive' ? one : undefined;
  }, 'a slot that nobody uses');
  expect(warning).toMatchObject({ kind: 'replication slot', name: 'old_standby', since: null });
  expect(warning['msg']).toContain('replication slot old_standby holds an old transaction');
});

test('of several instances only the one that started first warns, and all show the age', async () => {
  await inTransaction('report', `insert into place values ('z')`);
  const other = watch({ instance: randomUUID() });
  await warned(watch());
  await other.look();
  expect(other.warnings()).toEqual([]);
  expect(await other.seconds()).toBeGreaterThan(0);
});
