import { execFile } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

const WITHOUT_DEVELOPMENT = '--import=./test/support/without-development.ts';

/** Loaded before the program: its user id has no line in /etc/passwd. */
const AS_USER_WITHOUT_NAME = `--import=data:text/javascript,${encodeURIComponent(`
  import os from 'node:os';
  import { syncBuiltinESMExports } from 'node:module';
  os.userInfo = () => { throw new Error('A system error occurred: uv_os_get_passwd returned ENOENT'); };
  syncBuiltinESMExports();`)}`;

/** Runs node with an environment as bare as a container's. */
function node(args: readonly string[]) {
  return new Promise<{ exitCode: number | string | null | undefined; stdout: string; stderr: string }>((resolve) => {
    execFile(process.execPath, args, { cwd: ROOT, env: { HOME: '/' } }, (error, stdout, stderr) =>
      resolve({ exitCode: error === null ? 0 : error.code, stdout, stderr }),
    );
  });
}

describe('with the dependencies of production alone', () => {
  test('every module of src can be loaded', async () => {
    const files = readdirSync(`${ROOT}src`, { recursive: true, encoding: 'utf8' });
    const modules = files.filter((file) => file.endsWith('.ts') && file !== 'cli.ts');
    const script = modules.map((file) => `await import(${JSON.stringify(`./src/${file}`)});`).join('\n');
    expect(await node([WITHOUT_DEVELOPMENT, '--input-type=module', '--eval', script])).toEqual({
      exitCode: 0,
      stdout: '',
      stderr: '',
    });
  });

  test('the command line starts', async () => {
    expect(await node([WITHOUT_DEVELOPMENT, 'src/cli.ts', '--help'])).toMatchObject({ exitCode: 0, stderr: '' });
  });
});

test.each(['--help', 'provider pause --help', 'users add --help'])(
  'a user id without a name can run conax-provisioning %s',
  async (line) => {
    const { exitCode, stdout, stderr } = await node([AS_USER_WITHOUT_NAME, 'src/cli.ts', ...line.split(' ')]);
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    expect(stdout).toContain(
      line === '--help' ? 'Usage: conax-provisioning' : `(default: "uid ${process.getuid?.()}")`,
    );
  },
);
