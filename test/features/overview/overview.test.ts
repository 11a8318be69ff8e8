import { afterAll, beforeAll, expect, test } from 'vitest';

import { eventually } from '../../support/scene.ts';
import { startWebWorld, tellHousehold, type WebWorld } from '../../web-api/support.ts';

interface Overview {
  readonly at: string;
  readonly verdict: string;
  readonly parts: readonly { readonly part: string; readonly state: string; readonly sentence: string }[];
  readonly instances: readonly { readonly id: string; readonly alive: boolean }[];
  readonly minutes: readonly { readonly at: string }[];
}

let world: WebWorld;
beforeAll(async () => {
  world = await startWebWorld();
  await tellHousehold(world, 'S1', '20000000001', ['1001']);
});
afterAll(() => world.close());

const overview = async (): Promise<Overview> => (await world.operate<Overview>('/overview', undefined, 'viewer')).data;
/** The overview once the condition holds; instances report every second. */
const overviewWith = (fits: (shown: Overview) => boolean, what: string): Promise<Overview> =>
  eventually(async () => {
    const shown = await overview();
    return fits(shown) ? shown : undefined;
  }, what);

test('all is well while events are read, commands sent and outcomes published', async () => {
  const shown = await overviewWith(({ verdict }) => verdict === 'OK', 'all is well');
  expect(shown.parts.map(({ part, state, sentence }) => `${part} ${state} ${sentence}`)).toEqual([
    'DATABASE OK It answers.',
    'KAFKA OK It is read.',
    'SCHEMA_REGISTRY OK Nothing waits for it.',
    'CAS OK It answers.',
    'INTAKE OK Events are processed as they come.',
    'DISPATCH OK Commands are sent.',
    'OUTCOMES OK Outcomes are published.',
  ]);
  console.log(JSON.stringify(shown, null, 1).slice(0, 6000));
  expect(shown.instances).toMatchObject([{ alive: true, slots: 16 }]);
  expect(shown.minutes).toHaveLength(60);
});
