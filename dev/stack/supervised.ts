import { spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

/** A program to run under `supervisor.ts`. Plain data: it travels as JSON. */
export type SupervisedCommand = {
  readonly command: string;
  readonly args: readonly string[];
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Run as this user instead (needs root). */
  readonly uid?: number;
  readonly gid?: number;
  /** Takes the program's standard output and error. */
  readonly logFile: string;
  /** The signal that ends the program when its owner has died. */
  readonly orphanSignal: NodeJS.Signals;
  /** Removed, with all that is in it, when the owner has died. */
  readonly removeWhenOrphaned: readonly string[];
};

export type Supervised = {
  /** Resolves to the program's exit code (128 + n for signal n) once it is gone with all its process group. */
  readonly exited: Promise<number>;
  /** Sends the signal, waits for the end, and kills what is still there after `graceMs`. Safe to call twice. */
  stop(signal: NodeJS.Signals, graceMs: number): Promise<void>;
  /** Lets go of it as if this process had died: it ends at once and its data is removed. Waits for that. */
  abandon(): Promise<void>;
};

const PROBE_INTERVAL_MS = 40;
const SUPERVISOR = fileURLToPath(new URL('./supervisor.ts', import.meta.url));

/** Starts a program that cannot outlive this process. */
export function supervise(command: SupervisedCommand): Supervised {
  const supervisor = spawn(process.execPath, [SUPERVISOR], {
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
    // Not an argument, which every user of the machine can read: it has settings, secrets among them.
    env: { ...process.env, NODE_OPTIONS: '', SUPERVISED_COMMAND: JSON.stringify(command) },
  });
  // A write to a supervisor that has just ended fails with EPIPE; `exited` tells what matters.
  supervisor.stdin.on('error', () => undefined);

  const killGroup = () => {
    if (supervisor.pid === undefined) return;
    try {
      process.kill(-supervisor.pid, 'SIGKILL');
    } catch {
      // Nothing of the group is left.
    }
  };
  const exited = new Promise<number>((resolve, reject) => {
    supervisor.on('error', reject);
    supervisor.on('exit', (code) => {
      killGroup();
      resolve(code ?? 137);
    });
  });
  // Whoever awaits it sees the error; nobody has to.
  exited.catch(() => undefined);

  const stop = async (signal: NodeJS.Signals, graceMs: number) => {
    supervisor.stdin.write(`${signal}\n`);
    const timer = setTimeout(killGroup, graceMs);
    await exited;
    clearTimeout(timer);
  };
  const abandon = async () => {
    supervisor.stdin.end();
    await exited;
  };
  return { exited, stop, abandon };
}

/**
 * Starts a server and waits until `probe` resolves.
 *
 * @throws when the program ends first or `deadlineMs` passes; the message carries the end of its log.
 */
export async function superviseUntilReady(
  name: string,
  command: SupervisedCommand,
  probe: () => Promise<void>,
  deadlineMs: number,
): Promise<Supervised> {
  const server = supervise(command);
  const abort = new AbortController();
  void server.exited.then(
    (code) => abort.abort(new Error(`it ended with exit code ${code}`)),
    (error: unknown) => abort.abort(error),
  );
  try {
    await untilReady(probe, deadlineMs, abort.signal);
    return server;
  } catch (cause) {
    await server.stop('SIGKILL', 0).catch(() => undefined);
    throw new Error(`${name} did not start: ${messageOf(cause)}. ${await logTail(command.logFile)}`, { cause });
  }
}

/** Calls `probe` until it resolves. @throws when `deadlineMs` passes first, or the signal's reason when it aborts. */
export async function untilReady(probe: () => Promise<void>, deadlineMs: number, signal?: AbortSignal): Promise<void> {
  const deadline = performance.now() + deadlineMs;
  for (;;) {
    try {
      return await probe();
    } catch (error) {
      signal?.throwIfAborted();
      if (performance.now() > deadline) {
        throw new Error(`it was not ready after ${deadlineMs} ms (${messageOf(error)})`, { cause: error });
      }
    }
    await pause(PROBE_INTERVAL_MS);
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message || error.name : String(error);
}

/** Runs a program to its end. @throws with the end of its log when the exit code is not 0. */
export async function runSupervised(name: string, command: SupervisedCommand): Promise<void> {
  const code = await supervise(command).exited;
  if (code !== 0) throw new Error(`${name} failed with exit code ${code}. ${await logTail(command.logFile)}`);
}

async function logTail(file: string): Promise<string> {
  const text = await readFile(file, 'utf8').catch(() => '');
  const lines = text.trim().split('\n').slice(-15).join('\n');
  return lines === '' ? 'It logged nothing.' : `The end of its log:\n${lines}`;
}
