import { afterAll, beforeAll, expect, test } from 'vitest';
import { beginRound, endPass, movePass } from '../../../src/features/retention/pass.ts';
import { runCli } from '../../support/cli.ts';
import { startWebWorld, type WebWorld } from '../../web-api/support.ts';

let world: WebWorld;
beforeAll(async () => {
  world = await startWebWorld();
});
afterAll(() => world.close());

test('the API and the command show the last passes of retention alike, one that is not ended too', async () => {
  const shown = () => world.operate<{ passes: object[] }>('/retention', undefined, 'viewer');
  expect((await shown()).data).toEqual({ passes: [] });
  await beginRound(world.db, ['requests', 'events']);
  await world.db.transaction((tx) => movePass(tx, 'requests', 4_711, { request: 12, attempt: 30 }));
  await endPass(world.db, 'requests');
  const { passes } = (await shown()).data;
  expect(passes).toHaveLength(2);
  expect(passes).toContainEqual({
    kind: 'requests',
    began_date: expect.stringMatching(/^[\d-]+T[\d:.]+Z$/),
    ended_date: expect.stringMatching(/^[\d-]+T[\d:.]+Z$/),
    position: 4_711,
    removed: { request: 12, attempt: 30 },
  });
  expect(passes).toContainEqual(expect.objectContaining({ kind: 'events', ended_date: null, removed: {} }));
  const { stdout } = await runCli(['retention', 'status', '--json'], world.env);
  expect(JSON.parse(stdout)).toEqual({ passes });
});
