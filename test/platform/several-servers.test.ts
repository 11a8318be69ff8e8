import pg from 'pg';
import { pino } from 'pino';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { type Database, type DatabaseOptions, openDatabase } from '../../src/platform/database.ts';
import { leaveServer, serverOf, serversOf } from '../../src/platform/database-servers.ts';
import { migrateDatabase } from '../../src/platform/migrate.ts';
import { listen } from '../../src/platform/listen.ts';
import { addressOf } from '../../src/platform/unreachable.ts';
import { readSettings } from '../../src/settings.ts';
import { type OwnServer, startOwnServer } from '../support/postgres-server.ts';
import { eventually } from '../support/scene.ts';

describe('an address with several hosts', () => {
  test('names a server for each, with everything else of the address', () => {
    expect(serversOf('postgres://u:p%40@db1,db2:5433,[2001:db8::1]:5434/conax?sslmode=verify-full')).toEqual([
      'postgres://u:p%40@db1/conax?sslmode=verify-full',
      'postgres://u:p%40@db2:5433/conax?sslmode=verify-full',
      'postgres://u:p%40@[2001:db8::1]:5434/conax?sslmode=verify-full',
    ]);
    expect(serversOf('postgres://u:a,b@db1/conax')).toEqual(['postgres://u:a,b@db1/conax']);
  });

  test('is shown without user and password', () => {
    expect(addressOf('postgres://u:secret@db1,db2:5433/conax')).toBe('db1:5432, db2:5433');
  });

  test('leaves a server once, however many sessions lose it', () => {
    const url = 'postgres://once1,once2,once3/conax';
    const [first = '', second = ''] = serversOf(url);
    leaveServer(url, first);
    leaveServer(url, first);
    expect(serverOf(url)).toBe(second);
  });

  test.each(['any', 'read-only', 'prefer-standby'])('is refused with target_session_attrs=%s', (wanted) => {
    const url = `postgres://u:p@db1,db2/conax?sslmode=require&target_session_attrs=${wanted}`;
    expect(() => readSettings(['database'], { DATABASE_URL: url })).toThrow(/target_session_attrs must be read-write/);
  });

  test.each(['postgres://u:p@db1,db2:port/conax', 'postgres://u:p@db1:70000,db2/conax'])(
    'is refused if a host or port cannot be read: %s',
    (url) => {
      expect(() => readSettings(['database'], { DATABASE_URL: url })).toThrow(/host1:port,host2:port/);
    },
  );
});

describe('two servers, of which one takes writes', () => {
  let servers: readonly [OwnServer, OwnServer];
  let url = '';
  const closers: (() => Promise<unknown>)[] = [];
  beforeAll(async () => {
    servers = await Promise.all([startOwnServer(), startOwnServer()]);
    const [a, b] = servers.map((server) => new URL(server.url).host);
    url = `${servers[0].url.replace(a ?? '', `${a},${b}`)}?target_session_attrs=read-write`;
  }, 120_000);
  afterEach(async () => {
    for (const close of closers.splice(0).toReversed()) await close();
    await Promise.all([allowWrites(0, true), allowWrites(1, true)]);
  });
  afterAll(() => Promise.all(servers.map((server) => server.close())));

  /** As a failover does: the former primary takes no writes, and ends its sessions. */
  async function allowWrites(index: 0 | 1, allowed: boolean): Promise<void> {
    await ask(
      index,
      'set default_transaction_read_only = off',
      `alter database conax set default_transaction_read_only = ${allowed ? 'off' : 'on'}`,
      `select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'tested'`,
    );
  }
  async function ask(index: 0 | 1, ...statements: string[]): Promise<unknown> {
    const client = new pg.Client({ connectionString: servers[index].url });
    await client.connect();
    try {
      let rows: Record<string, unknown>[] = [];
      for (const statement of statements) ({ rows } = await client.query<Record<string, unknown>>(statement));
      return Object.values(rows[0] ?? {})[0];
    } finally {
      await client.end();
    }
  }
  function open(more: Partial<DatabaseOptions> = {}): Database {
    const database = openDatabase({ url, maxConnections: 2, applicationName: 'tested', ...more });
    closers.push(() => database.close());
    return database;
  }
  const portOf = async (database: Database): Promise<number> =>
    Number((await database.query<{ port: string }>(`select current_setting('port') as port`))[0]?.port);
  const port = (index: 0 | 1): number => Number(new URL(servers[index].url).port);

  test('a session is opened with the one that takes writes, whichever comes first', async () => {
    await allowWrites(0, false);
    expect(await portOf(open())).toBe(port(1));
    await allowWrites(0, true);
    await allowWrites(1, false);
    expect(await portOf(open())).toBe(port(0));
  });

  test('a pool and a listener that are open go on with the other one after a failover', async () => {
    await allowWrites(1, false);
    const database = open();
    expect(await portOf(database)).toBe(port(0));
    const heard: string[] = [];
    let listening = 0;
    const listener = listen({
      databaseUrl: url,
      applicationName: 'tested',
      channel: 'tested',
      onMessage: (message) => heard.push(message),
      onListening: () => (listening += 1),
      logger: pino({ level: 'silent' }),
    });
    closers.push(() => listener.stop());
    await eventually(() => (listening === 1 ? true : undefined), 'it listens');
    await allowWrites(1, true);
    await servers[0].control.stop();
    closers.push(() => servers[0].control.start());
    await eventually(async () => ((await portOf(database).catch(() => 0)) === port(1) ? true : undefined), 'the pool');
    await eventually(() => (listening === 2 ? true : undefined), 'it listens again');
    await database.query(`notify tested, 'here'`);
    await eventually(() => (heard.includes('here') ? true : undefined), 'what the other server sends');
  });

  test('a reader that may use a standby works with it, and with the primary once there is one', async () => {
    await Promise.all([allowWrites(0, false), allowWrites(1, false)]);
    const reader = open({ acceptReadOnly: true });
    const first = await portOf(reader);
    const primary = first === port(0) ? 1 : 0;
    await allowWrites(primary, true);
    const used = await eventually(async () => {
      const now = await portOf(reader);
      return now === first ? undefined : now;
    }, 'the reader uses another server');
    expect(used).toBe(port(primary));
  });

  test('the tables are made on the one that takes writes', async () => {
    await allowWrites(0, false);
    await migrateDatabase(url);
    const has = (index: 0 | 1) => ask(index, `select to_regclass('request') is not null`);
    expect([await has(0), await has(1)]).toEqual([false, true]);
  });
});
