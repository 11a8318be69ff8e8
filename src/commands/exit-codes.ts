import { CommanderError } from 'commander';
import { messageOf } from '../platform/errors.ts';
import { SettingsError } from '../platform/environment.ts';
import { FileError } from '../platform/files.ts';
import { namingPart } from '../platform/unreachable.ts';
import { report } from './output.ts';

/** What scripts can rely on. */
export const ExitCode = { done: 0, failed: 1, usage: 2, notFound: 3, unchecked: 4 } as const;

/** What was asked for does not exist. */
export class NotFoundError extends Error {
  override readonly name = 'NotFoundError';
}

/** An argument is wrong; the message names it and the remedy. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** Prints what went wrong on standard error, in one message for people, and returns the exit code of its kind. */
export function reportAndExitCode(error: unknown): number {
  // Commander has printed its own message (or the help that was asked for) already.
  if (error instanceof CommanderError) return error.exitCode === 0 ? ExitCode.done : ExitCode.usage;
  report(messageOf(namingKafka(error)));
  if (error instanceof SettingsError || error instanceof UsageError || error instanceof FileError)
    return ExitCode.usage;
  return error instanceof NotFoundError ? ExitCode.notFound : ExitCode.failed;
}

/** kafkajs wraps what happened to a connection, and knows the broker. */
function namingKafka(error: unknown): unknown {
  for (let at: unknown = error; at instanceof Error; at = at.cause) {
    const { broker, code } = at as { broker?: unknown; code?: unknown };
    if (!at.name.startsWith('KafkaJS') || typeof broker !== 'string') continue;
    const socketError = Object.assign(new Error(at.message), { code });
    const named = namingPart('Kafka', broker, socketError);
    return named === socketError ? new Error(`Kafka at ${broker}: ${at.message}`, { cause: error }) : named;
  }
  return error;
}
