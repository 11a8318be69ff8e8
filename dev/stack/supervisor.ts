/**
 * The process between the stack's owner and one native server. It starts the server and holds the reading end of a
 * pipe whose writing end only the owner has. However the owner ends (normally, by Ctrl-C, by a crash, by SIGKILL), the
 * operating system closes that pipe, and the supervisor ends the server and removes its data. No handler in the owner
 * could promise that.
 *
 * Runs with the command as JSON in SUPERVISED_COMMAND, in a process group of its own, so that Ctrl-C in the terminal does not reach it.
 */
import { spawn } from 'node:child_process';
import { existsSync, openSync, writeSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { constants } from 'node:os';
import { setTimeout as pause } from 'node:timers/promises';
import type { SupervisedCommand } from './supervised.ts';

/** How long a server may take to end by itself before it is killed, when its owner is gone. */
const ORPHAN_GRACE_MS = 1_500;

/** How often a directory is removed again that another server, not yet dead, writes to. */
const REMOVE_ATTEMPTS = 100;
const REMOVE_PAUSE_MS = 50;

const spec = JSON.parse(process.env['SUPERVISED_COMMAND'] ?? '') as SupervisedCommand;
delete process.env['SUPERVISED_COMMAND'];
const log = openSync(spec.logFile, 'a');

const server = spawn(spec.command, spec.args, {
  stdio: ['ignore', log, log],
  ...(spec.cwd === undefined ? {} : { cwd: spec.cwd }),
  ...(spec.uid === undefined ? {} : { uid: spec.uid }),
  ...(spec.gid === undefined ? {} : { gid: spec.gid }),
  env: { ...process.env, ...spec.env },
});

let orphaned = false;

server.on('error', (error) => {
  writeSync(log, `${error.message}\n`);
  process.exit(127);
});

server.on('exit', (code, signal) => {
  if (orphaned) {
    void removeAll(spec.removeWhenOrphaned).finally(() => {
      // Takes whatever the server left in this process group, and this process with it.
      process.kill(0, 'SIGKILL');
    });
    return;
  }
  process.exit(code ?? 128 + (signal === null ? 0 : constants.signals[signal]));
});

process.stdin.on('data', (order: Buffer) => {
  server.kill(order.toString().trim() as NodeJS.Signals);
});
process.stdin.on('close', () => {
  orphaned = true;
  server.kill(spec.orphanSignal);
  setTimeout(() => server.kill('SIGKILL'), ORPHAN_GRACE_MS);
});
process.on('SIGTERM', () => server.kill('SIGTERM'));

/** Removes directories in which other servers may be dying, and other supervisors removing, at the same time. */
async function removeAll(paths: readonly string[]): Promise<void> {
  for (let attempt = 0; attempt < REMOVE_ATTEMPTS && paths.some((path) => existsSync(path)); attempt++) {
    await Promise.allSettled(paths.map((path) => rm(path, { recursive: true, force: true })));
    if (attempt > 0) await pause(REMOVE_PAUSE_MS);
  }
}
