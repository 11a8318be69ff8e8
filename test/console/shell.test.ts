import { afterAll, beforeAll, expect, test } from 'vitest';
import { type ConsoleWorld, startConsoleWorld } from './support.ts';

let world: ConsoleWorld;
beforeAll(async () => {
  world = await startConsoleWorld();
});
afterAll(() => world.close());

test('somebody logs in, sees the menu of the role, and logs out', async () => {
  const page = await world.openAs('viewer').catch(async (e) => {
    const p = world.browser.contexts()[0]!.pages()[0]!;
    await p.screenshot({ path: '/tmp/shotf.png' });
    console.log(world.complaints, (await p.content()).slice(0, 3000));
    throw e;
  });
  await page.screenshot({ path: '/tmp/shot1.png' });
  expect(await page.getByRole('navigation').innerText()).toContain('Requests');
  await page.goto(`${world.service.url}/console/provider`);
  await page.getByText('Sending').first().waitFor();
  await page.screenshot({ path: '/tmp/shot2.png' });
  expect(world.complaints).toEqual([]);
});
