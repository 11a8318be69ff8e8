import { z } from 'zod';
import { OperationError } from '../http/operation-error.ts';
import { webApiCodes } from '../http/codes.ts';
import { fieldOf, problemText, readInput } from '../http/problems.ts';
import { NotFoundError, UsageError } from './exit-codes.ts';

/** The option or argument of each field of an operation's input, by the field's path, for errors. */
export type OptionNames = Readonly<Record<string, string>>;

/**
 * What the command line was given, read by the operation's own schema, so that the operations API and the command line
 * have the same limits.
 * @throws UsageError naming the option, what is wrong with its value, and the remedy.
 */
export function inputOf<S extends z.ZodType>(schema: S, given: unknown, options: OptionNames): z.output<S> {
  const read = readInput(schema, given);
  if (read.success) return read.data;
  throw new UsageError(problemText(read.error, (path) => optionOf(fieldOf(path), options)));
}

/**
 * Refuses wrong fields before somebody is asked for secrets. What depends on several fields is left to `inputOf`.
 * @param secrets the fields that are not given yet.
 * @throws UsageError as `inputOf` does.
 */
export function refuseOthers(
  schema: z.ZodType,
  given: unknown,
  options: OptionNames,
  secrets: readonly string[],
): void {
  const { error } = readInput(schema, given);
  const issues = error?.issues.filter(({ path }) => path.length > 0 && !secrets.includes(fieldOf(path))) ?? [];
  if (issues.length === 0) return;
  throw new UsageError(problemText(new z.ZodError(issues), (path) => optionOf(fieldOf(path), options)));
}

/** Runs an operation. If it refuses, the error names the command line's option and ends with its exit code. */
export async function operated<T>(options: OptionNames, operation: () => Promise<T>): Promise<T> {
  try {
    return await operation();
  } catch (error) {
    if (!(error instanceof OperationError)) throw error;
    const { code, field, problem } = error;
    const message = field === null ? problem : `${optionOf(field, options)}: ${problem}`;
    const { status } = webApiCodes[code];
    if (status === 404) throw new NotFoundError(message, { cause: error });
    // 501: a setting is missing. A conflict without a field is about the state of something, not about the usage.
    const isUsage = status === 501 || (status < 500 && !(status === 409 && field === null));
    throw isUsage ? new UsageError(message, { cause: error }) : new Error(message, { cause: error });
  }
}

function optionOf(field: string, options: OptionNames): string {
  const path = field.replaceAll(/\[\d+\]/g, '');
  for (let at = path; at !== ''; at = at.slice(0, Math.max(0, at.lastIndexOf('.')))) {
    const option = options[at];
    if (option !== undefined) return option;
  }
  // A field that is named without the object around it, or an object whose fields are options.
  const within = Object.entries(options).find(([known]) => `.${known}.`.includes(`.${path}.`));
  return within?.[1] ?? field;
}
