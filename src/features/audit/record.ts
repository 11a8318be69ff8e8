import { WebApiError } from '../../http/envelope.ts';
import { OperationError } from '../../http/operation-error.ts';
import type { Actor } from '../../operations/actor.ts';
import { inputSchemaOf, type Operation, routeOf } from '../../operations/operation.ts';
import type { Queryable } from '../../platform/database.ts';
import { isDatabaseOutage } from '../../platform/database-errors.ts';
import { usernameOf } from '../../users/user.ts';
import { type Made, madeBy, secretFields, shownInput } from './entry.ts';

/** Something that is done and recorded. */
export interface Audited {
  readonly source: 'api' | 'cli';
  /** Its name, such as `runs.stop`. */
  readonly operation: string;
  readonly by: Actor;
  readonly input: object;
  /** The members of the input whose values are never stored; default: none. */
  readonly secrets?: ReadonlySet<string>;
}

/**
 * Does the work between two statements: one records who starts it, the other how it ended and what it made. Nothing is
 * done if the first one fails. If the second one fails, the entry stays as if the work were under way: the work counts.
 * @throws what the work throws.
 */
export async function audited<T>(db: Queryable, what: Audited, work: () => Promise<T>): Promise<T> {
  const { source, operation, by, input, secrets = new Set() } = what;
  const [row] = await db.query<{ id: number }>(START, [
    by.user,
    by.unit,
    source,
    operation,
    JSON.stringify(shownInput(input, secrets)),
  ]);
  const end = async (result: string, made: Made | null): Promise<void> => {
    await db.query(END, [row?.id, result, made === null ? null : JSON.stringify(made)]).catch(() => {});
  };
  let output: T;
  try {
    output = await work();
  } catch (error) {
    await end(codeOf(error), null);
    throw error;
  }
  await end('OK', madeBy(operation, output));
  return output;
}

/** Returns the operation's handler. One that an operator or admin changes or sends something with is recorded. */
export function auditedHandler(one: Operation, source: Audited['source']): Operation['handle'] {
  if (one.role === 'viewer' || routeOf(one).method === 'GET') return (context, input) => one.handle(context, input);
  const secrets = secretFields(inputSchemaOf(one));
  return (context, input) =>
    audited(context.db, { source, operation: one.name, by: context.by, input, secrets }, () =>
      one.handle(context, input),
    );
}

/** Records that somebody logged in or out of the console, or could not. A name that no user has is not stored. */
export async function recordSession(
  db: Queryable,
  operation: 'session.start' | 'session.end',
  username: string,
  result: 'OK' | 'WRONG_CREDENTIALS',
): Promise<void> {
  await db.query(SESSION, [operation, usernameOf(username), result]);
}

function codeOf(error: unknown): string {
  if (error instanceof OperationError || error instanceof WebApiError) return error.code;
  return isDatabaseOutage(error) ? 'DATABASE_UNAVAILABLE' : 'INTERNAL_ERROR';
}

const START = /* sql */ `
insert into audit (by_user, by_unit, source, operation, input) values ($1, $2, $3, $4, $5::jsonb) returning id`;

/** Walks audit's primary key. */
const END = /* sql */ `update audit set result = $2, ended_at = now(), made = $3::jsonb where id = $1`;

/** Walks web_user's primary key. */
const SESSION = /* sql */ `
insert into audit (by_user, by_unit, source, operation, input, result, ended_at)
select u.username, u.unit, 'api', $1, '{}', $3, now()
  from (values ($2::text)) given (username) left join web_user u on u.username = any (array[given.username])`;
