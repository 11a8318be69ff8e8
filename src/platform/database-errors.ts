import pg from 'pg';
import { ReadOnlyServerError } from './session.ts';

/** The connection broke while COMMIT was under way. */
export class CommitUnknownError extends Error {
  override readonly name = 'CommitUnknownError';
  constructor(cause: unknown) {
    super('The connection broke during COMMIT: the transaction may or may not have been done', { cause });
  }
}

/** A statement got no answer, not even the server's own timeout: the connection is half-open and was destroyed. */
export class NoAnswerError extends Error {
  override readonly name = 'NoAnswerError';
  constructor(afterMs: number) {
    super(`PostgreSQL did not answer for ${Math.round(afterMs)} ms; the connection was destroyed`);
  }
}

/** The errors of refused COMMITs. */
const refusedCommits = new WeakSet<object>();

/** Notes that COMMIT itself was refused with this error. */
export function refusedCommit(error: unknown): void {
  refusedCommits.add(Object(error) as object);
}

/** pg's own errors about a connection: `isConnectionError` reads the texts of these only. */
const pgErrors = new WeakSet<object>();

/** Throws an error of pg's own about a connection, so that `isDatabaseOutage` knows it. */
export function lost(error: unknown): never {
  pgErrors.add(Object(error) as object);
  throw error;
}

/**
 * Runs work on a session outside the pool. `isDatabaseOutage` then recognises the errors of pg about that session,
 * which are plain errors without a code.
 * @throws what the work throws.
 */
export async function onOwnSession<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof Error && error.name === 'Error') lost(error);
    throw error;
  }
}

/** Returns the SQLSTATE of an error that PostgreSQL answered with; null for other errors. */
export function sqlState(error: unknown): string | null {
  return isServerError(error) ? (error.code ?? null) : null;
}

/**
 * Errors of the server after which the session is gone or useless: 08, 57P0x (shutdown), 25P03 (idle), 25006 (the
 * server takes no writes: after a failover it may be the former primary).
 */
const SESSION_GONE = /^(08|57P0|25P0[34]|25006)/;

/** Errors that hold for every session with the same server. */
const SERVER_LOST = /^(57P0[1-4]|25006)/;

/** Returns whether an error holds for every session with the same server. */
export function isServerLost(error: unknown): boolean {
  return error instanceof pg.DatabaseError && SERVER_LOST.test(error.code ?? '');
}

/** Returns whether PostgreSQL answered with this error, and the session is still usable. */
export function isServerError(error: unknown): error is pg.DatabaseError {
  return error instanceof pg.DatabaseError && !SESSION_GONE.test(error.code ?? '');
}

/** Returns whether a server refused to write, because it is a standby or was made read-only. */
export function isReadOnlyRefusal(error: unknown): boolean {
  return error instanceof pg.DatabaseError && error.code === '25006';
}

/**
 * Returns whether the database itself is away or cannot take work now (connection refused or lost, shutting down,
 * starting, out of connections, disk full, no answer, read-only standby, its NOTIFY queue full): the same work will
 * succeed later, unchanged.
 */
export function isDatabaseOutage(error: unknown): boolean {
  if (error instanceof CommitUnknownError || error instanceof NoAnswerError || error instanceof ReadOnlyServerError) {
    return true;
  }
  if (isNotifyQueueFull(error)) return true;
  if (error instanceof pg.DatabaseError) return /^(08|53|57|58|25P0[346]|25006|55P03|40|XX)/.test(error.code ?? '');
  return (
    error instanceof Error &&
    !(error instanceof TypeError) &&
    !(error instanceof RangeError) &&
    isConnectionError(error)
  );
}

/** A limit that is reached at COMMIT is that of the NOTIFY queue, which all databases of the server share. */
export function isNotifyQueueFull(error: unknown): boolean {
  if (!isServerError(error) || error.code !== '54000') return false;
  return refusedCommits.has(error) || error.routine === 'PreCommit_Notify';
}

/** pg's own errors about a lost connection have no code, so only their texts identify them. */
function isConnectionError(error: Error): boolean {
  const code = (error as NodeJS.ErrnoException).code ?? '';
  return (
    /^(ECONN|EPIPE|ENOTFOUND|EAI_AGAIN|ETIMEDOUT|EHOST|ENET)/.test(code) ||
    (pgErrors.has(error) && /connection|timeout|terminated|not queryable/i.test(error.message))
  );
}
