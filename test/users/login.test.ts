import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { resetPassword, setDisabled } from '../../src/users/changes.ts';
import { authenticate, release } from '../../src/users/tokens.ts';
import { openTestUsers, PASSWORD, type TestUsers } from './support.ts';

let users: TestUsers;
beforeAll(async () => {
  users = await openTestUsers();
  for (const name of ['anna', 'ben', 'cleo', 'dora', 'emil', 'finn', 'gina', 'hugo']) await users.add(name);
});
afterAll(() => users.close());

const ANNA = { username: 'anna', role: 'operator', organisation: 'Nordic', unit: 'Care' };

describe('logging in', () => {
  test('gives 32 upper-case hex characters that stand for the user, in any spelling of the name', async () => {
    const result = await users.login('Anna');
    expect(result).toEqual({ token: expect.stringMatching(/^[0-9A-F]{32}$/) as string, user: ANNA });
    expect(await authenticate(users.db, await users.token('ANNA'))).toEqual(ANNA);
  });

  test('is refused alike for a wrong password, organisation or name, and for a disabled user', async () => {
    await setDisabled(users.db, { username: 'ben', disabled: true, by: 'root' });
    const refused = { refused: 'WRONG_CREDENTIALS' };
    expect(await users.login('anna', { password: 'wrong horse battery' })).toEqual(refused);
    expect(await users.login('anna', { password: '' })).toEqual(refused);
    expect(await users.login('anna', { password: 'x'.repeat(1_000_000) })).toEqual(refused);
    expect(await users.login('anna', { organisation: 'nordic' })).toEqual(refused);
    expect(await users.login('nobody')).toEqual(refused);
    expect(await users.login("'; \u0000 drop")).toEqual(refused);
    expect(await users.login('ben')).toEqual(refused);
    await setDisabled(users.db, { username: 'ben', disabled: false, by: 'root' });
    expect(await users.login('ben')).toHaveProperty('token');
  });

  test('takes as long for an unknown user as for a wrong password', async () => {
    const known: number[] = [];
    const unknown: number[] = [];
    for (let round = 0; round < 8; round += 1) {
      for (const [times, name] of [
        [known, 'gina'],
        [unknown, `stranger-${round}`],
      ] as const) {
        const began = performance.now();
        await users.login(name, { password: 'wrong horse battery' });
        times.push(performance.now() - began);
      }
    }
    const least = (times: number[]): number => Math.min(...times);
    expect(least(unknown) / least(known)).toBeGreaterThan(0.5);
    expect(least(unknown) / least(known)).toBeLessThan(2);
  });

  test('neither passwords nor tokens are stored', async () => {
    const token = await users.token('anna');
    const [row] = await users.db.query<{ text: string }>(
      `select (select json_agg(u)::text from web_user u) || (select json_agg(t)::text from web_user_token t)
         || (select json_agg(c)::text from web_user_change c) || (select json_agg(l)::text from login_limit l) as text`,
    );
    expect(row?.text).toContain('$argon2id$v=19$m=19456,t=2,p=1$');
    expect(row?.text).not.toContain(PASSWORD);
    expect(row?.text.toUpperCase()).not.toContain(token);
  });
});

describe('a token', () => {
  test('ends when it is released, and only once', async () => {
    const token = await users.token('anna');
    expect(await release(users.db, token)).toBe(true);
    expect(await release(users.db, token)).toBe(false);
    expect(await authenticate(users.db, token)).toBeNull();
    for (const never of ['0'.repeat(32), '', 'x', `${token}0`, "' or 1=1"]) {
      expect(await authenticate(users.db, never)).toBeNull();
      expect(await release(users.db, never)).toBe(false);
    }
  });

  test('lives on by being used, and ends when it was idle for its time', async () => {
    const token = await users.token('cleo', { tokenIdleMs: 3_600_000 });
    await passed('cleo', '59 minutes');
    expect(await authenticate(users.db, token)).not.toBeNull();
    await passed('cleo', '59 minutes');
    expect(await authenticate(users.db, token)).not.toBeNull();
    await passed('cleo', '61 minutes');
    expect(await authenticate(users.db, token)).toBeNull();
    expect(await release(users.db, token)).toBe(false);
  });

  test('is not written to by each use, only when a minute has passed since the last that was', async () => {
    const token = await users.token('cleo');
    const version = async (): Promise<unknown> =>
      (await users.db.query(`select xmin::text from web_user_token where username = 'cleo'`))[0];
    const before = await version();
    for (let use = 0; use < 5; use += 1) await authenticate(users.db, token);
    expect(await version()).toEqual(before);
    await passed('cleo', '61 seconds');
    const later = await version();
    await authenticate(users.db, token);
    expect(await version()).not.toEqual(later);
  });

  test('ends at once when its user is disabled or gets another password, and the change says by whom', async () => {
    const first = await users.token('dora');
    expect(await setDisabled(users.db, { username: 'dora', disabled: true, by: 'olga' })).toBe('CHANGED');
    expect(await authenticate(users.db, first)).toBeNull();
    await setDisabled(users.db, { username: 'dora', disabled: false, by: 'olga' });
    expect(await authenticate(users.db, first)).toBeNull();
    const second = await users.token('dora');
    expect(await resetPassword(users.db, { username: 'dora', password: 'another horse entirely', by: 'piet' })).toBe(
      true,
    );
    expect(await authenticate(users.db, second)).toBeNull();
    expect(await users.login('dora')).toEqual({ refused: 'WRONG_CREDENTIALS' });
    const changes = await users.db.query(
      `select change, changed_by as by from web_user_change where username = 'dora' order by id`,
    );
    expect(changes).toEqual([
      { change: 'ADDED', by: 'root' },
      { change: 'DISABLED', by: 'olga' },
      { change: 'ENABLED', by: 'olga' },
      { change: 'PASSWORD_RESET', by: 'piet' },
    ]);
  });

  test('that logs in while the user is being disabled does not outlive it', async () => {
    const logins: Promise<unknown>[] = [];
    for (let round = 0; round < 4; round += 1) {
      logins.push(
        users.login('hugo'),
        setDisabled(users.db, { username: 'hugo', disabled: round % 2 === 0, by: 'root' }),
      );
    }
    logins.push(setDisabled(users.db, { username: 'hugo', disabled: true, by: 'root' }));
    await Promise.all(logins);
    await setDisabled(users.db, { username: 'hugo', disabled: true, by: 'root' });
    expect(await users.db.query(`select 1 from web_user_token where username = 'hugo'`)).toEqual([]);
  });

  test('that is dead is cleared by a later login', async () => {
    await users.token('emil');
    await passed('emil', '2 hours');
    await users.token('anna');
    expect(await users.db.query(`select 1 from web_user_token where username = 'emil'`)).toEqual([]);
  });

  test('is one of at most 100 of its user: one more ends the one that was unused for longest', async () => {
    const first = await users.token('finn');
    await passed('finn', '1 minute');
    await users.db.query(
      `insert into web_user_token (token_hash, username, idle_ms, expires_at)
       select sha256(n::text::bytea), 'finn', 3600000, now() + interval '1 hour' from generate_series(1, 99) n`,
    );
    const last = await users.token('finn');
    expect(await authenticate(users.db, first)).toBeNull();
    expect(await authenticate(users.db, last)).not.toBeNull();
    expect(await users.db.query(`select 1 from web_user_token where username = 'finn'`)).toHaveLength(100);
  });
});

/** As if so much time had passed for the tokens of a user. */
async function passed(username: string, interval: string): Promise<void> {
  await users.db.query(
    `update web_user_token set used_at = used_at - $2::interval, expires_at = expires_at - $2::interval
     where username = $1`,
    [username, interval],
  );
}
