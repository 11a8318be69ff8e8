import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createReplay } from '../../src/features/replay/record.ts';
import { ALL } from '../features/replay/support.ts';
import { act, callsOf, callTexts, eventually, household, outcomeOf, spoil } from '../support/scene.ts';
import { axeViolations, confirm, type ConsoleWorld, startConsoleWorld } from './support.ts';

const CARD = '39000000001';
const SUBSCRIPTION = 'S0000039001';

interface ShownReplay {
  readonly id: number;
  readonly kind: string;
  readonly state: string;
}

describe('The pages of replays', () => {
  let world: ConsoleWorld;
  beforeAll(async () => {
    world = await startConsoleWorld();
    const match = { command: 'ADD_SUBSCRIPTIONS', smartcard: CARD };
    await spoil(world, { match, times: 1, fault: 'status:INPUT_VALIDATION_ERROR' });
    await outcomeOf(
      world,
      await act(world, household(SUBSCRIPTION, CARD, ['1001']), { action: 'S:BECOME_SUBSCRIBER' }),
    );
  });
  afterAll(() => world.close());

  const replays = async (): Promise<readonly ShownReplay[]> =>
    (await world.operate<{ replays: ShownReplay[] }>('/replays')).data.replays;

  test('a plan is shown as a diff and changes nothing; its button sends what it shows', async () => {
    const page = await world.openAs('operator', '/replays');
    await page.getByRole('link', { name: 'Plan a replay' }).click();
    await page.getByLabel('Subscription').fill(SUBSCRIPTION);
    await page.getByLabel('Reason').fill('the CAS refused it');
    expect(await confirm(page, 'Make the plan')).toContain('changes nothing');
    await page.getByText('1 of 1 subscription differ').waitFor();
    const row = page.getByRole('row').filter({ hasText: '+ new' });
    expect(await row.innerText()).toMatch(/REJECTED[^]*ADD_SUBSCRIPTIONS 1001 on 39000000001[^]*send ADD/);
    expect(callTexts(await callsOf(world, CARD))).not.toContain('ADD_SUBSCRIPTIONS 1001 OK effect');
    expect(await axeViolations(page)).toEqual([]);
    expect(await confirm(page, 'Run this replay')).toContain('This sends 1 ADD_SUBSCRIPTIONS for 1 subscription');
    await page.getByRole('heading', { name: /^Replay of events/ }).waitFor();
    await page.locator('.state').filter({ hasText: 'COMPLETED' }).waitFor();
    await eventually(
      async () => callTexts(await callsOf(world, CARD)).find((call) => call === 'ADD_SUBSCRIPTIONS 1001 OK effect'),
      'the command of the replay',
    );
  });

  test('a selection that the API refuses is shown at its field, and what was typed stays', async () => {
    const page = await world.openAs('operator', '/replays/new');
    await page.getByLabel('Action type').fill('ADD_SERVICE');
    await page.getByLabel('Reason').fill('what if');
    await page.getByRole('button', { name: 'Make the plan' }).click();
    await page.getByRole('dialog').locator('button[type=submit]').click();
    await page.getByRole('dialog').getByText('PARAMETER_INVALID').waitFor();
    await page.getByRole('dialog').getByRole('button', { name: 'Cancel' }).click();
    expect(await page.getByLabel('Action type').getAttribute('aria-invalid')).toBe('true');
    expect(await page.getByLabel('Reason').inputValue()).toBe('what if');
  });

  test('outcomes are published again', async () => {
    const page = await world.openAs('operator', '/replays/new?kind=OUTCOMES');
    await page.getByLabel('Subscription').fill(SUBSCRIPTION);
    await page.getByLabel('Reason').fill('the consumer lost them');
    expect(await axeViolations(page)).toEqual([]);
    expect(await confirm(page, 'Publish outcomes again')).toContain(
      `This publishes all outcomes of subscription ${SUBSCRIPTION} again to their own topics`,
    );
    await page.getByRole('heading', { name: /^Outcomes again/ }).waitFor();
    await page.locator('.state').filter({ hasText: 'COMPLETED' }).waitFor();
    await world.wire.until(
      ({ actionOutcomes }) => {
        const ids = actionOutcomes.map(({ headers }) => headers['ce_id']);
        return ids.find((id, index) => ids.indexOf(id) < index);
      },
      'an outcome with the same ce_id again',
      20_000,
    );
  });

  test('a replay that another process works on is asked to stop', async () => {
    const asked = { kind: 'EVENTS', selection: ALL, reason: 'by hand', by: { user: 'ann', unit: null } } as const;
    const { id } = await createReplay(world.db, asked, randomUUID());
    const page = await world.openAs('operator', `/replays/${id}`);
    expect(await confirm(page, `Stop replay ${id}`)).toContain('This stops 1 replay after the subscription under way.');
    await page.getByText('operator asked to stop it.').waitFor();
    expect((await world.operate(`/replays/${id}`)).data).toMatchObject({ stop_requested_by: 'operator' });
  });

  test('a plan that was stopped is resumed, and starts again', async () => {
    await world.db.query(`update replay set state = 'STOPPED', ended_at = now() where kind = 'PLAN'`);
    const id = (await replays()).find(({ kind }) => kind === 'PLAN')?.id;
    const page = await world.openAs('operator', `/replays/${id}`);
    expect(await confirm(page, `Resume plan ${id}`)).toContain('This starts 1 plan again from the beginning');
    await page.locator('.state').filter({ hasText: 'COMPLETED' }).waitFor();
    expect((await world.operate(`/replays/${id}`)).data).toMatchObject({ state: 'COMPLETED' });
  });

  test('a viewer sees no button that plans, runs, stops or resumes', async () => {
    const found: string[] = [];
    const page = await world.openAs('viewer', '/replays');
    for (const path of ['/replays', ...(await replays()).map(({ id }) => `/replays/${id}`)]) {
      await page.goto(`${world.service.url}/console${path}`);
      await page.locator('.state').first().waitFor();
      const changing = /^(Plan a|Publish|Run this|Stop|Resume)/;
      const main = page.getByRole('main');
      const buttons = await main.getByRole('button', { name: changing }).allInnerTexts();
      const links = await main.getByRole('link', { name: changing }).allInnerTexts();
      found.push(...[...buttons, ...links].map((text) => `${path} ${text}`));
    }
    expect(found).toEqual([]);
  });
});
