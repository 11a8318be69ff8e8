import type { Locator, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { addService, type CrmSubscription } from '../../dev/demo/crm.ts';
import type { Role } from '../../src/users/user.ts';
import { act, action, eventually, household, outcomeOf, send, spoil } from '../support/scene.ts';
import { type ConsoleWorld, startConsoleWorld } from './support.ts';

/** A case of a support desk: a customer whose screen is black, from the call to the mended screen. */
interface Case {
  readonly name: string;
  /** Who mends it; default the operator. */
  readonly by?: Role;
  /** Makes it happen, and returns what the customer reads out; default the card. */
  readonly happens: () => Promise<string | void>;
  /** What the page says first. */
  readonly verdict: RegExp;
  /** What the person at the desk does, and what happens elsewhere meanwhile. */
  readonly mend: (desk: Desk) => Promise<void>;
  /** How many clicks it takes at most. */
  readonly clicks: number;
}

/** The page of the person at the desk, and how often that person clicked. */
interface Desk {
  readonly page: Page;
  /** Clicks the button of a finding, reads the effect in the dialogue, and confirms it. */
  readonly confirm: (code: string, button: RegExp, effect: RegExp, reason?: string) => Promise<void>;
}

const BOTH = ['1001', '1002'];
let world: ConsoleWorld;
let customers = 0;
let card = '';
let subscription: CrmSubscription;
const table: Record<string, { clicks: number; seconds: number }> = {};
beforeAll(async () => {
  world = await startConsoleWorld({
    RETRY_BACKOFF_MIN_MS: '45000',
    RETRY_BACKOFF_MAX_MS: '45000',
    BREAKER_FAILURES: '1000',
  });
}, 120_000);
afterAll(async () => {
  await world.close();
  console.table(table);
});
beforeEach(() => {
  customers += 1;
  card = `4700000${String(customers).padStart(4, '0')}`;
  subscription = household(`S000047${String(customers).padStart(4, '0')}`, card, BOTH);
});
afterEach(async () => {
  await Promise.all(world.browser.contexts().map((context) => context.close()));
  await world.simulator('DELETE', 'faults');
  await world.simulator('PUT', 'settings', { inventory: 'open' });
  const complaints = world.complaints.splice(0);
  if (complaints.length > 0) throw new Error(complaints.join('\n'));
});

const subscribe = () => act(world, subscription, { action: 'S:BECOME_SUBSCRIBER' });
const subscribed = async (): Promise<void> => void (await outcomeOf(world, await subscribe()));
const setCas = (entitlements: readonly string[], setTopBoxes = [`STB-${card}`]): Promise<unknown> =>
  world.simulator('PATCH', 'state', [{ smartcard: card, entitlements, pairing: { smartcards: [card], setTopBoxes } }]);
const listed = (services: readonly string[]): Promise<unknown> =>
  world.simulator('PUT', 'inventory', { smartcards: [card], setTopBoxes: [`STB-${card}`], services });
const failPairing = (): Promise<void> =>
  spoil(world, { match: { smartcard: card, command: 'CREATE_PAIRING' }, times: null, fault: 'status:SYSTEM_ERROR' });
const failMessages = (): Promise<void> =>
  spoil(world, {
    match: { smartcard: card, command: 'SEND_MAIL_MESSAGE_TO_CLIENT' },
    times: null,
    fault: 'status:SYSTEM_ERROR',
  });
/** The CRM sells a service, and its event is made but not sent. */
const sell = (caId: string) => {
  addService(subscription, 'service-new', caId);
  return action(subscription, { action: 'V:ADD_SERVICE', incomingServices: ['service-new'] });
};

const CASES: readonly Case[] = [
  {
    name: 'provider paused: an admin resumes',
    by: 'admin',
    async happens() {
      await world.operate('/provider/pause', { reason: 'CAS upgrade' }, 'admin');
      await subscribe();
    },
    verdict: /Sending to the CAS is paused by admin \(CAS upgrade\)/,
    mend: ({ confirm }) => confirm('PROVIDER_PAUSED', /^Resume sending/, /everything that waits, for all customers/),
    clicks: 2,
  },
  {
    name: 'refused: the CAS gets the product, then it is sent again',
    async happens() {
      await world.simulator('PUT', 'settings', { inventory: 'listed' });
      await listed(['1001']);
      await subscribed();
    },
    verdict: /The CAS refused ADD_SUBSCRIPTIONS \(request \d+\)/,
    async mend({ confirm }) {
      await listed(BOTH);
      await confirm('REFUSED', /^Send again what the CRM entitles/, /sends 2 ADD_SUBSCRIPTIONS, 1 CREATE_PAIRING/);
    },
    clicks: 2,
  },
  {
    name: 'withheld: the CRM corrects the CA id',
    async happens() {
      await subscribed();
      await outcomeOf(world, await sendNow(sell('no number')));
    },
    verdict: /ADD_SUBSCRIPTIONS of service no number on card \d+ was not sent: INVALID_CA_ID/,
    async mend({ page }) {
      await finding(page, 'WITHHELD').getByText('Correct in the CRM').waitFor();
      Object.assign(subscription.services.find(({ id }) => id === 'service-new') ?? {}, { caId: '1003' });
      await act(world, subscription, { action: 'V:START_SERVICE', incomingServices: ['service-new'] });
    },
    clicks: 0,
  },
  {
    name: 'dead letter: the CRM sends it again, then it is discarded',
    async happens() {
      await subscribed();
      const value = Buffer.from('good morning');
      await world.wire.send([
        { key: subscription.number, message: { kind: 'bytes', key: subscription.number, value } },
      ]);
    },
    verdict: /A message of this subscription could not be used: NOT_AVRO/,
    async mend({ confirm }) {
      await sendNow(sell('1003'));
      await confirm('DEAD_LETTER', /^Discard event/, /gives up 1 event for good/, 'the CRM sent it again');
    },
    clicks: 2,
  },
  {
    name: 'event never arrived: the CRM sends it',
    happens: () => Promise.resolve(),
    verdict: /No subscription, device, request, action or event with this number is known/,
    async mend({ page }) {
      await finding(page, 'UNKNOWN_TO_US').getByText('its event never arrived').waitFor();
      await subscribe();
    },
    clicks: 0,
  },
  {
    name: 'drift: it is sent again',
    async happens() {
      await subscribed();
      await setCas(['1002']);
    },
    verdict: /The CRM entitles service 1001 on card \d+, and the CAS does not have it/,
    mend: ({ confirm }) =>
      confirm('MISSING_IN_CAS', /^Send again what the CRM entitles/, /sends 2 ADD_SUBSCRIPTIONS, 1 CREATE_PAIRING/),
    clicks: 2,
  },
  {
    name: 'wrong pairing: paired again',
    async happens() {
      await subscribed();
      await setCas(BOTH, ['OTHER-STB']);
    },
    verdict: /The CAS has card \d+ paired with OTHER-STB, and the CRM has it with STB-\d+/,
    mend: ({ confirm }) => confirm('PAIRING_DIFFERS', /^Pair the devices/, /1 CREATE_PAIRING/),
    clicks: 2,
  },
  {
    name: 'stuck: the cause is fixed, the earlier request is sent now',
    async happens() {
      await failPairing();
      await subscribe();
    },
    verdict: /ADD_SUBSCRIPTIONS \(request \d+\) waits for request \d+, which is being retried/,
    async mend({ confirm }) {
      await world.simulator('DELETE', 'faults');
      await confirm('RETRYING', /^Send request \d+ now/, /This sends 1 request now: CREATE_PAIRING/);
    },
    clicks: 2,
  },
  {
    name: 'stuck: the earlier request is withdrawn',
    async happens() {
      await failMessages();
      const mail = { type: 'MAIL', message: 'Pay by Friday', smartcard_ca_ids: [card], wait: false };
      expect(await world.operate('/utilities/messages', mail)).toMatchObject({ code: 'OK' });
      await subscribe();
    },
    verdict: /waits for request \d+, which is being retried/,
    mend: ({ confirm }) =>
      confirm('RETRYING', /^Withdraw request/, /gives up 1 request for good: SEND_MAIL_MESSAGE_TO_CLIENT/),
    clicks: 2,
  },
];

const sendNow = async (made: ReturnType<typeof action>) => {
  await send(world, made.events);
  return made;
};
/** The part of the page that explains a finding. */
const finding = (page: Page, code: string) => page.getByRole('group', { name: code, exact: true });

/** Somebody at the desk, on the overview. */
async function sitDown(role: Role): Promise<Desk & { clicks: () => number }> {
  const page = await world.openAs(role);
  let clicks = 0;
  const click = async (place: Locator): Promise<void> => {
    clicks += 1;
    await place.click();
  };
  return {
    page,
    async confirm(code, button, effect, reason) {
      await click(finding(page, code).getByRole('button', { name: button }).first());
      const dialogue = page.getByRole('dialog');
      await dialogue.getByText(effect).waitFor();
      if (reason !== undefined) await page.keyboard.type(reason);
      await click(dialogue.locator('button[type=submit]'));
    },
    clicks: () => clicks,
  };
}

/** The CAS has what the CRM says, and the page shows it. */
async function mended(page: Page): Promise<void> {
  const entitled = subscription.services.map(({ caId }) => caId ?? '').toSorted();
  await eventually(
    async () => {
      const { entitlements, pairing } = await world.simulator<{ entitlements: string[]; pairing: object | null }>(
        'GET',
        `cards/${card}`,
      );
      const wanted = { smartcards: [card], setTopBoxes: [`STB-${card}`] };
      const isEqual = JSON.stringify([entitlements.toSorted(), pairing]) === JSON.stringify([entitled, wanted]);
      return isEqual ? true : undefined;
    },
    `the CAS has ${entitled.join(', ')} on card ${card}`,
  );
  await finding(page, 'ALL_EQUAL').waitFor({ timeout: 20_000 });
  const services = page.getByRole('table', { name: 'Services' }).locator('tbody tr');
  await eventually(async () => {
    const rows = await services.allInnerTexts();
    const equal = rows.filter((row) => /\bentitled\b[^]*\bactive\b[^]*\bnone\b/.test(row));
    return equal.length === entitled.length && rows.length === equal.length ? true : undefined;
  }, 'the page shows that each service is active');
}

test.each(CASES)('$name', async ({ name, by = 'operator', happens, verdict, mend, clicks: most }) => {
  const of = (await happens()) ?? card;
  const desk = await sitDown(by);
  const { page } = desk;
  let loads = 0;
  page.on('domcontentloaded', () => (loads += 1));
  const began = performance.now();
  await page.keyboard.press('/');
  await page.keyboard.type(of);
  await page.keyboard.press('Enter');
  await page.getByRole('region', { name: 'Verdict' }).getByText(verdict).waitFor({ timeout: 15_000 });
  await mend(desk);
  await mended(page);
  table[name] = { clicks: desk.clicks(), seconds: Math.round((performance.now() - began) / 100) / 10 };
  expect(desk.clicks()).toBeLessThanOrEqual(most);
  expect(loads).toBe(0);
});
