import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

/** How a command ended, and what it wrote. */
export interface Ran {
  readonly exitCode: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A command that runs until it is told to stop. */
export interface Running {
  readonly pid: number;
  /** Resolves with the first line of standard output, early ones included, that the pattern fits. */
  line(pattern: RegExp, deadlineMs?: number): Promise<RegExpExecArray>;
  /** The same for standard error. */
  told(pattern: RegExp, deadlineMs?: number): Promise<RegExpExecArray>;
  signal(name: NodeJS.Signals): void;
  readonly ended: Promise<Ran>;
}

const CLI = fileURLToPath(new URL('../../src/cli.ts', import.meta.url));
const LINE_DEADLINE_MS = 20_000;
/** Hundreds of programs are started: stripping the types of all modules takes half of each start. */
export const COMPILE_CACHE = {
  NODE_COMPILE_CACHE: fileURLToPath(
    new URL('../../node_modules/.cache/conax-provisioning/compile-cache', import.meta.url),
  ),
};

const running = new Set<ChildProcess>();
// A test process that ends for any reason takes its children along.
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

/** Runs the command line as a user would, with these settings and no others, to its end. */
export function runCli(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Ran> {
  return startCli(args, env).ended;
}

/** Starts the command line as a user would, with these settings and no others. */
export function startCli(args: readonly string[], env: Readonly<Record<string, string>> = {}): Running {
  const child = spawn(process.execPath, ['--disable-warning=TimeoutNegativeWarning', CLI, ...args], {
    env: { PATH: process.env['PATH'] ?? '', ...COMPILE_CACHE, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  running.add(child);
  const lines: string[] = [];
  const looks = new Set<() => void>();
  let stderr = '';
  createInterface({ input: child.stdout }).on('line', (line) => {
    lines.push(line);
    for (const look of looks) look();
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
    for (const look of looks) look();
  });
  const written = (): string => `standard output:\n${lines.join('\n')}\nstandard error:\n${stderr}`;

  const ended = new Promise<Ran>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (exitCode, signal) => {
      running.delete(child);
      resolve({ exitCode, signal, stdout: lines.map((line) => `${line}\n`).join(''), stderr });
    });
  });
  return {
    pid: child.pid ?? 0,
    ended,
    signal: (name) => void child.kill(name),
    line: (pattern, deadlineMs) => found(() => lines, pattern, deadlineMs),
    told: (pattern, deadlineMs) => found(() => stderr.split('\n'), pattern, deadlineMs),
  };

  function found(of: () => readonly string[], pattern: RegExp, deadlineMs = LINE_DEADLINE_MS) {
    return new Promise<RegExpExecArray>((resolve, reject) => {
      const timer = setTimeout(() => {
        looks.delete(look);
        reject(new Error(`No line like ${pattern} within ${deadlineMs} ms; ${written()}`));
      }, deadlineMs);
      const look = (): void => {
        const match = of()
          .map((line) => pattern.exec(line))
          .find((one) => one !== null);
        if (!match) return;
        looks.delete(look);
        clearTimeout(timer);
        resolve(match);
      };
      looks.add(look);
      look();
    });
  }
}
