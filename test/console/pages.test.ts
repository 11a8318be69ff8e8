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

let world: ConsoleWorld;
let filled: Filled;
const pages: Partial<Record<'light' | 'dark' | 'phone', Page>> = {};
beforeAll(async () => {
  world = await startConsoleWorld();
  filled = await fill(world);
  pages.light = await world.openAs('admin', '/', { colorScheme: 'light' });
  pages.dark = await world.openAs('admin', '/', { colorScheme: 'dark' });
  pages.phone = await world.openAs('admin', '/', { viewport: { width: 390, height: 844 }, isMobile: true });
  if (PICTURES !== undefined) mkdirSync(PICTURES, { recursive: true });
});
afterAll(() => world.close());
beforeEach(() => void world.complaints.splice(0));

/** Opens a page in one of the browsers and waits until nothing loads. */
async function show(kind: keyof typeof pages, name: string, path: string): Promise<Page> {
  const page = pages[kind];
  if (page === undefined) throw new Error('The browser did not start');
  await page.goto(`${world.service.url}/console${path}`);
  await page.getByRole('heading', { level: 1 }).first().waitFor();
  await page.locator('[aria-busy=true]').first().waitFor({ state: 'detached' });
  await page.waitForLoadState('networkidle');
  if (PICTURES !== undefined) await page.screenshot({ path: `${PICTURES}/${name}-${kind}.png`, fullPage: true });
  return page;
}

test.each(PAGES)(
  'page %s has no serious fault of accessibility, light and dark, and hostile texts run nowhere',
  async (name, path) => {
    for (const kind of ['light', 'dark'] as const) {
      const page = await show(kind, name, path(filled));
      expect([kind, await axeViolations(page)]).toEqual([kind, []]);
      expect(await page.title()).toContain('Conax provisioning');
      expect(await page.locator('h1').count()).toBe(1);
    }
    expect(world.complaints).toEqual([]);
  },
);

test.each(PAGES)('page %s fits a phone and a window of 1280 pixels, without scrolling sideways', async (name, path) => {
  for (const kind of ['phone', 'light'] as const) {
    const page = await show(kind, name, path(filled));
    const [width, fits] = await page.evaluate<[number, number]>(
      '[document.documentElement.scrollWidth, document.documentElement.clientWidth]',
    );
    expect([kind, Math.max(width, fits)]).toEqual([kind, fits]);
  }
});
