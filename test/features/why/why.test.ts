import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { z } from 'zod';
import { addItem, addService, type CrmSubscription, move, setServices } from '../../../dev/demo/crm.ts';
import type { explanation } from '../../../src/features/why/explanation.ts';
import { runCli } from '../../support/cli.ts';
import { act, action, type Action, eventually, household, outcomeOf, send, spoil } from '../../support/scene.ts';
import { startWorld, type World } from '../../support/world.ts';

type Explanation = z.output<typeof explanation>;

let world: World;
let customers = 0;
let card = '';
let subscription: CrmSubscription;
beforeAll(async () => {
  world = await startWorld({
    STALE_POLICY: 'hold',
    RETRY_BACKOFF_MIN_MS: '300',
    RETRY_BACKOFF_MAX_MS: '3000',
    BREAKER_FAILURES: '1000',
    CONAX_TIMEOUT_MS: '1500',
  });
});
afterAll(() => world.close());
beforeEach(async () => {
  await world.simulator('DELETE', 'faults');
  customers += 1;
  card = `4400000${String(customers).padStart(4, '0')}`;
  subscription = household(`S000044${String(customers).padStart(4, '0')}`, card, ['1001', '1002']);
});

const subscribe = (): Promise<Action> => act(world, subscription, { action: 'S:BECOME_SUBSCRIBER' });
const subscribed = async (): Promise<void> => void (await outcomeOf(world, await subscribe()));

async function why(of: string, ...options: string[]): Promise<Explanation> {
  const { stdout, stderr, exitCode } = await runCli(['why', of, '--json', ...options], world.env);
  if (exitCode !== 0) throw new Error(stderr);
  return JSON.parse(stdout) as Explanation;
}

/** The codes of the findings, those that every known subscription has left out. */
const codesOf = ({ findings }: Explanation): string[] =>
  findings.map(({ code }) => code).filter((code) => code !== 'NOTHING_NEW');

/** Runs the remedy of a finding as it is printed. */
async function follow({ findings }: Explanation, code: string, ...more: string[]): Promise<string> {
  const command = findings.find((one) => one.code === code)?.remedy.command ?? null;
  if (command === null) throw new Error(`${code} names no command`);
  const { stdout, stderr, exitCode } = await runCli([...command.split(' '), ...more], world.env);
  if (exitCode !== 0) throw new Error(`${command}: ${stderr}`);
  return stdout;
}

/** Waits until a request of the card is in this phase, and returns the explanation then. */
function whyWith(code: string, ...options: string[]): Promise<Explanation> {
  return eventually(async () => {
    const shown = await why(card, ...options);
    return codesOf(shown).includes(code) ? shown : undefined;
  }, `the finding ${code}`);
}

describe('a support desk gets the verdict with one command', () => {
  test('all is equal: the CAS says so, and the remedy sends the entitlements again', async () => {
    await subscribed();
    const shown = await why(card);
    expect(codesOf(shown)).toEqual(['ALL_EQUAL']);
    expect(shown.verdict).toMatch(/agree on 2 services/);
    expect(shown.entitlements.map(({ service_ca_id: id, crm, last_sent: sent, cas }) => [id, crm, sent, cas])).toEqual([
      ['1001', 'entitled', 'ADD', 'active'],
      ['1002', 'entitled', 'ADD', 'active'],
    ]);
    expect(shown.pairings).toEqual([
      { smartcard_ca_id: card, crm: [`STB-${card}`], known: [`STB-${card}`], cas: [`STB-${card}`] },
    ]);
    await follow(shown, 'ALL_EQUAL', '--yes');
  });

  test('the provider is paused: who paused it and why; the remedy resumes it', async () => {
    await runCli(['provider', 'pause', '--reason', 'CAS upgrade', '--by', 'olga'], world.env);
    await subscribe();
    const shown = await whyWith('PROVIDER_PAUSED');
    expect(shown.verdict).toMatch(
      /^Sending to the CAS is paused by olga \(CAS upgrade\), so [1-3] of its requests wait\.$/,
    );
    expect(shown.cas_not_asked).toBe('sending is paused');
    await follow(shown, 'PROVIDER_PAUSED');
    await eventually(async () => ((await why(card)).queue.length === 0 ? true : undefined), 'everything is sent');
  });

  test('the CAS refused: code, text, and what the CRM entitles in spite of it', async () => {
    await spoil(world, {
      match: { smartcard: card, serviceCaId: '1002' },
      times: 1,
      fault: 'status:FEATURE_NOT_AVAILABLE',
    });
    await subscribed();
    const shown = await why(card);
    expect(codesOf(shown)).toEqual(['REFUSED', 'MISSING_IN_CAS']);
    expect(shown.verdict).toMatch(/^The CAS refused ADD_SUBSCRIPTIONS \(request \d+\): FEATURE_NOT_AVAILABLE/);
    await follow(shown, 'REFUSED', '--yes');
    expect(codesOf(await why(card))).toEqual(['ALL_EQUAL']);
  });

  test('a command was withheld: the reason in words', async () => {
    await subscribed();
    addItem(subscription, 'card-2', 'SMARTCARD', '440');
    await outcomeOf(
      world,
      await act(world, subscription, { action: 'I:ADD_INSTALLED_ITEM', incomingItems: ['card-2'] }),
    );
    const shown = await why(subscription.number);
    expect(codesOf(shown)).toContain('WITHHELD');
    expect(shown.findings.find(({ code }) => code === 'WITHHELD')?.sentence).toMatch(/INVALID_CA_ID/);
  });

  test('a message with the number as its key could not be read: a dead letter of this subscription', async () => {
    await subscribed();
    await world.wire.send([
      {
        key: subscription.number,
        message: { kind: 'bytes', key: subscription.number, value: Buffer.from('good morning') },
      },
    ]);
    const shown = await whyWith('DEAD_LETTER', '--no-ask');
    expect(shown.verdict).toMatch(/could not be used: NOT_AVRO/);
    expect(await follow(shown, 'DEAD_LETTER')).toMatch(/NOT_AVRO/);
  });

  test('an event never arrived: a gap between two versions, and when the last event came', async () => {
    await subscribed();
    subscription.version += 1;
    addService(subscription, 'service-new', '1003');
    await outcomeOf(
      world,
      await act(world, subscription, { action: 'V:ADD_SERVICE', incomingServices: ['service-new'] }),
    );
    const shown = await why(card);
    expect(codesOf(shown)).toEqual(['VERSION_GAP', 'ALL_EQUAL']);
    expect(shown.findings.map(({ code }) => code)).toContain('NOTHING_NEW');
  });

  test('the CAS lost a service: drift, with the last command; the remedy sends it again', async () => {
    await subscribed();
    await world.simulator('PATCH', 'state', [{ smartcard: card, entitlements: [], pairing: null }]);
    const shown = await why(card);
    expect(codesOf(shown)).toEqual(['PAIRING_DIFFERS', 'MISSING_IN_CAS', 'MISSING_IN_CAS']);
    expect(shown.findings.find(({ code }) => code === 'MISSING_IN_CAS')?.sentence).toMatch(
      /^The CRM entitles service 1001 on card \d+, and the CAS does not have it\. The last command was ADD_SUBSCRIPTIONS \(request \d+, COMPLETED\)\.$/,
    );
    await follow(shown, 'MISSING_IN_CAS', '--yes');
    expect(codesOf(await why(card))).toEqual(['ALL_EQUAL']);
  });

  test('the pairing is wrong: what the CAS has and what the CRM has; the remedy pairs again', async () => {
    await subscribed();
    await runCli(['pair', 'create', '--card', card, '--stb', 'OTHER-STB'], world.env);
    const shown = await why(card);
    expect(codesOf(shown)).toEqual(['PAIRING_DIFFERS']);
    expect(shown.verdict).toBe(`The CAS has card ${card} paired with OTHER-STB, and the CRM has it with STB-${card}.`);
    await follow(shown, 'PAIRING_DIFFERS');
    expect(codesOf(await why(card))).toEqual(['ALL_EQUAL']);
  });

  test('stuck behind a failing request: which one, why, how often; the question to the CAS does not wait', async () => {
    await spoil(world, {
      match: { smartcard: card, command: 'CREATE_PAIRING' },
      times: null,
      fault: 'status:SYSTEM_ERROR',
    });
    await subscribe();
    const shown = await whyWith('WAITING_BEHIND');
    expect(shown.verdict).toMatch(
      /^ADD_SUBSCRIPTIONS \(request \d+\) waits for request \d+, which is (being retried|being sent|in line) \(SYSTEM_ERROR\)\.$/,
    );
    expect(shown.entitlements.map(({ cas }) => cas)).toEqual(['missing', 'missing']);
    const [first] = shown.queue;
    expect(first).toMatchObject({
      type: 'CREATE_PAIRING',
      last_error: expect.stringMatching(/^SYSTEM_ERROR/) as string,
    });
    await runCli(['requests', 'withdraw', String(first?.number)], world.env);
    await eventually(async () => ((await why(card)).queue.length === 0 ? true : undefined), 'the card goes on');
  });
});

test('an answer that cannot be read is told apart from a CAS that is away', async () => {
  await spoil(world, { match: { smartcard: card, serviceCaId: '1001' }, times: null, fault: 'half-xml' });
  await subscribe();
  const shown = await whyWith('CAS_UNREADABLE');
  expect(codesOf(shown).slice(0, 3)).toEqual(['CAS_UNREADABLE', 'WAITING_BEHIND', 'RETRYING']);
});

test('a late event is held for a decision, and the remedy shows it', async () => {
  await subscribed();
  const late = action(subscription, { action: 'S:ACTIVATE_SUBSCRIPTION' });
  setServices(subscription, 'NOT_EFFECTIVE');
  await outcomeOf(world, await act(world, subscription, { action: 'S:DEACTIVATE_SUBSCRIPTION' }));
  await send(world, late.events);
  const shown = await whyWith('EVENT_HELD', '--no-ask');
  expect(codesOf(shown)).toContain('NOT_ENTITLED');
  await follow(shown, 'EVENT_HELD');
});

test('a service in a distributor without a card, and a card in two subscriptions', async () => {
  await subscribed();
  const moved = move(subscription, subscription.services[0]?.id ?? '', 'ROOM2');
  await outcomeOf(
    world,
    await act(world, subscription, { action: 'V:CHANGE_SUBSCRIPTION_DISTRIBUTION', movedServices: [moved] }),
  );
  const other = household(`S000045${String(customers).padStart(4, '0')}`, card, ['1009']);
  await outcomeOf(world, await act(world, other, { action: 'S:BECOME_SUBSCRIBER' }));
  expect(codesOf(await why(card))).toEqual(expect.arrayContaining(['NO_CARD_IN_DISTRIBUTOR', 'CARD_HELD_TWICE']));
});

test('every kind of number leads to the same subscription; spaces and dashes are dropped', async () => {
  const made = await subscribe();
  await outcomeOf(world, made);
  const [request] = (await why(card, '--no-ask')).entitlements;
  const event = made.events[0]?.value;
  const numbers = [
    ['stb', `STB-${card}`],
    ['subscription', subscription.number],
    ['request', String(request?.request)],
    ['action', event?.action.number ?? ''],
    ['action', event?.action.id ?? ''],
    ['event', event?.eventId ?? ''],
    ['smartcard', `${card.slice(0, 4)} ${card.slice(4, 8)}-${card.slice(8)}`],
  ] as const;
  for (const [kind, number] of numbers) {
    const shown = await why(number, '--no-ask');
    expect([kind, shown.subscriptions.map((one) => one.number)]).toEqual([kind, [subscription.number]]);
    expect([shown.subject.kind, ...shown.also.map((one) => one.kind)]).toContain(kind);
    expect(shown.entitlements.map(({ service_ca_id: id }) => id)).toEqual(['1001', '1002']);
  }
});

test('a card that was never seen is unknown to us, and unknown to the CAS is told as well', async () => {
  const shown = await why('99000000001', '--no-ask');
  expect(codesOf(shown)).toEqual(['UNKNOWN_TO_US']);
  const text = await runCli(['why', '99000000001', '--no-ask'], world.env);
  expect(text.stdout).toMatch(/No event, import or request ever named this number\./);
});
