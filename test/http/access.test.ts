import { afterAll, beforeAll, expect, test } from 'vitest';
import { setDisabled } from '../../src/users/changes.ts';
import {
  BASE,
  CREATE,
  json,
  LIST,
  ORGANISATION,
  PASSWORD,
  refusal,
  startWebWorld,
  tellHousehold,
  type WebWorld,
} from '../web-api/support.ts';

let world: WebWorld;
const CARD = '32000000001';
const PAIRING = { smartcard_set: [{ smartcard_ca_id: CARD }], stb_set: [{ stb_ca_id: 'A' }] };
const CREATE_PAIRING = `${CREATE}/create_pairing`;
const TOKEN = `${BASE}/authentication/token`;

beforeAll(async () => {
  world = await startWebWorld();
  await tellHousehold(world, 'S1', CARD, []);
});
afterAll(() => world.close());

async function newToken(username = 'operator'): Promise<string> {
  const answer = await world.raw(TOKEN, json({ username, password: PASSWORD, organisation: ORGANISATION }));
  return (answer.data as { token: string }).token;
}

test('a login gives 32 hex characters, and a release ends the token', async () => {
  const token = await newToken();
  expect(token).toMatch(/^[0-9A-F]{32}$/);
  const list = `${BASE}${LIST}?life_cycle_state=PENDING&token=${token}`;
  expect((await world.raw(list)).code).toBe('OK');
  expect(await world.raw(`${TOKEN}/release`, json({ token }))).toMatchObject({ code: 'OK', data: { released: true } });
  expect(await world.raw(list)).toMatchObject({ status: 401, code: 'TOKEN_INVALID' });
  expect(await world.raw(`${TOKEN}/release`, json({ token }))).toMatchObject({ status: 401, code: 'TOKEN_INVALID' });
});

test('a wrong password, user or organisation is refused the same way, and without what was given', async () => {
  const good = { username: 'viewer', password: PASSWORD, organisation: ORGANISATION };
  for (const wrong of [{ password: 'wrong-secret-1' }, { username: 'nobody' }, { organisation: 'other' }]) {
    const answer = await world.raw(TOKEN, json({ ...good, ...wrong }));
    expect(answer).toMatchObject({ status: 401, code: 'WRONG_CREDENTIALS' });
    expect(answer.description).not.toContain('wrong-secret-1');
  }
});

test('too many wrong passwords are answered with 429 and when to come back', async () => {
  const guess = { username: 'guessed', password: 'wrong', organisation: ORGANISATION };
  const answers = [];
  for (let tries = 0; tries < 30; tries += 1) {
    const answer = await world.raw(TOKEN, json(guess));
    answers.push(answer.code);
    if (answer.status !== 429) continue;
    expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0);
    break;
  }
  expect(answers.at(-1)).toBe('TOO_MANY_ATTEMPTS');
});

test('the token of a user who is disabled ends at once', async () => {
  const token = await newToken('admin');
  const list = `${BASE}${LIST}?life_cycle_state=PENDING&token=${token}`;
  expect((await world.raw(list)).code).toBe('OK');
  await setDisabled(world.db, { username: 'admin', disabled: true, by: 'test' });
  expect((await world.raw(list)).code).toBe('TOKEN_INVALID');
  await setDisabled(world.db, { username: 'admin', disabled: false, by: 'test' });
});

test('a viewer reads, and may not create', async () => {
  expect((await world.get(LIST, { type: 'CREATE_PAIRING' }, 'viewer')).code).toBe('OK');
  const answer = await world.post(CREATE_PAIRING, PAIRING, { by: 'viewer' });
  expect(refusal(answer, 'role viewer')).toEqual([403, 'NOT_PERMITTED', 'role viewer']);
  expect((await world.post(CREATE_PAIRING, PAIRING, { by: 'admin' })).code).toBe('OK');
});

test('a bearer token in the header does for every call', async () => {
  const headers = { authorization: `Bearer ${await world.token()}` };
  expect((await world.raw(`${BASE}${LIST}?life_cycle_state=PENDING`, { headers })).code).toBe('OK');
  expect((await world.raw(`${BASE}${CREATE_PAIRING}`, json(PAIRING, headers))).code).toBe('OK');
});

test('a token in the wrong place, in two places or in none is told so', async () => {
  const token = await world.token();
  const url = `${BASE}${CREATE_PAIRING}`;
  const bearer = { authorization: `Bearer ${token}` };
  const misplaced = [
    await world.raw(`${url}?token=${token}`, json(PAIRING)),
    await world.raw(url, json({ ...PAIRING, token }, bearer)),
    await world.raw(url, json(PAIRING, { 'x-auth-token': token })),
    await world.raw(url, json(PAIRING, { cookie: `token=${token}` })),
    await world.raw(url, json(PAIRING, { authorization: `Basic ${token}` })),
    await world.raw(`${BASE}${LIST}?token=${token}&life_cycle_state=PENDING`, { headers: bearer }),
  ];
  expect(misplaced.map((answer) => refusal(answer, 'Authorization: Bearer'))).toEqual(
    misplaced.map(() => [400, 'TOKEN_MISPLACED', 'Authorization: Bearer']),
  );
  expect(await world.raw(url, json(PAIRING))).toMatchObject({ status: 401, code: 'TOKEN_MISSING' });
  expect(await world.raw(url, json({ ...PAIRING, token: 7 }))).toMatchObject({ status: 401, code: 'TOKEN_INVALID' });
  expect(JSON.stringify(misplaced)).not.toContain(token);
});
