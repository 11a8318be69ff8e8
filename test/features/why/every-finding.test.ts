import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { addItem, addService, type CrmSubscription, move, setServices } from '../../../dev/demo/crm.ts';
import type { Explanation } from '../../../src/features/why/explanation.ts';
import { FINDING_CODES, type FindingCode } from '../../../src/features/why/finding-codes.ts';
import { type Ran, runCli } from '../../support/cli.ts';
import { act, action, type Action, eventually, household, outcomeOf, send, spoil } from '../../support/scene.ts';
import { startWebWorld, type WebWorld } from '../../web-api/support.ts';
import { codesOf, type Desk, openDesk } from './desk.ts';

/** How a finding comes about, its sentence, and what its command does. */
interface Case {
  readonly code: FindingCode;
  /** Makes it happen to `card`, and returns what the customer reads out if it is not the card. */
  readonly happens: () => Promise<string | void>;
  readonly says: RegExp;
  /** Without it, the finding names no command: what it asks for is done in the CRM. */
  readonly does?: (ran: Ran, shown: Explanation) => Promise<void> | void;
  /** Its exit code; by default 0. */
  readonly exits?: number;
  /** What a person does before the command, as the remedy says. */
  readonly before?: () => Promise<void>;
}

const PIN = '8264';
/** A PIN, or a SOAP body. */
const SECRET = new RegExp(String.raw`\b${PIN}\b|envelope>|<soap`, 'i');
let world: WebWorld;
let desk: Desk;
let customers = 0;
let card = '';
let subscription: CrmSubscription;
beforeAll(async () => {
  world = await startWebWorld({
    STALE_POLICY: 'hold',
    RETRY_BACKOFF_MIN_MS: '45000',
    RETRY_BACKOFF_MAX_MS: '45000',
    BREAKER_FAILURES: '1000',
    CONAX_TIMEOUT_MS: '1500',
  });
  desk = openDesk(world.env, (path) => world.operate<Explanation>(path));
});
afterAll(() => world.close());
beforeEach(async () => {
  await world.simulator('DELETE', 'faults');
  customers += 1;
  card = `4400000${String(customers).padStart(4, '0')}`;
  subscription = household(`S000044${String(customers).padStart(4, '0')}`, card, ['1001', '1002']);
});

// Of every finding, as JSON and as text.
afterEach(() => {
  const leak = desk.printed.splice(0).find((text) => SECRET.test(text));
  if (leak !== undefined) throw new Error(`An answer has a PIN or a SOAP body in it: ${leak}`);
});

const cli = (...args: string[]): Promise<Ran> => runCli(args, world.env);
const subscribe = (): Promise<Action> => act(world, subscription, { action: 'S:BECOME_SUBSCRIBER' });
const subscribed = async (): Promise<void> => void (await outcomeOf(world, await subscribe()));
const done = async (...facets: Parameters<typeof act>[2][]): Promise<void> =>
  void (await outcomeOf(world, await act(world, subscription, ...facets)));
const spoilCard = (match: object, fault: string, times: number | null = null): Promise<void> =>
  spoil(world, { match: { smartcard: card, ...match }, times, fault });
/** A deactivation that arrives before the activation that preceded it. */
const late = async (): Promise<void> => {
  await subscribed();
  const earlier = action(subscription, { action: 'S:ACTIVATE_SUBSCRIPTION' });
  setServices(subscription, 'NOT_EFFECTIVE');
  await done({ action: 'S:DEACTIVATE_SUBSCRIPTION' });
  await send(world, earlier.events);
};
/** The late event was released by a person. */
const released = async (): Promise<void> => {
  await late();
  const held = (await desk.until('EVENT_HELD', card, '--no-ask')).findings.find(({ code }) => code === 'EVENT_HELD');
  const ran = await cli(
    'events',
    'release',
    String(held?.evidence['event']),
    '--by',
    'olga',
    '--reason',
    'it was right',
  );
  expect(ran.stderr).toBe('');
};
const unreadableMessage = (): Promise<void> =>
  world.wire.send([
    {
      key: subscription.number,
      message: { kind: 'bytes', key: subscription.number, value: Buffer.from('good morning') },
    },
  ]);
const allEqual = async (): Promise<void> => {
  await eventually(
    async () => (codesOf(await desk.why(card)).includes('ALL_EQUAL') ? true : undefined),
    'all is equal',
  );
};
const requestOf = (shown: Explanation, code: FindingCode): number =>
  Number(shown.findings.find((one) => one.code === code)?.evidence['request']);
const phaseOf = async (number: number): Promise<string> =>
  (await world.operate<{ request: { phase: string } }>(`/requests/${number}`)).data.request.phase;

const CASES: readonly Case[] = [
  {
    code: 'UNKNOWN_TO_US',
    happens: () => Promise.resolve('99000000001'),
    says: /^No subscription, device, request, action or event with this number is known\.$/,
  },
  {
    code: 'PROVIDER_PAUSED',
    async happens() {
      await cli('provider', 'pause', '--reason', 'CAS upgrade', '--by', 'olga');
      await subscribe();
    },
    says: /^Sending to the CAS is paused by olga \(CAS upgrade\), so (\d of its requests wait|new requests would wait)\.$/,
    async does() {
      await allEqual();
    },
  },
  {
    code: 'CAS_UNREADABLE',
    async happens() {
      await spoilCard({ serviceCaId: '1001' }, 'half-xml');
      await subscribe();
    },
    says: /^The CAS answers request \d+, but its answer cannot be read: .*\.$/,
    does: ({ stdout }) => expect(stdout).toMatch(/CAS_ANSWER_UNREADABLE[^]*received:/),
  },
  {
    code: 'WAITING_BEHIND',
    async happens() {
      await spoilCard({ command: 'CREATE_PAIRING' }, 'status:SYSTEM_ERROR');
      await subscribe();
    },
    says: /^ADD_SUBSCRIPTIONS \(request \d+\) waits for request \d+, which is (being retried|being sent|in line) \(SYSTEM_ERROR\)\.$/,
    async does({ stdout }, shown) {
      const [first] = shown.queue;
      expect(stdout).toMatch(new RegExp(`Provisioning request ${first?.number}\\n[^]*SYSTEM_ERROR`));
      expect((await cli('requests', 'withdraw', String(first?.number), '--by', 'olga')).stderr).toBe('');
      await eventually(async () => ((await desk.why(card)).queue.length === 0 ? true : undefined), 'the card goes on');
    },
  },
  {
    code: 'RETRYING',
    async happens() {
      await spoilCard({ command: 'CREATE_PAIRING' }, 'status:SYSTEM_ERROR');
      await subscribe();
    },
    says: /^CREATE_PAIRING \(request \d+\) was tried (once|\d+ times), last with SYSTEM_ERROR, and is tried again at \d\d:\d\d:\d\d UTC\.$/,
    before: () => world.simulator('DELETE', 'faults'),
    async does(_ran, shown) {
      expect(await phaseOf(requestOf(shown, 'RETRYING'))).toBe('COMPLETED');
    },
  },
  {
    code: 'EVENT_HELD',
    happens: late,
    says: /^Event \d+ \(ACTIVATE_SUBSCRIPTION, version \d+\) came late and is held for a decision\.$/,
    does: ({ stdout }) => expect(stdout).toMatch(/STALE[^]*ACTIVATE_SUBSCRIPTION/),
  },
  {
    code: 'DEAD_LETTER',
    async happens() {
      await subscribed();
      await unreadableMessage();
    },
    says: /^A message of this subscription could not be used: NOT_AVRO\.$/,
    does: ({ stdout }) => expect(stdout).toMatch(/NOT_AVRO[^]*good morning/),
  },
  {
    code: 'OUTCOME_UNKNOWN',
    async happens() {
      await subscribed();
      await spoilCard({ command: 'SEND_BARK_MESSAGE_TO_CLIENT' }, 'cut-after');
      await cli('message', 'bark', 'Pay by Friday', '--card', card);
    },
    says: /^Nobody knows whether the CAS did SEND_BARK_MESSAGE_TO_CLIENT \(request \d+\)\.$/,
    does: ({ stdout }) => expect(stdout).toMatch(/OUTCOME_UNKNOWN[^]*Attempts \(1\)/),
  },
  {
    code: 'CARD_UNKNOWN_IN_CAS',
    async happens() {
      await spoilCard({}, 'status:CLIENT_NOT_FOUND');
      await subscribed();
    },
    says: /^The CAS (does not know smart card \d+|refused ADD_SUBSCRIPTIONS \(request \d+\): CLIENT_NOT_FOUND.*)\.$/,
    before: () => world.simulator('DELETE', 'faults'),
    does: allEqual,
  },
  {
    code: 'REFUSED',
    async happens() {
      await spoilCard({ serviceCaId: '1002' }, 'status:FEATURE_NOT_AVAILABLE', 1);
      await subscribed();
    },
    says: /^The CAS refused ADD_SUBSCRIPTIONS \(request \d+\): FEATURE_NOT_AVAILABLE.*\.$/,
    does: allEqual,
  },
  {
    code: 'NO_CARD_IN_DISTRIBUTOR',
    async happens() {
      await subscribed();
      const moved = move(subscription, subscription.services[0]?.id ?? '', 'ROOM2');
      await done({ action: 'V:CHANGE_SUBSCRIPTION_DISTRIBUTION', movedServices: [moved] });
    },
    says: /^Service 1001 \(P1001\) is in distributor ROOM2, which has no smart card\.$/,
  },
  {
    code: 'WITHHELD',
    async happens() {
      await subscribed();
      addService(subscription, 'service-new', 'no number');
      await done({ action: 'V:ADD_SERVICE', incomingServices: ['service-new'] });
    },
    says: /^ADD_SUBSCRIPTIONS of service no number on card \d+ was not sent: INVALID_CA_ID\. .*\.$/,
    async before() {
      const service = subscription.services.find(({ id }) => id === 'service-new');
      Object.assign(service ?? {}, { caId: '1003' });
      addItem(subscription, 'stb-2', 'SET_TOP_BOX', `STB2-${card}`);
      await done({ action: 'I:ADD_INSTALLED_ITEM', incomingItems: ['stb-2'] });
    },
    async does() {
      await allEqual();
      const { entitlements } = await world.simulator<{ entitlements: string[] }>('GET', `cards/${card}`);
      expect(entitlements).toEqual(['1001', '1002', '1003']);
    },
  },
  {
    code: 'NOT_ENTITLED',
    async happens() {
      await subscribed();
      setServices(subscription, 'NOT_EFFECTIVE');
      subscription.state = 'NOT_EFFECTIVE';
      await done({ action: 'S:DEACTIVATE_SUBSCRIPTION' });
    },
    says: /^The CRM entitles nothing on the card: subscription S\d+ is NOT_EFFECTIVE\.$/,
  },
  {
    code: 'PAIRING_DIFFERS',
    async happens() {
      await subscribed();
      await cli('pair', 'create', '--card', card, '--stb', 'OTHER-STB');
    },
    says: /^The CAS has card \d+ paired with OTHER-STB, and the CRM has it with STB-\d+\.$/,
    does: allEqual,
  },
  {
    code: 'MISSING_IN_CAS',
    async happens() {
      await subscribed();
      await world.simulator('PATCH', 'state', [{ smartcard: card, entitlements: ['1002'], pairing: pairingOf() }]);
    },
    says: /^The CRM entitles service 1001 on card \d+, and the CAS does not have it\. The last command was ADD_SUBSCRIPTIONS \(request \d+, COMPLETED\)\.$/,
    does: allEqual,
  },
  {
    code: 'TOO_MUCH_IN_CAS',
    async happens() {
      await subscribed();
      const entitlements = ['1001', '1002', '1009'];
      await world.simulator('PATCH', 'state', [{ smartcard: card, entitlements, pairing: pairingOf() }]);
    },
    says: /^The CAS has service 1009 on card \d+, and the CRM does not entitle it\. No command for it is kept\.$/,
    exits: 1,
    async does({ stderr }) {
      expect(stderr).toMatch(/1 DIFFERENT/);
      const run = /\brun (\d+)/.exec(stderr)?.[1] ?? '';
      expect((await cli('reconcile', 'fix', run, '--send', '--yes')).stdout).toMatch(/COMPLETED/);
      await allEqual();
    },
  },
  {
    code: 'SCHEDULED',
    async happens() {
      await subscribed();
      await cli('message', 'bark', 'Happy new year', '--card', card, '--schedule', '2031-01-01T00:00:00Z');
    },
    says: /^SEND_BARK_MESSAGE_TO_CLIENT \(request \d+\) is scheduled for 2031-01-01T00:00:00\.000Z\.$/,
    async does(_ran, shown) {
      expect(await phaseOf(requestOf(shown, 'SCHEDULED'))).toBe('COMPLETED');
    },
  },
  {
    code: 'CARD_HELD_TWICE',
    async happens() {
      await subscribed();
      const other = household(`T${subscription.number}`, card, ['1009']);
      await outcomeOf(world, await act(world, other, { action: 'S:BECOME_SUBSCRIBER' }));
    },
    says: /^Card \d+ is in 2 subscriptions: S\d+, TS\d+\.$/,
  },
  {
    code: 'VERSION_GAP',
    async happens() {
      await subscribed();
      subscription.version += 1;
      addService(subscription, 'service-new', '1003');
      await done({ action: 'V:ADD_SERVICE', incomingServices: ['service-new'] });
    },
    says: /^Between versions 1 and 3 of subscription S\d+ an event may be missing\.$/,
    async does({ stdout }) {
      expect(stdout).toMatch(/COMPLETED/);
      await allEqual();
    },
  },
  {
    code: 'SUPERSEDED',
    happens: released,
    says: /^ADD_SUBSCRIPTIONS of service 1001.* was not sent, because a newer action decided otherwise\.$/,
  },
  {
    code: 'LATE_EVENT',
    happens: released,
    says: /^Event \d+ \(ACTIVATE_SUBSCRIPTION, version 2\) came after a newer one\.$/,
    does: ({ stdout }) => expect(stdout).toMatch(/ACTIVATE_SUBSCRIPTION[^]*released by olga: it was right/),
  },
  {
    code: 'NOTHING_NEW',
    happens: subscribed,
    says: /^The last event of subscription S\d+ is version 1 \(BECOME_SUBSCRIBER\) of .*\. If the CRM acted later, its event has not arrived\.( \d+ messages are not read yet\.)?$/,
  },
  {
    code: 'ALL_EQUAL',
    happens: subscribed,
    says: /^The CRM, our record and the CAS agree on 2 services: refresh the card, or look at the set-top box\.$/,
    async does() {
      const calls = (await world.journal()).filter(({ parameters }) => parameters.smartcard === card);
      expect(calls.filter(({ command }) => command === 'ADD_SUBSCRIPTIONS')).toHaveLength(4);
    },
  },
];
/** What only the CAS's answer shows. */
const NEEDS_CAS: ReadonlySet<FindingCode> = new Set([
  'PAIRING_DIFFERS',
  'MISSING_IN_CAS',
  'TOO_MUCH_IN_CAS',
  'ALL_EQUAL',
]);
/** They need an instance that is cut off: service-findings.test.ts. */
const ELSEWHERE: readonly FindingCode[] = ['INTAKE_STOPPED', 'BREAKER_OPEN', 'WAITING_IN_LINE'];

const pairingOf = () => ({ smartcards: [card], setTopBoxes: [`STB-${card}`] });

describe('each finding happens on real parts, and the command that it prints does what its remedy says', () => {
  test.each(CASES)('$code', { timeout: 60_000 }, async ({ code, happens, says, before, exits = 0, does }) => {
    const of = (await happens()) ?? card;
    // So that there is a secret to keep.
    const pin = { smartcard_ca_ids: [card], pin: PIN, wait: false };
    expect(await world.operate('/utilities/pin/given', pin)).toMatchObject({ code: 'OK' });
    const options = NEEDS_CAS.has(code) ? [] : ['--no-ask'];
    const shown = await desk.until(code, of, ...options);
    const found = shown.findings.find((one) => one.code === code);
    expect(found?.sentence).toMatch(says);
    expect(found?.remedy.sentence).toBe(FINDING_CODES[code].remedy);
    expect(found?.remedy.command === null).toBe(does === undefined);
    if (does === undefined) return;
    const command = await desk.command(code, of, ...options);
    await before?.();
    const ran = await cli(...command);
    expect({ command, ...ran }).toMatchObject({ exitCode: exits });
    await does(ran, shown);
  });

  test('no finding is left out', () => {
    const all = [...CASES.map(({ code }) => code), ...ELSEWHERE];
    expect(all.toSorted()).toEqual(Object.keys(FINDING_CODES).toSorted());
  });
});

test('what a person withdrew without knowing whether the CAS did it is unknown, and blocks', async () => {
  await spoilCard({ serviceCaId: '1001' }, 'half-xml');
  await subscribe();
  const number = requestOf(await desk.until('CAS_UNREADABLE', card, '--no-ask'), 'CAS_UNREADABLE');
  await eventually(async () => {
    const { exitCode } = await cli('requests', 'withdraw', String(number), '--by', 'olga');
    return exitCode === 0 ? true : undefined;
  }, 'it is not being sent');
  const shown = await desk.until('OUTCOME_UNKNOWN', card, '--no-ask');
  expect(shown.findings.find(({ code }) => code === 'OUTCOME_UNKNOWN')).toMatchObject({
    severity: 'blocking',
    sentence: `Nobody knows whether the CAS did ADD_SUBSCRIPTIONS (request ${number}).`,
  });
});
