import type { z } from 'zod';
import type { PlanningRules } from '../planning/types.ts';
import type { Database } from '../platform/database.ts';
import type { Role } from '../users/user.ts';
import type { Actor } from './actor.ts';

/** What every handler gets beside its input. */
export interface OperationContext {
  readonly db: Database;
  /** Who asks: the token's user, or on the command line `--by`. */
  readonly by: Actor;
  /** The planning rules of the settings. The command line reads them only for an operation that asks for them. */
  readonly rules: PlanningRules;
}

/**
 * Something that people and their programs ask the service for. The HTTP route under `/api/v1`, its OpenAPI entry, the
 * command and the row in docs/operations.md follow from it.
 */
export interface Operation<I extends z.ZodObject = z.ZodObject, O extends z.ZodObject = z.ZodObject> {
  /** Feature and verb, such as `runs.stop`. It is also the command, the operationId, and the route in the metrics. */
  readonly name: `${string}.${string}`;
  /** One line without a full stop, for lists. */
  readonly summary: string;
  /** Sentences that add to the summary. */
  readonly description: string;
  /** The least role that may do it over HTTP. The command line asks for no role: it has the database's password. */
  readonly role: Role;
  /**
   * Method, and path below `/api/v1`: a GET reads its input from the query, a POST from the body. A schema with a check
   * over several fields cannot be split: none of its fields is in the path.
   */
  readonly route: `GET /${string}` | `POST /${string}`;
  /** Snake_case fields, each with a description. A schema that a JSON body fits. */
  readonly input: I;
  /** What the envelope has as `data`, and what `--json` prints. */
  readonly output: O;
  /** An input that works. */
  readonly example: z.input<I>;
  readonly cli?: CommandLine<I, O>;
  /** @throws OperationError for what only the database knows, before anything is stored. */
  handle(context: OperationContext, input: z.output<I>): Promise<z.output<O>>;
}

/** How the command differs from what follows from the operation. */
export interface CommandLine<I extends z.ZodObject = z.ZodObject, O extends z.ZodObject = z.ZodObject> {
  /** Fields that are given as arguments, in this order; the others are options. */
  readonly arguments?: readonly (keyof z.input<I> & string)[];
  /** Values of options that a person may leave out and a program may not. */
  readonly defaults?: Partial<z.input<I>>;
  /** What people read on standard error if the only list of the output is empty. */
  readonly empty?: string;
  /** The output as text for people; without it objects are shown as fields and arrays as tables. */
  text?(output: z.output<O>): string;
}

/** The operations of one kind, which share a command and a heading of the OpenAPI document. */
export interface Feature {
  /** The first part of the operations' names. */
  readonly name: string;
  /** One sentence. */
  readonly summary: string;
  readonly operations: readonly Operation[];
}

/** The same operation, its types checked and then forgotten. */
export function operation<I extends z.ZodObject, O extends z.ZodObject>(one: Operation<I, O>): Operation {
  return one;
}

/** Method and path of an operation's route. */
export function routeOf({ route }: Operation): { method: 'GET' | 'POST'; path: string } {
  const [method, path = ''] = route.split(' ', 2);
  return { method: method === 'GET' ? 'GET' : 'POST', path };
}
