import { type Logger, pino } from 'pino';

export type { Logger } from 'pino';

/** Names under which a secret could reach a log by accident. */
const SECRET_PATHS = ['pin', 'password', 'token', 'authorization', '*.pin', '*.password', '*.token', '*.authorization'];

/** JSON lines on standard output; the service's log. ERROR means that a person has to act. */
export function createLogger(level: string): Logger {
  return pino({
    level,
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label) => ({ level: label }) },
    redact: { paths: SECRET_PATHS, censor: '[masked]' },
  });
}
