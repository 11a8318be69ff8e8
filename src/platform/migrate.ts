import { callbackify } from 'node:util';
import pg from 'pg';
import { onOwnSession } from './database-errors.ts';
import { serverOf } from './database-servers.ts';
import { MIGRATIONS_DIRECTORY, requireFitServer, schemaProblems, UnfitDatabaseError } from './fitness.ts';
import { type FollowedUp, followUp, type FollowUpOptions } from './follow-ups.ts';
import { prepareSession } from './session.ts';

/** The key of the advisory lock that serialises migrations of one database. Any number that nobody else uses. */
const MIGRATION_LOCK = 6_202_611;

/** A migration may take any time, but must not block the whole service while it waits for a table. */
const SESSION = { statementTimeoutMs: 0, lockTimeoutMs: 15_000 };

const NOTHING_FOLLOWS: FollowedUp = { filled: {}, putOff: [] };

/**
 * Brings the tables of a database up to date, and does what follows the migrations. Safe to run twice, and by two at once:
 * the second waits for the first. Leaves the tables of a newer version as they are if this version may work with them.
 * @throws UnfitDatabaseError if this version must not touch them; otherwise the error of the first statement that
 * failed. Its migration is rolled back.
 */
export async function migrateDatabase(
  databaseUrl: string,
  { again = false, onStep = () => {} }: Partial<FollowUpOptions> = {},
): Promise<FollowedUp> {
  await requireFitServer(databaseUrl);
  // That was the server that takes writes.
  const server = serverOf(databaseUrl);
  return await onOwnSession(async () => {
    const isNewer = await migrateFitDatabase(server);
    return isNewer ? NOTHING_FOLLOWS : await followUp(server, { again, onStep });
  });
}

/** @returns whether the tables are those of a newer version. */
async function migrateFitDatabase(databaseUrl: string): Promise<boolean> {
  const lock = new pg.Client({ connectionString: databaseUrl, connectionTimeoutMillis: 4_000 });
  // If the server ends the idle session, the next statement reports it.
  lock.on('error', () => {});
  await lock.connect();
  try {
    await prepareSession(lock, { ...SESSION, lockTimeoutMs: 0 });
    await lock.query('select pg_advisory_lock($1)', [MIGRATION_LOCK]);
    const { tooOld, isNewer } = await schemaProblems({
      query: async (text, values) => (await lock.query(text, values as unknown[])).rows,
    });
    if (tooOld !== null) throw new UnfitDatabaseError(tooOld);
    // The service imports this file for something else, and does not need to load knex.
    const { default: knexFactory } = await import('knex');
    const knex = knexFactory({
      client: 'pg',
      connection: databaseUrl,
      pool: { min: 0, max: 2, afterCreate: callbackify((client: pg.Client) => prepareSession(client, SESSION)) },
      migrations: {
        directory: MIGRATIONS_DIRECTORY,
        loadExtensions: ['.ts'],
        // A newer version may have migrated: we do not have its files.
        disableMigrationsListValidation: true,
      },
    });
    try {
      // A killed migration leaves knex's own lock set. We hold ours, so nobody else migrates.
      await knex.migrate.forceFreeMigrationsLock();
      await knex.migrate.latest();
    } finally {
      await knex.destroy();
    }
    return isNewer;
  } finally {
    await lock.end();
  }
}
