import type { Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import type { Role } from '../../src/users/user.ts';
import { act, callsOf, household, outcomeOf } from '../support/scene.ts';
import { json, OPERATIONS, ORGANISATION, PASSWORD } from '../web-api/support.ts';
import { confirm, type ConsoleWorld, logIn, startConsoleWorld } from './support.ts';

const TYPED = 'typed horse battery';
let world: ConsoleWorld;
beforeAll(async () => {
  world = await startConsoleWorld();
}, 120_000);
afterAll(() => world.close());
afterEach(async () => {
  await Promise.all(world.browser.contexts().map((context) => context.close()));
  const complaints = world.complaints.splice(0);
  if (complaints.length > 0) throw new Error(complaints.join('\n'));
});

const rows = (page: Page, table: string) => page.getByRole('table', { name: table }).locator('tbody tr');
const row = (page: Page, table: string, text: string | RegExp) => rows(page, table).filter({ hasText: text });
const isPaused = async (): Promise<unknown> =>
  (await world.operate<{ paused: boolean }>('/provider', undefined, 'viewer')).data.paused;
/** Somebody who is no role, through the login form. */
async function logInAs(username: string, password: string): Promise<Page> {
  const page = await world.open('/');
  await logIn(page, username as Role, password);
  return page;
}
const mayLogIn = (page: Page, username: string, is: 'yes' | 'no'): Promise<void> =>
  row(page, 'Users', new RegExp(`^${username}`))
    .getByRole('cell', { name: is, exact: true })
    .waitFor();
/** Fills in the dialogue that adds a user. */
async function nameUser(page: Page, username: string): Promise<void> {
  await page.getByRole('button', { name: 'Add a user' }).click();
  const dialogue = page.getByRole('dialog');
  await dialogue.getByLabel('User name').fill(username);
  await dialogue.getByLabel('Organisation').fill(ORGANISATION);
}

test('sending is paused with a reason, nothing is sent until it is resumed, and the history shows both', async () => {
  const page = await world.openAs('admin', '/provider');
  await page.getByRole('button', { name: 'Pause sending' }).click();
  const dialogue = page.getByRole('dialog');
  const submit = dialogue.locator('button[type=submit]');
  expect(await submit.isDisabled()).toBe(true);
  await dialogue.getByLabel('Reason').fill('CAS upgrade <b>tonight</b>');
  await submit.click();
  await page.getByText('Sending is paused').waitFor();
  expect(await isPaused()).toBe(true);
  const paused = row(page, 'The last changes', 'CAS upgrade <b>tonight</b>');
  await paused.waitFor();
  expect(await paused.innerText()).toMatch(/paused\s+admin\s/);

  const card = '49000000001';
  const made = await act(world, household('S0000049001', card, ['1001']), { action: 'S:BECOME_SUBSCRIBER' });
  const operator = await world.openAs('operator', `/requests?card=${card}`);
  await rows(operator, 'Requests').nth(1).waitFor();
  await row(operator, 'Requests', 'PAUSED').first().waitFor();
  expect(await callsOf(world, card)).toEqual([]);

  expect(await confirm(page, 'Resume sending')).toMatch(/All instances send to the CAS again/);
  await page.getByText('Commands are sent to the CAS.').waitFor();
  await row(page, 'The last changes', 'resumed').first().waitFor();
  await outcomeOf(world, made);
  expect((await callsOf(world, card)).map(({ command }) => command)).toEqual(['CREATE_PAIRING', 'ADD_SUBSCRIPTIONS']);
  await row(operator, 'Requests', 'COMPLETED').nth(1).waitFor();
});

test('a user gets a password that is shown until it is closed; disabling, enabling and a new password take effect at once', async () => {
  const page = await world.open('/users');
  await page.clock.install();
  await page.reload();
  await logIn(page, 'admin');
  await nameUser(page, 'anna');
  await page.getByRole('dialog').getByLabel('Role').click();
  await page.getByRole('option', { name: /^operator/ }).click();
  await page.getByRole('dialog').locator('button[type=submit]').click();
  const message = page.getByText(/The password of anna is/);
  await message.waitFor();
  const password = await message.locator('code').innerText();
  await row(page, 'Users', /^anna\s*operator/).waitFor();
  await page.clock.fastForward(60_000);
  expect(await message.isVisible()).toBe(true);
  await page.getByRole('button', { name: 'Close the message' }).click();
  await message.waitFor({ state: 'detached' });

  const hers = await logInAs('anna', password);
  expect(await confirm(page, 'Disable anna')).toMatch(/logged out everywhere at once/);
  await hers.getByRole('button', { name: 'Log in' }).waitFor();
  await mayLogIn(page, 'anna', 'no');
  await page.clock.fastForward(60_000);
  await page.getByText('anna is disabled').waitFor({ state: 'detached' });
  expect(await confirm(page, 'Enable anna')).toMatch(/can log in again, with the old password/);
  await mayLogIn(page, 'anna', 'yes');
  const again = await logInAs('anna', password);

  await confirm(page, 'New password for anna');
  await again.getByRole('button', { name: 'Log in' }).waitFor();
  const renewed = await message.locator('code').innerText();
  expect(renewed).not.toBe(password);
  await logInAs('anna', renewed);
  const old = { username: 'anna', password, organisation: ORGANISATION };
  const refused = await world.raw(`${OPERATIONS}/session`, json(old, { 'x-conax-console': 'user' }));
  expect(refused).toMatchObject({ status: 401, code: 'WRONG_CREDENTIALS' });
});

test('the audit page shows who did what, by filters in the address, and no secret', async () => {
  const page = await world.openAs('admin', '/users');
  await nameUser(page, 'bert');
  await page.getByLabel('Make up a password').click();
  await page.locator('input[autocomplete=new-password]').fill(TYPED);
  await page.getByRole('dialog').locator('button[type=submit]').click();
  await page.getByText('bert has the password that you typed').waitFor();
  await logInAs('bert', TYPED);
  await confirm(page, 'Disable bert');
  await mayLogIn(page, 'bert', 'no');
  await world.operate('/provider/pause', { reason: 'a trail' }, 'admin');
  await world.operate('/provider/resume', {}, 'admin');

  await page.keyboard.press('Alt+a');
  await row(page, 'What users did', /admin[^]*users\.add[^]*username: bert[^]*OK/).waitFor();
  await row(page, 'What users did', /users\.add[^]*password: \*\*\*\*[^]*username: bert/).waitFor();
  await row(page, 'What users did', /bert[^]*session\.start[^]*OK/).waitFor();
  await row(page, 'What users did', /admin[^]*provider\.pause[^]*reason: a trail/).waitFor();
  const text = await page.getByRole('main').innerText();
  expect([PASSWORD, TYPED].filter((secret) => text.includes(secret))).toEqual([]);

  await page.getByLabel('User', { exact: true }).fill('admin');
  await page.getByLabel('Operation').fill('users.disable');
  await page.getByRole('button', { name: 'Filter' }).click();
  await onlyDisabled(page);
  expect(new URL(page.url()).search).toBe('?user=admin&operation=users.disable');
  await page.reload();
  await onlyDisabled(page);
});

/** The list has nothing but users that an admin disabled, bert among them. */
async function onlyDisabled(page: Page): Promise<void> {
  await row(page, 'What users did', 'users.add').first().waitFor({ state: 'detached' });
  await row(page, 'What users did', /admin[^]*users\.disable[^]*username: bert/).waitFor();
  const others = rows(page, 'What users did').filter({ hasNotText: /admin[^]*users\.disable/ });
  expect(await others.count()).toBe(0);
}
