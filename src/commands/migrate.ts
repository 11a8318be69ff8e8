import { Command } from 'commander';
import { createLogger } from '../platform/logging.ts';
import { readSettings } from '../settings.ts';

/** `migrate`: tables, topics and schemas. */
export function migrateCommand(): Command {
  return new Command('migrate')
    .description('brings tables, topics and schemas up to date; safe to run twice and by two at once')
    .action(async () => {
      const settings = readSettings(['database', 'kafka', 'log']);
      const { migrate } = await import('../connections.ts');
      await migrate(settings, createLogger(settings.LOG_LEVEL));
    });
}
