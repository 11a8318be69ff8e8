import { type Logger, pino, stdSerializers, stdTimeFunctions, symbols } from 'pino';
import { visibleJson } from './terminal-text.ts';

export type { Logger } from 'pino';

/** Names under which a secret could reach a log by accident. */
const SECRET_PATHS = ['pin', 'password', 'token', 'authorization', '*.pin', '*.password', '*.token', '*.authorization'];
/** What each line has of its own. */
const LINE_KEYS = ['level', 'time', 'msg'];

/**
 * JSON lines on standard output; the service's log. ERROR means that a person has to act.
 *
 * No line has a key twice, which pino writes if a child logger or a line names a key again, and which readers of JSON
 * refuse or drop: a child's key replaces its parent's, and a line's key that is taken gets an underscore. Characters that
 * a terminal obeys are written as `\uXXXX`.
 */
export function createLogger(level: string): Logger {
  const standardOutput = pino.destination(1);
  return pino(
    {
      level,
      base: null,
      timestamp: stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      redact: { paths: SECRET_PATHS, censor: '[masked]' },
      onChild: (child) => joinBindings(child as Logger),
      hooks: {
        logMethod(args, method) {
          const [fields, message, ...values] = args as [unknown, string | undefined, ...unknown[]];
          if (typeof fields !== 'object' || fields === null) return method.apply(this, args);
          const error = fields instanceof Error ? fields : null;
          const distinct = withoutTaken(error === null ? fields : { err: error }, keysOf(this));
          return method.call(this, distinct, message ?? error?.message, ...values);
        },
      },
    },
    { write: (line: string) => standardOutput.write(visibleJson(line)) },
  );
}

/** The keys that every line of a logger has. */
const takenKeys = new WeakMap<object, ReadonlySet<string>>();

function keysOf(logger: Logger): ReadonlySet<string> {
  let keys = takenKeys.get(logger);
  if (keys === undefined) {
    keys = new Set([...LINE_KEYS, ...Object.keys(logger.bindings())]);
    takenKeys.set(logger, keys);
  }
  return keys;
}

function withoutTaken(fields: object, taken: ReadonlySet<string>): object {
  if (!Object.keys(fields).some((key) => taken.has(key))) return fields;
  const distinct: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(fields)) {
    let name = key;
    while (taken.has(name) || (name !== key && name in fields)) name += '_';
    // pino serialises an Error only under its own name.
    distinct[name] = value instanceof Error ? stdSerializers.err(value) : value;
  }
  return distinct;
}

/** pino appends a child's bindings to its parent's as text; read back, the last of a key counts. */
function joinBindings(child: Logger): void {
  const internals = child as unknown as Record<symbol, string>;
  const own = Object.entries(child.bindings()).filter(([key]) => !LINE_KEYS.includes(key));
  internals[symbols.chindingsSym] = own
    .map(([key, value]) => `,${JSON.stringify(key)}:${JSON.stringify(value)}`)
    .join('');
}
