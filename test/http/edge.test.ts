import { afterAll, beforeAll, expect, test } from 'vitest';
import { sendRaw, written } from '../support/raw-http.ts';
import { BASE, OPERATIONS, startWebWorld, type WebWorld } from '../web-api/support.ts';

let world: WebWorld;
const LOGIN = `POST ${BASE}/authentication/token HTTP/1.1`;
const SECRET = 'T0PS3CRET';
const JSON_TYPE = 'Content-Type: application/json';

beforeAll(async () => {
  world = await startWebWorld();
});
afterAll(() => world.close());

const CLOSED = ['Host: a', 'Connection: close'];
const post = (headers: readonly string[], body: string): string =>
  written(LOGIN, [...CLOSED, ...headers, `Content-Length: ${Buffer.byteLength(body)}`], body);

test.for<[string, string | Uint8Array, number, string]>([
  [
    'bytes of a path that are not UTF-8',
    written(`GET ${OPERATIONS}/runs/%E0%80%80?token=${SECRET} HTTP/1.1`),
    400,
    'TEXT_NOT_UTF8',
  ],
  ['the same of another route', written(`GET /docs/%FF?token=${SECRET} HTTP/1.1`), 400, 'TEXT_NOT_UTF8'],
  ['the same of no route', written(`GET /${SECRET}/%C0%AF HTTP/1.1`), 400, 'TEXT_NOT_UTF8'],
  ['a percent sign without its digits', written(`GET /health/%zz?token=${SECRET} HTTP/1.1`), 400, 'TEXT_NOT_UTF8'],
  [
    'bytes of a query that are not UTF-8',
    written(`GET ${OPERATIONS}/runs?token=${SECRET}&x=%EB HTTP/1.1`),
    400,
    'TEXT_NOT_UTF8',
  ],
  [
    'a query that ends in half a character',
    written(`GET /metrics?x=%CE&token=${SECRET} HTTP/1.1`),
    400,
    'TEXT_NOT_UTF8',
  ],
  [
    'bytes of a path that are not encoded',
    Buffer.from(written('GET /\u00CE\u00BB HTTP/1.1'), 'latin1'),
    400,
    'HTTP_MALFORMED',
  ],
  [
    'a name that is too long',
    written(`GET ${OPERATIONS}/runs/${'7'.repeat(300)}?token=${SECRET} HTTP/1.1`),
    414,
    'ADDRESS_TOO_LONG',
  ],
  ['an address that is not there', written(`GET /${SECRET}?token=${SECRET} HTTP/1.1`), 404, 'ROUTE_NOT_FOUND'],
  ['a fragment', written(`GET /nothing#${SECRET} HTTP/1.1`), 404, 'ROUTE_NOT_FOUND'],
  ['a page that is not among the documents', written(`GET /docs/static/${SECRET}.js HTTP/1.1`), 404, 'ROUTE_NOT_FOUND'],
  ['an absolute address', written(`GET http://u:${SECRET}@b/nothing?token=${SECRET} HTTP/1.1`), 404, 'ROUTE_NOT_FOUND'],
  ['the address *', written('OPTIONS * HTTP/1.1'), 404, 'ROUTE_NOT_FOUND'],
  [
    'another method of a call',
    written(`OPTIONS ${OPERATIONS}/runs?token=${SECRET} HTTP/1.1`),
    405,
    'METHOD_NOT_ALLOWED',
  ],
  ['another method of the health', written(`DELETE /health/live?token=${SECRET} HTTP/1.1`), 405, 'METHOD_NOT_ALLOWED'],
  [
    'another method of the metrics',
    written('POST /metrics HTTP/1.1', [...CLOSED, 'Content-Type: text/plain', 'Content-Length: 2'], 'ab'),
    405,
    'METHOD_NOT_ALLOWED',
  ],
  ['a tunnel', written(`CONNECT ${SECRET}:80 HTTP/1.1`), 400, 'HTTP_MALFORMED'],
  [
    'an upgrade of the protocol',
    written(`GET /nothing?token=${SECRET} HTTP/1.1`, ['Host: a', 'Connection: Upgrade, close', 'Upgrade: websocket']),
    404,
    'ROUTE_NOT_FOUND',
  ],
  ['an expectation', post([JSON_TYPE, `Expect: ${SECRET}`], '{}'), 417, 'EXPECTATION_FAILED'],
  ['a body that waits for its permission', post([JSON_TYPE, 'Expect: 100-continue'], '{}'), 400, 'PARAMETER_MISSING'],
  ['no host', written('GET /health/live HTTP/1.1', ['Connection: close']), 400, 'HTTP_MALFORMED'],
  ['HTTP 1.0', written(`GET /${SECRET} HTTP/1.0`, []), 404, 'ROUTE_NOT_FOUND'],
  ['HTTP 2 that nobody agreed on', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 400, 'HTTP_MALFORMED'],
  ['TLS', Buffer.from('16030100c8010000c40303', 'hex'), 400, 'HTTP_MALFORMED'],
  ['two lengths', written(LOGIN, ['Host: a', 'Content-Length: 5', 'Content-Length: 6'], SECRET), 400, 'HTTP_MALFORMED'],
  [
    'a length and chunks',
    written(LOGIN, ['Host: a', 'Content-Length: 5', 'Transfer-Encoding: chunked'], '0\r\n\r\n'),
    400,
    'HTTP_MALFORMED',
  ],
  [
    'a broken chunk',
    written(LOGIN, ['Host: a', JSON_TYPE, 'Transfer-Encoding: chunked'], `${SECRET}\r\n`),
    400,
    'HTTP_MALFORMED',
  ],
  [
    'a null byte in a header',
    written('GET /health/live HTTP/1.1', ['Host: a', `X: ${SECRET}\0`]),
    400,
    'HTTP_MALFORMED',
  ],
  [
    'headers that are too large',
    written(`GET /?token=${SECRET} HTTP/1.1`, ['Host: a', `X: ${'x'.repeat(100_000)}`]),
    431,
    'HEADERS_TOO_LARGE',
  ],
  [
    'an address that is too large',
    written(`GET /?token=${SECRET}${'x'.repeat(100_000)} HTTP/1.1`),
    431,
    'HEADERS_TOO_LARGE',
  ],
  ['a body that is too large', post([JSON_TYPE], SECRET.repeat(200_000)), 413, 'BODY_TOO_LARGE'],
  [
    'a form',
    post(['Content-Type: application/x-www-form-urlencoded'], `token=${SECRET}`),
    415,
    'CONTENT_TYPE_NOT_SUPPORTED',
  ],
  ['a content type that is none', post([`Content-Type: ;;${SECRET}`], '{}'), 415, 'CONTENT_TYPE_NOT_SUPPORTED'],
  ['a compressed body', post([JSON_TYPE, `Content-Encoding: ${SECRET}`], '{}'), 415, 'CONTENT_ENCODING_NOT_SUPPORTED'],
  [
    'compressed chunks',
    written(LOGIN, [...CLOSED, JSON_TYPE, 'Transfer-Encoding: gzip, chunked'], '2\r\n{}\r\n0\r\n\r\n'),
    415,
    'CONTENT_ENCODING_NOT_SUPPORTED',
  ],
])('%s: the answer is an envelope and repeats nothing of the call', async ([, bytes, status, code]) => {
  const answer = await sendRaw(world.service.url, bytes);
  const text = answer.text.replace('HTTP/1.1 100 Continue\r\n\r\n', '');
  expect(text).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
  expect(answer.body).toMatchObject({ status: { code, message: expect.any(String) }, data: null });
  expect(text).not.toContain(SECRET);
});

test('HEAD is answered like GET, without a body', async () => {
  const { text } = await sendRaw(world.service.url, written(`HEAD /nothing?token=${SECRET} HTTP/1.1`));
  expect(text).toMatch(/^HTTP\/1.1 404 [^]*\r\n\r\n$/);
});

test('what is broken behind a call does not take the place of its answer', async () => {
  const { text } = await sendRaw(
    world.service.url,
    `${written('GET /health/ready HTTP/1.1', ['Host: a'])}BROKEN\r\n\r\n`,
  );
  expect(text.match(/HTTP\/1.1 \d+/g)).toEqual(['HTTP/1.1 200', 'HTTP/1.1 400']);
});

test('a compressed body is told which encoding to use', async () => {
  const { text, body } = await sendRaw(world.service.url, post([JSON_TYPE, 'Content-Encoding: gzip'], 'x'));
  expect(text).toMatch(/accept-encoding: identity/i);
  expect(body).toMatchObject({ status: { description: expect.stringContaining('Content-Encoding') } });
});
