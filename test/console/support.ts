import { globSync, readFileSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { AxeResults } from 'axe-core';
import type { Browser, BrowserContext, BrowserContextOptions, Page } from 'playwright-core';
import type { Role } from '../../src/users/user.ts';
import { launchBrowser } from './browser.ts';
import { ORGANISATION, PASSWORD, startWebWorld, type WebWorld } from '../web-api/support.ts';

/** A real service with its console, and a real browser. */
export interface ConsoleWorld extends WebWorld {
  readonly browser: Browser;
  /** A page of a browser that knows nobody, at an address of the console such as `/requests`. */
  open(path: string, options?: BrowserContextOptions): Promise<Page>;
  /** The same, logged in as this role: through the login form if the session of the last such page has ended. */
  openAs(role: Role, path?: string, options?: BrowserContextOptions): Promise<Page>;
  /** What browsers complained about: uncaught errors, violations of the content security policy, requests to other hosts. */
  readonly complaints: string[];
}

/** Starts the service and the browser. Fails if console/dist is older than the console's files. */
export async function startConsoleWorld(overrides: Readonly<Record<string, string>> = {}): Promise<ConsoleWorld> {
  requireBuilt();
  const [world, browser] = await Promise.all([startWebWorld(overrides), launchBrowser()]);
  const complaints: string[] = [];
  /** The cookie of each role's last session: most tests are not about the login. */
  const sessions = new Map<Role, Awaited<ReturnType<BrowserContext['storageState']>>>();
  const open = async (path: string, options: BrowserContextOptions = {}): Promise<Page> => {
    const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, locale: 'en-GB', ...options });
    context.setDefaultTimeout(10_000);
    const page = await context.newPage();
    page.on('pageerror', (error) => complaints.push(String(error)));
    page.on('console', (message) => {
      const isAnswer = message.text().startsWith('Failed to load resource');
      if (message.type() === 'error' && !isAnswer) complaints.push(message.text());
    });
    page.on('request', (request) => {
      if (!request.url().startsWith(world.service.url) && !request.url().startsWith('data:'))
        complaints.push(`request to ${request.url()}`);
    });
    await page.goto(`${world.service.url}/console${path}`);
    return page;
  };
  return {
    ...world,
    browser,
    complaints,
    open,
    async openAs(role, path = '/', options = {}) {
      const storageState = sessions.get(role);
      const page = await open(path, { ...options, ...(storageState && { storageState }) });
      const logOut = page.getByRole('button', { name: 'Log out' });
      const userName = page.getByLabel('User name');
      await logOut.or(userName).waitFor();
      if (await userName.isVisible()) {
        await logIn(page, role);
        sessions.set(role, await page.context().storageState());
      }
      return page;
    },
    async close() {
      await browser.close();
      await world.close();
    },
  };
}

/** Fills in the login form that the page shows, and waits until somebody is logged in. */
export async function logIn(page: Page, role: Role, password = PASSWORD): Promise<void> {
  await page.getByLabel('User name').fill(role);
  await page.locator('input[name=password]').fill(password);
  await page.getByLabel('Organisation').fill(ORGANISATION);
  await page.getByRole('button', { name: 'Log in' }).click();
  await page.getByRole('button', { name: 'Log out' }).waitFor();
}

/** Clicks a button that opens a dialogue with its effect, and confirms it. Returns the effect. */
export async function confirm(page: Page, button: string | RegExp): Promise<string> {
  await page.getByRole('button', { name: button }).first().click();
  const dialogue = page.getByRole('dialog');
  // Enabled only when the effect is shown.
  await dialogue.locator('button[type=submit]:enabled').waitFor();
  const effect = await dialogue.innerText();
  await dialogue.locator('button[type=submit]').click();
  await dialogue.waitFor({ state: 'hidden' });
  return effect;
}

const axeSource = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

/** Serious and critical violations of all accessibility rules, or of those named, as `rule: element`. */
export async function axeViolations(page: Page, rules?: readonly string[]): Promise<string[]> {
  await page.evaluate(axeSource);
  const { violations } = await page.evaluate(
    (runOnly) => (globalThis as unknown as { axe: { run(options: object): Promise<AxeResults> } }).axe.run(runOnly),
    rules === undefined ? {} : { runOnly: [...rules] },
  );
  return violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .flatMap(({ id, nodes }) => nodes.map(({ html }) => `${id}: ${html.slice(0, 200)}`));
}

function requireBuilt(): void {
  const built = statSync('console/dist/index.html', { throwIfNoEntry: false })?.mtimeMs ?? 0;
  const newer = globSync('console/**/*.{ts,tsx,css,html,js}', { exclude: ['console/dist/**'] }).find(
    (file) => statSync(file).mtimeMs > built,
  );
  if (newer !== undefined) throw new Error(`The console is not built: ${newer} is newer. Run "npm run build".`);
}
