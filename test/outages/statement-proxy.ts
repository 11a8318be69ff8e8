import { type AddressInfo, connect, createServer } from 'node:net';

/** Stands before PostgreSQL and cuts a connection when a statement with a certain word passes. */
export interface StatementProxy {
  /** Cuts the next such statement's connection: `before` the server gets it, or `after` it has done it. */
  cutOnce(when: 'before' | 'after'): void;
  readonly port: number;
  close(): Promise<void>;
}

export async function startStatementProxy(
  target: { readonly host: string; readonly port: number },
  word: string,
): Promise<StatementProxy> {
  let armed: 'before' | 'after' | null = null;
  const server = createServer((client) => {
    const upstream = connect(target.port, target.host);
    let cutting = false;
    const cut = (): void => {
      client.resetAndDestroy();
      upstream.destroy();
    };
    client.on('data', (bytes) => {
      if (armed === null || !bytes.includes(word)) return void upstream.write(bytes);
      const when = armed;
      armed = null;
      cutting = true;
      if (when === 'before') cut();
      else upstream.write(bytes);
    });
    // The server's answer: it has done what it was told.
    upstream.on('data', (bytes) => (cutting ? cut() : client.write(bytes)));
    for (const [from, to] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      from.on('error', () => {});
      from.on('close', () => to.destroy());
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    port,
    cutOnce(when) {
      armed = when;
    },
    close: () => new Promise((resolve) => server.close(() => resolve())),
  };
}
