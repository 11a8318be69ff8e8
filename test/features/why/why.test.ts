import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { addService, type CrmSubscription } from '../../../dev/demo/crm.ts';
import type { Explanation } from '../../../src/features/why/explanation.ts';
import type { ShownRequest } from '../../../src/operations/shown-request.ts';
import { type Ran, runCli } from '../../support/cli.ts';
import { act, type Action, eventually, household, outcomeOf, spoil } from '../../support/scene.ts';
import { startWebWorld, type WebWorld } from '../../web-api/support.ts';
import { codesOf, type Desk, openDesk } from './desk.ts';

let world: WebWorld;
let desk: Desk;
let customers = 0;
let card = '';
let subscription: CrmSubscription;
beforeAll(async () => {
  world = await startWebWorld({ BREAKER_FAILURES: '1000', RETRY_BACKOFF_MIN_MS: '300', RETRY_BACKOFF_MAX_MS: '60000' });
  desk = openDesk(world.env);
});
afterAll(() => world.close());
beforeEach(async () => {
  await world.simulator('DELETE', 'faults');
  customers += 1;
  card = `4500000${String(customers).padStart(4, '0')}`;
  subscription = household(`S000045${String(customers).padStart(4, '0')}`, card, ['1001', '1002']);
});

const subscribe = (): Promise<Action> => act(world, subscription, { action: 'S:BECOME_SUBSCRIBER' });
const subscribed = async (): Promise<Action> => {
  const made = await subscribe();
  await outcomeOf(world, made);
  return made;
};
const cli = (...args: string[]): Promise<Ran> => runCli(args, world.env);
/** Over HTTP, as a viewer. */
const ask = async (of: string, more = '&ask=false'): Promise<Explanation> => {
  const { data, code } = await world.operate<Explanation>(
    `/why?of=${encodeURIComponent(of)}${more}`,
    undefined,
    'viewer',
  );
  expect(code).toBe('OK');
  return data;
};

test('every kind of number leads to the same subscription; spaces and dashes are dropped', async () => {
  const made = await subscribed();
  const [request] = (await ask(card)).entitlements;
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
    const shown = await ask(number);
    expect([kind, shown.subscriptions.map((one) => one.number)]).toEqual([kind, [subscription.number]]);
    expect([shown.subject.kind, ...shown.also.map((one) => one.kind)]).toContain(kind);
    expect(shown.entitlements.map(({ service_ca_id: id }) => id)).toEqual(['1001', '1002']);
  }
});

test('the command line shows what the API has', async () => {
  await subscribed();
  expect(await desk.why(card, '--no-ask')).toEqual(await ask(card));
});

test('a number of several things explains the most specific one, and names the others', async () => {
  subscription = household(card, card, ['1001']);
  await subscribed();
  const shown = await ask(card);
  expect(shown.subject).toEqual({ kind: 'smartcard', id: card });
  expect(shown.also).toEqual([{ kind: 'subscription', id: card }]);
  expect(shown.entitlements).toHaveLength(1);
  expect(await desk.text(card, '--no-ask')).toContain(`There is also: subscription ${card}.`);
});

test('a card that nobody knows here is unknown to us, and what the CAS has on it is shown', async () => {
  await world.simulator('PATCH', 'state', [{ smartcard: card, entitlements: ['1001'], pairing: null }]);
  const shown = await ask(card, '');
  expect(codesOf(shown)).toEqual(['UNKNOWN_TO_US', 'TOO_MUCH_IN_CAS']);
  // The questions are requests of the card, and make it no better known.
  expect(codesOf(await ask(card))).toEqual(['UNKNOWN_TO_US']);
});

test('a card of which only a message is known is not unknown', async () => {
  await cli('message', 'bark', 'Hello', '--card', card);
  expect(codesOf(await ask(card))).toEqual([]);
});

test('a text that is no number is refused with field, problem and remedy', async () => {
  const remedy = 'give a card, STB, subscription, request, action or reference number, or the id of an event';
  const refused = await world.operate(`/why?of=${encodeURIComponent('my screen is black!')}`, undefined, 'viewer');
  expect(refused).toMatchObject({
    status: 400,
    code: 'PARAMETER_INVALID',
    description: `of: it is "my screen is black!": ${remedy}`,
  });
  const ran = await cli('why', 'my screen is black!');
  expect(ran).toMatchObject({ exitCode: 2, stdout: '', stderr: expect.stringContaining(remedy) as string });
});

test('20,000 requests of a card: the last command for each service is known, in less than a second', async () => {
  await subscribed();
  const before = await ask(card);
  await world.db.query(
    `insert into request (number, type, sequence_number, life_cycle_state, command, cards, process_name, executed_at)
     select nextval('request_number'), 'GET_ACTIVE_SUBSCRIPTIONS', 1, 'COMPLETED',
       jsonb_build_object('type', 'GET_ACTIVE_SUBSCRIPTIONS', 'smartcard', jsonb_build_object('caId', $1::text, 'distributor', null)),
       array[$1::text], 'CONAX_INFORMATION_UTILITY', now() from generate_series(1, 1500)`,
    [card],
  );
  expect((await ask(card)).entitlements).toEqual(before.entitlements);
  await world.db.query(
    `insert into request (number, type, sequence_number, life_cycle_state, command, cards, process_name, executed_at, subscription_number)
     select nextval('request_number'), 'ADD_SUBSCRIPTIONS', 1, 'COMPLETED', jsonb_build_object('type', 'ADD_SUBSCRIPTIONS',
       'smartcard', $1::text, 'service', jsonb_build_object('caId', (1001 + n % 2)::text, 'distributor', null)),
       array[$1::text], 'TRIGGER', now(), $2 from generate_series(1, 18500) n`,
    [card, subscription.number],
  );
  const startedAt = performance.now();
  const shown = await ask(card);
  expect(performance.now() - startedAt).toBeLessThan(1_000);
  expect(shown.entitlements.map(({ last_sent: sent, cas }) => [sent, cas])).toEqual([
    ['ADD', 'not asked'],
    ['ADD', 'not asked'],
  ]);
  let pages = 1;
  const seen = new Set(shown.timeline.map((one) => JSON.stringify(one)));
  for (let next = shown.timeline_next; next !== null && pages < 20; pages += 1) {
    const page: Explanation = await ask(card, `&after=${next}`);
    for (const one of page.timeline) seen.add(JSON.stringify(one));
    next = page.timeline_next;
  }
  // Each of 20 pages has 20 requests, made and done.
  expect([pages, seen.size]).toEqual([20, 800]);
});

test('what retention removed is not called unknown, and is not claimed never to have been', async () => {
  await subscribed();
  const [line] = (await ask(card)).entitlements;
  // Retention stops at the first stretch of requests that are all young.
  await world.db.query(
    `update request set submitted_at = now() - interval '3 days',
            executed_at = case when cards[1] = $1 then now() - interval '3 days' else executed_at end`,
    [card],
  );
  const days = { RETENTION_REQUESTS_DAYS: '2', RETENTION_EVENTS_DAYS: '1' };
  const ran = await runCli(['retention', 'run', '--rest', '0'], { ...world.env, ...days });
  expect(ran).toMatchObject({ exitCode: 0 });
  const shown = await ask(card, '');
  expect(codesOf(shown)).toEqual(['ALL_EQUAL']);
  expect(shown.entitlements.map(({ last_sent: sent }) => sent)).toEqual(['none', 'none']);
  await world.simulator('PATCH', 'state', [{ smartcard: card, entitlements: [], pairing: null }]);
  const missing = (await ask(card, '')).findings.find(({ code }) => code === 'MISSING_IN_CAS');
  expect(missing?.sentence).toMatch(/No command for it is kept\.$/);
  const number = await ask(String(line?.request));
  expect(number.verdict).toBe(
    'No subscription, device, request, action or event with this number is known. Retention removes old requests and events, so an older one may have had it.',
  );
});

test('the timeline has what the CRM, the service and operators did, the newest first, and attempts in one line', async () => {
  await spoil(world, { match: { smartcard: card, serviceCaId: '1001' }, times: null, fault: 'status:SYSTEM_ERROR' });
  const made = await subscribe();
  const stuck = await desk.until('RETRYING', card, '--no-ask');
  const number = Number(stuck.findings.find(({ code }) => code === 'RETRYING')?.evidence['request']);
  await cli('provider', 'pause', '--reason', 'CAS upgrade', '--by', 'petra');
  // While it is paused, it cannot be done before it is raised.
  await cli('requests', 'process', String(number), '--no-wait', '--by', 'olga');
  await world.simulator('DELETE', 'faults');
  await spoil(world, { match: { smartcard: card, serviceCaId: '1002' }, times: null, fault: 'status:SYSTEM_ERROR' });
  await cli('provider', 'resume', '--by', 'petra');
  const behind = await eventually(
    async () => (await ask(card)).queue.find(({ phase }) => phase === 'RETRYING')?.number,
    'the other service is retried',
  );
  await cli('requests', 'withdraw', String(behind), '--by', 'olga');
  await outcomeOf(world, made);
  const shown = await ask(card);
  const texts = shown.timeline.map(({ what, text }) => `${what}: ${text}`);
  const expected = [
    /^event: BECOME_SUBSCRIBER, version 1 of S\d+: PLANNED \(event \d+\)$/,
    /^outcome: Action A\d+: PARTLY_PROVISIONED(, not published yet)?$/,
    new RegExp(`^request: ADD_SUBSCRIPTIONS of service 1001 \\(request ${number}\\) by TRIGGER, demo$`),
    new RegExp(`^attempts: \\d+ attempts in \\d+ s of request ${number}, last error SYSTEM_ERROR: .*$`),
    new RegExp(
      `^outcome: ADD_SUBSCRIPTIONS of service 1001 \\(request ${number}\\): COMPLETED(, outcome not published yet)?$`,
    ),
    new RegExp(`^operator: olga sent request ${number} before others$`),
    new RegExp(`^operator: olga withdrew request ${behind}$`),
    /^operator: petra paused sending to the CAS: CAS upgrade$/,
    /^operator: petra resumed sending to the CAS$/,
  ];
  for (const text of expected) expect(texts).toContainEqual(expect.stringMatching(text));
  expect(shown.timeline.map(({ at }) => at)).toEqual(
    shown.timeline
      .map(({ at }) => at)
      .toSorted()
      .toReversed(),
  );
  // It starts the command line ten times.
}, 120_000);

test('the pages of a timeline have every request and event once, in both ways, whatever comes meanwhile', async () => {
  await subscribed();
  for (let round = 0; round < 12; round += 1) {
    addService(subscription, `service-${round}`, String(2_000 + round));
    await act(world, subscription, { action: 'V:ADD_SERVICE', incomingServices: [`service-${round}`] });
  }
  await eventually(
    async () => ((await ask(card)).entitlements.length === 14 ? true : undefined),
    'every event is planned',
  );
  const first = await ask(subscription.number);
  await cli('message', 'bark', 'Meanwhile', '--card', card);
  const printed = await desk.text(subscription.number, '--no-ask');
  const older = /^Older: npx --no conax-provisioning (why \S+ --after \S+)$/m.exec(printed)?.[1] ?? '';
  expect((await cli(...older.split(' '))).stdout).toMatch(/^Timeline$/m);
  const seen = [...first.timeline];
  for (let next = first.timeline_next; next !== null;) {
    const page = await ask(subscription.number, `&after=${next}`);
    expect(page.cas_not_asked).toBe('this is a further page of the timeline');
    seen.push(...page.timeline);
    next = page.timeline_next;
  }
  const made = seen.filter(({ what }) => what === 'request').map(({ request }) => request);
  const events = seen.filter(({ what }) => what === 'event').map(({ event }) => event);
  expect([new Set(made).size, new Set(events).size]).toEqual([15, 13]);
  expect([made.length, events.length]).toEqual([15, 13]);
});

test('lists and stories of requests show the phase, what it waits for, the attempts and the last error', async () => {
  await spoil(world, { match: { smartcard: card }, times: null, fault: 'status:SYSTEM_ERROR' });
  await subscribe();
  await desk.until('WAITING_BEHIND', card, '--no-ask');
  await cli('message', 'bark', 'Later', '--card', card, '--schedule', '2031-01-01T00:00:00Z');
  const listed = await eventually(async () => {
    const { data } = await world.operate<{ requests: ShownRequest[] }>(`/requests?card=${card}`, undefined, 'viewer');
    return data.requests[0]?.phase === 'RETRYING' ? data.requests : undefined;
  }, 'the first request is retried');
  const [first] = listed;
  expect(listed.map(({ phase, waits_for: behind }) => [phase, behind])).toEqual([
    ['RETRYING', null],
    ['WAITING_BEHIND', first?.number],
    ['WAITING_BEHIND', first?.number],
    ['SCHEDULED', null],
  ]);
  expect(first).toMatchObject({ last_error: expect.stringMatching(/^SYSTEM_ERROR: /) as string });
  expect(Date.parse(first?.next_try_date ?? '')).toBeGreaterThan(Date.now() - 60_000);
  const { stdout } = await cli('requests', 'list', '--card', card);
  expect(stdout).toMatch(/ (RETRYING, next \d\d:\d\d:\d\d|BEING_SENT|IN_LINE) .* SYSTEM_ERROR: /);
  expect(stdout).toMatch(new RegExp(` WAITING_BEHIND ${first?.number} `));
  expect(stdout).toMatch(/ SCHEDULED 2031-01-01T00:00:00\.000Z /);
  await cli('provider', 'pause', '--by', 'petra');
  const story = await eventually(async () => {
    const shown = await cli('requests', 'show', String(first?.number));
    return / phase +PAUSED\n/.test(shown.stdout) ? shown.stdout : undefined;
  }, 'the request is paused');
  await cli('provider', 'resume', '--by', 'petra');
  expect(story).toMatch(/ last_error +SYSTEM_ERROR: /);
  expect(story).toMatch(/\d+ attempts with the same result, the last of them:/);
});
