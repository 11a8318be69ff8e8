import { mkdirSync } from 'node:fs';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { fill, type Filled } from './filled.ts';
import { axeViolations, type ConsoleWorld, startConsoleWorld } from './support.ts';

/** With a folder here, a picture of each page is written to it. */
const PICTURES = process.env['CONSOLE_TEST_PICTURES'];

/** Every page, by an address of a filled service. */
const PAGES: readonly (readonly [name: string, path: (filled: Filled) => string])[] = [
  ['overview', () => '/'],
  ['why', () => '/why'],
  ['why-card', ({ card }) => `/why/${card}`],
  ['requests', () => '/requests'],
  ['refusals', () => '/requests?tab=refusals'],
  ['request', ({ request }) => `/requests/${request}`],
  ['events', () => '/events'],
  ['events-all', () => '/events?tab=all'],
  ['event', ({ event }) => `/events/${event}`],
  ['runs', () => '/runs'],
  ['run', ({ run }) => `/runs/${run}`],
  ['run-new', () => '/runs/new'],
  ['queue', () => '/queue'],
  ['queue-new', () => '/queue/new'],
  ['schedules', () => '/schedules'],
  ['schedule-new', () => '/schedules/new'],
  ['reconcile', () => '/reconcile'],
  ['replays', () => '/replays'],
  ['replay', ({ replay }) => `/replays/${replay}`],
  ['replay-new', () => '/replays/new'],
  ['provider', () => '/provider'],
  ['users', () => '/users'],
  ['audit', () => '/audit'],
];

/** Dark, only the colours of a page differ. */
const SCHEMES = [
  ['light', undefined],
  ['dark', ['color-contrast']],
] as const;

let world: ConsoleWorld;
let filled: Filled;
let page: Page;
beforeAll(async () => {
  world = await startConsoleWorld();
  filled = await fill(world);
  page = await world.openAs('admin', '/', { colorScheme: 'light' });
  if (PICTURES !== undefined) mkdirSync(PICTURES, { recursive: true });
});
afterAll(() => world.close());
beforeEach(() => void world.complaints.splice(0));

test.each(PAGES)(
  'page %s has no serious fault of accessibility, light and dark, fits a phone, and hostile texts run nowhere',
  async (name, path) => {
    const url = `${world.service.url}/console${path(filled)}`;
    await page.setViewportSize({ width: 1280, height: 800 });
    await load(url);
    for (const [colorScheme, rules] of SCHEMES) {
      await page.emulateMedia({ colorScheme });
      await page.locator(`html[data-mantine-color-scheme=${colorScheme}]`).waitFor();
      await keepPicture(name, colorScheme);
      expect([colorScheme, await axeViolations(page, rules)]).toEqual([colorScheme, []]);
    }
    expect(await page.title()).toContain('Conax provisioning');
    expect(await page.locator('h1').count()).toBe(1);
    expect(await widthBeyond()).toBe(0);

    await page.setViewportSize({ width: 390, height: 844 });
    await load(url);
    await keepPicture(name, 'phone');
    expect(await widthBeyond()).toBe(0);
    expect(world.complaints).toEqual([]);
  },
);

/** Opens an address and waits until nothing loads. */
async function load(url: string): Promise<void> {
  await page.goto(url);
  await page.getByRole('heading', { level: 1 }).first().waitFor();
  await page.locator('[aria-busy=true]').first().waitFor({ state: 'detached' });
  await page.waitForLoadState('networkidle');
}

/** By how many pixels the page is wider than its window. */
function widthBeyond(): Promise<number> {
  return page.evaluate<number>(
    'Math.max(0, document.documentElement.scrollWidth - document.documentElement.clientWidth)',
  );
}

async function keepPicture(name: string, kind: string): Promise<void> {
  if (PICTURES !== undefined) await page.screenshot({ path: `${PICTURES}/${name}-${kind}.png`, fullPage: true });
}
