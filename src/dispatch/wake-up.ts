import { type Listener, listen } from '../platform/listen.ts';
import type { Logger } from '../platform/logging.ts';
import { DISPATCH_CHANNEL } from '../requests/request-class.ts';

/**
 * Listens for the service's notifications about its work. `work`: something may be claimed. `express`: something may go
 * before what is claimed and not started. `provider`: it was switched. When listening starts, `onMessage` gets
 * `provider` and `work` for what was missed.
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
