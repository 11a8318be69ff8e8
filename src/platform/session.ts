import type pg from 'pg';

/** The server answers, and takes no writes: a standby, or a server that somebody made read-only. */
export class ReadOnlyServerError extends Error {
  override readonly name = 'ReadOnlyServerError';
}

/** What the server reports about a new session. */
export interface Session {
  /** The server's process, also if a pooler is in between. */
  readonly processId: number;
  /** The server takes no writes; only with `acceptReadOnly`. */
  readonly readOnly: boolean;
}

export interface SessionOptions {
  /** Milliseconds; 0 lets a statement run for ever. Default 30,000. */
  readonly statementTimeoutMs?: number | undefined;
  /** Milliseconds; 0 lets a statement wait for ever. Default 15,000. */
  readonly lockTimeoutMs?: number | undefined;
  /** Also a server that takes no writes will do: for work that may only read. Default: false. */
  readonly acceptReadOnly?: boolean | undefined;
  /** More settings of the session, by their names. */
  readonly settings?: Readonly<Record<string, string>> | undefined;
}

/** The server of a session answers these questions within this time, or the session is given up. */
const ANSWER_MS = 4_000;

/**
 * What our statements rely on, whatever the defaults of the server, the database and the role are. Left alone on purpose:
 * default_transaction_read_only, with which an operator fences a database, and what only makes statements slower.
 */
const RELIED_ON = {
  // Each statement of a transaction sees what was committed before it: order and locks are built on that.
  default_transaction_isolation: 'read committed',
  default_transaction_deferrable: 'off',
  // How texts go out and come back: pg parses dates, intervals, numbers and bytes in these forms.
  client_encoding: 'UTF8',
  DateStyle: 'ISO, MDY',
  IntervalStyle: 'postgres',
  TimeZone: 'UTC',
  bytea_output: 'hex',
  extra_float_digits: '1',
  // What a literal and a comparison mean.
  standard_conforming_strings: 'on',
  transform_null_equals: 'off',
  array_nulls: 'on',
  // A listening session may be silent for hours.
  idle_session_timeout: '0',
} as const;

/** Our tables, wherever the migrations made them, else where they would make them; never a schema of the server's own. */
const OUR_SCHEMA = /* sql */ `coalesce(
  (select relnamespace::regnamespace::text from pg_class where oid = to_regclass('schema_compatibility')),
  (select quote_ident(name) from unnest(current_schemas(false)) with ordinality as path (name, place)
    where name !~ '^pg_' and name <> 'information_schema' order by place limit 1),
  'public')`;

const TAKES_WRITES = /* sql */ `pg_is_in_recovery() as standby, current_setting('transaction_read_only') = 'on' as "readOnly"`;

const PREPARE = /* sql */ `
with wanted (name, value) as (
  select * from unnest($1::text[], $2::text[])
  union all select 'search_path', ${OUR_SCHEMA}
  -- A commit that a power cut may take back would be acknowledged to Kafka and sent to the CAS all the same.
  union all select 'synchronous_commit', 'on' where current_setting('synchronous_commit') = 'off'
  -- PostgreSQL 17 and newer.
  union all select 'transaction_timeout', '0' where current_setting('transaction_timeout', true) is not null
)
select count(set_config(name, value, false)) as settings, pg_backend_pid() as "processId", ${TAKES_WRITES} from wanted`;

/**
 * Makes a new session one of ours, in one statement: sets all that our statements rely on, and refuses a server that
 * takes no writes, unless it is accepted. Every connection of pools, listeners and migrations goes through this once. Not by startup
 * parameters: poolers refuse most of them.
 * @throws ReadOnlyServerError
 */
export async function prepareSession(client: pg.ClientBase, options: SessionOptions = {}): Promise<Session> {
  const { statementTimeoutMs = 30_000, lockTimeoutMs = 15_000, acceptReadOnly = false } = options;
  const wanted = Object.entries({
    ...RELIED_ON,
    statement_timeout: String(statementTimeoutMs),
    lock_timeout: String(lockTimeoutMs),
    idle_in_transaction_session_timeout: String(statementTimeoutMs * 2),
    ...options.settings,
  });
  const values = [wanted.map(([name]) => name), wanted.map(([, value]) => value)];
  const answer = await askServer<{ processId: number }>(client, PREPARE, values);
  if (!acceptReadOnly) refuseReadOnly(answer);
  return { processId: answer.processId, readOnly: answer.standby || answer.readOnly };
}

/**
 * Asks the server of a session whether it takes writes.
 * @throws ReadOnlyServerError
 */
export async function requireWritable(client: pg.ClientBase): Promise<void> {
  refuseReadOnly(await askServer(client, `select ${TAKES_WRITES}`));
}

interface TakesWrites {
  readonly standby: boolean;
  readonly readOnly: boolean;
}

async function askServer<R>(
  client: pg.ClientBase,
  text: string,
  values: readonly unknown[] = [],
): Promise<R & TakesWrites> {
  // pg's types do not know the time limit of a single query.
  const query = { text, values: [...values], query_timeout: ANSWER_MS } as pg.QueryConfig;
  const [row] = (await client.query<R & TakesWrites>(query)).rows;
  if (row === undefined) throw new Error('The connection broke before PostgreSQL answered');
  return row;
}

function refuseReadOnly(row: TakesWrites): void {
  if (row.standby) {
    throw new ReadOnlyServerError('The PostgreSQL server is a standby and takes no writes: the primary is waited for');
  }
  if (row.readOnly) {
    throw new ReadOnlyServerError(
      'The PostgreSQL server takes no writes: default_transaction_read_only is on for the server, the database or the role',
    );
  }
}

/** When a server of an address was last found to take no writes, or to end its sessions. */
const endedAt = new Map<string, number>();

/** Notes that the sessions with the server of this address may be with the wrong one, in every pool of the process. */
export function suspectSessions(databaseUrl: string): void {
  endedAt.set(databaseUrl, performance.now());
}

/** Sessions with this address that were opened before this time, by performance.now(), must not be used again. */
export function suspectedAt(databaseUrl: string): number {
  return endedAt.get(databaseUrl) ?? -Infinity;
}
