import { createHash } from 'node:crypto';
import type { Socket } from 'node:net';
import pg from 'pg';
import { isReadOnlyRefusal, isServerError, isServerLost, lost, NoAnswerError, sqlState } from './database-errors.ts';
import { leaveServer, onAnyServer, serverOf } from './database-servers.ts';
import { messageOf } from './errors.ts';
import { prepareSession, type Session, suspectedAt, suspectSessions } from './session.ts';
import { watchForSilence } from './silence.ts';
import { type OwnSession, type Queryable, transact, type Transaction } from './transaction.ts';

export type { Queryable, Row, Transaction } from './transaction.ts';

export interface Database extends Queryable {
  /**
   * Runs `work` in one transaction. A deadlock (40P01) or a serialization failure (40001) repeats the whole of it, at
   * most `attempts` times (default 5), so `work` must have no effect but its statements.
   * @throws CommitUnknownError if the connection broke during COMMIT: the transaction may or may not be done.
   */
  transaction<T>(work: (tx: Transaction) => Promise<T>, options?: { attempts?: number }): Promise<T>;
  /** Connections: in all, idle, at most, and callers waiting for one. */
  stats(): { total: number; idle: number; max: number; waiting: number };
  /** Resolves once every connection is closed. */
  close(): Promise<void>;
}

export interface DatabaseOptions {
  readonly url: string;
  readonly maxConnections: number;
  /** Shown in pg_stat_activity. */
  readonly applicationName: string;
  /** How long the server lets one statement run. */
  readonly statementTimeoutMs?: number;
  /** How long the server lets a statement wait for a lock. */
  readonly lockTimeoutMs?: number;
  /** How long a caller waits for a connection of the pool, and for a new connection. */
  readonly connectTimeoutMs?: number;
  /**
   * Prepares each statement with parameters once per connection, under a name made from its text: parsing and planning
   * the claim takes seven times as long as running it. Only for a pool whose statements are few and constant.
   */
  readonly prepared?: boolean;
  /**
   * Works on a server that takes no writes too, for callers that may only read; default: false. A statement that writes
   * is refused there (`isReadOnlyRefusal`).
   */
  readonly acceptReadOnly?: boolean;
  /** More settings of each session, by their names: `indexWalking`. */
  readonly settings?: Readonly<Record<string, string>>;
  /** Called for a connection that broke while idle; the pool replaces it. */
  readonly onIdleError?: (error: Error) => void;
}

/** bigint and numeric sums come as number: request numbers and offsets stay far below 2^53. */
const types = new pg.TypeOverrides();
types.setTypeParser(pg.types.builtins.INT8, (text) => Number(text));

/** After this silence the kernel asks whether the other side is there. */
const KEEP_ALIVE_MS = 5_000;

/** An idle connection is closed after this time. */
const IDLE_MS = 10_000;

/** How long a session with a server that takes no writes is used. */
const READ_ONLY_MS = 2_000;

/** Not an error of a pool without a free connection, which says nothing about the server. */
const isConnectionLost = (error: unknown): boolean => messageOf(error) !== 'timeout exceeded when trying to connect';

/** SQLSTATEs after which the same transaction may simply be run again. */
const REPEATABLE = new Set(['40P01', '40001']);

export function openDatabase(options: DatabaseOptions): Database {
  const statementTimeoutMs = options.statementTimeoutMs ?? 30_000;
  const lockTimeoutMs = options.lockTimeoutMs ?? 15_000;
  // No server setting helps on a half-open connection. The watch finds it, or in the end our own deadline, which is a
  // little later than the server's.
  const deadlineMs = statementTimeoutMs + 5_000;
  /** With several hosts, each new connection goes to the one that works. */
  class Client extends pg.Client {
    readonly server: string;
    constructor(config: pg.ClientConfig = {}) {
      const server = serverOf(options.url);
      super({ ...config, connectionString: server });
      this.server = server;
    }
  }
  const pool = new pg.Pool({
    Client,
    max: options.maxConnections,
    pipeline: true,
    application_name: options.applicationName,
    connectionTimeoutMillis: options.connectTimeoutMs ?? 10_000,
    keepAlive: true,
    keepAliveInitialDelayMillis: KEEP_ALIVE_MS,
    // This also ends the idle sessions that a failover left with the former server.
    idleTimeoutMillis: IDLE_MS,
    types,
    // eslint-disable-next-line typescript/no-misused-promises -- the pool waits for it, which its types do not say
    onConnect: async (client) => {
      const openedAt = performance.now();
      const { settings, acceptReadOnly } = options;
      const prepared = await prepareSession(client, { statementTimeoutMs, lockTimeoutMs, settings, acceptReadOnly });
      sessions.set(client, { openedAt, ...prepared });
      // The next session is opened with another host, which may be the primary.
      if (prepared.readOnly) leaveServer(options.url, (client as unknown as Client).server);
    },
  });
  /** By connection: when it was opened, and its process at the server, which a pooler in between would hide. */
  const sessions = new WeakMap<pg.ClientBase, Session & { readonly openedAt: number }>();
  pool.on('error', (error) => options.onIdleError?.(error));
  // Broken connections do not go back to the pool. A client that loses its connection emits 'error', besides rejecting
  // its query, and an unhandled one ends the process. The pool listens to idle ones only, and the server may end a
  // session in the same bytes that report it ready.
  const broken = new WeakSet<pg.PoolClient>();
  pool.on('connect', (client) => client.on('error', () => broken.add(client)));
  const silence = watchForSilence(options.url, options.applicationName);
  /**
   * When each connection last answered, and when one was found half-open. Connections that have not answered since may
   * be half-open too.
   */
  const heardAt = new WeakMap<pg.PoolClient, number>();
  let suspectAt = -Infinity;

  return {
    query: (text, values) => withClient((client) => run(client, text, values)),
    transaction: (work, { attempts = 5 } = {}) =>
      repeatable(() => withClient((client) => transact(sessionOf(client), work)), attempts),
    stats: () => ({
      total: pool.totalCount,
      idle: pool.idleCount,
      max: options.maxConnections,
      waiting: pool.waitingCount,
    }),
    close: async () => {
      await pool.end();
      silence.stop();
    },
  };

  /**
   * Returns a connection of the pool. If another connection was found half-open, or its server takes no writes, older
   * connections are not used again. A connection to a server that takes no writes is used for `READ_ONLY_MS`: the
   * primary may be back then.
   */
  async function checkOut(): Promise<pg.PoolClient> {
    for (;;) {
      const client = await onAnyServer(options.url, () => pool.connect(), isConnectionLost).catch(lost);
      if (!heardAt.has(client)) heardAt.set(client, performance.now());
      const { openedAt = 0, readOnly = false } = sessions.get(client) ?? {};
      const notBefore = Math.max(suspectedAt(options.url), readOnly ? performance.now() - READ_ONLY_MS : -Infinity);
      if ((heardAt.get(client) ?? 0) >= suspectAt && openedAt >= notBefore) return client;
      client.release(true);
    }
  }

  function sessionOf(client: pg.PoolClient): OwnSession {
    return {
      run: (text, values) => run(client, text, values),
      isBroken: () => broken.has(client),
      giveUp: () => void broken.add(client),
    };
  }

  async function withClient<T>(use: (client: pg.PoolClient) => Promise<T>): Promise<T> {
    const client = await checkOut();
    try {
      return await use(client);
    } finally {
      client.release(broken.has(client));
    }
  }

  async function run<R extends object>(client: pg.PoolClient, text: string, values?: readonly unknown[]): Promise<R[]> {
    const sentAt = performance.now();
    let timer: NodeJS.Timeout | undefined;
    let unwatch: (() => void) | undefined;
    const noAnswer = new Promise<never>((_resolve, reject) => {
      const giveUp = (): void => {
        broken.add(client);
        suspectAt = performance.now();
        reject(new NoAnswerError(suspectAt - sentAt));
        socketOf(client)?.destroy();
      };
      timer = setTimeout(giveUp, deadlineMs);
      unwatch = silence.watch({
        processId: sessions.get(client)?.processId ?? 0,
        bytesRead: () => socketOf(client)?.bytesRead ?? 0,
        onSilent: giveUp,
      });
    });
    try {
      const answer =
        options.prepared === true && values !== undefined
          ? client.query<R>({ name: statementName(text), text, values: [...values] })
          : client.query<R>(text, values as unknown[]);
      // If the deadline wins, the destroyed socket also rejects this promise, which nobody else handles.
      answer.catch(() => {});
      const { rows } = await Promise.race([answer, noAnswer]);
      heardAt.set(client, performance.now());
      return rows;
    } catch (error) {
      // Known since the session was opened.
      if (isReadOnlyRefusal(error) && sessions.get(client)?.readOnly === true) throw error;
      if (isServerLost(error)) suspectSessions(options.url);
      if (isServerError(error)) throw error;
      broken.add(client);
      return lost(error);
    } finally {
      clearTimeout(timer);
      unwatch?.();
    }
  }
}

const statementNames = new Map<string, string>();

/** Returns the same name for the same text, short enough for PostgreSQL (63 bytes). */
function statementName(text: string): string {
  let name = statementNames.get(text);
  if (name === undefined) {
    name = createHash('sha256').update(text).digest('hex').slice(0, 40);
    statementNames.set(text, name);
  }
  return name;
}

async function repeatable<T>(work: () => Promise<T>, attempts: number): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await work();
    } catch (error) {
      if (attempt >= attempts || !REPEATABLE.has(sqlState(error) ?? '')) throw error;
    }
  }
}

/** The TCP connection, which pg's types do not know. */
function socketOf(client: pg.PoolClient): Socket | undefined {
  return (client as unknown as { connection?: { stream?: Socket } }).connection?.stream;
}
