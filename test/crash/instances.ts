import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { COMPILE_CACHE } from '../support/cli.ts';
import type { FaultPoint } from '../../src/platform/fault-points.ts';

/** One instance of the service, a process of its own that does not outlive the test's. */
export interface Instance {
  readonly pid: number;
  readonly startedAt: number;
  /** Resolves when it is gone, with the exit code or the signal that ended it, and the end of what it wrote. */
  readonly ended: Promise<Ended>;
  signal(name: NodeJS.Signals): void;
}

export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly at: number;
  readonly log: string;
}

/** Where an instance is to kill itself: at which pass of a fault point, from 1. */
export interface Stop {
  readonly point: FaultPoint;
  readonly pass: number;
}

const PROCESS = fileURLToPath(new URL('./service-process.ts', import.meta.url));
const LOG_CHARACTERS = 20_000;

/** Starts an instance with these settings and no others; `process`: with the code to which this file belongs. */
export function startInstance(
  env: Readonly<Record<string, string>>,
  { stop, process: file = PROCESS }: { readonly stop?: Stop; readonly process?: string } = {},
): Instance {
  const child = fork(file, stop === undefined ? [] : [stop.point, String(stop.pass)], {
    env: { PATH: process.env['PATH'] ?? '', ...COMPILE_CACHE, ...env },
    execArgv: ['--disable-warning=TimeoutNegativeWarning'],
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  });
  let log = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8').on('data', (text: string) => (log = (log + text).slice(-LOG_CHARACTERS)));
  }
  const ended = new Promise<Ended>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => resolve({ code, signal, at: Date.now(), log }));
  });
  return {
    pid: child.pid ?? 0,
    startedAt: Date.now(),
    ended,
    signal: (name) => void child.kill(name),
  };
}
