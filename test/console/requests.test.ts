import type { Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import type { CrmSubscription } from '../../dev/demo/crm.ts';
import type { ShownRequest } from '../../src/operations/shown-request.ts';
import { act, callsOf, eventually, household, outcomeOf, spoil } from '../support/scene.ts';
import { axeViolations, confirm, type ConsoleWorld, startConsoleWorld } from './support.ts';

let world: ConsoleWorld;
let customers = 0;
let card = '';
let subscription: CrmSubscription;
beforeAll(async () => {
  world = await startConsoleWorld({
    RETRY_BACKOFF_MIN_MS: '45000',
    RETRY_BACKOFF_MAX_MS: '45000',
    BREAKER_FAILURES: '1000',
  });
}, 120_000);
afterAll(() => world.close());
beforeEach(async () => {
  await world.simulator('DELETE', 'faults');
  customers += 1;
  card = `4600000${String(customers).padStart(4, '0')}`;
  subscription = household(`S000046${String(customers).padStart(4, '0')}`, card, ['1001', '1002']);
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
/** The requests of the card, the oldest first. */
const requests = async (): Promise<ShownRequest[]> =>
  (await world.operate<{ requests: ShownRequest[] }>(`/requests?card=${card}&limit=1000`)).data.requests;
const firstTried = (): Promise<ShownRequest> =>
  eventually(async () => (await requests()).find(({ phase }) => phase === 'RETRYING'), 'the first one was tried');
const sent = async (): Promise<(string | null)[]> =>
  (await callsOf(world, card)).filter(({ effect }) => effect).map(({ command }) => command);
const rows = (page: Page) => page.getByRole('table', { name: 'Requests' }).locator('tbody tr');

test('requests are listed with phase, attempts and last error, by filters that the address keeps', async () => {
  await failPairing();
  await subscribe();
  const first = await firstTried();
  const page = await world.openAs('viewer', '/requests');
  await page.getByLabel('Card', { exact: true }).fill(card);
  await page.keyboard.press('Enter');
  await page.waitForURL(new RegExp(`card=${card}`));
  await eventually(async () => ((await rows(page).count()) === 3 ? true : undefined), 'the 3 requests of the card');
  const last = await rows(page).last().innerText();
  expect(last).toMatch(new RegExp(`^${first.number}\\s+CREATE_PAIRING[^]*RETRYING[^]*next try at[^]*SYSTEM_ERROR`));
  expect(await rows(page).first().innerText()).toMatch(/WAITING_BEHIND[^]*after request \d+/);
  await page.getByLabel('Type').selectOption('CREATE_PAIRING');
  await page.waitForURL(/type=CREATE_PAIRING/);
  await page.reload();
  await eventually(async () => ((await rows(page).count()) === 1 ? true : undefined), 'one pairing');
  expect(await axeViolations(page)).toEqual([]);
});

test('the list goes back page by page, the newest first', async () => {
  await subscribed();
  const many = Array.from({ length: 40 }, () => world.operate('/utilities/information', { smartcard_ca_ids: [card] }));
  await Promise.all(many);
  const all = (await requests()).map(({ number }) => String(number)).toReversed();
  const page = await world.openAs('viewer', `/requests?card=${card}`);
  const shown = (): Promise<string[]> => page.locator('tbody tr td:first-child').allInnerTexts();
  await eventually(async () => ((await shown()).length === 50 ? true : undefined), 'a page');
  expect(await shown()).toEqual(all.slice(0, 50));
  await page.getByRole('button', { name: 'Next page' }).click();
  await eventually(async () => ((await shown())[0] === all[50] ? true : undefined), 'the next page');
  expect(await shown()).toEqual(all.slice(50, 100));
  await page.getByRole('button', { name: 'To the first page' }).click();
  await eventually(async () => ((await shown())[0] === all[0] ? true : undefined), 'the first page');
});

test('a request has its whole story: attempts with bodies, its event, its outcomes', async () => {
  await subscribed();
  const [first] = await requests();
  const page = await world.openAs('viewer', `/requests/${first?.number}`);
  await page.getByText('COMPLETED').first().waitFor();
  await page.getByText('SOAP request and answer').click();
  await page.getByRole('region', { name: 'SOAP request of attempt 1' }).waitFor();
  await page.getByText('The event as it was decoded').click();
  expect(await page.getByRole('region', { name: 'Event', exact: true }).innerText()).toContain(subscription.number);
  await page.getByText('The record').first().click();
  expect(await page.getByRole('region', { name: 'Record' }).innerText()).toContain('"outcome"');
  expect(
    await page
      .getByRole('main')
      .getByRole('button', { name: /Send|Withdraw/ })
      .count(),
  ).toBe(0);
  expect(await axeViolations(page)).toEqual([]);
});

test('a request is sent now from its page, which then shows that it is done', async () => {
  await failPairing();
  await subscribe();
  const { number } = await firstTried();
  const page = await world.openAs('operator', `/requests/${number}`);
  await world.simulator('DELETE', 'faults');
  expect(await confirm(page, `Send request ${number} now`)).toMatch(/This sends 1 request now: CREATE_PAIRING/);
  await page.getByRole('main').getByText('COMPLETED').first().waitFor();
  expect(await sent()).toContain('CREATE_PAIRING');
});

test('a request is withdrawn from its page, and the others of its card go on', async () => {
  await failPairing();
  await subscribe();
  const { number } = await firstTried();
  const page = await world.openAs('operator', `/requests/${number}`);
  expect(await confirm(page, `Withdraw request ${number}`)).toMatch(/2 other requests of its card go on/);
  await page.getByText('It was refused: WITHDRAWN').waitFor();
  await eventually(async () => ((await sent()).length === 2 ? true : undefined), 'the others are sent');
});

test('a viewer may neither send nor withdraw a request', async () => {
  await failPairing();
  await subscribe();
  const { number } = await firstTried();
  const page = await world.openAs('viewer', `/requests/${number}`);
  await page.getByText('RETRYING').first().waitFor();
  expect(await page.getByRole('button', { name: /Send request|Withdraw/ }).count()).toBe(0);
  expect(await world.operate(`/requests/${number}/withdraw`, {}, 'viewer')).toMatchObject({ code: 'NOT_PERMITTED' });
});

test('refusals are grouped by code with what they mean, and a group is sent again after its estimate was shown', async () => {
  await spoil(world, {
    match: { smartcard: card, serviceCaId: '1002' },
    times: 1,
    fault: 'status:FEATURE_NOT_AVAILABLE',
  });
  await subscribed();
  const before = (await sent()).length;
  const page = await world.openAs('operator', '/requests?tab=refusals');
  const group = page.getByRole('group', { name: 'FEATURE_NOT_AVAILABLE' });
  await group.waitFor();
  expect(await group.innerText()).toMatch(new RegExp(`1 request of 1 subscription[^]*on card ${card}`));
  expect(await axeViolations(page)).toEqual([]);
  await group.getByRole('button', { name: /^Resync/ }).click();
  await page.getByText(/entitles 1 subscription to.* In all it sends 2 ADD_SUBSCRIPTIONS, 1 CREATE_PAIRING/).waitFor();
  await page.getByRole('dialog').locator('button[type=submit]').click();
  await eventually(
    async () =>
      (await sent()).slice(before).filter((one) => one === 'ADD_SUBSCRIPTIONS').length > 0 ? true : undefined,
    'the service is added',
  );
  const viewer = await world.openAs('viewer', '/requests?tab=refusals');
  await viewer.getByRole('group', { name: 'FEATURE_NOT_AVAILABLE' }).waitFor();
  expect(await viewer.getByRole('button', { name: /^Resync/ }).count()).toBe(0);
});
