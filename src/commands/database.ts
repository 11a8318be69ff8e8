import { type Database, openDatabase } from '../platform/database.ts';
import { readSettings } from '../settings.ts';

/** Runs one command's work on the database of the settings, and closes it whatever happens. */
export async function withDatabase<T>(work: (db: Database) => Promise<T>): Promise<T> {
  const { DATABASE_URL } = readSettings(['database']);
  const db = openDatabase({ url: DATABASE_URL, maxConnections: 4, applicationName: 'conax-provisioning command' });
  try {
    return await work(db);
  } finally {
    await db.close();
  }
}
