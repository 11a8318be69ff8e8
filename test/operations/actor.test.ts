import { expect, test } from 'vitest';
import { localUser } from '../../src/operations/actor.ts';

test('a user id without a name, as containers have it, is named by its number', () => {
  const noName = () => {
    throw new Error('uv_os_get_passwd returned ENOENT');
  };
  expect(localUser(noName)).toBe(`uid ${process.getuid?.()}`);
  expect(localUser(() => ({ username: 'agent' }))).toBe('agent');
});
