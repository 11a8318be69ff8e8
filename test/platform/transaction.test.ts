import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { type Database, openDatabase } from '../../src/platform/database.ts';
import { CommitUnknownError, sqlState } from '../../src/platform/database-errors.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';

let database: TestDatabase;
let db: Database;

beforeAll(async () => {
  database = await createTestDatabase();
  db = openDatabase({ url: database.url, maxConnections: 2, applicationName: 'tested', prepared: true });
  await db.query('create table one (n int primary key)');
});
beforeEach(() => db.query('truncate one'));
afterAll(async () => {
  await db?.close();
  await database?.drop();
});

const INSERT = 'insert into one values ($1)';
const numbers = async (): Promise<number[]> =>
  (await db.query<{ n: number }>('select n from one order by n')).map(({ n }) => n);
const problemOf = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => null,
    (error: unknown) => error,
  );

test('statements that are sent are executed in their order, before the next answer and before the commit', async () => {
  const seen = await db.transaction(async (tx) => {
    tx.send(INSERT, [1]);
    tx.send(INSERT, [2]);
    const rows = await tx.query('select n from one');
    tx.send('delete from one where n = $1', [2]);
    tx.send(INSERT, [3]);
    return rows.length;
  });
  expect(seen).toBe(2);
  expect(await numbers()).toEqual([1, 3]);
});

test('a transaction fails with the error of the statement that was sent, not with that of a later one', async () => {
  const asked = db.transaction(async (tx) => {
    tx.send(INSERT, [1]);
    tx.send(INSERT, [1]);
    return await tx.query('select n from one');
  });
  expect(sqlState(await problemOf(asked))).toBe('23505');
  const last = db.transaction((tx) => {
    tx.send(INSERT, [1]);
    tx.send(INSERT, [1]);
    return Promise.resolve('done');
  });
  expect(sqlState(await problemOf(last))).toBe('23505');
  expect(await numbers()).toEqual([]);
});

test('a value that cannot be written fails the transaction before it is committed', async () => {
  const unwritable = {
    toJSON: () => {
      throw new Error('not writable');
    },
  };
  const failing = db.transaction((tx) => {
    tx.send(INSERT, [1]);
    tx.send('select $1::jsonb', [unwritable]);
    return Promise.resolve('done');
  });
  expect(await problemOf(failing)).toMatchObject({ message: 'not writable' });
  expect(await numbers()).toEqual([]);
});

test('a deadlock of a statement that was sent repeats the whole transaction', async () => {
  let tries = 0;
  await db.transaction((tx) => {
    tries += 1;
    tx.send(INSERT, [tries]);
    if (tries === 1) tx.send(`do $$ begin raise exception 'made up' using errcode = '40P01'; end $$`);
    return Promise.resolve();
  });
  expect(await numbers()).toEqual([2]);
});

test('work that goes on after its transaction failed does nothing outside of it', async () => {
  let goOn: () => Promise<unknown> = () => Promise.resolve();
  const failing = db.transaction(async (tx) => {
    goOn = () => tx.query(INSERT, [1]);
    await tx.query('select 1 / 0');
  });
  expect(sqlState(await problemOf(failing))).toBe('22012');
  expect(await problemOf(goOn())).toMatchObject({ message: expect.stringContaining('has ended') as string });
  expect(await numbers()).toEqual([]);
});

test('a failure before the end of a savepoint is not hidden by it', async () => {
  const failing = db.transaction(async (tx) => {
    await tx.query('savepoint here');
    tx.send(INSERT, [1]);
    tx.send(INSERT, [1]);
    await tx.settled();
    await tx.query('rollback to savepoint here');
  });
  expect(sqlState(await problemOf(failing))).toBe('23505');
});

test('what was sent since a savepoint can be undone, failures as well, and the rest is committed', async () => {
  await db.transaction(async (tx) => {
    tx.send(INSERT, [1]);
    const undo = tx.savepoint();
    tx.send(INSERT, [2]);
    tx.send(INSERT, [1]);
    await undo();
    tx.send(INSERT, [3]);
  });
  expect(await numbers()).toEqual([1, 3]);
});

test('a failure before a savepoint is not forgotten by undoing', async () => {
  const failing = db.transaction(async (tx) => {
    tx.send(INSERT, [1]);
    tx.send(INSERT, [1]);
    await tx.savepoint()();
  });
  expect(sqlState(await problemOf(failing))).toBe('23505');
});

test('a connection that ends before the commit was answered leaves unknown whether it was done', async () => {
  const ending = db.transaction((tx) => {
    tx.send(INSERT, [1]);
    tx.send('select pg_terminate_backend(pg_backend_pid())');
    return Promise.resolve();
  });
  expect(await problemOf(ending)).toBeInstanceOf(CommitUnknownError);
  expect(await numbers()).toEqual([]);
});
