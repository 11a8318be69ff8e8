import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

/** Stands between a client and a server and can break what goes through it. */
export interface TcpProxy {
  readonly port: number;
  /** Breaks all connections and refuses new ones, as a server that is down does. */
  cut(): void;
  /** Keeps connections and lets nothing through, as a network that swallows packets does. */
  stall(): void;
  /** Lets everything through from now on; what was stalled goes on. */
  heal(): void;
  close(): Promise<void>;
}

/** A proxy on a free port of 127.0.0.1. `delayMs`: how much later than sent the client's bytes reach the server. */
export async function startTcpProxy(
  target: { readonly host: string; readonly port: number },
  delayMs = 0,
): Promise<TcpProxy> {
  let mode: 'pass' | 'cut' | 'stall' = 'pass';
  const pairs = new Set<readonly [Socket, Socket]>();
  const server = createServer((client) => {
    if (mode === 'cut') {
      client.resetAndDestroy();
      return;
    }
    const upstream = connect(target.port, target.host);
    const pair = [client, upstream] as const;
    for (const socket of pair) socket.setNoDelay(true);
    pairs.add(pair);
    if (mode === 'stall') for (const socket of pair) socket.pause();
    for (const [from, to] of [pair, [upstream, client]] as const) {
      // Timers of one length end in the order in which they were set.
      if (delayMs > 0 && from === client) from.on('data', (bytes) => setTimeout(() => to.write(bytes), delayMs));
      else from.on('data', (bytes) => to.write(bytes));
      from.on('end', () => to.end());
      from.on('error', () => to.destroy());
      from.on('close', () => pairs.delete(pair));
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    cut() {
      mode = 'cut';
      for (const pair of pairs) for (const socket of pair) socket.resetAndDestroy();
    },
    stall() {
      mode = 'stall';
      for (const pair of pairs) for (const socket of pair) socket.pause();
    },
    heal() {
      mode = 'pass';
      for (const pair of pairs) for (const socket of pair) socket.resume();
    },
    close: () =>
      new Promise((resolve) => {
        for (const pair of pairs) for (const socket of pair) socket.destroy();
        server.close(() => resolve());
      }),
  };
}

/** The same URL, by way of the proxy. */
export function through(proxy: TcpProxy, url: string): string {
  const changed = new URL(url);
  changed.hostname = '127.0.0.1';
  changed.port = String(proxy.port);
  return changed.href;
}

/** Where a URL's server listens. */
export function targetOf(url: string): { host: string; port: number } {
  const { hostname, port } = new URL(url);
  return { host: hostname, port: Number(port) };
}
