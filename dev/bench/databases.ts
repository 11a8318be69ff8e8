import { randomBytes } from 'node:crypto';
import pg from 'pg';
import type { Database } from '../../src/platform/database.ts';
import type { Stack } from '../stack/index.ts';
import { untilReady } from '../stack/supervised.ts';

/** The version and settings of the server, and how long a commit takes. */
export async function serverLine(db: Database): Promise<string> {
  const rows = await db.query<{ name: string; setting: string }>(
    `select name, current_setting(name) as setting from pg_settings
      where name in ('server_version', 'fsync', 'full_page_writes', 'synchronous_commit', 'shared_buffers') order by name`,
  );
  await db.query('create table fsync_probe (n int)');
  const begunAt = performance.now();
  for (let commit = 0; commit < 200; commit += 1) await db.query('insert into fsync_probe values (1)');
  const commitMs = (performance.now() - begunAt) / 200;
  await db.query('drop table fsync_probe');
  return `PostgreSQL ${rows.map(({ name, setting }) => `${name}=${setting}`).join(' ')}; a commit takes ${commitMs.toFixed(2)} ms`;
}

/** Creates an empty database and adds its name to the list. Returns its address. */
export async function createDatabase(serverUrl: string, databases: string[]): Promise<string> {
  const name = `conax_bench_${randomBytes(4).toString('hex')}`;
  await onServer(serverUrl, `create database ${name}`);
  databases.push(name);
  const own = new URL(serverUrl);
  own.pathname = `/${name}`;
  return own.href;
}

/** Drops the databases that are still there. */
export async function dropDatabases(serverUrl: string, databases: readonly string[]): Promise<void> {
  for (const name of databases) await onServer(serverUrl, `drop database if exists ${name} with (force)`);
}

async function onServer(url: string, statement: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  client.on('error', () => undefined);
  await client.connect();
  try {
    await client.query(statement);
  } finally {
    await client.end();
  }
}

/** Slow statements go to the server's log with their plans and the rows and pages that each step really took. */
const WATCHING = {
  shared_preload_libraries: 'pg_stat_statements, auto_explain',
  'auto_explain.log_min_duration': '15',
  'auto_explain.log_analyze': 'on',
  'auto_explain.log_buffers': 'on',
  'auto_explain.log_timing': 'off',
};

/** Only of a server that was started here: preloading a library takes a restart. */
export async function watchStatements(stack: Stack): Promise<void> {
  if (stack.parts.find(({ name }) => name === 'postgres')?.how !== 'native') return;
  for (const [name, value] of Object.entries(WATCHING)) {
    await onServer(stack.databaseUrl, `alter system set ${name} = ${value}`);
  }
  await stack.control.postgres.stop();
  await stack.control.postgres.start();
  await untilReady(() => onServer(stack.databaseUrl, 'select 1'), 20_000);
}

/** Forgets what was counted so far. */
export async function resetStatements(db: Database): Promise<void> {
  await db.query('create extension if not exists pg_stat_statements').catch(() => []);
  await db.query('select pg_stat_statements_reset()').catch(() => []);
}

/** The statements that took most of the server's time since the reset, as lines; empty where the server does not count. */
export async function topStatements(db: Database, seconds: number, limit = 8): Promise<string[]> {
  const rows = await db
    .query<{ calls: number; ms: number; rows: number; query: string }>(
      `select calls, total_exec_time + total_plan_time as ms, rows, left(regexp_replace(query, '\\s+', ' ', 'g'), 90) as query
         from pg_stat_statements join pg_database d on d.oid = dbid and d.datname = current_database()
        order by 2 desc limit $1`,
      [limit],
    )
    .catch(() => []);
  return rows.map(
    ({ calls, ms, rows: count, query }) =>
      `  ${(ms / 10 / seconds).toFixed(1).padStart(5)} % of the time, ${String(calls).padStart(7)} calls, ` +
      `${(ms / calls).toFixed(2).padStart(7)} ms each, ${String(count).padStart(7)} rows  ${query}`,
  );
}
