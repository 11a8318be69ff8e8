import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { type Queryable } from './database.ts';
import { onOwnSession, sqlState } from './database-errors.ts';
import { onAnyServer } from './database-servers.ts';
import { prepareSession, type SessionOptions } from './session.ts';

/** The migrations of this version. */
export const MIGRATIONS_DIRECTORY = fileURLToPath(new URL('../../migrations', import.meta.url));

/** The service must not work with this database, and waiting does not help: the message names the reason and the remedy. */
export class UnfitDatabaseError extends Error {
  override readonly name = 'UnfitDatabaseError';
}

/** PostgreSQL 14: the oldest that still gets corrections, and the first with every setting that sessions make. */
const OLDEST_SERVER = 14;

/**
 * Whose turn it is in a row of questions. A pooler that gives each statement any session shows whatever its habit is: the
 * session used last (A and B share one), each in turn (A has two in a row), or one at random.
 */
const TURNS = 'AABABBAABABB';

/**
 * Checks that the server can be worked with at all: through sessions that stay ours, with texts in UTF-8.
 * @throws UnfitDatabaseError, or the error of a server that is away.
 */
export async function requireFitServer(databaseUrl: string): Promise<void> {
  await withFitServer(databaseUrl, () => Promise.resolve());
}

/**
 * Checks the server as `requireFitServer` does, and that the tables are those of this version or of a newer one that it
 * may work with. By default the server must take writes.
 * @throws UnfitDatabaseError, or the error of a server that is away.
 */
export async function requireFitDatabase(
  databaseUrl: string,
  options: Pick<SessionOptions, 'acceptReadOnly'> = {},
): Promise<void> {
  const problem = await withFitServer(databaseUrl, schemaProblem, options);
  if (problem !== null) throw new UnfitDatabaseError(problem);
}

/** Why this version must not work with the tables, with the remedy; null if it may. One cheap statement. */
export async function schemaProblem(db: Queryable): Promise<string | null> {
  const { tooOld, outdated } = await schemaProblems(db);
  return tooOld ?? outdated;
}

/** How the tables and this version fit. */
interface SchemaProblems {
  /** This version is too old for the tables, with the remedy; null: it is not. */
  readonly tooOld: string | null;
  /** The tables lack migrations of this version, with the remedy; null: they do not. */
  readonly outdated: string | null;
  /** The tables have migrations that this version does not know. */
  readonly isNewer: boolean;
}

/** Compares the tables with this version. One cheap statement. */
export async function schemaProblems(db: Queryable): Promise<SchemaProblems> {
  const known = migrationNames();
  const newest = newestMigration();
  const [found] = await db
    .query<{ applied: string[] | null; mustKnow: number | null }>(STATE)
    .catch((error: unknown) => {
      // 42P01, 3F000: no such table, no such schema.
      if (/^(42P01|3F000)$/.test(sqlState(error) ?? '')) return [{ applied: null, mustKnow: null }];
      throw error;
    });
  const mustKnow = found?.mustKnow ?? 0;
  const missing = known.filter((name) => found?.applied?.includes(name) !== true);
  const lacks =
    missing.length === known.length ? 'has no tables of conax-provisioning' : `lacks ${missing.map(bare).join(', ')}`;
  return {
    tooOld:
      mustKnow > newest
        ? `This version of conax-provisioning is too old for the database: it knows migrations up to ${newest}, and the ` +
          `tables need a version that knows ${mustKnow}. Use a newer version.`
        : null,
    outdated:
      missing.length > 0 ? `The database ${lacks}: run "conax-provisioning migrate" with the same DATABASE_URL.` : null,
    isNewer: found?.applied?.some((name) => !known.includes(name)) === true,
  };
}

/** Returns the number of the newest migration of this version. */
export function newestMigration(): number {
  return Number.parseInt(migrationNames().at(-1) ?? '', 10);
}

const STATE = /* sql */ `
select (select array_agg(name::text) from knex_migrations) as applied,
       (select must_know from schema_compatibility) as "mustKnow"`;

let names: readonly string[] | undefined;

function migrationNames(): readonly string[] {
  names ??= readdirSync(MIGRATIONS_DIRECTORY)
    .filter((name) => name.endsWith('.ts'))
    .toSorted();
  return names;
}

function bare(migration: string): string {
  return migration.replace(/\.ts$/, '');
}

function withFitServer<T>(
  databaseUrl: string,
  use: (db: Queryable) => Promise<T>,
  options: SessionOptions = {},
): Promise<T> {
  return onAnyServer(databaseUrl, (server) => onOwnSession(() => askFitServer(server, use, options)));
}

async function askFitServer<T>(
  server: string,
  use: (db: Queryable) => Promise<T>,
  options: SessionOptions,
): Promise<T> {
  const clients = [openClient(server), openClient(server)] as const;
  try {
    for (const client of clients) {
      await client.connect();
      await prepareSession(client, options);
    }
    await refusePooler(clients);
    const [client] = clients;
    await refuseServer(client);
    return await use({ query: async (text, values) => (await client.query(text, values as unknown[])).rows });
  } finally {
    await Promise.all(clients.map((client) => client.end().catch(() => {})));
  }
}

function openClient(connectionString: string): pg.Client {
  const client = new pg.Client({
    connectionString,
    application_name: 'conax-provisioning check',
    connectionTimeoutMillis: 4_000,
    query_timeout: 10_000,
  });
  // The statement under way reports a lost connection too.
  client.on('error', () => {});
  return client;
}

/** Listening, session settings and prepared statements need sessions that stay with their connection. */
async function refusePooler([a, b]: readonly [pg.Client, pg.Client]): Promise<void> {
  const seen = { A: new Set<number>(), B: new Set<number>() };
  for (const turn of TURNS) {
    const name = turn === 'A' ? 'A' : 'B';
    const { rows } = await (name === 'A' ? a : b).query<{ pid: number }>('select pg_backend_pid() as pid');
    for (const { pid } of rows) seen[name].add(pid);
  }
  if (seen.A.size === 1 && seen.B.size === 1 && ![...seen.A].some((pid) => seen.B.has(pid))) return;
  throw new UnfitDatabaseError(
    'DATABASE_URL leads through a pooler that shares sessions (transaction or statement mode): ' +
      'connect to PostgreSQL directly, or set pool_mode = session for this database.',
  );
}

async function refuseServer(client: pg.Client): Promise<void> {
  const { rows } = await client.query<{ database: string; encoding: string; version: string }>(
    `select current_database() as database, current_setting('server_encoding') as encoding,
            current_setting('server_version') as version`,
  );
  const [{ database, encoding, version } = { database: '', encoding: '', version: '' }] = rows;
  if (Number.parseInt(version, 10) < OLDEST_SERVER) {
    throw new UnfitDatabaseError(
      `PostgreSQL has the version ${version}: conax-provisioning needs ${OLDEST_SERVER} or newer.`,
    );
  }
  if (encoding !== 'UTF8') {
    throw new UnfitDatabaseError(
      `The database ${database} has the encoding ${encoding} and cannot keep every text of the CRM: ` +
        `create one with "create database ${database} encoding 'UTF8' template template0", and migrate that.`,
    );
  }
}
