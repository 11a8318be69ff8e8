import { afterAll, beforeAll, expect, test } from 'vitest';
import { runCli } from '../../support/cli.ts';
import { refusal, startWebWorld, type WebWorld } from '../../web-api/support.ts';

let world: WebWorld;
beforeAll(async () => {
  world = await startWebWorld();
});
afterAll(() => world.close());

const command = (...args: string[]) => runCli(['users', ...args], { DATABASE_URL: world.env['DATABASE_URL'] ?? '' });

test('an admin sees the users, as the command prints them', async () => {
  await world.token('viewer');
  const { data } = await world.operate<{ users: object[] }>('/users', undefined, 'admin');
  expect(data.users).toHaveLength(3);
  expect(data.users).toContainEqual({
    username: 'viewer',
    role: 'viewer',
    organisation: 'acme',
    unit: null,
    disabled: false,
    tokens: 1,
    created_date: expect.stringMatching(/Z$/) as string,
    changed_date: expect.stringMatching(/Z$/) as string,
    changed_by: 'test',
  });
  expect(JSON.parse((await command('list', '--json')).stdout)).toEqual(data);
  expect((await command('list')).stdout).toMatch(
    /^username +role +organisation +unit +disabled +tokens +created_date +changed_date +changed_by\nadmin +admin +acme +- +no +1 /,
  );
});

test('an admin disables a user, whose token ends, and the change names the admin', async () => {
  const disabled = await world.operate('/users/Viewer/disable', {}, 'admin');
  expect(disabled.data).toEqual({ username: 'viewer', disabled: true, changed: true });
  expect(await world.operate('/provider', undefined, 'viewer')).toMatchObject({ status: 401, code: 'TOKEN_INVALID' });
  expect(await world.db.query('select changed_by from web_user_change order by id desc limit 1')).toEqual([
    { changed_by: 'admin' },
  ]);
  expect(JSON.parse((await command('disable', 'viewer', '--json')).stdout)).toEqual({
    username: 'viewer',
    disabled: true,
    changed: false,
  });
  expect((await world.operate('/users/viewer/enable', {}, 'admin')).data).toEqual({
    username: 'viewer',
    disabled: false,
    changed: true,
  });
});

test('an admin adds a user and resets a password over HTTP; a made up password is shown once', async () => {
  const olga = { username: 'Olga', role: 'operator', organisation: 'acme', password: 'correct horse battery' };
  const added = await world.operate('/users', olga, 'admin');
  expect(added.data).toEqual({ username: 'olga', role: 'operator', organisation: 'acme', unit: null, password: null });
  const again = await world.operate('/users', { ...olga, password: undefined, generate: true }, 'admin');
  expect(refusal(again, 'there is a user olga already')).toEqual([409, 'NAME_TAKEN', 'there is a user olga already']);
  const reset = await world.operate('/users/reset_password', { username: 'olga', generate: true }, 'admin');
  expect(reset.data).toEqual({ username: 'olga', password: expect.stringMatching(/^\w{24}$/) as string });
});

test.each([
  [{ password: 'short' }, 'PARAMETER_INVALID', 'The password has 5 characters: give one of 12 to 256'],
  [{}, 'PARAMETER_MISSING', 'give password, or generate: exactly one of them'],
  [{ password: 'correct horse battery', generate: true }, 'PARAMETERS_CONFLICT', 'give password, or generate'],
])('a user is not added with the password %j', async (given, code, says) => {
  const body = { username: 'emil', role: 'viewer', organisation: 'x', ...given };
  expect(refusal(await world.operate('/users', body, 'admin'), says)).toEqual([400, code, says]);
});

test.each([
  ['/users/emil/disable', 404, 'USER_NOT_FOUND', 'username: there is no user emil'],
  ['/users/a%20b/enable', 400, 'PARAMETER_INVALID', 'username is "a b": give 1 to 64 letters'],
])('%s is refused', async (path, status, code, says) => {
  expect(refusal(await world.operate(path, {}, 'admin'), says)).toEqual([status, code, says]);
});

test('nobody but an admin sees or changes users', async () => {
  for (const [path, body] of [
    ['/users', undefined],
    ['/users', { username: 'x', role: 'admin', organisation: 'x', generate: true }],
    ['/users/reset_password', { username: 'admin', generate: true }],
    ['/users/viewer/disable', {}],
    ['/users/viewer/enable', {}],
  ] as const) {
    expect((await world.operate(path, body, 'operator')).code).toBe('NOT_PERMITTED');
  }
});
