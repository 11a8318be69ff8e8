import { afterAll, beforeAll, expect, test } from 'vitest';
import { openDatabase } from '../../src/platform/database.ts';
import { login } from '../../src/users/login.ts';
import { openTestUsers, PASSWORD, type TestUsers } from './support.ts';

let users: TestUsers;
beforeAll(async () => {
  users = await openTestUsers();
  for (const name of ['anna', 'ben', 'cleo', 'dora']) await users.add(name);
});
afterAll(() => users.close());

const WRONG = { password: 'wrong horse battery' };

test('of many guesses at once for one user, over two instances, 10 are looked at; the others are told when to come again', async () => {
  const other = openDatabase({ url: users.url, maxConnections: 4, applicationName: 'test' });
  try {
    const guess = (index: number): ReturnType<typeof login> =>
      login(index % 2 === 0 ? users.db : other, {
        username: 'anna',
        organisation: 'Nordic',
        source: `192.0.2.${index}`,
        ...WRONG,
      });
    const results = await Promise.all(Array.from({ length: 30 }, (_, index) => guess(index)));
    const wrong = results.filter((result) => 'refused' in result && result.refused === 'WRONG_CREDENTIALS');
    expect(wrong).toHaveLength(10);
    const refused = await users.login('ANNA', { password: PASSWORD });
    expect(refused).toMatchObject({ refused: 'TOO_MANY_ATTEMPTS' });
    const wait = 'refused' in refused ? (refused.retryAfterSeconds ?? 0) : 0;
    expect(wait).toBeGreaterThan(20);
    expect(wait).toBeLessThanOrEqual(30);
    // Others are not concerned, and after that time one more is taken.
    expect(await users.login('ben')).toHaveProperty('token');
    await users.db.query(`update login_limit set clear_at = clear_at - interval '30 seconds' where kind = 'username'`);
    expect(await users.login('anna')).toHaveProperty('token');
  } finally {
    await other.close();
  }
});

test('an unknown name is limited like a known one', async () => {
  const results = [];
  for (let guess = 0; guess < 11; guess += 1) results.push(await users.login('nobody', WRONG));
  expect(results.slice(0, 10)).toEqual(results.slice(0, 10).map(() => ({ refused: 'WRONG_CREDENTIALS' })));
  expect(results[10]).toMatchObject({ refused: 'TOO_MANY_ATTEMPTS' });
});

test('logins that go through do not count', async () => {
  for (let round = 0; round < 12; round += 1)
    expect(await users.login('cleo', { source: '198.51.100.7' })).toHaveProperty('token');
});

test.each([
  ['one address', () => '203.0.113.9'],
  ['one IPv6 network of 2^64 addresses', (index: number) => `2001:db8:7:1::${(index + 1).toString(16)}`],
])('a source that tries many names is refused after 60: %s', async (_, source) => {
  const results = [];
  for (let from = 0; from < 64; from += 8) {
    const eight = Array.from({ length: 8 }, (__, index) =>
      users.login(`name-${from + index}`, { source: source(from + index), ...WRONG }),
    );
    results.push(...(await Promise.all(eight)));
  }
  const looked = results.filter((result) => 'refused' in result && result.refused === 'WRONG_CREDENTIALS');
  expect(looked.length).toBeGreaterThanOrEqual(60);
  expect(await users.login('dora', { source: source(99) })).toMatchObject({ refused: 'TOO_MANY_ATTEMPTS' });
  expect(await users.login('dora')).toHaveProperty('token');
});

test('made-up names and sources take a bounded number of rows', async () => {
  const [row] = await users.db.query<{ kinds: number; slots: string }>(
    `select count(*)::int as kinds, pg_get_constraintdef(oid) as slots from pg_constraint
     where conrelid = 'login_limit'::regclass and contype = 'c' and conname like '%slot%' group by oid`,
  );
  expect(row?.slots).toMatch(/slot >= 0.+slot <= 65535/);
});
