import type { Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { addService, type CrmSubscription, setServices } from '../../dev/demo/crm.ts';
import { act, action, callsOf, eventually, household, outcomeOf, send, spoil } from '../support/scene.ts';
import { axeViolations, confirm, type ConsoleWorld, startConsoleWorld } from './support.ts';

const HOSTILE = '<img src=x onerror="document.title=1">';
let world: ConsoleWorld;
let customers = 0;
let card = '';
let subscription: CrmSubscription;
beforeAll(async () => {
  world = await startConsoleWorld({
    STALE_POLICY: 'hold',
    RETRY_BACKOFF_MIN_MS: '45000',
    RETRY_BACKOFF_MAX_MS: '45000',
    BREAKER_FAILURES: '1000',
    CONAX_TIMEOUT_MS: '1500',
  });
}, 120_000);
afterAll(() => world.close());
beforeEach(async () => {
  await world.simulator('DELETE', 'faults');
  customers += 1;
  card = `4500000${String(customers).padStart(4, '0')}`;
  subscription = household(`S000045${String(customers).padStart(4, '0')}`, card, ['1001', '1002']);
});
afterEach(async () => {
  await Promise.all(world.browser.contexts().map((context) => context.close()));
  const complaints = world.complaints.splice(0);
  if (complaints.length > 0) throw new Error(complaints.join('\n'));
});

const subscribe = () => act(world, subscription, { action: 'S:BECOME_SUBSCRIBER' });
const subscribed = async (): Promise<void> => void (await outcomeOf(world, await subscribe()));
const failPairing = (): Promise<void> =>
  spoil(world, { match: { smartcard: card, command: 'CREATE_PAIRING' }, times: null, fault: 'status:SYSTEM_ERROR' });
const setCas = (entitlements: readonly string[], setTopBoxes: readonly string[] = [`STB-${card}`]): Promise<unknown> =>
  world.simulator('PATCH', 'state', [{ smartcard: card, entitlements, pairing: { smartcards: [card], setTopBoxes } }]);
/** The commands that reached the CAS for the card, without questions. */
const sent = async (): Promise<string[]> =>
  (await callsOf(world, card)).flatMap(({ command, parameters, effect }) =>
    command === null || command.startsWith('GET_') || !effect
      ? []
      : [`${command} ${parameters.serviceCaId ?? ''}`.trim()],
  );
const seen = (page: Page, text: string | RegExp): Promise<void> =>
  page.getByText(text).first().waitFor({ timeout: 15_000 });
/** The part of the page that explains a finding. */
const finding = (page: Page, code: string) => page.getByRole('group', { name: code, exact: true });
const verdict = (page: Page) => page.getByRole('region', { name: 'Verdict' });
const allEqual = (page: Page): Promise<void> => finding(page, 'ALL_EQUAL').waitFor({ timeout: 30_000 });

test('a number in the search leads to what is stored while the CAS is asked, and then to its answer', async () => {
  await subscribed();
  await setCas(['1002']);
  const page = await world.openAs('operator');
  const { promise: answers, resolve: answer } = Promise.withResolvers<void>();
  await page.route(/ask=true/, async (route) => {
    await answers;
    await route.continue();
  });
  await page.getByLabel('Search any number').fill(`${card.slice(0, 4)} ${card.slice(4)}`);
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { level: 1, name: `Card ${card}` }).waitFor();
  expect(await verdict(page).innerText()).toContain('Nothing that is stored explains it');
  await seen(page, 'Asking the CAS …');
  answer();
  await seen(page, `The CRM entitles service 1001 on card ${card}, and the CAS does not have it.`);
  await seen(page, 'missing in the CAS');
  expect(await axeViolations(page)).toEqual([]);
});

test('what the CRM entitles is sent again, after the dialogue told how much that is, and the page shows that all is equal', async () => {
  await subscribed();
  await setCas(['1002']);
  const page = await world.openAs('operator', `/why/${card}`);
  const before = (await sent()).length;
  await finding(page, 'MISSING_IN_CAS').waitFor();
  await finding(page, 'MISSING_IN_CAS')
    .getByRole('button', { name: /^Send again/ })
    .click();
  await seen(page, /entitles 1 subscription to.* In all it sends 2 ADD_SUBSCRIPTIONS, 1 CREATE_PAIRING/);
  await seen(page, `ADD_SUBSCRIPTIONS 1001 on ${card}`);
  await page.getByRole('dialog').locator('button[type=submit]').click();
  await allEqual(page);
  expect((await sent()).slice(before)).toContain('ADD_SUBSCRIPTIONS 1001');
});

test('a request that is retried is sent now', async () => {
  await failPairing();
  await subscribe();
  const page = await world.openAs('operator', `/why/${card}`);
  await finding(page, 'RETRYING').waitFor();
  expect(await sent()).toEqual([]);
  await world.simulator('DELETE', 'faults');
  expect(await confirm(page, /^Send request \d+ now/)).toMatch(/This sends 1 request now: CREATE_PAIRING/);
  await allEqual(page);
  expect(await sent()).toEqual(['CREATE_PAIRING', 'ADD_SUBSCRIPTIONS 1001', 'ADD_SUBSCRIPTIONS 1002']);
});

test('a request that can never be done is withdrawn, and those that wait for it go on', async () => {
  await failPairing();
  await subscribe();
  const page = await world.openAs('operator', `/why/${card}`);
  await finding(page, 'WAITING_BEHIND').waitFor();
  await seen(page, /after request \d+/);
  await seen(page, /^RETRYING$/);
  expect(await confirm(page, /^Withdraw request/)).toMatch(
    /gives up 1 request for good: CREATE_PAIRING[^]* 2 other requests/,
  );
  await eventually(async () => ((await sent()).length === 2 ? true : undefined), 'the two services are sent');
  expect(await sent()).toEqual(['ADD_SUBSCRIPTIONS 1001', 'ADD_SUBSCRIPTIONS 1002']);
});

test('a held event is released, and another one is discarded with a reason', async () => {
  await subscribed();
  const earlier = action(subscription, { action: 'S:ACTIVATE_SUBSCRIPTION' });
  const another = action(subscription, { action: 'S:ACTIVATE_SUBSCRIPTION' });
  setServices(subscription, 'NOT_EFFECTIVE');
  await outcomeOf(world, await act(world, subscription, { action: 'S:DEACTIVATE_SUBSCRIPTION' }));
  await send(world, [...earlier.events, ...another.events]);
  const page = await world.openAs('operator', `/why/${card}`);
  const releases = page.getByRole('button', { name: /^Release event/ });
  await releases.nth(1).waitFor();
  expect(await confirm(page, /^Release event/)).toMatch(/processes 1 event/);
  await eventually(async () => ((await releases.count()) === 1 ? true : undefined), 'one event is left');
  await page.getByRole('button', { name: /^Discard event/ }).click();
  await page.getByRole('dialog').getByLabel('Reason').fill('it is old');
  await page.getByRole('dialog').locator('button[type=submit]').click();
  await finding(page, 'EVENT_HELD').waitFor({ state: 'detached' });
  await seen(page, /was (?:DISCARDED|discarded) by operator: it is old/);
});

test('what the CAS has paired differently is drawn with words, and paired again', async () => {
  await subscribed();
  await setCas(['1001', '1002'], ['OTHER-STB']);
  const page = await world.openAs('operator', `/why/${card}`);
  await finding(page, 'PAIRING_DIFFERS').waitFor();
  const drawn = await page.locator('.pairing').innerText();
  expect(drawn).toMatch(/OTHER-STB\s+not in the CRM/);
  expect(drawn).toMatch(new RegExp(`STB-${card}\\s+missing here`));
  expect(await confirm(page, /^Pair the devices/)).toMatch(/1 CREATE_PAIRING/);
  await allEqual(page);
  expect((await sent()).at(-1)).toBe('CREATE_PAIRING');
});

test('what the CAS has too much is found by a reconcile run, shown, and cancelled', async () => {
  await subscribed();
  await setCas(['1001', '1002', '1009']);
  const page = await world.openAs('operator', `/why/${card}`);
  await finding(page, 'TOO_MUCH_IN_CAS').waitFor();
  await page.getByRole('button', { name: /^Compare card/ }).click();
  await seen(page, /asks the CAS what is active on 1 card/);
  await page.getByRole('dialog').locator('button[type=submit]').click();
  await seen(page, /Run \d+ found what differs/);
  expect(await confirm(page, /^Fix what run/)).toMatch(/This sends 1 command to 1 card: CANCEL_SUBSCRIPTIONS 1009/);
  await allEqual(page);
  expect((await sent()).at(-1)).toBe('CANCEL_SUBSCRIPTIONS 1009');
});

test('who pauses and resumes is an admin: an operator sees why nothing is sent, and no button', async () => {
  await subscribed();
  await world.operate('/provider/pause', { reason: 'CAS upgrade' }, 'admin');
  const operator = await world.openAs('operator', `/why/${card}`);
  await finding(operator, 'PROVIDER_PAUSED').waitFor();
  expect(await operator.getByRole('button', { name: 'Resume sending' }).count()).toBe(0);
  const admin = await world.openAs('admin', `/why/${card}`);
  expect(await confirm(admin, 'Resume sending')).toMatch(/for all customers/);
  await finding(admin, 'PROVIDER_PAUSED').waitFor({ state: 'detached' });
});

test('a viewer sees findings and no button that changes something', async () => {
  await failPairing();
  await subscribe();
  const page = await world.openAs('viewer', `/why/${card}`);
  await finding(page, 'RETRYING').waitFor();
  const buttons = await page.getByRole('main').getByRole('button').allInnerTexts();
  expect(buttons.filter((text) => text !== 'Ask the CAS again' && text !== 'Copy')).toEqual([]);
});

test('SOAP bodies are read when somebody opens them, indented and without secrets', async () => {
  await subscribed();
  await world.operate('/utilities/pin/given', { smartcard_ca_ids: [card], pin: '8264' });
  const page = await world.openAs('viewer', `/why/${card}`);
  const row = page.locator('.timeline li').filter({ hasText: /^.*outcome.*UPDATE_CA_PIN_TO_GIVEN_VALUE/ });
  await row.getByText('What was sent, and what came back').click();
  await row.getByText('SOAP request and answer').click();
  const body = await row.getByRole('region', { name: 'SOAP request of attempt 1' }).innerText();
  expect(body.split('\n').length).toBeGreaterThan(5);
  expect(body).not.toContain('8264');
});

test('texts of the CRM are shown as texts', async () => {
  await subscribed();
  addService(subscription, 'service-new', HOSTILE);
  await outcomeOf(
    world,
    await act(world, subscription, { action: 'V:ADD_SERVICE', incomingServices: ['service-new'] }),
  );
  const page = await world.openAs('operator', `/why/${card}`);
  await finding(page, 'WITHHELD').waitFor();
  expect(await finding(page, 'WITHHELD').innerText()).toContain(HOSTILE);
  expect(await page.locator('main img').count()).toBe(0);
  await page.goto(`${world.service.url}/console/why/${encodeURIComponent(HOSTILE)}`);
  await seen(page, 'PARAMETER_INVALID');
});

test('the timeline goes back page by page, and the address leads to the same page', async () => {
  await subscribed();
  // More than two pages of 20, and far from four: each look at the page asks the CAS, too.
  for (let round = 0; round < 21; round += 1)
    await world.operate('/utilities/information', { smartcard_ca_ids: [card] });
  const page = await world.openAs('viewer', `/why/${card}`);
  await page.getByRole('button', { name: 'Next page' }).click();
  await page.waitForURL(/before=/);
  await page.getByRole('button', { name: 'Next page' }).click();
  await page.locator('.timeline').getByText('BECOME_SUBSCRIBER').waitFor();
  await page.reload();
  await page.locator('.timeline').getByText('BECOME_SUBSCRIBER').waitFor();
  await page.getByRole('button', { name: 'To the first page' }).click();
  // All of it is questions: one line, until somebody opens it.
  const questions = page.locator('.timeline').getByText(/^Questions to the CAS, which change nothing: \d+ moments$/);
  await questions.waitFor();
  expect(await page.locator('.timeline').getByText('GET_ACTIVE_SUBSCRIPTIONS').count()).toBe(0);
  await questions.click();
  await page.locator('.timeline').getByText('GET_ACTIVE_SUBSCRIPTIONS').first().waitFor();
  expect(page.url()).not.toContain('before=');
});
