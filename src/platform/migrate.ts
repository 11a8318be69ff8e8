import { fileURLToPath } from 'node:url';
import knexFactory from 'knex';
import pg from 'pg';

/** Serialises migrations of one database; any constant will do that nobody else uses. */
const MIGRATION_LOCK = 6_202_611;

/**
 * Brings the tables of a database up to date. Safe to run twice, and by two at once: the second waits for the first.
 * @throws the first statement's error; what was done before it in the same migration is rolled back.
 */
export async function migrateDatabase(databaseUrl: string): Promise<void> {
  const lock = new pg.Client({ connectionString: databaseUrl });
  // A session that is ended while nobody asks it anything is told of by the statement that comes next.
  lock.on('error', () => {});
  await lock.connect();
  try {
    await lock.query('select pg_advisory_lock($1)', [MIGRATION_LOCK]);
    const knex = knexFactory({
      client: 'pg',
      connection: databaseUrl,
      pool: { min: 0, max: 2 },
      migrations: { directory: fileURLToPath(new URL('../../migrations', import.meta.url)), loadExtensions: ['.ts'] },
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
