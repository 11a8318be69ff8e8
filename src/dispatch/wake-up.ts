import pg from 'pg';
import type { Logger } from '../platform/logging.ts';
import { messageOf } from '../platform/errors.ts';
import { DISPATCH_CHANNEL } from '../requests/work.ts';

const RECONNECT_MS = 1_000;

/**
 * Listens for what the service tells itself through PostgreSQL (`work`: something may be claimed; `provider`: it was
 * switched) on a connection of its own. A broken connection is opened again; what is missed meanwhile is found by
 * looking, so nothing depends on a message but speed.
 */
export function listenForWork(
  databaseUrl: string,
  onMessage: (message: string) => void,
  logger: Logger,
): { stop(): Promise<void> } {
  let stopped = false;
  let client: pg.Client | null = null;
  let timer: NodeJS.Timeout | undefined;

  const connect = async (): Promise<void> => {
    const next = new pg.Client({
      connectionString: databaseUrl,
      application_name: 'conax-dispatch-listen',
      keepAlive: true,
      // It hears nothing for hours where there is nothing to do: the kernel has to notice that the other side is gone.
      keepAliveInitialDelayMillis: 5_000,
      connectionTimeoutMillis: 4_000,
    });
    let ended = false;
    const onEnd = (error?: Error): void => {
      if (ended || stopped) return;
      ended = true;
      logger.debug({ problem: error ? messageOf(error) : 'ended' }, 'dispatch: lost the connection that listens');
      timer = setTimeout(() => void connect(), RECONNECT_MS);
    };
    next.on('error', onEnd);
    next.on('end', () => onEnd());
    next.on('notification', ({ payload }) => onMessage(payload ?? ''));
    client = next;
    try {
      await next.connect();
      if (stopped) return await next.end();
      await next.query(`listen ${DISPATCH_CHANNEL}`);
      // What was said before this moment was not heard.
      onMessage('provider');
      onMessage('work');
    } catch (error) {
      onEnd(error as Error);
      await next.end().catch(() => {});
    }
  };
  const first = connect();
  return {
    stop: async () => {
      stopped = true;
      clearTimeout(timer);
      await first;
      clearTimeout(timer);
      await client?.end().catch(() => {});
    },
  };
}
