import { spawn } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Ran, runCli } from '../support/cli.ts';
import { openTestUsers, PASSWORD, type TestUsers } from './support.ts';

let db: TestUsers;
let file: string;
beforeAll(async () => {
  db = await openTestUsers();
  file = join(tmpdir(), `password-${process.pid}`);
  await writeFile(file, `${PASSWORD}\n`, { mode: 0o600 });
});
afterAll(() => db.close());

const users = (...args: string[]): Promise<Ran> => runCli(['users', ...args], { DATABASE_URL: db.url });
const ADD = ['--role', 'operator', '--organisation', 'Nordic'];

test('a user is added with a password from a file, logs in, and is listed with who made the last change', async () => {
  expect(await users('add', 'Anna', ...ADD, '--unit', 'Care', '--password-file', file, '--by', 'olga')).toMatchObject({
    exitCode: 0,
    stdout: 'user anna is added\n',
    stderr: '',
  });
  expect(await db.login('anna')).toMatchObject({ user: { role: 'operator', unit: 'Care' } });
  const { users: listed } = JSON.parse((await users('list', '--json')).stdout) as { users: object[] };
  expect(listed).toEqual([
    {
      username: 'anna',
      role: 'operator',
      organisation: 'Nordic',
      unit: 'Care',
      disabled: false,
      created_date: expect.any(String) as string,
      changed_date: expect.any(String) as string,
      changed_by: 'olga',
      tokens: 1,
    },
  ]);
  expect(await users('add', 'ANNA', ...ADD, '--generate')).toMatchObject({ exitCode: 1, stdout: '' });
});

test('a generated password is printed once, and is the one that logs in', async () => {
  const added = JSON.parse((await users('add', 'ben', ...ADD, '--generate', '--json')).stdout) as { password: string };
  expect(added.password).toMatch(/^\w{24}$/);
  expect(await db.login('ben', { password: added.password })).toHaveProperty('token');
  const { stdout } = await users('reset-password', 'ben', '--generate');
  const password = / shown only now: (\w{24})\n$/.exec(stdout)?.[1] ?? '';
  expect(await db.login('ben', { password })).toHaveProperty('token');
  expect(await db.login('ben', { password: added.password })).toHaveProperty('refused');
});

test('a password comes from standard input, and shows nowhere', async () => {
  const cli = fileURLToPath(new URL('../../src/cli.ts', import.meta.url));
  const child = spawn(process.execPath, [cli, 'users', 'add', 'cleo', ...ADD, '--password-stdin'], {
    env: { PATH: process.env['PATH'] ?? '', DATABASE_URL: db.url },
  });
  child.stdin.end(`${PASSWORD}\r\n`);
  const printed = await Promise.all([text(child.stdout), text(child.stderr)]);
  expect(printed).toEqual(['user cleo is added\n', '']);
  expect(await db.login('cleo')).toHaveProperty('token');
});

test('a user is disabled and enabled again', async () => {
  await users('add', 'dora', ...ADD, '--password-file', file);
  expect(await users('disable', 'dora')).toMatchObject({ exitCode: 0, stdout: 'user dora is disabled\n' });
  expect(await users('disable', 'dora')).toMatchObject({ exitCode: 0, stdout: 'user dora was disabled before\n' });
  expect(await db.login('dora')).toHaveProperty('refused');
  expect((await users('list')).stdout).toMatch(/^dora +operator +Nordic +- +yes +0 /m);
  expect(await users('enable', 'dora')).toMatchObject({ exitCode: 0, stdout: 'user dora is enabled\n' });
  expect(await db.login('dora')).toHaveProperty('token');
});

test.each([
  [3, 'username: there is no user emil', ['disable', 'emil']],
  [2, 'username is "a b": give', ['disable', 'a b']],
  [3, 'username: there is no user emil', ['reset-password', 'emil', '--generate']],
  [2, 'username is "a b": give', ['add', 'a b', ...ADD, '--generate']],
  [2, '--organisation is " ": give', ['add', 'emil', '--role', 'viewer', '--organisation', ' ', '--generate']],
  [
    2,
    '--role is "root": give one of viewer, operator, admin',
    ['add', 'emil', '--role', 'root', '--organisation', 'x'],
  ],
  [2, 'There is no terminal to ask for the password', ['add', 'emil', ...ADD]],
  [2, 'The password has 0 characters: give one of 12 to 256', ['add', 'emil', ...ADD, '--password-file', '/dev/null']],
  [
    2,
    '--password-file: /nowhere/it cannot be read: there is no such file',
    ['add', 'emil', ...ADD, '--password-file', '/nowhere/it'],
  ],
  [2, 'cannot be used with option', ['add', 'emil', ...ADD, '--generate', '--password-stdin']],
  [2, "unknown option '--password'", ['add', 'emil', ...ADD, '--password', 'hunter2hunter2']],
])('ends with %i and says: %s', async (exitCode, says, args) => {
  const ran = await users(...args);
  expect(ran).toMatchObject({ exitCode, stdout: '' });
  expect(ran.stderr).toContain(says);
  expect(ran.stderr).not.toContain('hunter2');
});
