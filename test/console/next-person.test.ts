import type { Locator, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { eventually } from '../support/scene.ts';
import { type ConsoleWorld, logIn, startConsoleWorld } from './support.ts';

let world: ConsoleWorld;
beforeAll(async () => {
  world = await startConsoleWorld();
});
afterEach(async () => {
  await Promise.all(world.browser.contexts().map((one) => one.close()));
});
afterAll(() => world.close());

/** The row of a user in the list that only an admin may read. */
const rowOf = (page: Page, user: string) => page.getByRole('row', { name: user });

async function logOut(page: Page): Promise<void> {
  await page.getByRole('button', { name: 'Log out' }).click();
  await page.getByLabel('User name').waitFor();
}

async function resets(user: string): Promise<number> {
  const [row] = await world.db.query<{ count: number }>(
    `select count(*)::int from audit where operation = 'users.reset_password' and input ->> 'username' = $1`,
    [user],
  );
  return row?.count ?? 0;
}

/** Somebody comes back to the tab, as often as it takes to see this. */
async function comeBack(page: Page, sign: Locator): Promise<void> {
  await eventually(async () => {
    await page.evaluate("document.dispatchEvent(new Event('visibilitychange', { bubbles: true }))");
    return (await sign.count()) > 0 || undefined;
  }, 'the page after somebody came back');
}

describe('the next person', () => {
  test('sees nothing that the one before read, if the session ended by itself', async () => {
    const page = await world.openAs('admin', '/users');
    await rowOf(page, 'operator').waitFor();
    await world.db.query('delete from web_user_token');
    await comeBack(page, page.getByLabel('User name'));
    await page.route('**/api/v1/users', () => {
      // Never answered: whatever the list shows is from before.
    });
    await logIn(page, 'viewer');
    expect(await rowOf(page, 'operator').count()).toBe(0);
  });

  test('sees no password that the one before made', async () => {
    const page = await world.openAs('admin', '/users');
    await rowOf(page, 'operator').getByRole('button', { name: 'New password' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'New password' }).click();
    await page.getByText('It is not shown again').waitFor();
    await logOut(page);
    expect(await page.getByText('It is not shown again').count()).toBe(0);
    await logIn(page, 'viewer');
    expect(await page.getByText('It is not shown again').count()).toBe(0);
  });

  test('sees nothing of the one before in another tab either', async () => {
    const page = await world.openAs('admin', '/users');
    await rowOf(page, 'operator').waitFor();
    const other = await page.context().newPage();
    await other.goto(`${world.service.url}/console/`);
    await logOut(other);
    await logIn(other, 'viewer');
    await page.route('**/api/v1/users', () => {});
    await comeBack(page, page.getByText('viewer, viewer'));
    expect(await rowOf(page, 'operator').count()).toBe(0);
  });
});

test('a person whom the service did not log out is told so, and stays logged in', async () => {
  const page = await world.openAs('viewer');
  await page.route('**/api/v1/session/end', (route) => route.abort());
  await page.getByRole('button', { name: 'Log out' }).click();
  await page.getByText('You are still logged in').waitFor();
  expect(await page.getByLabel('User name').count()).toBe(0);
});

describe('a dialogue', () => {
  test('whose button is hit until it is gone makes its call once', async () => {
    const page = await world.openAs('admin', '/users');
    await rowOf(page, 'operator').getByRole('button', { name: 'New password' }).click();
    const before = await resets('operator');
    const button = page.getByRole('dialog').getByRole('button', { name: 'New password' });
    // It can still be hit while the dialogue fades out.
    await button.evaluate(async (element) => {
      const hit = element as unknown as { readonly isConnected: boolean; click(): void };
      while (hit.isConnected) {
        hit.click();
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
    });
    await page.getByText('It is not shown again').waitFor();
    // A later call was answered: the second one would have been recorded.
    await page.reload();
    await rowOf(page, 'operator').waitFor();
    expect((await resets('operator')) - before).toBe(1);
  });

  test('that was opened by a key is not confirmed because the key is held down', async () => {
    const page = await world.openAs('admin', '/users');
    const before = await resets('operator');
    await rowOf(page, 'operator').getByRole('button', { name: 'New password' }).focus();
    await page.keyboard.down('Enter');
    const button = page.getByRole('dialog').getByRole('button', { name: 'New password' });
    await button.and(page.locator(':focus')).waitFor();
    await page.keyboard.down('Enter');
    await page.keyboard.up('Enter');
    await page.reload();
    await rowOf(page, 'operator').waitFor();
    expect(await resets('operator')).toBe(before);
  });
});

test('a period that does not exist in the address is that of a day', async () => {
  const page = await world.openAs('viewer', '/requests?tab=refusals&hours=abc');
  await page.getByText('Nothing was refused in this time').waitFor();
  expect(world.complaints).toEqual([]);
});
