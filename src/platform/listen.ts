import pg from 'pg';
import { leaveServer, serverOf } from './database-servers.ts';
import { messageOf } from './errors.ts';
import type { Logger } from './logging.ts';
import { prepareSession, requireWritable } from './session.ts';

const RECONNECT_MS = 1_000;
/** Longer than connecting to a server that refuses, or does not answer. */
const LASTING_MS = 5_000;
/** How long a statement on a kept session may take. */
const ANSWER_MS = 2_000;

/** How often the server is asked whether it still takes writes: nobody notifies on a server that takes none. */
const CHECK_MS = 5_000;

export interface Listener {
  /** Resolves once the connection is closed. Safe to call twice. */
  stop(): Promise<void>;
}

export interface KeptSessionOptions {
  readonly databaseUrl: string;
  /** Shown in pg_stat_activity. */
  readonly applicationName: string;
  /** Makes a new session ready. If it throws, another session is opened later. */
  readonly onOpen: (client: pg.Client) => Promise<void>;
  readonly logger: Logger;
}

export interface ListenOptions extends Omit<KeptSessionOptions, 'onOpen'> {
  readonly channel: string;
  readonly onMessage: (message: string) => void;
  /** Listening has started, also again after a broken connection: earlier notifications were missed. */
  readonly onListening: () => void;
}

/**
 * Receives notifications that instances send each other through PostgreSQL (LISTEN), on a connection of its own. What is
 * missed while the connection is broken must be found by looking, so nothing may depend on a message but speed.
 */
export function listen({ channel, onMessage, onListening, ...session }: ListenOptions): Listener {
  return keepSession({
    ...session,
    async onOpen(client) {
      client.on('notification', ({ payload }) => onMessage(payload ?? ''));
      await client.query(`listen ${channel}`);
      onListening();
    },
  });
}

/**
 * Keeps one session open until it is stopped. A broken one, and one with a server that takes no writes any more, is
 * opened again: at once if it lasted, after a second if it did not.
 */
export function keepSession(options: KeptSessionOptions): Listener {
  const { databaseUrl, applicationName, onOpen, logger } = options;
  let stopped = false;
  let client: pg.Client | null = null;
  let timer: NodeJS.Timeout | undefined;
  let check: NodeJS.Timeout | undefined;

  const connect = async (): Promise<void> => {
    const server = serverOf(databaseUrl);
    const next = new pg.Client({
      connectionString: server,
      application_name: applicationName,
      keepAlive: true,
      // An idle one hears nothing for hours, so the kernel must notice that the other side is gone.
      keepAliveInitialDelayMillis: 5_000,
      connectionTimeoutMillis: 4_000,
      query_timeout: ANSWER_MS,
    });
    const startedAt = performance.now();
    let ended = false;
    const onEnd = (error?: Error): void => {
      if (ended || stopped) return;
      ended = true;
      clearInterval(check);
      logger.debug({ applicationName, problem: error ? messageOf(error) : 'ended' }, 'a kept connection was lost');
      const lasted = performance.now() - startedAt > LASTING_MS;
      timer = setTimeout(() => void connect(), lasted ? 0 : RECONNECT_MS);
    };
    const giveUp = (problem: unknown): void => {
      leaveServer(databaseUrl, server);
      onEnd(problem as Error);
      void next.end().catch(() => {});
    };
    next.on('error', onEnd);
    next.on('end', () => onEnd());
    client = next;
    try {
      await next.connect();
      if (stopped) return await next.end();
      await prepareSession(next);
      await onOpen(next);
      check = setInterval(() => void requireWritable(next).catch(giveUp), CHECK_MS);
    } catch (error) {
      giveUp(error);
    }
  };
  const first = connect();
  return {
    stop: async () => {
      stopped = true;
      clearTimeout(timer);
      await first;
      clearTimeout(timer);
      clearInterval(check);
      await client?.end().catch(() => {});
    },
  };
}
