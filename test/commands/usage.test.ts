import { describe, expect, test } from 'vitest';
import { runCli } from '../support/cli.ts';

const COMMANDS =
  'serve migrate simulator requests events provider users import pair info message fingerprint pin'.split(' ');

describe('the command line', () => {
  test('explains itself with --help, every command of it', async () => {
    const { exitCode, stdout } = await runCli(['--help']);
    expect(exitCode).toBe(0);
    for (const name of COMMANDS) expect(stdout).toMatch(new RegExp(`^ {2}${name} `, 'm'));
    expect(await runCli(['requests', 'show', '--help'])).toMatchObject({
      exitCode: 0,
      stderr: '',
      stdout: expect.stringContaining('Usage: conax-provisioning requests show [options] <number>') as string,
    });
  });

  test.each([
    ['', 'Usage: conax-provisioning'],
    ['nonsense', "unknown command 'nonsense'"],
    ['requests', 'Usage: conax-provisioning requests'],
    ['requests show', "missing required argument 'number'"],
    ['requests show 1 2', 'too many arguments'],
    ['requests withdraw 1 --yaml', "unknown option '--yaml'"],
    ['provider burn', "unknown command 'burn'"],
    ['pair create --card 20000000001', 'give --card and --stb'],
  ])('wrong usage ends with 2 and says what is wrong: conax-provisioning %s', async (line, says) => {
    const { exitCode, stdout, stderr } = await runCli(line.split(' ').filter(Boolean));
    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' });
    expect(stderr).toContain(says);
  });

  const ALL = ['DATABASE_URL', 'KAFKA_BROKERS', 'SCHEMA_REGISTRY_URL', 'CONAX_BASE_URL'];
  test.each([
    ['serve', ALL],
    ['migrate', ALL.slice(0, 3)],
    ['requests show 1', ALL.slice(0, 1)],
  ])('missing settings end "%s" with 2, all of them named, and no others', async (line, missing) => {
    const { exitCode, stdout, stderr } = await runCli(line.split(' '));
    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' });
    expect([...stderr.matchAll(/^ {2}(\w+) is not set: set it to /gm)].map(([, name]) => name)).toEqual(missing);
  });

  test('wrong settings end with 2, each with its mistake, and without the secrets in them', async () => {
    const { exitCode, stderr } = await runCli(['serve'], {
      DATABASE_URL: 'mysql://root:hunter2@db/x',
      KAFKA_BROKERS: 'localhost:9092',
      SCHEMA_REGISTRY_URL: 'http://localhost:8081',
      CONAX_BASE_URL: 'cas.example',
      LEASE_MS: '1000',
      HTTP_PORT: 'eighty',
    });
    expect(exitCode).toBe(2);
    for (const name of ['DATABASE_URL', 'CONAX_BASE_URL', 'HTTP_PORT']) expect(stderr).toContain(`  ${name} `);
    expect(stderr).not.toContain('hunter2');
  });

  test('a database that is away ends with 1 and says so', async () => {
    const { exitCode, stderr } = await runCli(['requests', 'show', '1'], {
      DATABASE_URL: 'postgres://nobody:nothing@127.0.0.1:1/nowhere',
    });
    expect(exitCode).toBe(1);
    expect(stderr).toContain('ECONNREFUSED');
  });
});
