import { randomBytes } from 'node:crypto';
import pg from 'pg';
import { stackPart } from './stack-door.ts';

export type TestDatabase = {
  readonly url: string;
  /** Removes it, also under the feet of those who are still connected. Safe to call twice. */
  drop(): Promise<void>;
};

/** A database of its own for one test file or test: a copy of one that was migrated once for the run, or an empty one. */
export async function createTestDatabase({ empty = false } = {}): Promise<TestDatabase> {
  const { url, template } = await stackPart('postgres');
  const name = `conax_test_${randomBytes(6).toString('hex')}`;
  await query(url, `create database ${name} template ${empty ? 'template1' : template}`);
  const own = new URL(url);
  own.pathname = `/${name}`;
  return { url: own.href, drop: () => query(url, `drop database if exists ${name} with (force)`) };
}

async function query(url: string, statement: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    await client.query(statement);
  } finally {
    await client.end();
  }
}
