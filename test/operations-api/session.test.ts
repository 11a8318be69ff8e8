import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { resetPassword, setDisabled } from '../../src/users/changes.ts';
import type { Role } from '../../src/users/user.ts';
import { eventually } from '../support/scene.ts';
import {
  type Answer,
  json,
  OPERATIONS,
  ORGANISATION,
  PASSWORD,
  startWebWorld,
  type WebWorld,
} from '../web-api/support.ts';

type Headers = Readonly<Record<string, string>>;
const SESSION = `${OPERATIONS}/session`;
const BY_USER: Headers = { 'x-conax-console': 'user', 'sec-fetch-site': 'same-origin' };
const IN_BACKGROUND: Headers = { ...BY_USER, 'x-conax-console': 'background' };

interface Session {
  readonly username: string;
  readonly idle_seconds: number;
  readonly expires_date: string;
}

let world: WebWorld;
beforeAll(async () => {
  world = await startWebWorld();
});
afterAll(() => world.close());

function logIn(username: string, { password = PASSWORD, headers = BY_USER, at = world } = {}): Promise<Answer> {
  return at.raw(SESSION, json({ username, password, organisation: ORGANISATION }, headers));
}

/** What the browser sends after this answer: name and value of the cookie that it set. */
function cookieOf({ headers }: Answer): string {
  return headers.get('set-cookie')?.split(';')[0] ?? '';
}

async function cookieFor(username: string, at = world): Promise<string> {
  const answer = await logIn(username, { at });
  expect(answer).toMatchObject({ status: 200, code: 'OK' });
  return cookieOf(answer);
}

function show(cookie: string, headers: Headers = BY_USER, at = world): Promise<Answer<Session>> {
  return at.raw(SESSION, { headers: { ...headers, cookie } }) as Promise<Answer<Session>>;
}

function end(cookie: string): Promise<Answer> {
  return world.raw(`${SESSION}/end`, json({}, { ...BY_USER, cookie }));
}

describe('logging in', () => {
  test.each<[Role, string | null]>([
    ['viewer', null],
    ['operator', 'Nicosia'],
    ['admin', null],
  ])('a %s gets the token in a cookie that no script can read, and never in the body', async (role, unit) => {
    const answer = await logIn(role);
    const set = answer.headers.get('set-cookie') ?? '';
    expect(set).toMatch(/^conax_session=[0-9A-F]{32}; HttpOnly; SameSite=Strict; Path=\/api\/v1$/);
    const token = cookieOf(answer).replace('conax_session=', '');
    expect(JSON.stringify(answer.data)).not.toContain(token);
    expect(answer.data).toEqual({
      username: role,
      role,
      organisation: ORGANISATION,
      unit,
      idle_seconds: 3_600,
      expires_date: expect.stringMatching(/^\d{4}-.*Z$/) as string,
    });
    expect((await show(cookieOf(answer))).data).toEqual(answer.data);
  });

  test('over HTTPS, also in front of a proxy, the cookie is Secure', async () => {
    const answer = await logIn('viewer', { headers: { ...BY_USER, 'x-forwarded-proto': 'https' } });
    expect(answer.headers.get('set-cookie')).toMatch(/; Secure$/);
  });

  test('each role may do with the cookie what it may do with a token', async () => {
    const pause = async (role: Role): Promise<string> => {
      const headers = { ...BY_USER, cookie: await cookieFor(role) };
      return (await world.raw(`${OPERATIONS}/provider/resume`, json({}, headers))).code;
    };
    expect(await pause('viewer')).toBe('NOT_PERMITTED');
    expect(await pause('operator')).toBe('NOT_PERMITTED');
    expect(await pause('admin')).toBe('OK');
  });

  test('a wrong password sets no cookie, and too many of them are not looked at', async () => {
    const wrong = await logIn('viewer', { password: 'wrong-secret-1' });
    expect(wrong).toMatchObject({ status: 401, code: 'WRONG_CREDENTIALS' });
    expect(wrong.headers.get('set-cookie')).toBeNull();
    let answer = wrong;
    for (let tries = 0; tries < 30 && answer.status === 401; tries += 1) answer = await logIn('guessed');
    expect(answer).toMatchObject({ status: 429, code: 'TOO_MANY_ATTEMPTS' });
    expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0);
  });

  test('a second login in the same browser ends the first session', async () => {
    const first = await cookieFor('viewer');
    const second = cookieOf(await logIn('operator', { headers: { ...BY_USER, cookie: first } }));
    expect((await show(second)).data.username).toBe('operator');
    expect((await show(first)).code).toBe('TOKEN_INVALID');
  });
});

describe('a call that another site may have caused', () => {
  const host = (): string => new URL(world.service.url).host;

  test.each<[string, Headers]>([
    ['has no header of the console', {}],
    ['has another value in the header', { 'x-conax-console': 'yes' }],
    ['comes from another site', { ...BY_USER, 'sec-fetch-site': 'cross-site' }],
    ['comes from another port or subdomain', { ...BY_USER, 'sec-fetch-site': 'same-site' }],
    ['has a foreign Origin, over HTTP', { 'x-conax-console': 'user', origin: 'http://evil.example' }],
    ['has the Origin of a sandboxed page', { 'x-conax-console': 'user', origin: 'null' }],
  ])('is refused: it %s', async (_, headers) => {
    const cookie = await cookieFor('admin');
    const refused = { status: 403, code: 'NOT_FROM_CONSOLE' };
    expect(await show(cookie, headers)).toMatchObject(refused);
    expect(
      await world.raw(`${OPERATIONS}/provider/pause`, json({ reason: 'x' }, { ...headers, cookie })),
    ).toMatchObject(refused);
    // Nor can it log somebody in or out.
    expect(await logIn('viewer', { headers })).toMatchObject(refused);
    expect(await world.raw(`${SESSION}/end`, json({}, { ...headers, cookie }))).toMatchObject(refused);
    expect((await show(cookie)).code).toBe('OK');
  });

  test('is accepted from a page of this server, also without Sec-Fetch-Site, and behind a proxy', async () => {
    const cookie = await cookieFor('viewer');
    const header = { 'x-conax-console': 'user' };
    expect((await show(cookie, header)).code).toBe('OK');
    expect((await show(cookie, { ...header, origin: `http://${host()}` })).code).toBe('OK');
    const proxied = { ...header, origin: 'http://cas.example', 'x-forwarded-host': 'cas.example' };
    expect((await show(cookie, proxied)).code).toBe('OK');
  });

  test('has no preflight that permits the header', async () => {
    const preflight = await fetch(`${world.service.url}${SESSION}`, {
      method: 'OPTIONS',
      headers: {
        origin: 'http://evil.example',
        'access-control-request-method': 'POST',
        'access-control-request-headers': 'x-conax-console',
      },
    });
    expect(preflight.ok).toBe(false);
    expect([...preflight.headers.keys()].filter((name) => name.startsWith('access-control'))).toEqual([]);
  });

  test('needs no header if it has a token, and the cookie does not count then', async () => {
    const cookie = await cookieFor('viewer');
    const authorization = `Bearer ${await world.token('admin')}`;
    expect((await show(cookie, { authorization })).data.username).toBe('admin');
    const token = await world.token('operator');
    const inQuery = await world.raw(`${SESSION}?token=${token}`, { headers: { cookie } });
    expect(inQuery.data).toMatchObject({ username: 'operator' });
  });

  test('gets nothing from the Web API with the cookie', async () => {
    const cookie = await cookieFor('admin');
    const list = '/crmapi/rest/v2/conax_web_services/provisioning_requests/list?life_cycle_state=PENDING';
    expect((await world.raw(list, { headers: { ...BY_USER, cookie } })).code).toBe('TOKEN_MISSING');
  });
});

describe('the end of a session', () => {
  test('logging out ends it in every tab and clears the cookie, as often as it is done', async () => {
    const cookie = await cookieFor('operator');
    const [one, other] = [await show(cookie), await show(cookie, IN_BACKGROUND)];
    expect([one.code, other.code]).toEqual(['OK', 'OK']);
    const ended = await end(cookie);
    expect(ended.data).toEqual({ ended: true });
    expect(ended.headers.get('set-cookie')).toMatch(/^conax_session=; HttpOnly; .*; Max-Age=0$/);
    expect(await show(cookie)).toMatchObject({ status: 401, code: 'TOKEN_INVALID' });
    expect(await end(cookie)).toMatchObject({ status: 200, data: { ended: false } });
    const without = await world.raw(`${SESSION}/end`, json({}, BY_USER));
    expect(without).toMatchObject({ status: 200, data: { ended: false } });
    expect((await world.raw(SESSION, { headers: BY_USER })).code).toBe('TOKEN_MISSING');
  });

  test('a disabled user and another password end it at once', async () => {
    const first = await cookieFor('operator');
    await setDisabled(world.db, { username: 'operator', disabled: true, by: 'test' });
    expect((await show(first)).code).toBe('TOKEN_INVALID');
    await setDisabled(world.db, { username: 'operator', disabled: false, by: 'test' });
    const second = await cookieFor('operator');
    await resetPassword(world.db, { username: 'operator', password: 'another horse entirely', by: 'test' });
    expect((await show(second)).code).toBe('TOKEN_INVALID');
    await resetPassword(world.db, { username: 'operator', password: PASSWORD, by: 'test' });
  });

  test('calls of its user put it off, and polls in the background do not', async () => {
    const short = await startWebWorld({ WEB_API_TOKEN_IDLE_MS: '2000' });
    try {
      const cookie = await cookieFor('viewer', short);
      const { data: first } = await show(cookie, BY_USER, short);
      expect(first.idle_seconds).toBe(2);
      const moved = await eventually(async () => {
        const { data } = await show(cookie, BY_USER, short);
        return data.expires_date > first.expires_date ? data : undefined;
      }, 'a later end');
      // The token is still there long after the end that it had at first: the last poll is the first one too late.
      const seen = new Set<string>();
      const ended = await eventually(async () => {
        const answer = await show(cookie, IN_BACKGROUND, short);
        if (answer.code === 'OK') seen.add(answer.data.expires_date);
        return answer.code === 'OK' ? undefined : { answer, at: new Date().toISOString() };
      }, 'the end of the session');
      expect(ended.answer).toMatchObject({ status: 401, code: 'TOKEN_INVALID' });
      expect([...seen]).toEqual([moved.expires_date]);
      expect(ended.at >= moved.expires_date).toBe(true);
    } finally {
      await short.close();
    }
  });
});

test('the audit has who logged in and out, and who tried to, but no name that no user has and nothing refused', async () => {
  await world.db.query('truncate audit');
  const cookie = await cookieFor('operator');
  const headers = { ...BY_USER, cookie };
  await logIn('Viewer', { password: 'wrong-secret-1' });
  await logIn('wrong-secret-2');
  await world.raw(`${OPERATIONS}/provider/resume`, json({}, headers));
  await end(cookie);
  await end(cookie);
  const { data } = await world.operate<{ entries: object[] }>('/audit', undefined, 'admin');
  expect(data.entries).toMatchObject([
    { operation: 'session.end', source: 'api', user: 'operator', unit: 'Nicosia', result: 'OK' },
    { operation: 'session.start', user: null, unit: null, result: 'WRONG_CREDENTIALS' },
    { operation: 'session.start', user: 'viewer', unit: null, result: 'WRONG_CREDENTIALS' },
    { operation: 'session.start', user: 'operator', input: {}, result: 'OK', ended_date: expect.any(String) as string },
  ]);
  expect(JSON.stringify(data)).not.toContain('wrong-secret');
  expect(await world.operate('/audit', undefined, 'viewer')).toMatchObject({ code: 'NOT_PERMITTED' });
});
