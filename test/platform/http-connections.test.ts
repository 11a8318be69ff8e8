import { type IncomingMessage, request } from 'node:http';
import { connect, type Socket } from 'node:net';
import { json } from 'node:stream/consumers';
import { Registry } from '@prometheus-io/client';
import { afterEach, expect, test } from 'vitest';
import { type HttpServer, startHttpServer } from '../../src/platform/http.ts';
import { type ConnectionLimits, refusedCounter } from '../../src/platform/http-connections.ts';
import { createLogger } from '../../src/platform/logging.ts';
import { answerBadAddress, answerErrors, refusalOf } from '../../src/http/error-answers.ts';
import { sendRaw, written } from '../support/raw-http.ts';

const ARRIVES_MS = 400;
/** Twice the time between two looks of Node, and what a busy machine takes. */
const SLACK_MS = 2_000;
const LIMITS: ConnectionLimits = {
  callArrivesMs: ARRIVES_MS,
  answerStallsMs: ARRIVES_MS,
  connectionsMax: 10,
  bodiesBytesMax: 1 << 20,
};
/** More than the buffers of a connection take. */
const LARGE = Buffer.alloc(32 << 20, 'x');

let server: HttpServer | undefined;
let onHeld: () => void = () => {};
afterEach(() => server?.close());

async function start(
  limits: Partial<ConnectionLimits> = {},
  management?: { readonly host: string; readonly port: number },
): Promise<HttpServer> {
  const registry = new Registry();
  server = await startHttpServer({
    host: '127.0.0.1',
    port: 0,
    management,
    registry,
    count: refusedCounter(registry),
    parts: async () => [],
    logger: createLogger('silent'),
    edge: { refusalOf, answerBadAddress },
    limits: { ...LIMITS, ...limits },
    async register(app, managing) {
      for (const one of new Set([app, managing])) {
        answerErrors(one, createLogger('silent'), () => []);
        one.post('/length', { bodyLimit: 4 << 20 }, async ({ body }) => ({ length: JSON.stringify(body).length }));
      }
      app.post('/echo', async (call) => call.body);
      // Is never answered.
      app.post('/held', () => {
        onHeld();
        return new Promise(() => {});
      });
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
  const running = await start();
  const { text, body, ms } = await sendRaw(running.url, bytes, more);
  expect(text).toContain('HTTP/1.1 408 Request Timeout\r\n');
  expect(body).toMatchObject({ status: { code: 'REQUEST_TIMEOUT' }, data: null });
  expect(ms).toBeGreaterThanOrEqual(ARRIVES_MS - 50);
  expect(ms).toBeLessThan(ARRIVES_MS + SLACK_MS);
  expect(await refusedFor(running, 'late')).toBe('1');
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
  const running = await start();
  const { app, url } = running;
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
  expect(await refusedFor(running, 'answer_not_taken')).toBe('1');
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
  const running = await start({ connectionsMax: 3, callArrivesMs: 60_000 });
  const { app, url } = running;
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
  expect(await refusedFor(running, 'connections')).toBe('1');
});

const KIB = 1_024;

interface Upload {
  readonly answer: Promise<unknown>;
  /** Sends the last byte of the body. */
  finish(): void;
}

/** Sends a call with a body of so many bytes, all but the last one. */
function upload(url: string, bytes: number): Upload {
  const headers = { 'content-type': 'application/json', 'content-length': bytes };
  const call = request(`${url}/length`, { method: 'POST', headers });
  const answer = new Promise<IncomingMessage>((resolve, reject) => {
    call.once('response', resolve).on('error', reject);
  }).then(async (response) => ({
    status: response.statusCode,
    retryAfter: response.headers['retry-after'],
    connection: response.headers.connection,
    body: await json(response),
  }));
  // The end of a test cuts off those that it does not finish.
  answer.catch(() => {});
  call.write(`"${'x'.repeat(bytes - 2)}`);
  return { answer, finish: () => void call.end('"') };
}

const taken = (bytes: number): unknown => ({
  status: 200,
  retryAfter: undefined,
  connection: 'keep-alive',
  body: { length: bytes },
});
/** The connection is not closed over the rest of the body: the client would lose the answer. */
const REFUSED = {
  status: 503,
  retryAfter: '1',
  connection: undefined,
  body: { status: expect.objectContaining({ code: 'TOO_MANY_BODIES' }), data: null },
};

/** Waits until so many uploads were answered, and returns the others. */
async function othersThan(count: number, uploads: readonly Upload[]): Promise<readonly Upload[]> {
  const others = new Set(uploads);
  while (others.size > uploads.length - count) {
    const answered = [...others].map(async (one) => {
      await one.answer;
      return one;
    });
    others.delete(await Promise.race(answered));
  }
  return [...others];
}

const refusedFor = async ({ managementUrl }: HttpServer, reason: string): Promise<string | undefined> => {
  const text = await (await fetch(`${managementUrl}/metrics`)).text();
  return new RegExp(`^conax_http_refused_total\\{reason="${reason}"\\} (\\d+)$`, 'm').exec(text)?.[1];
};

test('many slow bodies stay below their limit: the largest are refused, smaller ones are taken, and large ones later', async () => {
  const running = await start({ callArrivesMs: 60_000, connectionsMax: 100 });
  const uploads = Array.from({ length: 20 }, () => upload(running.url, 300 * KIB));
  // 1 MiB has room for three.
  await othersThan(17, uploads);
  const smaller = upload(running.url, 200 * KIB);
  smaller.finish();
  expect(await smaller.answer).toEqual(taken(200 * KIB));
  const kept = await othersThan(18, uploads);
  expect(await refusedFor(running, 'bodies')).toBe('18');
  for (const one of uploads) one.finish();
  const answers = await Promise.all(uploads.map((one) => one.answer));
  expect(answers).toEqual(uploads.map((one) => (kept.includes(one) ? taken(300 * KIB) : REFUSED)));
  const later = [1, 2].map(() => upload(running.url, 500 * KIB));
  for (const one of later) one.finish();
  expect(await Promise.all(later.map((one) => one.answer))).toEqual([taken(500 * KIB), taken(500 * KIB)]);
});

test('the calls and the management server have one limit for bodies', async () => {
  const running = await start({ callArrivesMs: 60_000 }, { host: '127.0.0.1', port: 0 });
  const uploads = [running.url, running.managementUrl].map((url) => upload(url, 600 * KIB));
  const kept = await othersThan(1, uploads);
  for (const one of uploads) one.finish();
  const answers = await Promise.all(uploads.map((one) => one.answer));
  expect(answers).toEqual(uploads.map((one) => (kept.includes(one) ? taken(600 * KIB) : REFUSED)));
});

test('a body that is alone is taken, however large', async () => {
  const { url } = await start({ callArrivesMs: 60_000 });
  const alone = upload(url, 4 << 20);
  alone.finish();
  expect(await alone.answer).toEqual(taken(4 << 20));
});

test('the bodies of all calls of a connection no longer count after its client is gone', async () => {
  const { app, url } = await start({ callArrivesMs: 60_000 });
  const body = JSON.stringify('x'.repeat(200 * KIB));
  const headers = ['Host: a', 'Content-Type: application/json', `Content-Length: ${body.length}`];
  const gone = new Promise((resolve) => {
    app.server.once('connection', (accepted: Socket) => accepted.once('close', resolve));
  });
  const socket = connect(Number(new URL(url).port), '127.0.0.1');
  await new Promise<void>((resolve) => {
    let calls = 0;
    onHeld = () => {
      calls += 1;
      if (calls === 4) resolve();
    };
    socket.write(written('POST /held HTTP/1.1', headers, body).repeat(4));
  });
  const one = upload(url, 500 * KIB);
  expect(await one.answer).toEqual(REFUSED);
  socket.destroy();
  await gone;
  const later = [1, 2].map(() => upload(url, 500 * KIB));
  for (const each of later) each.finish();
  expect(await Promise.all(later.map((each) => each.answer))).toEqual([taken(500 * KIB), taken(500 * KIB)]);
});

test('a body that nobody reads does not stop the next call of its connection', async () => {
  const { url } = await start({ callArrivesMs: 60_000 });
  const body = 'x'.repeat(500 * KIB);
  const first = written('GET /work HTTP/1.1', ['Host: a', `Content-Length: ${body.length}`], body);
  const { text } = await sendRaw(url, first + written('GET /health/live HTTP/1.1'));
  expect(text.match(/\{.*?\}/g)).toEqual(['{"worked":true}', '{"status":"live"}']);
});
