import { type Listener, listen } from '../platform/listen.ts';
import type { Logger } from '../platform/logging.ts';
import { DISPATCH_CHANNEL } from '../requests/request-class.ts';

/**
 * Listens for what the service tells itself about its work (`work`: something may be claimed; `express`: something
 * that overtakes what is claimed and not begun; `provider`: it was switched). What was missed while nobody listened is told when listening begins.
 */
export function listenForWork(databaseUrl: string, onMessage: (message: string) => void, logger: Logger): Listener {
  return listen({
    databaseUrl,
    applicationName: 'conax-dispatch-listen',
    channel: DISPATCH_CHANNEL,
    onMessage,
    onListening: () => {
      onMessage('provider');
      onMessage('work');
    },
    logger,
  });
}
