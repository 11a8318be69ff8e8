import { Command } from 'commander';
import { createLogger } from '../platform/logging.ts';
import { readSettings } from '../settings.ts';
import { UsageError } from './exit-codes.ts';

/** `migrate`: tables, topics and schemas. */
export function migrateCommand(): Command {
  return new Command('migrate')
    .description('brings tables, topics and schemas up to date; safe to run twice and by two at once')
    .option('--wait <seconds>', 'how long PostgreSQL, Kafka and the schema registry are waited for', '60')
    .option('--fill-again', 'fills in again what older instances leave out, although it was done: after a way back')
    .action(async ({ wait, fillAgain = false }: { wait: string; fillAgain?: boolean }) => {
      if (!/^\d{1,5}$/.test(wait)) {
        throw new UsageError(`--wait is ${JSON.stringify(wait)}: give seconds from 0 to 99999`);
      }
      const settings = readSettings(['database', 'kafka', 'log']);
      const { migrate } = await import('../connections.ts');
      await migrate(settings, createLogger(settings.LOG_LEVEL), { patienceMs: Number(wait) * 1_000, fillAgain });
    });
}
