import { callbackify } from 'node:util';
import knexFactory from 'knex';
import pg from 'pg';
import { onOwnSession } from './database.ts';
import { MIGRATIONS_DIRECTORY, requireFitServer, schemaProblems, UnfitDatabaseError } from './fitness.ts';
import { prepareSession } from './session.ts';

/** Serialises migrations of one database; any constant will do that nobody else uses. */
const MIGRATION_LOCK = 6_202_611;

/** A migration takes as long as it takes, but must not hold up the whole service while it waits for a table. */
const SESSION = { statementTimeoutMs: 0, lockTimeoutMs: 15_000 };

/**
 * Brings the tables of a database up to date. Safe to run twice, and by two at once: the second waits for the first. The
 * tables of a newer version that this one may work with are left as they are.
 * @throws UnfitDatabaseError if they must not be touched by this version, the first statement's error otherwise; what was
 * done before it in the same migration is rolled back.
 */
export async function migrateDatabase(databaseUrl: string): Promise<void> {
  await requireFitServer(databaseUrl);
  await onOwnSession(() => migrateFitDatabase(databaseUrl));
}

async function migrateFitDatabase(databaseUrl: string): Promise<void> {
  const lock = new pg.Client({ connectionString: databaseUrl, connectionTimeoutMillis: 4_000 });
  // The next statement reports a session that was ended while nobody asked it anything.
  lock.on('error', () => {});
  await lock.connect();
  try {
    await prepareSession(lock, { ...SESSION, lockTimeoutMs: 0 });
    await lock.query('select pg_advisory_lock($1)', [MIGRATION_LOCK]);
    const { tooOld } = await schemaProblems({
      query: async (text, values) => (await lock.query(text, values as unknown[])).rows,
    });
    if (tooOld !== null) throw new UnfitDatabaseError(tooOld);
    const knex = knexFactory({
      client: 'pg',
      connection: databaseUrl,
      pool: { min: 0, max: 2, afterCreate: callbackify((client: pg.Client) => prepareSession(client, SESSION)) },
      migrations: {
        directory: MIGRATIONS_DIRECTORY,
        loadExtensions: ['.ts'],
        // A newer version has been here: its migrations are no files of ours.
        disableMigrationsListValidation: true,
      },
    });
    try {
      // A migration that was killed leaves knex's own lock set; ours is held, so nobody else is at work.
      await knex.migrate.forceFreeMigrationsLock();
      await knex.migrate.latest();
    } finally {
      await knex.destroy();
    }
  } finally {
    await lock.end();
  }
}
