import type { Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { eventually } from '../support/scene.ts';
import { fill, type Filled } from './filled.ts';
import { type ConsoleWorld, startConsoleWorld } from './support.ts';

/** Collects what moves without a person, with what it was. */
const OBSERVE = `globalThis.shifts = [];
new PerformanceObserver((list) => {
  for (const { value, hadRecentInput, sources } of list.getEntries())
    if (!hadRecentInput)
      globalThis.shifts.push([value, sources.map(({ node }) => node?.textContent?.slice(0, 40) ?? node?.nodeName)]);
}).observe({ type: 'layout-shift', buffered: true });`;
/** What is drawn next, and the entries of it. */
const DRAWN = 'new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(done))))';
/** As web.dev calls good is 0.1. */
const SHIFT_MAX = 0.05;

const PAGES: readonly (readonly [name: string, path: (filled: Filled) => string])[] = [
  ['overview', () => '/'],
  ['requests', () => '/requests'],
  ['refusals', () => '/requests?tab=refusals'],
  ['events', () => '/events'],
  ['all events', () => '/events?tab=all'],
  ['runs', () => '/runs'],
  ['queue', () => '/queue'],
  ['schedules', () => '/schedules'],
  ['reconcile', () => '/reconcile'],
  ['replays', () => '/replays'],
  ['provider', () => '/provider'],
  ['users', () => '/users'],
  ['audit', () => '/audit'],
  ['why', ({ card }) => `/why/${card}`],
];

let world: ConsoleWorld;
let filled: Filled;
let page: Page;
/** While it is pending, the page gets no data. */
let gate: Promise<void> = Promise.resolve();
let answers = 0;
beforeAll(async () => {
  world = await startConsoleWorld();
  filled = await fill(world);
  page = await world.openAs('admin');
  await page.addInitScript(OBSERVE);
  await page.route(/\/api\/v1\/(?!session)/, async (route) => {
    await gate;
    await route.continue().catch(() => {});
  });
  page.on('response', (response) => {
    if (/\/api\/v1\/(?!session)/.test(response.url())) answers += 1;
  });
}, 120_000);
afterAll(() => world.close());

/** Everything that moved since the last time, as [how much, what]. */
async function moved(): Promise<(readonly [number, readonly string[]])[]> {
  await page.evaluate(DRAWN);
  return page.evaluate('globalThis.shifts.splice(0)');
}

test.each(PAGES)('page %s moves nothing when its data arrives or is read again', async (_, path) => {
  let open = (): void => {};
  gate = new Promise((resolve) => (open = resolve));
  await page.goto(`${world.service.url}/console${path(filled)}`);
  await page.getByRole('heading', { level: 1 }).waitFor();
  await moved().then((frame) => expect(frame).toEqual([]));
  open();
  await page.waitForLoadState('networkidle');
  await page.locator('[aria-busy=true]').first().waitFor({ state: 'detached' });
  const arrived = await moved();
  expect([arrived.reduce((sum, [value]) => sum + value, 0) < SHIFT_MAX, arrived]).toEqual([true, arrived]);
  const before = answers;
  await eventually(async () => {
    await page.evaluate(`dispatchEvent(new Event('visibilitychange'))`);
    return answers > before ? true : undefined;
  }, 'it is read again');
  await page.waitForLoadState('networkidle');
  expect(await moved()).toEqual([]);
});
