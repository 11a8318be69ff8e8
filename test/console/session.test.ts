import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { addUser, setDisabled } from '../../src/users/changes.ts';
import type { Role } from '../../src/users/user.ts';
import { act, eventually, household, outcomeOf } from '../support/scene.ts';
import { ORGANISATION, PASSWORD } from '../web-api/support.ts';
import { type ConsoleWorld, logIn, startConsoleWorld } from './support.ts';

const MENU = ['Overview', 'Why', 'Requests', 'Events', 'Runs', 'Message queue', 'Schedules', 'Reconcile', 'Replays'];
const heading = (page: Page, name: string): Promise<void> =>
  page.getByRole('heading', { level: 1, name, exact: true }).waitFor({ timeout: 30_000 });
const login = (page: Page, timeout = 20_000): Promise<void> =>
  page.getByRole('button', { name: 'Log in' }).waitFor({ timeout });

describe('A session of the console', () => {
  let world: ConsoleWorld;
  beforeAll(async () => {
    world = await startConsoleWorld();
  });
  afterAll(() => world.close());
  afterEach(async () => {
    await Promise.all(world.browser.contexts().map((context) => context.close()));
    const complaints = world.complaints.splice(0);
    if (complaints.length > 0) throw new Error(complaints.join('\n'));
  });

  test('the address of the service leads to the console, and each role sees its menu', async () => {
    const page = await world.open('/');
    await page.goto(world.service.url);
    await login(page);
    expect(new URL(page.url()).pathname).toBe('/console/');
    for (const [role, more] of [
      ['viewer', ['Provider']],
      ['operator', ['Provider']],
      ['admin', ['Provider', 'Users', 'Audit']],
    ] as const) {
      const mine = await world.openAs(role);
      await heading(mine, 'Overview');
      const menu = await mine.getByRole('navigation').getByRole('link').allInnerTexts();
      expect([role, menu]).toEqual([role, [...MENU, ...more, 'API documents']]);
    }
  });

  test('a page that lacks a script, because an instance of another version was asked for it, loads again by itself', async () => {
    const page = await world.open('/');
    let missing = 2;
    await page.route('**/console/assets/index-*.js', (route) =>
      (missing -= 1) >= 0 ? route.fulfill({ status: 404 }) : route.continue(),
    );
    await page.reload();
    await login(page);
    expect(missing).toBe(-1);
  });

  test('a page that still lacks a script after five more times says what to do, and loads no more', async () => {
    const page = await world.open('/');
    let loads = 0;
    await page.route('**/console/assets/index-*.js', (route) => {
      loads += 1;
      return route.fulfill({ status: 404 });
    });
    await page.clock.install();
    await page.reload();
    const message = page.getByRole('alert').filter({ hasText: 'Load the page again in a minute' });
    await eventually(async () => {
      // A page that is on its way has no clock.
      await page.clock.runFor(10_000).catch(() => {});
      return (await message.isVisible()) ? true : undefined;
    }, 'the message');
    await page.clock.runFor(100_000);
    expect([loads, await message.isVisible()]).toEqual([6, true]);
  });

  test.each<[Role, readonly string[]]>([
    ['viewer', ['/users', '/audit', '/runs/new', '/queue/new', '/schedules/new', '/replays/new']],
    ['operator', ['/users', '/audit']],
  ])('a %s who opens a page of other roles by its address reads that the role may not', async (role, paths) => {
    const page = await world.openAs(role);
    for (const path of paths) {
      await page.goto(`${world.service.url}/console${path}`);
      await page.getByText(`The role ${role} may not do what this page is for.`).waitFor();
      expect(await page.getByRole('main').getByRole('button').count()).toBe(0);
    }
    await page.goto(`${world.service.url}/console/provider`);
    await page.getByText('Commands are sent to the CAS.').waitFor();
    expect(await page.getByRole('main').getByRole('button').count()).toBe(0);
  });

  test('a wrong password is refused in words, and the name stays', async () => {
    const page = await world.open('/requests');
    await page.getByLabel('User name').fill('operator');
    await page.locator('input[name=password]').fill('wrong horse battery');
    await page.getByLabel('Organisation').fill(ORGANISATION);
    await page.keyboard.press('Enter');
    await page.getByText('WRONG_CREDENTIALS').waitFor();
    expect(await page.getByLabel('User name').inputValue()).toBe('operator');
    await page.locator('input[name=password]').fill(PASSWORD);
    await page.keyboard.press('Enter');
    await heading(page, 'Requests');
  });

  test('a log-out ends the session in every tab: the next poll of another one shows the login', async () => {
    const page = await world.openAs('operator');
    const other = await page.context().newPage();
    await other.goto(`${world.service.url}/console/requests?state=PENDING`);
    await heading(other, 'Requests');
    await page.getByRole('button', { name: 'Log out' }).click();
    // Neither waits for the look at the session, which comes every 30 s.
    await Promise.all([login(page, 5_000), login(other, 10_000)]);
    expect(new URL(other.url()).search).toBe('?state=PENDING');
    await logIn(other, 'viewer');
    await heading(other, 'Requests');
  });

  test('a user that is disabled is out at the next poll, and cannot come back', async () => {
    await addUser(world.db, {
      username: 'leaver',
      role: 'operator',
      organisation: ORGANISATION,
      unit: null,
      password: PASSWORD,
      by: 'test',
    });
    const page = await world.open('/');
    await logIn(page, 'leaver' as Role);
    await heading(page, 'Overview');
    await setDisabled(world.db, { username: 'leaver', disabled: true, by: 'test' });
    await login(page);
    await page.getByLabel('User name').fill('leaver');
    await page.locator('input[name=password]').fill(PASSWORD);
    await page.getByLabel('Organisation').fill(ORGANISATION);
    await page.keyboard.press('Enter');
    await page.getByText('WRONG_CREDENTIALS').waitFor();
    expect(await page.getByRole('button', { name: 'Log out' }).count()).toBe(0);
  });

  test('from login to a confirmed action without the mouse', async () => {
    const card = '48000000001';
    const subscription = household('S0000048001', card, ['1001']);
    await outcomeOf(world, await act(world, subscription, { action: 'S:BECOME_SUBSCRIBER' }));
    const pairing = { smartcards: [card], setTopBoxes: [`STB-${card}`] };
    await world.simulator('PATCH', 'state', [{ smartcard: card, entitlements: [], pairing }]);
    const page = await world.open('/');
    await login(page);
    const { keyboard } = page;
    await keyboard.type('operator');
    await keyboard.press('Tab');
    await keyboard.type(PASSWORD);
    await keyboard.press('Tab');
    await keyboard.type(ORGANISATION);
    await keyboard.press('Enter');
    await heading(page, 'Overview');
    await keyboard.press('Alt+r');
    await heading(page, 'Requests');
    await keyboard.press('/');
    await keyboard.type(card);
    await keyboard.press('Enter');
    const button = page.getByRole('group', { name: 'MISSING_IN_CAS' }).getByRole('button', { name: /^Send again/ });
    await button.waitFor({ timeout: 15_000 });
    await tabTo(page, 'Send again what the CRM entitles to subscription S0000048001');
    await keyboard.press('Enter');
    const dialogue = page.getByRole('dialog');
    await dialogue.getByText('ADD_SUBSCRIPTIONS 1001').first().waitFor();
    await keyboard.press('Escape');
    await dialogue.waitFor({ state: 'hidden' });
    await expect.poll(() => focused(page)).toMatch(/^Send again/);
    await keyboard.press('Enter');
    await dialogue.getByText('ADD_SUBSCRIPTIONS 1001').first().waitFor();
    await tabTo(page, 'Send again what the CRM entitles to subscription S0000048001', 6);
    await keyboard.press('Enter');
    await page.getByRole('group', { name: 'ALL_EQUAL' }).waitFor({ timeout: 20_000 });
  });

  test('a foreign page can neither frame the console nor call the API with its cookie', async () => {
    const foreign = await startForeignPage(world.service.url);
    try {
      const page = await world.openAs('admin');
      await heading(page, 'Overview');
      const before = await Promise.all([world.journal(), audit()]);
      const victim = await page.context().newPage();
      const refusals: string[] = [];
      victim.on('console', (message) => refusals.push(message.text()));
      await victim.goto(`${foreign.url}/frame`);
      await expect.poll(() => refusals.join('\n')).toMatch(/frame-ancestors|X-Frame-Options/i);
      expect(victim.frames()[1]?.url()).toMatch(/^chrome-error:/);
      for (const [address, path, status] of [
        ['/form', '/api/v1/provider/pause', 415],
        ['/fetch', '/api/v1/provider/pause', 415],
        ['/fetch-without-body', '/api/v1/provider/resume', 403],
        ['/link', '/api/v1/users', 403],
        ['/log-out', '/api/v1/session/end', 403],
      ] as const) {
        const [answer] = await Promise.all([
          victim.waitForResponse((response) => response.url().endsWith(path)),
          victim.goto(`${foreign.url}${address}`),
        ]);
        // Another port is the same site, so the browser sends the cookie: without it, 403 would be 401.
        expect([address, answer.status()]).toEqual([address, status]);
      }
      await victim.goto(`${foreign.url}/fetch-with-header`);
      await victim.getByText('the browser refused: TypeError').waitFor();
      expect(await Promise.all([world.journal(), audit()])).toEqual(before);
      await page.reload();
      await heading(page, 'Overview');
    } finally {
      await foreign.close();
    }
  });

  const audit = async (): Promise<unknown> => (await world.operate('/audit', undefined, 'admin')).data;
});

describe('A session without a person', () => {
  let world: ConsoleWorld;
  beforeAll(async () => {
    world = await startConsoleWorld({ WEB_API_TOKEN_IDLE_MS: '5000' });
  });
  afterAll(() => world.close());

  test('ends while the page polls; the login comes by itself, and leads back to the same page', async () => {
    const page = await world.openAs('operator');
    await heading(page, 'Overview');
    const other = await world.openAs('operator', '/requests?state=PENDING&card=48000000009');
    await heading(other, 'Requests');
    await Promise.all([login(page), login(other)]);
    expect(page.url()).toBe(`${world.service.url}/console/`);
    await logIn(page, 'operator');
    await heading(page, 'Overview');
    expect(new URL(other.url()).search).toBe('?state=PENDING&card=48000000009');
    await logIn(other, 'operator');
    await heading(other, 'Requests');
    expect(await other.getByLabel('Card', { exact: true }).inputValue()).toBe('48000000009');
    expect(world.complaints).toEqual([]);
  });
});

/** The name of what has the focus. */
function focused(page: Page): Promise<string> {
  return page.evaluate(
    `document.activeElement?.getAttribute('aria-label') ?? document.activeElement?.textContent ?? ''`,
  );
}

/** Presses Tab until this has the focus. */
async function tabTo(page: Page, name: string, most = 60): Promise<void> {
  for (let pressed = 0; pressed <= most; pressed += 1) {
    if ((await focused(page)) === name) return;
    await page.keyboard.press('Tab');
  }
  throw new Error(`Not reached with ${most} times Tab: ${name}`);
}

/** A server on another port of this host, whose pages attack the service in the ways that a browser offers. */
async function startForeignPage(target: string): Promise<{ readonly url: string; close(): Promise<void> }> {
  const pause = `{"reason":"attack","more":"`;
  const send = (path: string, init: string): string =>
    `<p></p><script>fetch('${target}/api/v1${path}', ${init}).then(
      () => (document.querySelector('p').textContent = 'the browser sent it'),
      (error) => (document.querySelector('p').textContent = 'the browser refused: ' + error.name))</script>`;
  const pages: Readonly<Record<string, string>> = {
    '/frame': `<iframe src="${target}/console/" width="800" height="600"></iframe>`,
    '/form': `<form method="post" enctype="text/plain" action="${target}/api/v1/provider/pause">
      <input name='${pause}' value='"}'></form><script>document.forms[0].submit()</script>`,
    '/fetch': send(
      '/provider/pause',
      `{ method: 'POST', mode: 'no-cors', credentials: 'include', body: '{"reason":"attack"}' }`,
    ),
    '/fetch-without-body': send('/provider/resume', `{ method: 'POST', mode: 'no-cors', credentials: 'include' }`),
    '/log-out': send('/session/end', `{ method: 'POST', mode: 'no-cors', credentials: 'include' }`),
    '/link': `<script>location.href = '${target}/api/v1/users'</script>`,
    '/fetch-with-header': send(
      '/provider/pause',
      `{ method: 'POST', credentials: 'include', body: '{"reason":"attack"}',
         headers: { 'content-type': 'application/json', 'x-conax-console': 'user' } }`,
    ),
  };
  const server = createServer((request, response) => {
    response.writeHead(200, { 'content-type': 'text/html' }).end(pages[request.url ?? ''] ?? '');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () => new Promise((resolve) => server.close(() => resolve())),
  };
}
