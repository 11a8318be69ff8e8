import pg from 'pg';
import { messageOf } from './errors.ts';
import type { Logger } from './logging.ts';

const RECONNECT_MS = 1_000;

export interface Listener {
  /** Resolves once the connection is closed. Safe to call twice. */
  stop(): Promise<void>;
}

export interface ListenOptions {
  readonly databaseUrl: string;
  /** Shown in pg_stat_activity. */
  readonly applicationName: string;
  readonly channel: string;
  readonly onMessage: (message: string) => void;
  /** Listening has begun, also again after a broken connection: what was said before this was not heard. */
  readonly onListening: () => void;
  readonly logger: Logger;
}

/**
 * Hears what the service tells itself through PostgreSQL (LISTEN), on a connection of its own. A broken one is opened
 * again; what is missed meanwhile has to be found by looking, so nothing may depend on a message but speed.
 */
export function listen(options: ListenOptions): Listener {
  const { databaseUrl, applicationName, channel, onMessage, onListening, logger } = options;
  let stopped = false;
  let client: pg.Client | null = null;
  let timer: NodeJS.Timeout | undefined;

  const connect = async (): Promise<void> => {
    const next = new pg.Client({
      connectionString: databaseUrl,
      application_name: applicationName,
      keepAlive: true,
      // It hears nothing for hours where there is nothing to do: the kernel has to notice that the other side is gone.
      keepAliveInitialDelayMillis: 5_000,
      connectionTimeoutMillis: 4_000,
    });
    let ended = false;
    const onEnd = (error?: Error): void => {
      if (ended || stopped) return;
      ended = true;
      logger.debug({ channel, problem: error ? messageOf(error) : 'ended' }, 'lost the connection that listens');
      timer = setTimeout(() => void connect(), RECONNECT_MS);
    };
    next.on('error', onEnd);
    next.on('end', () => onEnd());
    next.on('notification', ({ payload }) => onMessage(payload ?? ''));
    client = next;
    try {
      await next.connect();
      if (stopped) return await next.end();
      await next.query(`listen ${channel}`);
      onListening();
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
