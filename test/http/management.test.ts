import { afterAll, beforeAll, expect, test } from 'vitest';
import { eventually } from '../support/scene.ts';
import { OPERATIONS, startWebWorld, type WebWorld } from '../web-api/support.ts';

let world: WebWorld;
beforeAll(async () => {
  world = await startWebWorld({ MANAGEMENT_PORT: '0' });
  const ready = `${world.service.managementUrl}/health/ready`;
  await eventually(async () => ((await fetch(ready)).ok ? true : undefined), 'the service is ready');
});
afterAll(() => world.close());

const PAGES = ['/health/live', '/health/ready', '/metrics', '/docs', '/docs/static/index.html'];

test('health, metrics and documents are only at their own address, calls only at the other', async () => {
  const { url, managementUrl } = world.service;
  expect(new URL(managementUrl).port).not.toBe(new URL(url).port);
  for (const page of PAGES) {
    expect([page, (await fetch(`${managementUrl}${page}`)).status]).toEqual([page, 200]);
    expect(await world.raw(page)).toMatchObject({ status: 404, code: 'ROUTE_NOT_FOUND' });
  }
  const elsewhere = await fetch(`${managementUrl}${OPERATIONS}/runs`);
  expect(elsewhere.status).toBe(404);
  expect(await elsewhere.json()).toMatchObject({ status: { code: 'ROUTE_NOT_FOUND' }, data: null });
  expect((await world.operate('/runs')).code).toBe('OK');
});

test('the document is at both addresses, and the same', async () => {
  const [one, other] = await Promise.all(
    [world.service.url, world.service.managementUrl].map(async (url) => (await fetch(`${url}/openapi.json`)).json()),
  );
  expect(Object.keys((one as { paths: object }).paths).length).toBeGreaterThan(20);
  expect(other).toEqual(one);
});
