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
  /** Removed when the owner has died, each with its parent directory if that is empty then. */
  readonly removeWhenOrphaned: readonly string[];
};

export type Supervised = {
  /** Resolves to the program's exit code (128 + n for signal n) once it is gone with all its process group. */
  readonly exited: Promise<number>;
  /** Sends the signal, waits for the end, and kills what is still there after `graceMs`. Safe to call twice. */
  stop(signal: NodeJS.Signals, graceMs: number): Promise<void>;
};

const SUPERVISOR = fileURLToPath(new URL('./supervisor.ts', import.meta.url));

/** Starts a program that cannot outlive this process. */
export function supervise(command: SupervisedCommand): Supervised {
  const supervisor = spawn(process.execPath, [SUPERVISOR, JSON.stringify(command)], {
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
    env: { ...process.env, NODE_OPTIONS: '' },
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
  return { exited, stop };
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
  const deadline = performance.now() + deadlineMs;
  let ended: number | undefined;
  let lastFailure: unknown;
  void server.exited.then(
    (code) => (ended = code),
    () => (ended = -1),
  );
  for (;;) {
    try {
      await probe();
      return server;
    } catch (error) {
      lastFailure = error;
    }
    if (ended !== undefined) {
      throw new Error(`${name} ended with exit code ${ended} instead of starting. ${await logTail(command.logFile)}`);
    }
    if (performance.now() > deadline) {
      await server.stop('SIGKILL', 0);
      throw new Error(
        `${name} was not ready after ${deadlineMs} ms: ${String(lastFailure)}. ${await logTail(command.logFile)}`,
      );
    }
    await pause(40);
  }
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
