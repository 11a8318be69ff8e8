import { type Database, type DatabaseOptions, openDatabase } from '../platform/database.ts';
import { isReadOnlyRefusal } from '../platform/database-errors.ts';
import { requireFitDatabase } from '../platform/fitness.ts';
import { addressOf, namingPart } from '../platform/unreachable.ts';
import { readSettings } from '../settings.ts';

/**
 * Runs one command's work on the database of the settings, and closes it whatever happens. A server that takes no writes
 * will do as long as the work only reads: a standby is often all that is left.
 * @throws UnfitDatabaseError before the work, if this version must not work with the database.
 */
export async function withDatabase<T>(
  work: (db: Database) => Promise<T>,
  options: Partial<DatabaseOptions> = {},
): Promise<T> {
  const { DATABASE_URL: url } = readSettings(['database']);
  const db = openDatabase({
    url,
    maxConnections: 4,
    applicationName: 'conax-provisioning command',
    ...options,
    acceptReadOnly: true,
  });
  try {
    await requireFitDatabase(url, { acceptReadOnly: true });
    return await work(db);
  } catch (error) {
    if (isReadOnlyRefusal(error)) {
      const text = `PostgreSQL at ${addressOf(url)} takes no writes (it is a standby, or was made read-only), and this command has to write: repeat it once the primary is back`;
      throw new Error(text, { cause: error });
    }
    // Only pg's and Node's own errors are the database's: those of Kafka and the registry have names of their own.
    const isOurs = error instanceof Error && /^(Error|error|AggregateError|DatabaseError)$/.test(error.name);
    throw isOurs ? namingPart('PostgreSQL', addressOf(url), error) : error;
  } finally {
    await db.close();
  }
}
