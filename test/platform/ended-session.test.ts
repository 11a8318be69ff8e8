import { createServer, type AddressInfo, type Server } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openDatabase } from '../../src/platform/database.ts';
import { isDatabaseOutage } from '../../src/platform/database-errors.ts';

/** A message of PostgreSQL's protocol: its letter, the length of what follows, and that. */
function message(letter: string, body: Buffer): Buffer {
  const head = Buffer.alloc(5);
  head.write(letter);
  head.writeInt32BE(body.length + 4, 1);
  return Buffer.concat([head, body]);
}

const AUTHENTICATED = message('R', Buffer.alloc(4));
const READY = message('Z', Buffer.from('I'));
const ENDED = message(
  'E',
  Buffer.from('SFATAL\0VFATAL\0C57P01\0Mterminating connection due to administrator command\0\0'),
);

let server: Server;
let sessions = 0;
beforeAll(async () => {
  // A session that is ended while it is opened gets all of this in one piece.
  server = createServer((socket) => {
    socket.on('error', () => {});
    socket.once('data', () => {
      sessions += 1;
      socket.end(Buffer.concat([AUTHENTICATED, READY, ENDED]));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
});
afterAll(() => new Promise((resolve) => server.close(resolve)));

test('a session that the server ends in the bytes that say it is ready is an outage, and not the end of the process', async () => {
  const url = `postgres://someone@127.0.0.1:${(server.address() as AddressInfo).port}/any`;
  const database = openDatabase({ url, maxConnections: 1, applicationName: 'tested' });
  for (const time of [1, 2]) {
    const error = await database.query('select 1').then(
      () => null,
      (problem: unknown) => problem,
    );
    expect(isDatabaseOutage(error)).toBe(true);
    // The broken connection did not go back to the pool.
    expect(sessions).toBe(time);
  }
  await database.close();
});
