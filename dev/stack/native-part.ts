import { superviseUntilReady, type Supervised, type SupervisedCommand } from './supervised.ts';
import type { PartContext, RunningPart } from './part.ts';

export type NativeServer = {
  readonly name: string;
  readonly url: string;
  readonly address: string;
  readonly command: SupervisedCommand;
  /** Resolves when the server answers a real request. */
  readonly probe: () => Promise<void>;
  /** Asks for a clean end. */
  readonly stopSignal: NodeJS.Signals;
  /** Ends the server like a crash, its own child processes included. */
  readonly killSignal: NodeJS.Signals;
  /** Set: the last end must be a clean one, and this is called after it. */
  readonly afterCleanEnd?: () => Promise<void>;
};

const READY_WITHIN_MS = 60_000;
const STOP_GRACE_MS = 15_000;
const BIND_ATTEMPTS = 3;

/**
 * Starts a server as a child process. `describe` is asked again, for another port, when the one it chose was taken
 * between the look and the start.
 */
export async function startNativePart(
  context: PartContext,
  describe: () => Promise<NativeServer>,
): Promise<RunningPart> {
  for (let attempt = 1; ; attempt++) {
    const server = await describe();
    try {
      return runningPart(context, server, await start(server));
    } catch (error) {
      if (attempt === BIND_ATTEMPTS || !/address already in use|BindException|could not bind/i.test(String(error))) {
        throw error;
      }
    }
  }
}

function start(server: NativeServer): Promise<Supervised> {
  return superviseUntilReady(server.name, server.command, server.probe, READY_WITHIN_MS);
}

function runningPart(context: PartContext, server: NativeServer, first: Supervised): RunningPart {
  let running: Supervised | undefined = first;
  const end = async (signal: NodeJS.Signals) => {
    await running?.stop(signal, STOP_GRACE_MS);
    running = undefined;
  };
  return {
    url: server.url,
    address: server.address,
    control: {
      stop: () => end(server.stopSignal),
      kill: () => end(server.killSignal),
      start: async () => {
        if (running !== undefined) throw new Error(`${server.name} is running: stop it first.`);
        running = await start(server);
      },
    },
    close: async () => {
      if (context.throwAway && server.afterCleanEnd === undefined) {
        // The way of a stack whose owner died, so that a stop that is itself cut short leaves nothing behind either.
        await running?.abandon();
        running = undefined;
        return;
      }
      await end(server.stopSignal);
      await server.afterCleanEnd?.();
    },
  };
}
