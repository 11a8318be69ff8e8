import type { Page } from 'playwright-core';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { household, spoil } from '../support/scene.ts';
import { know } from '../features/runs/known.ts';
import { axeViolations, confirm, type ConsoleWorld, startConsoleWorld } from './support.ts';

const card = (n: number): string => `38000000${String(n).padStart(3, '0')}`;
const number = (n: number): string => `S0000038${String(n).padStart(3, '0')}`;
const HOMES = Array.from({ length: 12 }, (_, n) => n + 1);

let world: ConsoleWorld;
/** The simulator's journal of the present test starts after this entry. */
let seen = 0;

beforeAll(async () => {
  world = await startConsoleWorld({ CONAX_MAX_CONCURRENCY: '2' });
  await know(world.db, ...HOMES.map((n) => household(number(n), card(n), ['1001'])));
});
afterAll(() => world.close());
beforeEach(async () => {
  await world.simulator('DELETE', 'faults');
  await world.simulator('PUT', 'settings', { latencyMs: 0 });
  seen = (await world.journal()).at(-1)?.seq ?? 0;
});

/** Calls of this test, as `COMMAND card service`, sorted. */
async function calls(): Promise<string[]> {
  const entries = (await world.journal()).filter(({ seq }) => seq > seen);
  return entries
    .map(({ command, parameters: { smartcard, smartcards = [], serviceCaId } }) =>
      [command, smartcard ?? smartcards.join(','), serviceCaId].filter((word) => word !== undefined).join(' '),
    )
    .toSorted();
}

/** Waits for the page of a run in this state; the run's number. */
async function runIs(page: Page, state: string): Promise<number> {
  await page.waitForURL(/\/runs\/\d+/);
  await page.locator('.state').filter({ hasText: state }).first().waitFor({ timeout: 30_000 });
  return Number(/\/runs\/(\d+)/.exec(page.url())?.[1]);
}

describe('A run', () => {
  test('is counted and shown with a sample before it starts, and the CAS gets exactly that', async () => {
    const page = await world.openAs('operator', '/runs');
    await page.getByRole('link', { name: 'Start a run' }).click();
    await page.getByLabel('Kind', { exact: true }).selectOption('RESYNC');
    await page.getByLabel('Subscriptions').fill(`${number(1)}\n${number(2)}`);
    await page.getByRole('button', { name: 'Count and show a sample' }).click();
    await page.getByText(`ADD_SUBSCRIPTIONS 1001 on ${card(2)}`).waitFor();
    expect(await calls()).toEqual([]);
    expect(await axeViolations(page)).toEqual([]);
    expect(await confirm(page, 'Start the run: Resync')).toContain(
      'This sends the CAS again what the CRM entitles 2 subscriptions to: pairings, then services. It removes nothing. In all it sends 2 CREATE_PAIRING, 2 ADD_SUBSCRIPTIONS.',
    );
    await runIs(page, 'COMPLETED');
    await page
      .getByRole('link', { name: card(1) })
      .or(page.getByRole('link', { name: number(1) }))
      .first()
      .waitFor();
    expect(await calls()).toEqual([
      `ADD_SUBSCRIPTIONS ${card(1)} 1001`,
      `ADD_SUBSCRIPTIONS ${card(2)} 1001`,
      `CREATE_PAIRING ${card(1)}`,
      `CREATE_PAIRING ${card(2)}`,
    ]);
  });

  test('of a list with a mistake is refused at its field, and everything that was typed stays', async () => {
    const page = await world.openAs('operator', '/runs/new?kind=MESSAGE');
    const text = '<img src=x onerror=alert(1)> The match starts at 20:00.';
    await page.getByLabel('Text').fill(text);
    await page.getByLabel('Cards').fill(`${card(1)}\nno-card`);
    await page.getByRole('button', { name: 'Count and show a sample' }).click();
    await page
      .getByText(/no-card/)
      .nth(1)
      .waitFor();
    expect(await page.getByLabel('Text').inputValue()).toBe(text);
    expect(await page.getByLabel('Cards').inputValue()).toContain('no-card');
    expect(await page.getByRole('button', { name: /^Start the run/ }).count()).toBe(0);
    await page.getByLabel('Kind of message').selectOption('REPEATING_BARK');
    await page.getByRole('button', { name: 'Count and show a sample' }).click();
    await page
      .getByText(/repetition_count.*is missing/)
      .first()
      .waitFor();
    expect(await page.getByLabel('Repetitions').getAttribute('aria-invalid')).toBe('true');
    expect(world.complaints).toEqual([]);
  });

  test('is stopped and resumed; its message reaches every card once', async () => {
    await world.simulator('PUT', 'settings', { latencyMs: 1_500 });
    const page = await world.openAs('operator', '/runs/new?kind=MESSAGE&type=BARK&message=Hello&by=all');
    await page.getByRole('button', { name: 'Count and show a sample' }).click();
    await confirm(page, 'Start the run: Message');
    const run = await runIs(page, 'RUNNING');
    expect(await confirm(page, `Stop run ${run}`)).toContain('This stops the run at once.');
    await runIs(page, 'STOPPED');
    await world.simulator('PUT', 'settings', { latencyMs: 0 });
    expect(await confirm(page, `Resume run ${run}`)).toMatch(/This shows a message on the screen of \d+ cards\./);
    await runIs(page, 'COMPLETED');
    await page.getByText('12 of 12 (100 %)').waitFor();
    expect(await calls()).toEqual(HOMES.map((n) => `SEND_BARK_MESSAGE_TO_CLIENT ${card(n)}`));
  });

  test('shows its errors by code, each with its cards', async () => {
    await spoil(world, {
      match: { command: 'DISPLAY_FINGERPRINT', smartcard: card(3) },
      times: null,
      fault: 'status:CLIENT_NOT_FOUND',
    });
    const page = await world.openAs(
      'operator',
      `/runs/new?kind=FINGERPRINT&position_x=1&position_y=2&height=3&fingerprint_slot=4&list=${card(3)}+${card(4)}`,
    );
    await page.getByRole('button', { name: 'Count and show a sample' }).click();
    await confirm(page, 'Start the run: Fingerprint');
    await runIs(page, 'COMPLETED');
    const group = page.getByRole('listitem').filter({ hasText: 'CLIENT_NOT_FOUND' });
    await group.getByRole('link', { name: '1' }).click();
    await page.getByRole('link', { name: card(4) }).waitFor({ state: 'detached' });
    expect(await page.getByRole('region', { name: 'Targets with CLIENT_NOT_FOUND' }).innerText()).toContain(card(3));
  });
});

describe('The message queue', () => {
  test('takes a message, loses another that is removed, and a run sends what is left', async () => {
    const page = await world.openAs('operator', '/queue');
    for (const n of [5, 6]) {
      await page.getByRole('link', { name: 'Add a message' }).click();
      await page.getByLabel('Card').fill(card(n));
      await page.getByLabel('Text').fill(`Hello ${n}`);
      await confirm(page, 'Add the message');
      await page.getByText(`mail: Hello ${n}`).waitFor();
    }
    const row = page.getByRole('row').filter({ hasText: 'Hello 6' });
    await row.getByRole('button', { name: /^Remove message/ }).click();
    await page.getByText('It becomes REJECTED and is not sent.').waitFor();
    await page.getByRole('dialog').locator('button[type=submit]').click();
    await row.getByText('REJECTED').waitFor();
    await page.getByRole('link', { name: 'Send all that wait' }).click();
    await page.getByRole('button', { name: 'Count and show a sample' }).click();
    expect(await confirm(page, 'Start the run: Message queue')).toContain('This sends 1 message');
    await runIs(page, 'COMPLETED');
    expect(await calls()).toEqual([`SEND_MAIL_MESSAGE_TO_CLIENT ${card(5)}`]);
  });
});

describe('A schedule', () => {
  test('is added with its next times, disabled, enabled, and removed', async () => {
    const page = await world.openAs('operator', '/schedules/new');
    await page.getByLabel('Name').fill('evening / messages');
    await page.getByLabel('Times').fill('0 18 * * *');
    await page.getByLabel('Time zone').fill('Asia/Nicosia');
    await page.getByRole('listitem').nth(4).waitFor();
    await page.getByRole('button', { name: 'Add the schedule' }).click();
    await page.getByRole('dialog').locator('button[type=submit]').click();
    await page.getByRole('dialog').getByText('give letters, digits').waitFor();
    await page.getByRole('dialog').getByRole('button', { name: 'Cancel' }).click();
    await page.getByLabel('Name').fill('evening messages');
    await confirm(page, 'Add the schedule');
    await page.getByRole('heading', { name: 'Schedule evening messages' }).waitFor();
    expect(await axeViolations(page)).toEqual([]);
    await confirm(page, 'Disable the schedule');
    await page.getByText('DISABLED', { exact: true }).waitFor();
    const { data } = await world.operate<{ schedules: object[] }>('/schedules');
    expect(data.schedules).toMatchObject([{ name: 'evening messages', kind: 'QUEUE', enabled: false }]);
    await confirm(page, 'Enable the schedule');
    await page.getByText('ENABLED', { exact: true }).waitFor();
    expect(await confirm(page, 'Remove the schedule')).toContain('This removes 1 schedule');
    await page.getByText('There are no schedules.').waitFor();
  });
});

describe('A reconcile', () => {
  test('shows what differs and what a fix would send; the fix brings the CAS to what the CRM entitles', async () => {
    const state = [
      { smartcard: card(1), entitlements: ['1001', '777'], pairing: null },
      { smartcard: card(2), entitlements: [], pairing: null },
      { smartcard: card(3), entitlements: ['1001'], pairing: null },
    ];
    await world.simulator('PUT', 'state', state);
    const page = await world.openAs('operator', '/reconcile');
    await page.getByRole('link', { name: 'Start a reconcile' }).click();
    await page.getByLabel('Cards').fill([1, 2, 3].map(card).join('\n'));
    await page.getByRole('button', { name: 'Count and show a sample' }).click();
    expect(await confirm(page, 'Start the run: Reconcile')).toContain('It changes nothing.');
    await runIs(page, 'COMPLETED');
    await page.getByRole('link', { name: 'Differences and their fix' }).click();
    await page.getByText('TOO_MUCH_IN_CAS 777').waitFor();
    await page.getByText('This sends 1 CANCEL_SUBSCRIPTIONS, 1 ADD_SUBSCRIPTIONS on 2 cards.').waitFor();
    expect(await axeViolations(page)).toEqual([]);
    expect(await confirm(page, 'Send the fix')).toContain('on 2 cards.');
    await runIs(page, 'COMPLETED');
    const services = async (n: number): Promise<string[]> =>
      (await world.simulator<{ entitlements: string[] }>('GET', `cards/${card(n)}`)).entitlements;
    expect([await services(1), await services(2), await services(3)]).toEqual([['1001'], ['1001'], ['1001']]);
  });
});

const PAGES = ['/runs', '/runs/1', '/runs/new', '/queue', '/queue/new', '/schedules', '/schedules/new', '/reconcile'];

describe('Every page of runs', () => {
  test('shows a viewer no button that starts, stops or changes anything', async () => {
    const found: string[] = [];
    const page = await world.openAs('viewer', '/runs');
    for (const path of [...PAGES.filter((one) => !one.endsWith('/new')), '/reconcile?run=6']) {
      await page.goto(`${world.service.url}/console${path}`);
      await page.getByRole('region').first().waitFor();
      const changing = /^(Start|Stop|Resume|Add|Remove|Send|Disable|Enable)/;
      const main = page.getByRole('main');
      const buttons = await main.getByRole('button', { name: changing }).allInnerTexts();
      const links = await main.getByRole('link', { name: changing }).allInnerTexts();
      found.push(...[...buttons, ...links].map((text) => `${path} ${text}`));
    }
    expect(found).toEqual([]);
  });
});
