import { Command } from 'commander';
import { createLogger } from '../platform/logging.ts';
import { readSettings, SERVICE_SETTINGS } from '../settings.ts';
import { untilToldToStop } from './signals.ts';

/** `serve`: the service, until SIGINT or SIGTERM. */
export function serveCommand(): Command {
  return new Command('serve')
    .description('runs the service: reads CRM events, sends commands to the CAS, publishes outcomes')
    .action(async () => {
      const settings = readSettings(SERVICE_SETTINGS);
      const logger = createLogger(settings.LOG_LEVEL);
      // A signal that comes while it starts stops it as soon as the HTTP server listens.
      const told = untilToldToStop();
      // Other commands need not wait for everything that the service loads.
      const { startService } = await import('../service.ts');
      const service = await startService(settings, logger);
      try {
        const signal = await Promise.race([told, service.started.then(() => told)]);
        logger.info({ signal }, 'stopping');
      } finally {
        await service.stop();
      }
      logger.info('stopped');
    });
}
