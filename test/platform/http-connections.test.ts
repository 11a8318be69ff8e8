import { connect, type Socket } from 'node:net';
import { Registry } from '@prometheus-io/client';
import { afterEach, expect, test } from 'vitest';
import { type HttpServer, startHttpServer } from '../../src/platform/http.ts';
import type { ConnectionLimits } from '../../src/platform/http-connections.ts';
import { createLogger } from '../../src/platform/logging.ts';
import { answerBadAddress, refusalOf } from '../../src/web-api/error-answers.ts';
import { sendRaw, written } from '../support/raw-http.ts';

const ARRIVES_MS = 400;
/** Twice the time between two looks of Node, and what a busy machine takes. */
const SLACK_MS = 2_000;
const LIMITS: ConnectionLimits = { callArrivesMs: ARRIVES_MS, answerStallsMs: ARRIVES_MS, connectionsMax: 10 };
/** More than the buffers of a connection take. */
const LARGE = Buffer.alloc(32 << 20, 'x');

let server: HttpServer | undefined;
afterEach(() => server?.close());

async function start(limits: Partial<ConnectionLimits> = {}): Promise<HttpServer> {
  server = await startHttpServer({
    host: '127.0.0.1',
    port: 0,
    registry: new Registry(),
    parts: async () => [],
    logger: createLogger('silent'),
    edge: { refusalOf, answerBadAddress },
    limits: { ...LIMITS, ...limits },
    async register(app) {
      app.post('/echo', async (request) => request.body);
      app.get('/large', async () => LARGE);
      // Works in silence for longer than a client may be slow.
      app.get('/work', async () => {
        await new Promise((resolve) => setTimeout(resolve, ARRIVES_MS * 2));
        return { worked: true };
      });
    },
  });
  return server;
}

const HEADERS = 'GET /health/live HTTP/1.1\r\nHost: a\r\nX: ';
const BODY = 'POST /echo HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 100000\r\n';
const SLOWLY = { everyMs: 50, piece: ' ' };

test.for([
  ['sends nothing', '', null],
  ['sends its headers slowly', HEADERS, SLOWLY],
  ['sends its body slowly', `${BODY}\r\n{`, SLOWLY],
  ['sends its second call slowly', `${written('GET /health/live HTTP/1.1', ['Host: a'])}${HEADERS}`, SLOWLY],
] as const)('a client that %s is answered with REQUEST_TIMEOUT and cut off in time', async ([, bytes, more]) => {
  const { url } = await start();
  const { text, body, ms } = await sendRaw(url, bytes, more);
  expect(text).toContain('HTTP/1.1 408 Request Timeout\r\n');
  expect(body).toMatchObject({ status: { code: 'REQUEST_TIMEOUT' }, data: null });
  expect(ms).toBeGreaterThanOrEqual(ARRIVES_MS - 50);
  expect(ms).toBeLessThan(ARRIVES_MS + SLACK_MS);
});

test('a refused client that never closes its side is cut off all the same', async () => {
  const { url } = await start();
  const startedAt = performance.now();
  const socket = connect({ port: Number(new URL(url).port), host: '127.0.0.1', allowHalfOpen: true });
  socket.on('error', () => {});
  socket.write('BROKEN\r\n\r\n');
  const pieces = setInterval(() => socket.write('x'), 100);
  await new Promise((resolve) => socket.resume().once('close', resolve));
  clearInterval(pieces);
  expect(performance.now() - startedAt).toBeLessThan(3_000);
});

test('a client that reads nothing of its answer is cut off in time', async () => {
  const { app, url } = await start();
  const closed = new Promise<number>((resolve) => {
    app.server.once('connection', (socket: Socket) => {
      const startedAt = performance.now();
      socket.once('close', () => resolve(performance.now() - startedAt));
    });
  });
  const socket = connect(Number(new URL(url).port), '127.0.0.1').pause();
  socket.on('error', () => {});
  socket.write(written('GET /large HTTP/1.1', ['Host: a']));
  const ms = await closed;
  socket.destroy();
  expect(ms).toBeGreaterThanOrEqual(ARRIVES_MS - 50);
  expect(ms).toBeLessThan(ARRIVES_MS * 3 + SLACK_MS);
});

test.for([
  ['after a call that was answered', ['/health/live', '/work']],
  ['before a call that is answered at once', ['/work', '/health/live']],
] as const)('a call that works for long is not cut off %s on the same connection', async ([, paths]) => {
  const { url } = await start();
  const calls = paths.map((path, index) => {
    const isLast = index === paths.length - 1;
    return written(`GET ${path} HTTP/1.1`, ['Host: a', ...(isLast ? ['Connection: close'] : [])]);
  });
  const { text } = await sendRaw(url, calls.join(''));
  const bodies = { '/health/live': '{"status":"live"}', '/work': '{"worked":true}' };
  expect(text.match(/\{.*?\}/g)).toEqual(paths.map((path) => bodies[path]));
});

test('a client that reads nothing of its first answer is cut off in time, also if a long call follows', async () => {
  const { app, url } = await start();
  const closed = new Promise((resolve) => {
    app.server.once('connection', (socket: Socket) => socket.once('close', resolve));
  });
  const socket = connect(Number(new URL(url).port), '127.0.0.1').pause();
  socket.on('error', () => {});
  const startedAt = performance.now();
  socket.write(['/large', '/work'].map((path) => written(`GET ${path} HTTP/1.1`, ['Host: a'])).join(''));
  await closed;
  socket.destroy();
  expect(performance.now() - startedAt).toBeLessThan(ARRIVES_MS * 3 + SLACK_MS);
});

test('connections are bounded, and idle ones make room for new ones', async () => {
  const { app, url } = await start({ connectionsMax: 3, callArrivesMs: 60_000 });
  const port = Number(new URL(url).port);
  const idle: Socket[] = [];
  for (let count = 0; count < 3; count += 1) {
    const socket = connect(port, '127.0.0.1');
    idle.push(socket);
    socket.write(written('GET /health/live HTTP/1.1', ['Host: a']));
    await new Promise((resolve) => socket.once('data', resolve));
  }
  const dropped = new Promise((resolve) => app.server.once('drop', resolve));
  const closed = Promise.all(idle.map((socket) => new Promise((resolve) => socket.once('close', resolve))));
  const fourth = connect(port, '127.0.0.1');
  fourth.on('error', () => {});
  await dropped;
  await closed;
  fourth.destroy();
  expect((await fetch(`${url}/health/live`)).status).toBe(200);
});
