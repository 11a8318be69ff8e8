import { execFile } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { mkdtemp, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

/**
 * The code of the previous release, by its commit: the last state before the web console, with migrations up to 0019. Whoever releases
 * sets it to the released commit (docs/upgrade.md).
 */
export const PREVIOUS_RELEASE = '93c2bb97914cccb4689079424a72016f7382491b';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const run = promisify(execFile);

/** The previous release, unpacked. */
export interface Release {
  readonly directory: string;
  /** Runs a command of its command line to its end. @throws what it wrote, if it ends with another code than 0. */
  command(args: readonly string[], env: Readonly<Record<string, string>>): Promise<void>;
  remove(): Promise<void>;
}

/** Unpacks the previous release from git into a temporary folder. It uses the packages of this one where both need the same. */
export async function unpackRelease(): Promise<Release> {
  await run('git', ['cat-file', '-e', `${PREVIOUS_RELEASE}^{commit}`], { cwd: ROOT }).catch(() => {
    throw new Error(
      `The previous release ${PREVIOUS_RELEASE} is not in this clone: run "git fetch --unshallow" (a copy without .git needs a clone).`,
    );
  });
  const directory = await mkdtemp(join(tmpdir(), 'conax-release-'));
  const archive = join(directory, 'release.tar');
  await run('git', ['archive', '--output', archive, PREVIOUS_RELEASE], { cwd: ROOT });
  await run('tar', ['-xf', archive], { cwd: directory });
  if (needsSamePackages(directory)) await symlink(join(ROOT, 'node_modules'), join(directory, 'node_modules'));
  else await run('npm', ['ci', '--omit=dev', '--ignore-scripts', '--no-audit', '--no-fund'], { cwd: directory });
  return {
    directory,
    async command(args, env) {
      const cli = join(directory, 'src/cli.ts');
      await run(process.execPath, ['--disable-warning=TimeoutNegativeWarning', cli, ...args], {
        env: { PATH: process.env['PATH'], ...env },
      });
    },
    remove: () => rm(directory, { recursive: true }),
  };
}

/** Whether every package that the release runs with is here in the same version. */
function needsSamePackages(directory: string): boolean {
  const wanted = packageOf(join(directory, 'package.json')).dependencies ?? {};
  return Object.entries(wanted).every(([name, version]) => {
    const installed = join(ROOT, 'node_modules', name, 'package.json');
    return existsSync(installed) && packageOf(installed).version === version;
  });
}

function packageOf(file: string): { readonly version?: string; readonly dependencies?: Record<string, string> } {
  return JSON.parse(readFileSync(file, 'utf8')) as ReturnType<typeof packageOf>;
}
