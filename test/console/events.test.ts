import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { addService, setService } from '../../dev/demo/crm.ts';
import type { StoredEvent } from '../../src/features/waiting-events/stored.ts';
import { act, action, callTexts, callsOf, eventually, household, outcomeOf, send } from '../support/scene.ts';
import { axeViolations, type ConsoleWorld, startConsoleWorld } from './support.ts';

const CARD = '37000000001';
const SUBSCRIPTION = 'S0000037001';
const HOSTILE = '<img src=x onerror=alert(1)>';

describe('The pages of the messages of the CRM', () => {
  let world: ConsoleWorld;
  let held: readonly StoredEvent[];
  let letters: readonly StoredEvent[];

  beforeAll(async () => {
    world = await startConsoleWorld({ STALE_POLICY: 'hold' });
    const subscription = household(SUBSCRIPTION, CARD, ['1001']);
    await outcomeOf(world, await act(world, subscription, { action: 'S:BECOME_SUBSCRIBER' }));
    addService(subscription, 'films', '1003');
    const first = action(subscription, { action: 'V:ADD_SERVICE', incomingServices: ['films'] });
    addService(subscription, 'news', '1004');
    const late = action(subscription, { action: 'V:ADD_SERVICE', incomingServices: ['news'] });
    setService(subscription, 'service-1001', 'REMOVED');
    const removed = await act(world, subscription, { action: 'V:REMOVE_SERVICE', outgoingServices: ['service-1001'] });
    await outcomeOf(world, removed);
    await send(world, [...late.events, ...first.events]);
    await outcomeOf(world, late);
    await outcomeOf(world, first);
    for (const text of [`no Avro at all ${HOSTILE}`, 'neither']) {
      await world.wire.send([{ key: 'S9', message: { kind: 'bytes', key: 'S9', value: Buffer.from(text) } }]);
    }
    await world.wire.until(({ deadLetters }) => deadLetters[1], 'the dead letters', 20_000);
    held = (await world.operate<{ held_events: StoredEvent[] }>('/held_events')).data.held_events;
    letters = (await world.operate<{ dead_letters: StoredEvent[] }>('/dead_letters')).data.dead_letters;
  });
  afterAll(() => world.close());

  const shown = async (event: StoredEvent | undefined): Promise<StoredEvent> =>
    (await world.operate<StoredEvent>(`/events/${event?.id}`)).data;

  test('a dead letter is listed with its remedy, shown with its bytes, and discarded with a reason', async () => {
    const page = await world.openAs('operator', '/events');
    const [letter] = letters;
    const row = page
      .getByRole('row')
      .filter({ has: page.getByRole('link', { name: String(letter?.id), exact: true }) });
    await row.getByText('Let the producer use a serializer of the schema registry').waitFor();
    await row.getByRole('link').first().click();
    await page
      .getByRole('region', { name: /^Bytes/ })
      .getByText('6e 6f 20 41')
      .waitFor();
    await page.getByRole('button', { name: `Discard event ${letter?.id}` }).click();
    const dialogue = page.getByRole('dialog');
    expect(await dialogue.innerText()).toContain('This gives up 1 event for good: nothing is sent for it.');
    await dialogue.getByLabel('Reason').fill(HOSTILE);
    await dialogue.locator('button[type=submit]').click();
    await page.getByText(`discarded by operator: ${HOSTILE}`).waitFor();
    expect(await shown(letter)).toMatchObject({ resolution: `discarded by operator: ${HOSTILE}` });
    expect(world.complaints).toEqual([]);
  });

  test('a release whose effect the API cannot tell says why and cannot be confirmed, and what was typed stays', async () => {
    const page = await world.openAs('operator', `/events/${letters[1]?.id}`);
    await page.getByRole('button', { name: `Release event ${letters[1]?.id}` }).click();
    const dialogue = page.getByRole('dialog');
    await dialogue.getByLabel('Reason').fill('the schema is there now');
    await dialogue.getByText('EVENT_NOT_WAITING').waitFor();
    expect(await dialogue.locator('button[type=submit]').isDisabled()).toBe(true);
    await dialogue.getByRole('button', { name: 'Try again' }).click();
    await dialogue.getByText('EVENT_NOT_WAITING').waitFor();
    expect(await dialogue.getByLabel('Reason').inputValue()).toBe('the schema is there now');
    expect(await shown(letters[1])).toMatchObject({ resolution: null });
  });

  test('a held event is released, and the CAS gets what its snapshot still wants', async () => {
    const page = await world.openAs('operator', '/events?tab=held');
    await page.getByRole('link', { name: String(held[0]?.id), exact: true }).click();
    await page.getByRole('region', { name: 'Event' }).getByText(SUBSCRIPTION).first().waitFor();
    const { promise: told, resolve: tell } = Promise.withResolvers<void>();
    await page.route(/preview/, async (route) => {
      await told;
      await route.continue();
    });
    await page.getByRole('button', { name: `Release event ${held[0]?.id}` }).click();
    await page.getByRole('dialog').getByLabel('Loading').waitFor();
    expect(await page.getByRole('dialog').locator('button[type=submit]').isDisabled()).toBe(true);
    tell();
    const effect = `This processes 1 event of subscription ${SUBSCRIPTION} after all, and sends 1 ADD_SUBSCRIPTIONS.`;
    await page.getByRole('dialog').getByText(effect).waitFor();
    await page.getByRole('dialog').locator('button[type=submit]').click();
    await page.getByText(`Event ${held[0]?.id} is released: PLANNED.`).waitFor();
    await page.getByText('released by operator').waitFor();
    expect(await shown(held[0])).toMatchObject({ disposition: 'PLANNED' });
    await eventually(
      async () => callTexts(await callsOf(world, CARD)).find((call) => call === 'ADD_SUBSCRIPTIONS 1004 OK effect'),
      'the command of the released event',
    );
  });

  test('filters and the place in a list live in the address, and the list of all events shows what became of each', async () => {
    const page = await world.openAs('viewer', '/events?tab=all');
    await page.getByRole('cell', { name: 'DEAD_LETTERED' }).first().waitFor();
    await page.getByLabel('Subscription', { exact: true }).fill(SUBSCRIPTION);
    await page.getByRole('button', { name: 'Filter' }).click();
    await page.getByRole('cell', { name: 'DEAD_LETTERED' }).first().waitFor({ state: 'detached' });
    expect(new URL(page.url()).search).toBe(`?tab=all&subscription=${SUBSCRIPTION}`);
    await page.reload();
    await page.getByRole('cell', { name: SUBSCRIPTION }).first().waitFor();
    expect(await page.getByRole('cell', { name: 'DEAD_LETTERED' }).count()).toBe(0);
  });

  test('a viewer sees no button that decides', async () => {
    const page = await world.openAs('viewer', `/events/${letters[1]?.id}`);
    await page.getByText('This message waits for a person').waitFor();
    expect(await page.getByRole('button', { name: /Release|Discard/ }).count()).toBe(0);
    expect(await axeViolations(page)).toEqual([]);
  });
});
