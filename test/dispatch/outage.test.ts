import { createServer, connect, type Server, type Socket } from 'node:net';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Database } from '../../src/platform/database.ts';
import { addTo, audit, openTestRequests, requestFor, submit, type TestRequests } from '../requests/support.ts';
import { ACCEPTED, dispatch, gate, scriptedConax, until } from './support.ts';

let requests: TestRequests;
let db: Database;

beforeAll(async () => {
  requests = await openTestRequests();
  db = requests.db;
});
afterAll(() => requests.close());

interface Door {
  readonly url: string;
  /** Cuts every connection and takes no new one, until it is opened. */
  shut(): void;
  open(): void;
  /** The connections that were refused so far. */
  refused(): number;
  /** Takes connections and data, and gives nothing back. */
  stall(): void;
  close(): Promise<void>;
}

/** A TCP door in front of PostgreSQL. */
async function doorTo(url: string): Promise<Door> {
  const target = new URL(url);
  const sockets = new Set<Socket>();
  let mode: 'open' | 'shut' | 'stalled' = 'open';
  let refused = 0;
  const server: Server = createServer((client) => {
    if (mode === 'shut') {
      refused += 1;
      return client.resetAndDestroy();
    }
    const upstream = connect(Number(target.port), target.hostname);
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.on('error', () => {});
      socket.on('close', () => {
        sockets.delete(socket);
        client.destroy();
        upstream.destroy();
      });
    }
    client.on('data', (data) => mode !== 'stalled' && upstream.write(data));
    upstream.on('data', (data) => mode !== 'stalled' && client.write(data));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const own = new URL(url);
  own.port = String((server.address() as AddressInfo).port);
  const cut = (): void => {
    for (const socket of sockets) socket.resetAndDestroy();
  };
  return {
    url: own.href,
    shut: () => {
      mode = 'shut';
      cut();
    },
    open: () => {
      mode = 'open';
    },
    refused: () => refused,
    stall: () => {
      mode = 'stalled';
    },
    close: async () => {
      cut();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

const cards = (count: number): ReturnType<typeof requestFor>[] =>
  Array.from({ length: count }, (_, index) => requestFor(addTo(`c${index}`)));
const pending = async (): Promise<number> => (await db.query('select from work')).length;

test('answers that come while the database is away are written when it is back; nothing is sent twice', async () => {
  await submit(db, ...cards(60));
  const door = await doorTo(requests.url);
  const away = gate();
  const conax = scriptedConax(async (_call, number) => {
    if (number === 20) {
      door.shut();
      away.open();
    }
    // Eight are under way at a time: these answer after the database is away.
    if (number > 12) await away.passed;
    return ACCEPTED;
  });
  const running = dispatch(door.url, conax, { leaseMs: 4_000 });
  await away.passed;
  await until(
    () => running.dispatcher.state(),
    ({ ready, underWay }) => !ready && underWay === 0,
  );
  const sent = conax.calls.length;
  const refused = door.refused();
  await until(
    () => door.refused(),
    (count) => count >= refused + 5,
  );
  expect(conax.calls).toHaveLength(sent);
  door.open();
  // A claim whose answer was cut off lapses with its lease.
  await until(pending, (count) => count === 0, 30_000);
  await running.stop();
  await door.close();
  expect(conax.calls).toHaveLength(60);
  expect(await audit(db)).toEqual([]);
});

test('a stop takes no longer than its limit and a little where the database does not answer', async () => {
  await submit(db, ...cards(30));
  const door = await doorTo(requests.url);
  const stalled = gate();
  const conax = scriptedConax(async (_call, number) => {
    if (number > 4) await stalled.passed;
    return ACCEPTED;
  });
  const running = dispatch(door.url, conax, { drainMs: 500 });
  await until(
    () => conax.calls.length,
    (calls) => calls > 4,
  );
  door.stall();
  stalled.open();
  const begunAt = performance.now();
  await running.dispatcher.stop();
  expect(performance.now() - begunAt).toBeLessThan(4_000);
  await door.close();
  await running.stop();
});
