import { spawn, type ChildProcessByStdio } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { descendants, survivors, until, type Process } from './processes.ts';

type Owner = ChildProcessByStdio<Writable, Readable, null> & { readonly pid: number };

const OWNER = fileURLToPath(new URL('owner.ts', import.meta.url));

let temporary: string;
beforeEach(() => {
  temporary = mkdtempSync(join(tmpdir(), 'owner-death-'));
  // PostgreSQL may run as another account, which must get in here, or the stack looks for another place.
  chmodSync(temporary, 0o755);
});
afterEach(() => rmSync(temporary, { recursive: true, force: true }));

function startOwner(parts: string): Owner {
  const owner = spawn(process.execPath, [OWNER, parts], {
    stdio: ['pipe', 'pipe', 'ignore'],
    env: { ...process.env, TMPDIR: temporary, NODE_OPTIONS: '' },
  });
  return owner as Owner;
}

async function upAndRunning(owner: Owner): Promise<string> {
  const [line] = (await once(createInterface(owner.stdout), 'line')) as [string];
  return line;
}

/** The processes that still run and the files that are still there, once that is nothing or for long enough. */
function whatIsLeft(running: readonly Process[]): Promise<unknown[]> {
  return until(
    'what is left',
    () => [...survivors(running, temporary), ...readdirSync(temporary)],
    (seen) => seen.length === 0,
  );
}

describe('whoever starts a stack and dies', () => {
  it.each([
    { by: 'SIGKILL', parts: 'postgres,kafka,registry', kill: (owner: Owner) => owner.kill('SIGKILL') },
    { by: 'Ctrl-C', parts: 'postgres', kill: (owner: Owner) => owner.kill('SIGINT') },
    { by: 'SIGTERM', parts: 'postgres', kill: (owner: Owner) => owner.kill('SIGTERM') },
    { by: 'a closed terminal', parts: 'postgres', kill: (owner: Owner) => owner.kill('SIGHUP') },
    { by: 'an uncaught exception', parts: 'postgres', kill: (owner: Owner) => owner.stdin.write('go\n') },
  ])('leaves no process and no file behind, dying by $by', async ({ parts, kill }) => {
    const owner = startOwner(parts);
    expect(await upAndRunning(owner)).toMatch(/^up native/);
    const running = descendants(owner.pid);
    expect(running.length).toBeGreaterThan(0);
    expect(readdirSync(temporary)).toHaveLength(1);

    kill(owner);
    await once(owner, 'exit');
    expect(await whatIsLeft(running)).toEqual([]);
  });

  it('leaves nothing behind either when it is killed while the stack is still starting', async () => {
    const owner = startOwner('postgres,kafka,registry');
    const running = await until(
      'processes',
      () => descendants(owner.pid),
      (seen) => seen.length >= 4,
    );
    owner.kill('SIGKILL');
    await once(owner, 'exit');
    expect(await whatIsLeft(running)).toEqual([]);
  });
});
