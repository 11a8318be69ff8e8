import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { defaultCasFile, loadCasDefinition } from '../../src/conax-checks/cas-definition.ts';
import { createConaxClient } from '../../src/conax/client.ts';
import type { ConaxAnswer, ConaxClient } from '../../src/conax/client.types.ts';
import {
  calls,
  http,
  type Listener,
  listen,
  okAnswer,
  onRequests,
  openClient,
  ownCommands,
  said,
  startCas,
} from './support.ts';

const open: { close(): Promise<void> }[] = [];
afterEach(async () => {
  for (const part of open.splice(0).toReversed()) await part.close();
});

async function peer(onConnection: Parameters<typeof listen>[0]): Promise<Listener> {
  const listener = await listen(onConnection);
  open.push(listener);
  return listener;
}

async function clientOf(url: string, timeoutMs = 5_000, maxConnections = 8, keepAlive = false): Promise<ConaxClient> {
  const client = await openClient(url, { timeoutMs, maxConnections, keepAlive });
  open.push(client);
  return client;
}

describe('an empty answer is a success only if it is whole', () => {
  it.each([
    ['content-length: 0\r\n\r\n', 'accepted'],
    ['content-type: text/xml\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n', 'accepted'],
    ['content-type: text/xml\r\n\r\n', 'unknown CAS_ANSWER_UNREADABLE'],
    ['content-type: text/html\r\ncontent-length: 0\r\n\r\n', 'unknown CAS_ANSWER_UNREADABLE'],
    ['content-encoding: gzip\r\ncontent-length: 0\r\n\r\n', 'unknown CAS_ANSWER_UNREADABLE'],
    ['transfer-encoding: chunked\r\n\r\n', 'unknown CAS_CONNECTION_LOST'],
  ])('%j is %s', async (rest, expected) => {
    const silent = await peer((socket) => onRequests(socket, () => socket.end(`HTTP/1.1 200 OK\r\n${rest}`)));
    const { ADD_SUBSCRIPTIONS: add } = await ownCommands();
    const answer = { ...add.answer, emptySuccess: true, element: null, paths: {} };
    const definition = {
      ...(await loadCasDefinition(defaultCasFile)),
      commands: { ADD_SUBSCRIPTIONS: { ...add, answer } },
    };
    const client = createConaxClient({ baseUrl: silent.url, definition, timeoutMs: 5_000, maxConnections: 1 });
    open.push(client);
    expect(said((await client.call(calls.ADD_SUBSCRIPTIONS)).answer)).toBe(expected);
  });
});

describe('what never reached the CAS is known not to have', () => {
  it('a port on which nothing listens', async () => {
    const listener = await listen(() => undefined);
    await listener.close();
    const { answer } = await (await clientOf(listener.url)).call(calls.ADD_SUBSCRIPTIONS);
    expect(said(answer)).toBe('not-sent CAS_CONNECTION_REFUSED');
  });

  it('a host name that does not exist', async () => {
    const { answer } = await (await clientOf('http://cas.invalid')).call(calls.ADD_SUBSCRIPTIONS);
    expect(said(answer)).toBe('not-sent CAS_HOST_UNKNOWN');
  });

  it('a peer that accepts the connection and never begins TLS', async () => {
    const silent = await peer(() => undefined);
    const client = await clientOf(silent.url.replace('http:', 'https:'), 400);
    expect(said((await client.call(calls.ADD_SUBSCRIPTIONS)).answer)).toBe('not-sent CAS_CONNECT_TIMEOUT');
  });

  it('a peer that closes while TLS begins', async () => {
    const rude = await peer((socket) => socket.once('data', () => socket.end()));
    const client = await clientOf(rude.url.replace('http:', 'https:'));
    expect(said((await client.call(calls.ADD_SUBSCRIPTIONS)).answer)).toBe('not-sent CAS_TLS_FAILED');
  });

  it('a peer that speaks no TLS', async () => {
    const plain = await peer((socket) => socket.once('data', () => socket.write('HTTP/1.1 400 Bad Request\r\n\r\n')));
    const client = await clientOf(plain.url.replace('http:', 'https:'));
    expect(said((await client.call(calls.ADD_SUBSCRIPTIONS)).answer)).toBe('not-sent CAS_TLS_FAILED');
  });

  it('a call that waits for a connection until its time is over, and it is not sent later either', async () => {
    const cas = await startCas({ timeoutMs: 300, maxConnections: 1 });
    open.push(cas);
    await cas.view('POST', 'faults', { fault: 'hang', times: 1 });
    const answers = await Promise.all(
      Array.from({ length: 5 }, async () => said((await cas.client.call(calls.ADD_SUBSCRIPTIONS)).answer)),
    );
    expect(answers[0]).toBe('unknown CAS_NO_ANSWER_IN_TIME');
    expect(answers.slice(2)).toEqual(Array(3).fill('not-sent CAS_NO_FREE_CONNECTION'));
    const sent = answers.filter((answer) => !answer.startsWith('not-sent')).length;
    expect(said((await cas.client.call(calls.CANCEL_SUBSCRIPTIONS)).answer)).toBe('accepted');
    expect(await cas.journal()).toHaveLength(sent + 1);
  });

  it('a call after the client was closed', async () => {
    const client = await openClient('http://127.0.0.1:9');
    await client.close();
    expect(said((await client.call(calls.ADD_SUBSCRIPTIONS)).answer)).toBe('not-sent CAS_CLIENT_CLOSED');
  });
});

describe('what the CAS may have read counts as unknown', () => {
  const peers: readonly (readonly [string, (answer: (text: string) => void, cut: () => void) => void])[] = [
    ['closes without a word', (_answer, cut) => cut()],
    ['does not speak HTTP', (answer) => answer('220 mail.example.com ESMTP\r\n')],
    ['ends the head half way', (answer, cut) => (answer('HTTP/1.1 200 OK\r\ncontent-ty'), cut())],
    [
      'promises more bytes than it sends',
      (answer, cut) => (answer('HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\n<'), cut()),
    ],
    ['breaks a chunk', (answer) => answer('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n')],
    ['sends a head without end', (answer) => answer(`HTTP/1.1 200 OK\r\nx: ${'y'.repeat(100_000)}`)],
    [
      'switches protocols',
      (answer) => answer('HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n'),
    ],
  ];

  it.each(peers)('a peer that %s', async (_name, behave) => {
    const listener = await peer((socket) =>
      onRequests(socket, () =>
        behave(
          (text) => socket.write(text, 'latin1'),
          () => socket.end(),
        ),
      ),
    );
    const client = await clientOf(listener.url, 1_000);
    expect((await client.call(calls.ADD_SUBSCRIPTIONS)).answer.kind).toBe('unknown');
  });

  it('but an interim answer is none, and the one after it counts', async () => {
    const listener = await peer((socket) =>
      onRequests(socket, () => socket.write(`HTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\n${http(okAnswer())}`)),
    );
    expect(said((await (await clientOf(listener.url)).call(calls.ADD_SUBSCRIPTIONS)).answer)).toBe('accepted');
  });
});

describe('a call is sent once and ends in time', () => {
  it('no call is repeated by itself, whatever becomes of it', async () => {
    let arrived = 0;
    const cutter = await peer((socket) =>
      onRequests(socket, () => {
        arrived++;
        if (arrived % 2 === 0) socket.destroy();
        else socket.write(http(okAnswer()));
      }),
    );
    const client = await clientOf(cutter.url, 5_000, 1, true);
    for (let i = 0; i < 20; i++) await client.call(calls.ADD_SUBSCRIPTIONS);
    expect(arrived).toBe(20);
  });

  it('no redirect is followed', async () => {
    const asked: string[] = [];
    const server = createServer((request, response) => {
      asked.push(request.url ?? '');
      response.writeHead(307, { location: '/elsewhere' }).end();
    });
    await new Promise<void>((resolve) => {
      server.listen(0, '127.0.0.1', resolve);
    });
    open.push({ close: () => new Promise((resolve) => void server.close(() => resolve())) });
    const client = await clientOf(`http://127.0.0.1:${(server.address() as AddressInfo).port}/conax/`);
    expect(said((await client.call(calls.ADD_SUBSCRIPTIONS)).answer)).toBe('not-sent CAS_ENDPOINT_WRONG');
    expect(asked).toEqual(['/conax/authorization']);
  });

  it('messages survive a CAS that silently closes idle connections, because each has a new one', async () => {
    const closer = await peer((socket) => {
      onRequests(socket, () => {
        socket.write(http(okAnswer('SendMailMessageToClients', 'user-text-messaging')));
        setImmediate(() => socket.end());
      });
    });
    const client = await clientOf(closer.url);
    const kinds: ConaxAnswer['kind'][] = [];
    for (let i = 0; i < 200; i++) {
      kinds.push((await client.call(calls.SEND_MAIL_MESSAGE_TO_CLIENT)).answer.kind);
      if (i % 3 === 0) await new Promise(setImmediate);
    }
    expect(new Set(kinds)).toEqual(new Set(['accepted']));
    expect(closer.connections()).toBe(200);
  });

  it('a message has a connection to itself, before and after', async () => {
    const carried: string[][] = [];
    const keeper = await peer((socket) => {
      const operations: string[] = [];
      carried.push(operations);
      onRequests(socket, (request) => {
        const isMail = request.includes('SendMailMessageToClients');
        operations.push(isMail ? 'mail' : 'add');
        socket.write(http(isMail ? okAnswer('SendMailMessageToClients', 'user-text-messaging') : okAnswer()));
      });
    });
    const client = await clientOf(keeper.url, 5_000, 1, true);
    for (let i = 0; i < 10; i++) {
      expect(said((await client.call(calls.ADD_SUBSCRIPTIONS)).answer)).toBe('accepted');
      expect(said((await client.call(calls.SEND_MAIL_MESSAGE_TO_CLIENT)).answer)).toBe('accepted');
    }
    expect(carried.filter((operations) => operations.includes('mail'))).toEqual(
      Array.from({ length: 10 }, () => ['mail']),
    );
  });

  it('other commands keep their connections where that is set', async () => {
    const keeper = await peer((socket) => onRequests(socket, () => socket.write(http(okAnswer()))));
    const client = await clientOf(keeper.url, 5_000, 2, true);
    for (let i = 0; i < 20; i++) await client.call(calls.ADD_SUBSCRIPTIONS);
    expect(keeper.connections()).toBeLessThanOrEqual(2);
  });

  it('never more calls are under way than connections are allowed', async () => {
    const cas = await startCas({ maxConnections: 3 });
    open.push(cas);
    await cas.view('PUT', 'settings', { latencyMs: 20 });
    const both = [calls.ADD_SUBSCRIPTIONS, calls.SEND_MAIL_MESSAGE_TO_CLIENT];
    await Promise.all(Array.from({ length: 30 }, (_, i) => cas.client.call(both[i % 2] ?? calls.ADD_SUBSCRIPTIONS)));
    expect(await cas.view('GET', 'stats')).toMatchObject({ calls: 30, inFlightMax: 3 });
  });

  it('no call outlives its time-out by 100 ms, whatever keeps it', async () => {
    const timeoutMs = 300;
    const silent = await peer(() => undefined);
    const cas = await startCas({ timeoutMs, maxConnections: 4 });
    open.push(cas);
    const deaf = await clientOf(silent.url.replace('http:', 'https:'), timeoutMs, 2);
    for (const fault of ['hang', 'drip', 'slow-body', 'half-open']) {
      await cas.view('POST', 'faults', { fault, times: 2 });
    }
    // The machine itself may be late: a timer that was started with the call is the measure.
    const lateness = async (client: ConaxClient): Promise<number> => {
      let timerMs = Infinity;
      const startedMs = performance.now();
      const timer = new Promise<void>((resolve) => {
        setTimeout(() => {
          timerMs = performance.now() - startedMs;
          resolve();
        }, timeoutMs);
      });
      const { answer } = await client.call(calls.ADD_SUBSCRIPTIONS);
      const callMs = performance.now() - startedMs;
      expect(['unknown', 'not-sent']).toContain(answer.kind);
      await timer;
      return callMs - timerMs;
    };
    const late = await Promise.all([
      ...Array.from({ length: 8 }, () => lateness(cas.client)),
      ...Array.from({ length: 6 }, () => lateness(deaf)),
    ]);
    expect(Math.max(...late)).toBeLessThan(100);
  });

  it('closing waits for the calls under way', async () => {
    const cas = await startCas();
    open.push(cas);
    await cas.view('PUT', 'settings', { latencyMs: 100 });
    const underWay = cas.client.call(calls.ADD_SUBSCRIPTIONS);
    await cas.client.close();
    expect(said((await underWay).answer)).toBe('accepted');
  });
});
