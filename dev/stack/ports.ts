import { createServer } from 'node:net';
import { randomInt } from 'node:crypto';

/**
 * Below the range from which Linux (32768+) and macOS (49152+) take the ports of outgoing connections. A server that is
 * stopped and started again on such a port could find it taken, even by a client's own attempt to reach it: a connect
 * to a closed port of that range may be given that very port and connect to itself.
 */
const FIRST_PORT = 15_000;
const LAST_PORT = 31_999;

const handedOut = new Set<number>();

/** A port of 127.0.0.1 that nobody listens on now, and that this process has not handed out before. */
export async function freePort(): Promise<number> {
  for (let attempt = 0; attempt < 200; attempt++) {
    const port = randomInt(FIRST_PORT, LAST_PORT + 1);
    if (handedOut.has(port) || !(await canListen(port))) continue;
    handedOut.add(port);
    return port;
  }
  throw new Error(`No free port between ${FIRST_PORT} and ${LAST_PORT} on 127.0.0.1: end some of the servers there.`);
}

function canListen(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen({ port, host: '127.0.0.1', exclusive: true }, () => server.close(() => resolve(true)));
  });
}
