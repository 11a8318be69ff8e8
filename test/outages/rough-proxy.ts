import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { type Random, randomFrom } from '../support/random.ts';

/** What the network between the service and a server does to it. */
export type Fault = 'stop' | 'reset' | 'stall' | 'slow';

/** Stands between the service and one server, and spoils the way for a while. */
export interface RoughProxy {
  readonly port: number;
  /**
   * `stop`: nobody listens. `reset`: every connection, new ones too, is reset after a few messages, in the middle of one.
   * `stall`: connections stay and take everything, and nothing comes out of them any more. `slow`: whatever passes is
   * `SLOW_MS` late, each way.
   */
  spoil(fault: Fault): Promise<void>;
  /**
   * New connections work again. Those that were stalled stay silent for good, as after a firewall forgot them: who holds
   * one has to find out.
   */
  heal(): Promise<void>;
  close(): Promise<void>;
}

export interface RoughProxyOptions {
  readonly target: { readonly host: string; readonly port: number };
  /** Decides after how many bytes a connection is reset. */
  readonly seed: number;
  /** The server is Kafka, which tells its clients where it listens: they are told the proxy instead. */
  readonly kafka?: boolean;
}

export const SLOW_MS = 150;
const RESET_BYTES_MAX = 20_000;

/** A proxy on a port of 127.0.0.1. */
export async function startRoughProxy(options: RoughProxyOptions): Promise<RoughProxy> {
  const { host, port: targetPort } = options.target;
  const random: Random = randomFrom(options.seed);
  const pairs = new Set<Pair>();
  let fault: Fault | null = null;
  let port = 0;
  const server = createServer((client) => {
    const upstream = connect(targetPort, host);
    const pair: Pair = { client, upstream, silent: fault === 'stall', bytesLeft: Infinity };
    if (fault === 'reset') pair.bytesLeft = random.int(RESET_BYTES_MAX);
    pairs.add(pair);
    pass(pair, client, upstream, (bytes) => bytes);
    pass(pair, upstream, client, (bytes) => (options.kafka === true ? withPort(bytes, targetPort, port) : bytes));
  });
  const listen = (): Promise<void> =>
    new Promise((resolve, reject) => {
      server.once('error', reject);
      server.listen(port, '127.0.0.1', () => resolve(server.removeListener('error', reject) && undefined));
    });
  await listen();
  port = (server.address() as AddressInfo).port;

  function pass(pair: Pair, from: Socket, to: Socket, changed: (bytes: Buffer) => Buffer): void {
    let last: Promise<unknown> = Promise.resolve();
    from.on('data', (bytes) => {
      if (pair.silent) return;
      const some = changed(bytes);
      if (some.length > pair.bytesLeft) {
        const part = some.subarray(0, pair.bytesLeft);
        pair.silent = true;
        void last.then(() => to.write(part, () => reset(pair)));
        return;
      }
      pair.bytesLeft -= some.length;
      if (fault === 'slow') last = Promise.all([last, pause(SLOW_MS)]).then(() => to.write(some));
      else last = last.then(() => to.write(some));
    });
    // A silent connection does not even say that the other side is gone: a server keeps the session, and its locks.
    from.on('end', () => void last.then(() => !pair.silent && to.end()));
    from.on('error', () => {});
    from.on('close', () => {
      if (!pair.silent || (pair.client.destroyed && pair.upstream.destroyed)) pairs.delete(pair);
      void last.then(() => !pair.silent && to.destroy());
    });
  }

  return {
    get port() {
      return port;
    },
    async spoil(how) {
      fault = how;
      if (how === 'stop') {
        const closed = new Promise((resolve) => server.close(resolve));
        for (const pair of pairs) reset(pair);
        await closed;
      }
      for (const pair of pairs) {
        if (how === 'reset') pair.bytesLeft = random.int(RESET_BYTES_MAX);
        if (how === 'stall') pair.silent = true;
      }
    },
    async heal() {
      const was = fault;
      fault = null;
      for (const pair of pairs) pair.bytesLeft = Infinity;
      if (was === 'stop') await listen();
    },
    close: () =>
      new Promise((resolve) => {
        for (const { client, upstream } of pairs) for (const socket of [client, upstream]) socket.destroy();
        server.close(() => resolve());
      }),
  };
}

interface Pair {
  readonly client: Socket;
  readonly upstream: Socket;
  silent: boolean;
  bytesLeft: number;
}

function reset({ client, upstream }: Pair): void {
  client.resetAndDestroy();
  upstream.resetAndDestroy();
}

/** The broker's address in its answers, host and port, with another port; the length of the answer stays. */
function withPort(bytes: Buffer, port: number, instead: number): Buffer {
  const address = addressOf(port);
  for (let at = bytes.indexOf(address); at !== -1; at = bytes.indexOf(address, at + address.length)) {
    addressOf(instead).copy(bytes, at);
  }
  return bytes;
}

function addressOf(port: number): Buffer {
  const host = Buffer.from('127.0.0.1');
  const address = Buffer.alloc(host.length + 4);
  host.copy(address);
  address.writeInt32BE(port, host.length);
  return address;
}

/** The same URL, by way of a proxy on this machine. */
export function byWayOf({ port }: { readonly port: number }, url: string): string {
  const changed = new URL(url);
  changed.hostname = '127.0.0.1';
  changed.port = String(port);
  return changed.href;
}
