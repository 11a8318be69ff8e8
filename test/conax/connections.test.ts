import { createServer as createHttpsServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { gzipSync } from 'node:zlib';
import { afterEach, describe, expect, it } from 'vitest';
import type { ConaxClientOptions } from '../../src/conax/client.ts';
import type { ConaxCall, ConaxClient } from '../../src/conax/client.types.ts';
import { makeIdentity } from './certificates.ts';
import { calls, http, type Listener, listen, okAnswer, onRequests, openClient, said } from './support.ts';

const open: { close(): Promise<void> }[] = [];
afterEach(async () => {
  for (const part of open.splice(0).toReversed()) await part.close();
});

async function peer(onConnection: (socket: Socket) => void): Promise<Listener> {
  const listener = await listen(onConnection);
  open.push(listener);
  return listener;
}

interface Watched {
  readonly client: ConaxClient;
  /** How often surplus was reported; `untilSurplus` waits for the next report. */
  readonly surplus: () => number;
  readonly untilSurplus: () => Promise<void>;
}

async function watched(url: string, options: Partial<ConaxClientOptions> = {}): Promise<Watched> {
  let surplus = 0;
  let tell = (): void => undefined;
  const client = await openClient(url, {
    timeoutMs: 2_000,
    maxConnections: 1,
    onSurplus: () => {
      surplus += 1;
      tell();
    },
    ...options,
  });
  open.push(client);
  return {
    client,
    surplus: () => surplus,
    untilSurplus: () =>
      new Promise((resolve) => {
        if (surplus > 0) resolve();
        else tell = resolve;
      }),
  };
}

function collectGarbage(): void {
  setFlagsFromString('--expose-gc');
  (runInNewContext('gc') as () => void)();
}

const cardOf = (request: string): string => /CaClientId>(\d+)</.exec(request)?.[1] ?? '';
const callFor = (smartcard: string): ConaxCall => ({
  command: { type: 'ADD_SUBSCRIPTIONS', smartcard, service: { caId: '101', distributor: null } },
  requestNumber: 1,
});
const refusal = okAnswer('AddSubscriptions', 'authorization', 'CLIENT_NOT_FOUND');

describe('a second answer to one call', () => {
  it.each([0, 1, 10])('that comes %i ms after the first never counts for the next card', async (afterMs) => {
    const cas = await peer((socket) =>
      onRequests(socket, (request) => {
        const answer = http(cardOf(request).endsWith('1') ? okAnswer() : refusal);
        socket.write(answer);
        if (afterMs === 0) socket.write(answer);
        else setTimeout(() => socket.write(answer), afterMs);
      }),
    );
    const { client } = await watched(cas.url);
    for (let card = 0; card < 20; card += 1) {
      const { answer } = await client.call(callFor(`1000000000${card % 2}`));
      expect(said(answer)).toBe(card % 2 === 1 ? 'accepted' : 'refused CLIENT_NOT_FOUND');
    }
  });

  it('that comes in one piece with it is reported, although the connection is not kept', async () => {
    const cas = await peer((socket) => onRequests(socket, () => socket.write(http(okAnswer()) + http(okAnswer()))));
    const { client, surplus, untilSurplus } = await watched(cas.url);
    expect(said((await client.call(calls.ADD_SUBSCRIPTIONS)).answer)).toBe('accepted');
    await untilSurplus();
    expect(surplus()).toBe(1);
  });

  it('on a kept connection is reported, closes it, and no connection is kept from then on', async () => {
    const operations: number[] = [];
    const cas = await peer((socket) => {
      const connection = operations.push(0) - 1;
      onRequests(socket, () => {
        operations[connection] = (operations[connection] ?? 0) + 1;
        socket.write(http(okAnswer()));
        if (operations.length === 1 && operations[0] === 3) socket.write(http(okAnswer()));
      });
    });
    const { client, surplus, untilSurplus } = await watched(cas.url, { keepAlive: true });
    for (let i = 0; i < 3; i += 1) await client.call(calls.ADD_SUBSCRIPTIONS);
    await untilSurplus();
    for (let i = 0; i < 3; i += 1) await client.call(calls.ADD_SUBSCRIPTIONS);
    expect(operations).toEqual([3, 1, 1, 1]);
    expect(surplus()).toBe(1);
  });

  it.each([
    ['no HTTP', '220 hello\r\n'],
    ['half an answer', 'HTTP/1.1 200 OK\r\ncontent-'],
  ])('%s on an idle kept connection is reported too', async (_what, text) => {
    const sockets: Socket[] = [];
    const cas = await peer((socket) => {
      sockets.push(socket);
      onRequests(socket, () => socket.write(http(okAnswer())));
    });
    const { client, untilSurplus } = await watched(cas.url, { keepAlive: true });
    await client.call(calls.ADD_SUBSCRIPTIONS);
    sockets[0]?.write(text);
    await untilSurplus();
    expect(said((await client.call(calls.ADD_SUBSCRIPTIONS)).answer)).toBe('accepted');
    expect(cas.connections()).toBe(2);
  });
});

describe('what is no surplus is not reported as such', () => {
  it.each([false, true])('the usual ends of a connection, kept: %s', async (keepAlive) => {
    let calls_ = 0;
    const cas = await peer((socket) =>
      onRequests(socket, () => {
        calls_ += 1;
        if (calls_ % 4 === 0) socket.destroy();
        else if (calls_ % 4 === 1) socket.end(http(okAnswer()));
        else if (calls_ % 4 === 2) socket.write('HTTP/1.1 100 Continue\r\n\r\n');
        else socket.write(http(okAnswer(), 'HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-type: text/xml'));
      }),
    );
    const { client, surplus } = await watched(cas.url, { keepAlive });
    for (let i = 0; i < 12; i += 1) await client.call(calls.ADD_SUBSCRIPTIONS);
    await client.close();
    expect(calls_).toBe(12);
    expect(surplus()).toBe(0);
  });
});

describe('one connection per call', () => {
  it('is asked for with Connection: close, and the CAS closes first', async () => {
    const ends: string[] = [];
    const cas = await peer((socket) => {
      socket.on('end', () => ends.push('client'));
      onRequests(socket, (request) => {
        expect(request.toLowerCase()).toContain('connection: close');
        socket.write(http(okAnswer()), () => {
          setImmediate(() => {
            ends.push('CAS');
            socket.end();
          });
        });
      });
    });
    const { client } = await watched(cas.url);
    for (let i = 0; i < 5; i += 1) await client.call(calls.ADD_SUBSCRIPTIONS);
    await client.close();
    expect(ends.filter((_, index) => index % 2 === 0)).toEqual(Array(5).fill('CAS'));
  });

  it('is closed by us if the CAS does not, and the next call has another', async () => {
    const cas = await peer((socket) => onRequests(socket, () => socket.write(http(okAnswer()))));
    const { client } = await watched(cas.url);
    for (let i = 0; i < 5; i += 1) {
      expect(said((await client.call(calls.ADD_SUBSCRIPTIONS)).answer)).toBe('accepted');
    }
    expect(cas.connections()).toBe(5);
  });

  it.each(['TLSv1.2', 'TLSv1.3'] as const)('resumes the session of %s instead of a full handshake', async (version) => {
    const authority = makeIdentity('Test authority');
    const [server, service] = [makeIdentity('CAS', authority), makeIdentity('Provisioning', authority)];
    const resumed: boolean[] = [];
    const tls = { key: server.key, cert: server.cert, ca: authority.cert, requestCert: true, maxVersion: version };
    const cas = createHttpsServer(tls, (request, response) => {
      resumed.push(
        'isSessionReused' in request.socket &&
          (request.socket as never as { isSessionReused(): boolean }).isSessionReused(),
      );
      request.resume().on('end', () => response.setHeader('content-type', 'text/xml').end(okAnswer()));
    });
    await new Promise<void>((resolve) => {
      cas.listen(0, '127.0.0.1', resolve);
    });
    open.push({ close: () => new Promise((resolve) => void cas.close(() => resolve())) });
    const url = `https://127.0.0.1:${(cas.address() as AddressInfo).port}`;
    const keys = { tls: { ca: authority.cert, cert: service.cert, key: service.key } };
    const { client } = await watched(url, keys);
    for (let i = 0; i < 4; i += 1) expect(said((await client.call(calls.ADD_SUBSCRIPTIONS)).answer)).toBe('accepted');
    expect(resumed).toEqual([false, true, true, true]);
  });
});

describe('an answer that costs more than its bytes', () => {
  const chunked = 'HTTP/1.1 200 OK\r\ncontent-type: text/xml\r\ntransfer-encoding: chunked\r\n\r\n';
  const inPieces = (body: string): string => Array.from(body, (one) => `1\r\n${one}\r\n`).join('');

  it('in chunks of one byte is read', async () => {
    const cas = await peer((socket) =>
      onRequests(socket, () => socket.write(`${chunked}${inPieces(okAnswer())}0\r\n\r\n`)),
    );
    const { client } = await watched(cas.url);
    expect(said((await client.call(calls.ADD_SUBSCRIPTIONS)).answer)).toBe('accepted');
  });

  it('in too many chunks is given up, with the reason', async () => {
    const cas = await peer((socket) => onRequests(socket, () => socket.write(chunked + inPieces('x'.repeat(60_000)))));
    const { client } = await watched(cas.url, { timeoutMs: 30_000 });
    expect((await client.call(calls.ADD_SUBSCRIPTIONS)).answer).toMatchObject({
      kind: 'unknown',
      code: 'CAS_ANSWER_TOO_LARGE',
      description: 'the answer comes in more than 50000 pieces',
    });
  });

  it('in chunks keeps no more memory than its bytes', async () => {
    let arrived = (): void => undefined;
    const sent = new Promise<void>((resolve) => (arrived = resolve));
    // Each chunk comes in a read of its own with a long extension: a view of a chunk would hold all of it.
    const piece = `1;x=${'y'.repeat(60_000)}\r\n<\r\n`;
    const cas = await peer((socket) =>
      onRequests(socket, () => {
        let left = 600;
        const next = (): void => {
          left -= 1;
          if (left === 0) arrived();
          else socket.write(piece, next);
        };
        socket.write(chunked, next);
      }),
    );
    const { client } = await watched(cas.url, { timeoutMs: 20_000 });
    const before = process.memoryUsage().arrayBuffers;
    const call = client.call(calls.ADD_SUBSCRIPTIONS);
    await sent;
    // 36 MB came; views would hold all of them. V8 frees in the background what it collected.
    await expect
      .poll(() => {
        collectGarbage();
        return process.memoryUsage().arrayBuffers - before;
      })
      .toBeLessThan(12 << 20);
    await cas.close();
    expect((await call).answer.kind).toBe('unknown');
  }, 30_000);

  it.each([
    ['a head of 20,000 headers', `HTTP/1.1 200 OK\r\n${'a: b\r\n'.repeat(20_000)}\r\n`],
    ['a header line of 1 MiB', `HTTP/1.1 200 OK\r\na: ${'b'.repeat(1 << 20)}\r\n\r\n`],
    ['a status line of 1 MiB', `HTTP/1.1 200 ${'b'.repeat(1 << 20)}\r\n\r\n`],
    ['20,000 trailers', `${chunked}1\r\n<\r\n0\r\n${'a: b\r\n'.repeat(20_000)}\r\n`],
  ])('%s is given up', async (_name, text) => {
    const cas = await peer((socket) => onRequests(socket, () => socket.write(text)));
    const { client } = await watched(cas.url, { timeoutMs: 1_500 });
    expect((await client.call(calls.ADD_SUBSCRIPTIONS)).answer.kind).toBe('unknown');
  });

  it('that is compressed is not unpacked, and no compression is asked for', async () => {
    const body = gzipSync(okAnswer().replace('done', 'x'.repeat(1 << 20)));
    const head = `HTTP/1.1 200 OK\r\ncontent-type: text/xml\r\ncontent-encoding: gzip\r\ncontent-length: ${body.length}\r\n\r\n`;
    let asked = '';
    const cas = await peer((socket) =>
      onRequests(socket, (request) => {
        asked = request;
        socket.write(Buffer.concat([Buffer.from(head), body]));
      }),
    );
    const { client } = await watched(cas.url);
    expect((await client.call(calls.ADD_SUBSCRIPTIONS)).answer).toMatchObject({
      code: 'CAS_ANSWER_UNREADABLE',
      description: expect.stringContaining('is compressed (Content-Encoding: gzip)'),
    });
    expect(asked.toLowerCase()).toContain('accept-encoding: identity');
  });
});
