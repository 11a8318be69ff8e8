import { constants } from 'node:os';

/** Resolves after SIGINT or SIGTERM; a second signal ends the process at once. */
export function untilToldToStop(): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    const stop = (signal: NodeJS.Signals): void => {
      for (const name of ['SIGINT', 'SIGTERM'] as const) {
        process.removeListener(name, stop);
        process.once(name, () => process.exit(1));
      }
      resolve(signal);
    };
    process.on('SIGINT', stop);
    process.on('SIGTERM', stop);
  });
}

/**
 * Lets signals end a command that does not handle them itself, with exit code 128 + the signal's number, also as process 1.
 * The kernel ignores a signal's default action for process 1, which is what the command is in a container: without this,
 * `migrate` would run on until the engine kills it.
 */
export function endAtSignalsAsProcess1(): void {
  if (process.pid !== 1) return;
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(name, () => {
      if (process.listenerCount(name) === 1) process.exit(128 + constants.signals[name]);
    });
  }
}
