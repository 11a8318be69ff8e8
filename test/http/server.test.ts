import { connect } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { eventually, metricsOf, spoil } from '../support/scene.ts';
import { BASE, CREATE, LIST, refusal, SHOW, startWebWorld, tellHousehold, type WebWorld } from '../web-api/support.ts';

let world: WebWorld;
const ADD = `${CREATE}/add_subscriptions`;

beforeAll(async () => {
  world = await startWebWorld();
});
afterAll(() => world.close());

test('an unknown address, and another method, are answered in the envelope', async () => {
  for (const address of ['/crmapi/rest/v2/nothing?token=SECRET', '/elsewhere']) {
    expect(refusal(await world.raw(address), 'not one of this server')).toEqual([
      404,
      'ROUTE_NOT_FOUND',
      'not one of this server',
    ]);
  }
  const answer = await world.raw(`${BASE}${ADD}`);
  expect(refusal(answer, 'takes POST, not GET')).toEqual([405, 'METHOD_NOT_ALLOWED', 'takes POST, not GET']);
  expect(answer.headers.get('allow')).toBe('POST');
  expect(refusal(await world.raw(`${BASE}${SHOW}`, { method: 'DELETE' }), 'takes GET')).toEqual([
    405,
    'METHOD_NOT_ALLOWED',
    'takes GET',
  ]);
});

test.for([
  ['no HTTP', 'HELLO\r\n\r\n', 400, 'HTTP_MALFORMED'],
  ['headers of 100 KB', `GET / HTTP/1.1\r\nHost: a\r\nX: ${'x'.repeat(100_000)}\r\n\r\n`, 431, 'HEADERS_TOO_LARGE'],
] as const)('%s is answered in the envelope', async ([, bytes, status, code]) => {
  const { hostname, port } = new URL(world.service.url);
  const text = await new Promise<string>((resolve, reject) => {
    let read = '';
    const socket = connect(Number(port), hostname, () => socket.write(bytes));
    socket.setEncoding('utf8').on('data', (data: string) => (read += data));
    socket.once('error', reject).once('close', () => resolve(read));
  });
  expect(text).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
  expect(JSON.parse(text.slice(text.indexOf('\r\n\r\n')))).toMatchObject({ status: { code }, data: null });
});

test('the metrics count each call by its name and the code of its envelope, and unknown addresses as one', async () => {
  await world.get(LIST, { life_cycle_state: 'PENDING' });
  await world.get(LIST, {});
  await world.raw(`${BASE}/made-up-${Math.random()}`);
  const metrics = [...(await metricsOf(world.service))].filter(([name]) =>
    name.startsWith('conax_web_api_calls_total'),
  );
  const counted = new Map(metrics);
  expect(counted.get('conax_web_api_calls_total{route="listProvisioningRequests",code="OK"}')).toBe(1);
  expect(counted.get('conax_web_api_calls_total{route="listProvisioningRequests",code="PARAMETER_MISSING"}')).toBe(1);
  expect(counted.get('conax_web_api_calls_total{route="other",code="ROUTE_NOT_FOUND"}')).toBeGreaterThan(0);
  expect(metrics.join()).not.toContain('made-up');
});

test('a service that stops turns new calls away and answers those under way', async () => {
  const card = '36000000001';
  await tellHousehold(world, 'S1', card, ['1001']);
  await spoil(world, { match: { smartcard: card }, times: null, fault: 'http:503' });
  const waiting = world.post(ADD, {
    subscription_identifier: { number: 'S1' },
    service_identifier: { code: 'P1001' },
    smartcard_identifier: { serial_number: 'SN-card' },
    process_immediately: true,
  });
  const made = "select number from request where process_name = 'MANUAL'";
  await eventually(async () => (await world.db.query(made))[0], 'the request');
  const stopped = world.service.stop();
  const turnedAway = await world.get(LIST, { life_cycle_state: 'PENDING' });
  expect(turnedAway).toMatchObject({ status: 503, code: 'SHUTTING_DOWN' });
  expect(turnedAway.headers.get('retry-after')).toBe('1');
  await world.simulator('DELETE', 'faults');
  expect((await waiting).data).toMatchObject({ life_cycle_state: 'COMPLETED' });
  await stopped;
});
