import { CommanderError } from 'commander';
import { messageOf } from '../platform/errors.ts';
import { SettingsError } from '../platform/environment.ts';

/** What scripts can rely on. */
export const ExitCode = { done: 0, failed: 1, usage: 2, notFound: 3 } as const;

/** What was asked for does not exist. */
export class NotFoundError extends Error {
  override readonly name = 'NotFoundError';
}

/** An argument is wrong; the message names it and the remedy. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** Prints what went wrong on standard error, in one message for people, and gives the exit code that says which kind. */
export function reportAndExitCode(error: unknown): number {
  // Commander has printed its own message (or the help that was asked for) already.
  if (error instanceof CommanderError) return error.exitCode === 0 ? ExitCode.done : ExitCode.usage;
  console.error(messageOf(error));
  if (error instanceof SettingsError || error instanceof UsageError) return ExitCode.usage;
  return error instanceof NotFoundError ? ExitCode.notFound : ExitCode.failed;
}
