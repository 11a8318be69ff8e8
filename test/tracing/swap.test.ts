import { createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { addItem, removeItem } from '../../dev/demo/crm.ts';
import { act, type Action, action, eventually, household, outcomeOf, send } from '../support/scene.ts';
import { openSurroundings, type Surroundings } from '../support/world.ts';
import { CREATE, startWebWorld, type WebWorld } from '../web-api/support.ts';
import { closeServer, type Collector, type ReceivedSpan, startCollector } from './collector.ts';

/** The CRM's own span, which sent the events. */
const CRM_SPAN = 'b7ad6b7169203331';
const traceIdOf = (nth: number): string => `0af7651916cd43dd8448eb211c8031${String(nth).padStart(2, '0')}`;
const traceparentOf = (nth: number): string => `00-${traceIdOf(nth)}-${CRM_SPAN}-01`;

const closers: (() => Promise<unknown>)[] = [];
afterAll(async () => {
  for (const close of closers.splice(0).toReversed()) await close();
});

/** Stands in front of the CAS and notes the `traceparent` of each SOAP call; null for a call without one. */
async function startCasDoor(): Promise<{ url: string; traceparents: (string | null)[]; leadTo(url: string): void }> {
  const traceparents: (string | null)[] = [];
  let cas = '';
  const server = createServer((call, answer) => {
    traceparents.push((call.headers['traceparent'] as string | undefined) ?? null);
    const { method, headers, url = '' } = call;
    const onward = request(cas + url, { method: method ?? 'POST', headers }, (from) => {
      answer.writeHead(from.statusCode ?? 502, from.headers);
      from.pipe(answer);
    });
    call.pipe(onward);
  });
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  closers.push(() => closeServer(server));
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}`, traceparents, leadTo: (url) => (cas = url) };
}

interface Scene {
  readonly door: Awaited<ReturnType<typeof startCasDoor>>;
  readonly collector: Collector;
}

async function scene(): Promise<Scene & { readonly env: Readonly<Record<string, string>> }> {
  const [door, collector] = await Promise.all([startCasDoor(), startCollector()]);
  closers.push(() => collector.close());
  const env = {
    CONAX_BASE_URL: door.url,
    OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
  };
  return { door, collector, env };
}

/** A new card for the old one: two facets, two events, one trace. */
async function swap(
  world: Surroundings,
  number: string,
  cards: readonly [string, string],
  nth: number,
): Promise<Action> {
  const subscription = household(number, cards[0], ['1001']);
  await outcomeOf(world, await act(world, subscription, { action: 'S:BECOME_SUBSCRIBER' }));
  const facet = { removedItems: [removeItem(subscription, 'card')], incomingItems: ['card-2'] };
  addItem(subscription, 'card-2', 'SMARTCARD', cards[1]);
  const made = action(
    subscription,
    { action: 'I:SWAP_INSTALLED_ITEM', ...facet },
    { action: 'V:SWAP_INSTALLED_ITEM', ...facet },
  );
  await send(world, made.events, { traceparent: traceparentOf(nth) });
  await outcomeOf(world, made);
  return made;
}

/** The whole trace, once nothing more is expected of it. */
function whole({ collector }: Scene, traceId: string, spans: number): Promise<ReceivedSpan[]> {
  return collector.until((all) => {
    const own = all.filter((span) => span.traceId === traceId);
    return own.length >= spans ? own : undefined;
  }, `${spans} spans of trace ${traceId}`);
}

/** A trace as lines, each step under the one that caused it, in the order of their starts. */
function drawn(spans: readonly ReceivedSpan[], parent: string | null, depth = 0): string[] {
  return spans
    .filter(({ parentSpanId }) => parentSpanId === parent)
    .toSorted((a, b) => a.startMs - b.startMs || a.name.localeCompare(b.name))
    .flatMap((span) => [`${'  '.repeat(depth)}${span.kind} ${span.name}`, ...drawn(spans, span.spanId, depth + 1)]);
}

function sorted(texts: readonly (string | null | undefined)[]): string[] {
  return texts.map(String).toSorted();
}

function offsetOf({ attributes }: ReceivedSpan): number {
  return Number(attributes['messaging.kafka.offset']);
}

describe('A service with a collector', () => {
  let world: WebWorld;
  let parts: Scene;
  beforeAll(async () => {
    const { env, ...rest } = await scene();
    parts = rest;
    world = await startWebWorld(env);
    closers.push(() => world.close());
    rest.door.leadTo(world.simulatorUrl);
  });

  test('shows a swap as one trace: each step under its event, from the CRM to the outcome', async () => {
    const { id } = await swap(world, 'S0000050001', ['50000000001', '50000000002'], 1);
    // Two events with a decoding and a transaction each, three calls with an answer and an outcome each, and the action's.
    const spans = await whole(parts, traceIdOf(1), 16);
    const ofRequest = (type: string): string[] => [
      `  CLIENT SOAP ${type}`,
      '  INTERNAL settle',
      '  PRODUCER publish request outcome',
    ];
    const tree = drawn(spans, CRM_SPAN);
    expect(tree.toSorted()).toEqual(
      [
        ...[1, 2].flatMap(() => [
          `CONSUMER process ${world.settings.CRM_TOPICS[0]}`,
          '  INTERNAL decode',
          '  INTERNAL intake transaction',
        ]),
        ...['CANCEL_SUBSCRIPTIONS', 'CREATE_PAIRING', 'ADD_SUBSCRIPTIONS'].flatMap(ofRequest),
        '  PRODUCER publish action outcome',
      ].toSorted(),
    );
    const events = spans.filter(({ kind }) => kind === 'CONSUMER').toSorted((a, b) => offsetOf(a) - offsetOf(b));
    expect(events.map(({ attributes }) => attributes['conax.event.type'])).toEqual([
      'SWAP_INSTALLED_ITEM',
      'SWAP_INSTALLED_ITEM',
    ]);
    for (const name of ['decode', 'intake transaction']) {
      const own = spans.filter((span) => span.name === name).map(({ parentSpanId }) => parentSpanId);
      expect(sorted(own)).toEqual(sorted(events.map(({ spanId }) => spanId)));
    }
    const ofAction = spans.find(({ name }) => name === 'publish action outcome');
    expect(ofAction?.parentSpanId).toBe(events[1]?.spanId);

    // Which event caused what is in the rows, too.
    const rows = await world.db.query<{ number: number; event: string; traceparent: string }>(
      `select number, causation_event_id as event, traceparent from request where action_id = $1 order by number`,
      [id],
    );
    expect(rows).toHaveLength(3);
    for (const { number, event, traceparent } of rows) {
      const cause = spans.find(({ attributes }) => attributes['conax.event.id'] === event);
      expect(traceparent).toBe(`00-${traceIdOf(1)}-${cause?.spanId}-01`);
      const steps = spans.filter(({ attributes }) => attributes['conax.request.number'] === number);
      expect(steps.map(({ parentSpanId }) => parentSpanId)).toEqual(steps.map(() => cause?.spanId));
      const [call, settled, published] = steps.toSorted((a, b) => a.startMs - b.startMs);
      expect(call?.attributes).toMatchObject({ 'http.response.status_code': 200, 'conax.answer': 'accepted' });
      expect(settled?.attributes['conax.settled']).toBe('COMPLETED');
      expect(settled?.startMs).toBeGreaterThanOrEqual(call?.endMs ?? Infinity);
      expect(published?.startMs).toBeGreaterThanOrEqual(settled?.startMs ?? Infinity);
    }
  });

  test('gives the CAS the span of each call, and the readers of outcomes that of the publication', async () => {
    const { id } = await swap(world, 'S0000050002', ['50000000003', '50000000004'], 2);
    const spans = await whole(parts, traceIdOf(2), 16);
    const sent = parts.door.traceparents.filter((one) => one?.includes(traceIdOf(2)) === true);
    const named = (kind: string): string[] =>
      spans.filter((span) => span.kind === kind).map(({ traceId, spanId }) => `00-${traceId}-${spanId}-01`);
    expect(sorted(sent)).toEqual(sorted(named('CLIENT')));
    const { arrivals } = world.wire;
    const outcomes = [...arrivals.requestOutcomes, ...arrivals.actionOutcomes].filter(
      ({ value }) => value.actionId === id,
    );
    expect(sorted(outcomes.map(({ headers }) => headers['traceparent']))).toEqual(sorted(named('PRODUCER')));
  });

  test('starts a trace for an event without one, and links events that share a transaction', async () => {
    const subscription = household('S0000050005', '50000000005', ['1001']);
    const made = [
      action(subscription, { action: 'S:BECOME_SUBSCRIBER' }),
      action(subscription, { action: 'S:DEACTIVATE_SUBSCRIPTION' }),
    ];
    // In one record batch, so they are read together.
    await send(
      world,
      made.flatMap(({ events }) => events),
    );
    const actions = new Set<unknown>(made.map(({ id }) => id));
    const roots = await parts.collector.until((all) => {
      const found = all.filter(({ attributes }) => actions.has(attributes['conax.action.id']));
      return found.length === 2 ? found : undefined;
    }, 'two events');
    expect(roots.map(({ parentSpanId }) => parentSpanId)).toEqual([null, null]);
    expect(new Set(roots.map(({ traceId }) => traceId)).size).toBe(2);
    const traces = new Set(roots.map(({ traceId }) => traceId));
    const [first, second] = parts.collector.spans.filter(
      ({ name, traceId }) => name === 'intake transaction' && traces.has(traceId),
    );
    expect(first).toMatchObject({ attributes: { 'conax.events': 2 }, links: [] });
    expect(second).toMatchObject({ links: [first?.spanId], startMs: first?.startMs, endMs: first?.endMs });
  });

  test('puts a request of the Web API under its call, and the call under its caller', async () => {
    const answer = await world.post(
      `${CREATE}/add_subscriptions`,
      {
        subscription_identifier: { number: 'S0000050001' },
        service_identifier: { code: 'P1001' },
        smartcard_identifier: { serial_number: 'SN-card-2' },
        process_immediately: true,
      },
      { headers: { traceparent: traceparentOf(3) } },
    );
    expect(answer.description).toBe('');
    const spans = await whole(parts, traceIdOf(3), 4);
    expect(drawn(spans, CRM_SPAN)).toEqual([
      'SERVER POST /crmapi/rest/v2/conax_web_services/provisioning_request/add_subscriptions',
      '  CLIENT SOAP ADD_SUBSCRIPTIONS',
      '  INTERNAL settle',
      '  PRODUCER publish request outcome',
    ]);
  });

  test('has no span that belongs to nothing: no poll, no reading call, no health check', async () => {
    await world.operate('/provider');
    await fetch(`${world.service.url}/health/ready`);
    await world.service.stop();
    const { spans } = parts.collector;
    const known = new Set([CRM_SPAN, ...spans.map(({ spanId }) => spanId)]);
    const lone = spans.filter(({ parentSpanId, kind }) =>
      parentSpanId === null ? kind !== 'CONSUMER' && kind !== 'SERVER' : !known.has(parentSpanId),
    );
    expect(lone).toEqual([]);
    expect(spans.filter(({ kind }) => kind === 'SERVER').map(({ name }) => name)).toEqual([
      'POST /crmapi/rest/v2/conax_web_services/provisioning_request/add_subscriptions',
    ]);
  });
});

test('One process takes an event in and another sends it later: one trace, from two processes', async () => {
  const { env, ...parts } = await scene();
  const world = await openSurroundings(env);
  closers.push(() => world.close());
  parts.door.leadTo(world.simulatorUrl);
  await world.db.query(`update provider set paused = true, paused_reason = 'test'`);
  const first = await world.startService();
  const made = action(household('S0000050011', '50000000011', ['1001']), { action: 'S:BECOME_SUBSCRIBER' });
  await send(world, made.events, { traceparent: traceparentOf(11) });
  await eventually(
    async () => ((await world.db.query('select from request')).length === 2 ? true : undefined),
    'requests',
  );
  await first.stop();
  const taken = parts.collector.spans.filter(({ traceId }) => traceId === traceIdOf(11));
  expect(drawn(taken, CRM_SPAN)).toEqual([
    `CONSUMER process ${world.settings.CRM_TOPICS[0]}`,
    '  INTERNAL decode',
    '  INTERNAL intake transaction',
  ]);
  await world.db.query(`update provider set paused = false, paused_reason = null`);
  await world.startService();
  await outcomeOf(world, made);
  const spans = await whole(parts, traceIdOf(11), 10);
  const event = taken.find(({ kind }) => kind === 'CONSUMER');
  const later = spans.filter((span) => !taken.includes(span));
  expect(later.map(({ parentSpanId }) => parentSpanId)).toEqual(later.map(() => event?.spanId));
  expect(later.map(({ name }) => name).toSorted()).toEqual(
    [
      'SOAP ADD_SUBSCRIPTIONS',
      'SOAP CREATE_PAIRING',
      'publish action outcome',
      'publish request outcome',
      'publish request outcome',
      'settle',
      'settle',
    ].toSorted(),
  );
  expect(new Set(later.map(({ instance }) => instance)).size).toBe(1);
  expect(later[0]?.instance).not.toBe(event?.instance);
});

test('A service without a collector carries the trace from event and call to the CAS and the outcomes, unchanged', async () => {
  const door = await startCasDoor();
  const world = await startWebWorld({ CONAX_BASE_URL: door.url });
  closers.push(() => world.close());
  door.leadTo(world.simulatorUrl);
  const made = action(household('S0000050021', '50000000021', ['1001']), { action: 'S:BECOME_SUBSCRIBER' });
  await send(world, made.events, { traceparent: traceparentOf(21) });
  const outcome = await outcomeOf(world, made);
  const requests = await Promise.all(
    outcome.value.requests.map(({ requestNumber }) =>
      world.wire.until(
        ({ requestOutcomes }) => requestOutcomes.find(({ value }) => value.requestNumber === requestNumber),
        'its outcome',
        20_000,
      ),
    ),
  );
  expect([outcome, ...requests].map(({ headers }) => headers['traceparent'])).toEqual(
    Array.from({ length: 3 }, () => traceparentOf(21)),
  );
  expect(door.traceparents).toEqual([traceparentOf(21), traceparentOf(21)]);
  await world.post(
    `${CREATE}/reset_pin_to_default_value`,
    { subscription_identifier: { number: 'S0000050021' }, smartcard_ca_id: '50000000021', process_immediately: true },
    { headers: { traceparent: traceparentOf(22) } },
  );
  await world.post(`${CREATE}/reset_pin_to_default_value`, {
    subscription_identifier: { number: 'S0000050021' },
    smartcard_ca_id: '50000000021',
    process_immediately: true,
  });
  expect(door.traceparents.slice(2)).toEqual([traceparentOf(22), null]);
});
