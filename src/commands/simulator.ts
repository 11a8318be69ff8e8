import { Command } from 'commander';
import { createLogger } from '../platform/logging.ts';
import { readSettings } from '../settings.ts';
import { untilToldToStop } from './signals.ts';

/** `simulator`: the CAS simulator alone, until SIGINT or SIGTERM. */
export function simulatorCommand(): Command {
  return new Command('simulator')
    .description('runs the CAS simulator: SOAP on the paths of the mapping file, its state and faults under /simulator')
    .action(async () => {
      const settings = readSettings(['simulator', 'mapping', 'log']);
      const logger = createLogger(settings.LOG_LEVEL);
      const { startSimulator } = await import('../simulator/simulator.ts');
      const simulator = await startSimulator({
        host: settings.SIMULATOR_HOST,
        port: settings.SIMULATOR_PORT,
        mappingFile: settings.CONAX_MAPPING_FILE,
        logger,
      });
      logger.info({ url: simulator.url }, 'CAS simulator listens');
      await untilToldToStop();
      await simulator.close();
    });
}
