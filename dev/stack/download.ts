import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, open, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { hasMaven } from './java.ts';
import type { PrintLine } from './part.ts';
import { runSupervised } from './supervised.ts';

/** Something that Maven downloads once and this machine keeps. */
export type Download = {
  /** What people read while it downloads. */
  readonly title: string;
  /** Directory below the cache; names the version, so that another version is another directory. */
  readonly directory: string;
  /** What to fetch: the `<dependency>` elements of a pom, with all that they need at run time, or one artifact alone. */
  readonly wanted: { readonly dependencies: string } | { readonly artifact: string };
  /** Turns what Maven copied into `directory` into what is used, with the help of programs that `run` runs. */
  readonly prepare: (directory: string, run: RunProgram) => Promise<void>;
};

/** Runs a program to its end. @throws with the end of what it printed when its exit code is not 0. */
export type RunProgram = (command: string, args: readonly string[]) => Promise<void>;

const PLUGIN = 'org.apache.maven.plugins:maven-dependency-plugin';
const PLUGIN_VERSION = '3.8.1';
/** Copies one artifact without reading its parent poms, which some mirrors lack; does not run on every Maven. */
const PLUGIN_VERSION_WITHOUT_POMS = '2.10';

/** Where downloads are kept: `$XDG_CACHE_HOME/conax-provisioning`, by default below `~/.cache`. */
export function cacheDirectory(env: NodeJS.ProcessEnv): string {
  const base = env['XDG_CACHE_HOME'];
  return join(base === undefined || base === '' ? join(homedir(), '.cache') : base, 'conax-provisioning');
}

/** Whether a download is there already, so that neither Maven nor a network is needed. */
export function isDownloaded(download: Download, env: NodeJS.ProcessEnv): boolean {
  return existsSync(join(cacheDirectory(env), download.directory));
}

/**
 * The directory of a download, fetched with Maven if it is not there. It appears under its name by one rename, so it is
 * whole or absent whoever is killed when; a lock keeps two processes from downloading the same at once.
 *
 * @throws when Maven is missing or fails.
 */
export async function downloaded(download: Download, env: NodeJS.ProcessEnv, print: PrintLine): Promise<string> {
  const cache = cacheDirectory(env);
  const target = join(cache, download.directory);
  if (existsSync(target)) return target;
  await mkdir(cache, { recursive: true });
  const wait = () => print(`waiting for another download to end (${join(cache, 'download.lock')})`);
  return withLock(join(cache, 'download.lock'), wait, async () => {
    if (existsSync(target)) return target;
    if (!(await hasMaven(env))) {
      throw new Error(`${download.title} must be downloaded once, and Maven (mvn) is not on the PATH: install Maven.`);
    }
    const startedAt = performance.now();
    const seconds = () => ((performance.now() - startedAt) / 1_000).toFixed(1);
    print(`downloading ${download.title} with Maven (once)`);
    const progress = setInterval(() => print(`still downloading ${download.title} (${seconds()} s)`), 5_000);
    const work = await mkdtemp(join(cache, `${download.directory}.part-`));
    try {
      await fetchWithMaven(download, work, env);
      await rename(join(work, 'files'), target).catch((error: unknown) => {
        // Another process that the lock did not stop was first; its files are the same.
        if (!existsSync(target)) throw error;
      });
    } finally {
      clearInterval(progress);
      await rm(work, { recursive: true, force: true });
    }
    print(`downloaded ${download.title} in ${seconds()} s`);
    return target;
  });
}

async function fetchWithMaven(download: Download, work: string, env: NodeJS.ProcessEnv): Promise<void> {
  const files = join(work, 'files');
  await mkdir(files);
  const run: RunProgram = (command, args) =>
    runSupervised(`${command} (for ${download.title})`, {
      command,
      args,
      cwd: work,
      env: definedOnly(env),
      logFile: join(work, 'log.txt'),
      orphanSignal: 'SIGKILL',
      removeWhenOrphaned: [work],
    });
  let failure: unknown;
  for (const goal of await goals(download, work)) {
    try {
      await run('mvn', ['-q', '-B', '-Dstyle.color=never', ...goal, `-DoutputDirectory=${files}`]);
      failure = undefined;
      break;
    } catch (error) {
      failure = error;
    }
  }
  if (failure !== undefined) throw failure;
  await download.prepare(files, run);
}

/** The Maven goals that fetch a download, in the order in which to try them. */
async function goals({ wanted }: Download, work: string): Promise<string[][]> {
  if ('artifact' in wanted) {
    return [PLUGIN_VERSION_WITHOUT_POMS, PLUGIN_VERSION].map((version) => [
      `${PLUGIN}:${version}:copy`,
      `-Dartifact=${wanted.artifact}`,
    ]);
  }
  const pom = join(work, 'pom.xml');
  await writeFile(
    pom,
    `<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>local.stack</groupId><artifactId>download</artifactId><version>1</version>
  <dependencies>${wanted.dependencies}</dependencies>
</project>
`,
  );
  return [['-f', pom, `${PLUGIN}:${PLUGIN_VERSION}:copy-dependencies`, '-DincludeScope=runtime']];
}

/** A lock is touched this often while it is held, and taken over when it was not touched for ten times as long. */
const LOCK_TOUCH_MS = 1_000;

/** Runs `action` while no other process holds the lock. The lock of a process that died is taken over. */
async function withLock<T>(path: string, onWait: () => void, action: () => Promise<T>): Promise<T> {
  let waited = false;
  for (;;) {
    const lock = await open(path, 'wx').catch(() => undefined);
    if (lock !== undefined) {
      await lock.close();
      const touch = setInterval(() => void utimes(path, new Date(), new Date()).catch(() => undefined), LOCK_TOUCH_MS);
      try {
        return await action();
      } finally {
        clearInterval(touch);
        await rm(path, { force: true });
      }
    }
    const touchedAt = await stat(path).then(
      (found) => found.mtimeMs,
      () => Date.now(),
    );
    // Two that take over at once both download; the rename at the end keeps that harmless.
    if (Date.now() - touchedAt > 10 * LOCK_TOUCH_MS) await rm(path, { force: true });
    if (!waited) onWait();
    waited = true;
    await pause(100);
  }
}

function definedOnly(env: NodeJS.ProcessEnv): Record<string, string> {
  return Object.fromEntries(Object.entries(env).filter((entry): entry is [string, string] => entry[1] !== undefined));
}
