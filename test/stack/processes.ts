import { execFileSync } from 'node:child_process';
import { setTimeout as pause } from 'node:timers/promises';

/** An environment that names no server, and no Docker engine that answers: everything is started natively. */
export const ALONE = {
  DATABASE_URL: '',
  KAFKA_BROKERS: '',
  SCHEMA_REGISTRY_URL: '',
  DOCKER_HOST: 'unix:///nowhere/docker.sock',
} as const;

export type Process = { readonly pid: number; readonly command: string };

type Listed = Process & { readonly parent: number; readonly state: string };

/** All processes of this machine. One that ended and was not waited for does not count. */
function runningProcesses(): Listed[] {
  const listing = execFileSync('ps', ['-A', '-ww', '-o', 'pid=,ppid=,stat=,args='], {
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
  });
  return listing
    .trim()
    .split('\n')
    .map((line) => {
      const [pid, parent, state = '', ...command] = line.trim().split(/\s+/);
      return { pid: Number(pid), parent: Number(parent), state, command: command.join(' ') };
    })
    .filter(({ state }) => !state.startsWith('Z'));
}

/** All processes that this one started, directly or through others. */
export function descendants(root: number): Process[] {
  const all = runningProcesses();
  const found: Process[] = [];
  const parents = [root];
  for (let parent = parents.pop(); parent !== undefined; parent = parents.pop()) {
    for (const child of all.filter((one) => one.parent === parent)) {
      found.push(child);
      parents.push(child.pid);
    }
  }
  return found;
}

/** Those that still run, and any other whose command line mentions the directory. */
export function survivors(processes: readonly Process[], directory: string): Process[] {
  const known = new Set(processes.map(({ pid }) => pid));
  return runningProcesses()
    .filter(({ pid, command }) => known.has(pid) || command.includes(directory))
    .map(({ pid, command }) => ({ pid, command }));
}

/** Resolves as soon as `condition` holds. @throws, with what it last gave, when it does not within `deadlineMs`. */
export async function until<T>(what: string, look: () => T, holds: (seen: T) => boolean, deadlineMs = 10_000) {
  const deadline = performance.now() + deadlineMs;
  for (;;) {
    const seen = look();
    if (holds(seen)) return seen;
    if (performance.now() > deadline) throw new Error(`${what}: still ${JSON.stringify(seen)}`);
    await pause(20);
  }
}
