import { CommitUnknownError, isNotifyQueueFull, isServerError, refusedCommit } from './database-errors.ts';

/** A row as pg returns it: bigint columns as number (see below), timestamptz as Date, jsonb parsed. */
export type Row = Record<string, unknown>;

/** Runs one statement. `R` is what the caller knows of its columns. */
export interface Queryable {
  query<R extends object = Row>(text: string, values?: readonly unknown[]): Promise<R[]>;
}

/** A transaction at READ COMMITTED, by `prepareSession`: each statement sees what was committed before it started. */
export interface Transaction extends Queryable {
  readonly inTransaction: true;
  /**
   * Sends a statement whose rows nobody needs, without waiting for its answer: a round trip less. The server executes
   * the statements of a transaction in the order in which they were sent. If this one fails, the transaction fails with
   * its error, whatever later statements do.
   */
  send(text: string, values?: readonly unknown[]): void;
  /**
   * Waits for every sent statement.
   * @throws the error of the first one that failed.
   */
  settled(): Promise<void>;
  /** Sends a savepoint. The returned function undoes everything that was sent since, failures as well. */
  savepoint(): () => Promise<void>;
}

/** A session with the server that a transaction has for itself. */
export interface OwnSession {
  readonly run: Queryable['query'];
  readonly isBroken: () => boolean;
  /** Has the connection closed after the transaction. */
  readonly giveUp: () => void;
}

/**
 * Runs `work` in one transaction.
 * @throws what failed first; CommitUnknownError if the connection broke during COMMIT.
 */
export async function transact<T>(
  { run, isBroken, giveUp }: OwnSession,
  work: (tx: Transaction) => Promise<T>,
): Promise<T> {
  const sent: Promise<unknown>[] = [];
  let statements = 0;
  let failures: { readonly statement: number; readonly error: unknown }[] = [];
  let ended = false;
  const query = async <R extends object>(text: string, values?: readonly unknown[]): Promise<R[]> => {
    // Something that still runs after the work failed must not run outside of the transaction.
    if (ended) throw new Error('The transaction has ended: nothing more can be done in it');
    return await run<R>(text, values);
  };
  const send = (text: string, values?: readonly unknown[]): void => {
    statements += 1;
    const statement = statements;
    sent.push(query(text, values).catch((error: unknown) => failures.push({ statement, error })));
  };
  const throwFailure = (): void => {
    if (failures[0] !== undefined) throw failures[0].error;
  };
  const settled = async (): Promise<void> => {
    await Promise.all(sent.splice(0));
    throwFailure();
  };
  const savepoint = (): (() => Promise<void>) => {
    send('savepoint here');
    const here = statements;
    return async () => {
      await Promise.all(sent.splice(0));
      failures = failures.filter(({ statement }) => statement <= here);
      throwFailure();
      await query('rollback to savepoint here');
    };
  };
  send('begin');
  let result: T;
  try {
    result = await work({ inTransaction: true, query, send, settled, savepoint });
    // A value that pg cannot write is an error of which the server knows nothing. It is there before the next tick.
    await new Promise<void>((resolve) => process.nextTick(resolve));
    throwFailure();
  } catch (error) {
    ended = true;
    // After a statement failed, the server refuses every later one: the first error is what the caller gets.
    const first: unknown = await settled().then(
      () => error,
      (sentError: unknown) => sentError,
    );
    // A failed rollback hides nothing, and the connection is closed.
    if (!isBroken()) await run('rollback').catch(giveUp);
    throw first;
  }
  ended = true;
  const committed = run('commit');
  const [allSent, commit] = await Promise.allSettled([settled(), committed]);
  // After a failed statement the server rolls back and answers the commit without an error.
  if (allSent.status === 'rejected' && isServerError(allSent.reason)) throw allSent.reason;
  if (commit.status === 'rejected') {
    const error: unknown = commit.reason;
    if (isBroken()) throw new CommitUnknownError(error);
    refusedCommit(error);
    // The server frees the queue only if somebody asks for its usage. Without this it stays full after its holder
    // left.
    if (isNotifyQueueFull(error)) await run('select pg_notification_queue_usage()').catch(() => {});
    throw error;
  }
  return result;
}
