import type { z } from 'zod';
import type { FindWriterSchema } from '../events/decode.ts';
import type { InputPatterns } from '../http/parts.ts';
import type { PlanningRules } from '../planning/types.ts';
import type { Database, Transaction } from '../platform/database.ts';
import type { Seal } from '../platform/seal.ts';
import type { Role } from '../users/user.ts';
import type { Actor } from './actor.ts';
import type { Outcome } from './outcome.ts';

/** What every handler gets besides its input. The command line reads a setting only if a handler asks for it. */
export interface OperationContext {
  readonly db: Database;
  /** Who asks: the token's user, or on the command line `--by`. */
  readonly by: Actor;
  /** W3C trace context of the call, for the requests that it makes; null if there is none. */
  readonly traceparent: string | null;
  /** The planning rules of the settings. */
  readonly rules: PlanningRules;
  readonly patterns: InputPatterns;
  /** Seals PINs; null if no PIN_KEY is set. */
  readonly seal: Seal | null;
  readonly stalePolicy: 'plan' | 'hold';
  readonly facetWaitMs: number;
  readonly findWriterSchema: FindWriterSchema;
  /** Topics that outcomes are not replayed into by name. */
  readonly ownTopics: readonly string[];
  /**
   * Makes something in one transaction and returns what `read` finds of it. `make` returns its number. A call that is
   * repeated with its Idempotency-Key makes nothing more: `read` gets the number of what it made then.
   */
  readonly once: <T>(
    make: (tx: Transaction) => Promise<number>,
    read: (tx: Transaction, number: number) => Promise<T> | T,
  ) => Promise<T>;
  /**
   * Waits until these requests are final, and not at all if `waits` is false. Waits no longer than
   * WEB_API_IMMEDIATE_TIMEOUT_MS, on the command line `--timeout`; `timeoutMs` replaces both.
   */
  readonly awaitOutcome: (numbers: readonly number[], waits: boolean, timeoutMs?: number) => Promise<Outcome>;
}

/** An object, or one of several objects that a field distinguishes. */
export type InputSchema = z.ZodObject | z.ZodDiscriminatedUnion<readonly z.ZodObject[]>;

/**
 * Something that people and their programs ask the service for. The HTTP route under `/api/v1`, its OpenAPI entry, the
 * command and the row in docs/operations.md follow from it.
 */
export interface Operation<I extends InputSchema = InputSchema, O extends z.ZodObject = z.ZodObject> {
  /**
   * Feature and verb, such as `runs.stop`; the feature alone if it has one operation. It is also the command, the
   * operationId, and the route in the metrics.
   */
  readonly name: string;
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
  /**
   * Snake_case fields, each with a description. A schema that a JSON body fits; a function if it needs the patterns of
   * the settings. A field with `format: 'password'` in its `meta` is secret: the command never takes it as an argument.
   */
  readonly input: I | ((patterns: InputPatterns) => I);
  /** What the envelope has as `data`, and what `--json` prints. */
  readonly output: O;
  /** An input that works. */
  readonly example: z.input<I>;
  /** The call may have an Idempotency-Key; the handler makes what it makes with `once`. */
  readonly takesIdempotencyKey?: boolean;
  /** The most that a body may have; without it what the server takes (1 MiB). */
  readonly bodyBytesMax?: number;
  readonly cli?: CommandLine<I, O>;
  /** False: the command line has no command for it, or does it in a way of its own. */
  readonly hasCommand?: false;
  /** @throws OperationError for what only the database knows, before anything is stored. */
  handle(context: OperationContext, input: z.output<I>): Promise<z.output<O>>;
}

/**
 * How the command differs from what follows from the operation. A field is named by its path, such as `selection.cards`.
 * The fields of an object are options of their own: `--selection-cards`.
 */
export interface CommandLine<I extends InputSchema = InputSchema, O extends z.ZodObject = z.ZodObject> {
  /** Fields that are given as arguments, in this order; the others are options. */
  readonly arguments?: readonly string[];
  /**
   * Other names of options, by field or by the last part of its path: `{ smartcard_ca_ids: 'card' }`. That of an object
   * stands before its fields' names; an empty one does not. A flag named `no-…` makes its field false.
   */
  readonly options?: Readonly<Record<string, string>>;
  /** Lists that may come from a file, one element a line: the option that names the file. */
  readonly files?: Readonly<Record<string, string>>;
  /** Secrets that are not asked for if a flag is given: the flag's field. */
  readonly instead?: Readonly<Record<string, string>>;
  /** Values of options that a person may leave out and a program may not. */
  readonly defaults?: Readonly<Record<string, unknown>>;
  /** Settings that the command reads before anything else, so that one message has all mistakes in them. */
  settings?(input: z.output<I>): readonly 'kafka'[];
  /** The operation waits for requests: the command has `--timeout`. */
  readonly waits?: boolean;
  /** What people are shown and asked before the operation is done, unless they give `--yes`. */
  ask?(context: OperationContext, input: z.output<I>): Promise<Question>;
  readonly follow?: Follow<O>;
  /** A command that is done in place of this one if its option is given. */
  readonly unless?: { readonly option: string; readonly does: FurtherCommand };
  /** What people read on standard error if the only list of the output is empty. */
  readonly empty?: string;
  /** The output as text for people; without it objects are shown as fields and arrays as tables. */
  text?(output: z.output<O>, input: z.output<I>): string;
  /** Why the command ends with exit code 1 after it printed the output; null if all is well. */
  failure?(output: z.output<O>, input: z.output<I>): string | null;
}

export interface Question {
  /** What would happen. */
  readonly shown: string;
  readonly question: string;
  /** Why there is nothing to do; null if there is something. */
  readonly nothing: string | null;
}

/** How a command shows what an operation started, to its end. */
export interface Follow<O extends z.ZodObject = z.ZodObject> {
  /** Only with `--follow`; otherwise unless `--no-wait` is given. */
  readonly onlyIfAsked: boolean;
  /** Reads the output as it is now. */
  again(context: OperationContext, output: z.output<O>): Promise<z.output<O>>;
  isOver(output: z.output<O>): boolean;
  /** How far it is, in one line; `first` is the output `ms` milliseconds ago. */
  progress(output: z.output<O>, first: z.output<O>, ms: number): string;
  /** What a person reads who leaves before the end. */
  left(output: z.output<O>): string;
  /** Why the command ends with exit code 1 after it followed to the end; null if all is well. */
  failure(output: z.output<O>): string | null;
}

/** A further command of an operation. */
export interface FurtherCommand {
  /** The feature and a verb, such as `message bark`; or the feature alone. */
  readonly name: string;
  readonly summary: string;
  readonly description: string;
  readonly operation: Operation;
  /** What the command decides: fields that are no options of it. Undefined: it has no such field. */
  readonly fixed: Readonly<Record<string, unknown>>;
  readonly cli: CommandLine;
}

/** The operations of one kind, which share a command and a heading of the OpenAPI document. */
export interface Feature {
  /** The first part of the operations' names. */
  readonly name: string;
  /** One sentence. */
  readonly summary: string;
  readonly operations: readonly Operation[];
  /** Commands besides those of the operations. */
  readonly commands?: readonly FurtherCommand[];
}

/** The same operation, its types checked and then forgotten. */
export function operation<I extends InputSchema, O extends z.ZodObject>(one: Operation<I, O>): Operation {
  return one;
}

/** The schema of an operation's input, with the patterns if it needs them; by default with patterns that fit all texts. */
export function inputSchemaOf({ input }: Pick<Operation, 'input'>, patterns = (): InputPatterns => ANY): InputSchema {
  return typeof input === 'function' ? input(patterns()) : input;
}

const ANY: InputPatterns = { smartcard: /^/, setTopBox: /^/, pin: /^/ };

/** Method and path of an operation's route. */
export function routeOf({ route }: Operation): { method: 'GET' | 'POST'; path: string } {
  const [method, path = ''] = route.split(' ', 2);
  return { method: method === 'GET' ? 'GET' : 'POST', path };
}

/** Every command of a feature; those of its operations first. */
export function commandsOf({ operations, commands = [] }: Feature): FurtherCommand[] {
  const own = operations
    .filter(({ hasCommand = true }) => hasCommand)
    .map((one): FurtherCommand => {
      const { name, summary, description, cli = {} } = one;
      const command = name.replace('.', ' ').replaceAll('_', '-');
      return { name: command, summary, description, operation: one, fixed: {}, cli };
    });
  return [...own, ...commands];
}
