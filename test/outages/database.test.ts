import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { type Database, openDatabase } from '../../src/platform/database.ts';
import { CommitUnknownError, NoAnswerError } from '../../src/platform/database-errors.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { targetOf } from '../support/tcp-proxy.ts';
import { byWayOf, type RoughProxy, startRoughProxy } from './rough-proxy.ts';
import { startStatementProxy, type StatementProxy } from './statement-proxy.ts';

let own: TestDatabase;
/** Past all proxies. */
let direct: Database;
const closers: (() => Promise<unknown>)[] = [];

beforeAll(async () => {
  own = await createTestDatabase();
  direct = openDatabase({ url: own.url, maxConnections: 4, applicationName: 'direct' });
  await direct.query('create table place (name text primary key, visits int not null)');
});
afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close();
  await direct.query('truncate place');
});
afterAll(async () => {
  await direct.close();
  await own.drop();
});

function open(options: Partial<Parameters<typeof openDatabase>[0]> = {}): Database {
  const database = openDatabase({ url: own.url, maxConnections: 2, applicationName: 'tested', ...options });
  closers.push(() => database.close());
  return database;
}

async function proxied(): Promise<RoughProxy> {
  const proxy = await startRoughProxy({ target: targetOf(own.url), seed: 1 });
  closers.push(() => proxy.close());
  return proxy;
}

async function cutting(word: string): Promise<StatementProxy> {
  const proxy = await startStatementProxy(targetOf(own.url), word);
  closers.push(() => proxy.close());
  return proxy;
}

/** Ends the sessions of the tested pools, as an administrator would. */
async function killSessions(): Promise<number> {
  const rows = await direct.query(
    `select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'tested'`,
  );
  return rows.length;
}

const visit = (name: string): [string, string[]] => [
  'insert into place values ($1, 1) on conflict (name) do update set visits = place.visits + 1',
  [name],
];
const visits = async (name: string): Promise<number> =>
  (await direct.query<{ visits: number }>('select visits from place where name = $1', [name]))[0]?.visits ?? 0;

/** The pool gives out only connections that work. */
async function expectSound(database: Database): Promise<void> {
  const answers = await Promise.all([1, 2, 3, 4].map((n) => database.query<{ n: number }>('select $1::int as n', [n])));
  expect(answers.map(([row]) => row?.n)).toEqual([1, 2, 3, 4]);
  expect(database.stats().waiting).toBe(0);
}

test('a connection that is killed while idle is replaced, and nobody who asks sees it', async () => {
  const broken: Error[] = [];
  const gone = Promise.withResolvers<void>();
  const database = open({
    onIdleError: (error) => {
      broken.push(error);
      if (broken.length === 2) gone.resolve();
    },
  });
  await Promise.all([database.query('select pg_sleep(0.05)'), database.query('select pg_sleep(0.05)')]);
  expect(await killSessions()).toBe(2);
  await gone.promise;
  expect(database.stats().total).toBe(0);
  await expectSound(database);
});

test('a connection that is killed in a transaction undoes it, with the error of the statement, and is thrown away', async () => {
  const database = open();
  const seen: unknown[] = [];
  const lost = database.transaction(async (tx) => {
    await tx.query(...visit('killed'));
    await killSessions();
    await tx.query(...visit('killed again')).catch((error: unknown) => {
      seen.push(error);
      throw error;
    });
  });
  const error: unknown = await lost.catch((reason: unknown) => reason);
  expect(error).not.toBeInstanceOf(CommitUnknownError);
  // Run once, and what the statement met is what comes out: which of pg's wordings depends on who notices first.
  expect(seen).toHaveLength(1);
  expect(seen[0]).toBe(error);
  expect(await visits('killed')).toBe(0);
  await expectSound(database);
});

test('a rollback that fails hides nothing: the error of the work is what comes out', async () => {
  const database = open();
  const lost = database.transaction(async (tx) => {
    await tx.query(...visit('wrong'));
    await killSessions();
    throw new Error('the work itself went wrong');
  });
  await expect(lost).rejects.toThrow('the work itself went wrong');
  expect(await visits('wrong')).toBe(0);
  await expectSound(database);
});

test.each([
  ['before it reached the server', 'before', 0],
  ['after it was done', 'after', 1],
] as const)(
  'a connection that is cut during COMMIT, %s, leaves the outcome unknown and says so',
  async (_when, when, done) => {
    const proxy = await cutting('commit');
    const database = open({ url: byWayOf(proxy, own.url) });
    await database.query('select 1');
    proxy.cutOnce(when);
    await expect(database.transaction((tx) => tx.query(...visit('perhaps')))).rejects.toBeInstanceOf(
      CommitUnknownError,
    );
    expect(await visits('perhaps')).toBe(done);
    await database.transaction((tx) => tx.query(...visit('perhaps')));
    expect(await visits('perhaps')).toBe(done + 1);
    await expectSound(database);
  },
);

test('a deadlock is repeated, and both transactions are done once', async () => {
  const database = open({ maxConnections: 2 });
  await database.query(...visit('left'));
  await database.query(...visit('right'));
  const both = { left: Promise.withResolvers<void>(), right: Promise.withResolvers<void>() };
  let runs = 0;
  const walk = (first: 'left' | 'right', second: 'left' | 'right'): Promise<unknown> =>
    database.transaction(async (tx) => {
      runs += 1;
      await tx.query(...visit(first));
      both[first].resolve();
      await both[second].promise;
      await tx.query(...visit(second));
    });
  await Promise.all([walk('left', 'right'), walk('right', 'left')]);
  expect(runs).toBe(3);
  expect([await visits('left'), await visits('right')]).toEqual([3, 3]);
  await expectSound(database);
});

test('a full pool lets the next one wait, then refuses it with an error that names the wait, and is sound afterwards', async () => {
  const database = open({ maxConnections: 1, connectTimeoutMs: 300 });
  const release = Promise.withResolvers<void>();
  const begun = Promise.withResolvers<void>();
  const holding = database.transaction(async (tx) => {
    await tx.query('select 1');
    begun.resolve();
    await release.promise;
  });
  await begun.promise;
  await expect(database.query('select 1')).rejects.toThrow(/timeout/);
  const next = database.query<{ n: number }>('select 2 as n');
  release.resolve();
  await holding;
  expect(await next).toEqual([{ n: 2 }]);
  await expectSound(database);
});

test('a half-open connection is found out in seconds, its locks end with it, and no other of the pool is trusted', async () => {
  const proxy = await proxied();
  const database = open({ url: byWayOf(proxy, own.url), maxConnections: 3 });
  await Promise.all([1, 2, 3].map(() => database.query('select pg_sleep(0.05)')));
  const locked = Promise.withResolvers<void>();
  const lost = database.transaction(async (tx) => {
    await tx.query('select pg_advisory_xact_lock(42)');
    await proxy.spoil('stall');
    locked.resolve();
    await tx.query('select 1');
  });
  await locked.promise;
  // What was stalled stays silent: only new connections go through.
  await proxy.heal();
  const begunAt = performance.now();
  await expect(lost).rejects.toBeInstanceOf(NoAnswerError);
  expect(performance.now() - begunAt).toBeLessThan(8_000);
  await database.transaction((tx) => tx.query('select pg_advisory_xact_lock(42)'));
  expect(performance.now() - begunAt).toBeLessThan(8_000);
  await expectSound(database);
});

test('a statement that takes its time is not taken for a silent connection', async () => {
  const database = open();
  const [row] = await database.query<{ slept: string }>('select pg_sleep(5)::text as slept');
  expect(row).toEqual({ slept: '' });
});
