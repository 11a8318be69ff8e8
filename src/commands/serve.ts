import { Command } from 'commander';
import { createLogger } from '../platform/logging.ts';
import { SERVICE_SETTINGS, startService } from '../service.ts';
import { readSettings } from '../settings.ts';
import { untilToldToStop } from './signals.ts';

/** `serve`: the service, until it is told to stop. */
export function serveCommand(): Command {
  return new Command('serve')
    .description('runs the service: reads CRM events, sends commands to the CAS, publishes outcomes')
    .action(async () => {
      const settings = readSettings(SERVICE_SETTINGS);
      const logger = createLogger(settings.LOG_LEVEL);
      const service = await startService(settings, logger);
      const signal = await untilToldToStop();
      logger.info({ signal }, 'stopping');
      await service.stop();
      logger.info('stopped');
    });
}
