import { Command } from 'commander';
import { createLogger } from '../platform/logging.ts';
import { migrateDatabase } from '../platform/migrate.ts';
import { readSettings } from '../settings.ts';

/** `migrate`: tables, topics and schemas. */
export function migrateCommand(): Command {
  return new Command('migrate')
    .description('brings tables, topics and schemas up to date; safe to run twice and by two at once')
    .action(async () => {
      const settings = readSettings(['database', 'kafka', 'log']);
      const logger = createLogger(settings.LOG_LEVEL);
      await migrateDatabase(settings.DATABASE_URL);
      logger.info('tables are up to date');
    });
}
