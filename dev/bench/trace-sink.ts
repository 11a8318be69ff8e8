import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

/** Takes traces as a collector does, and keeps nothing. */
export interface TraceSink {
  readonly url: string;
  /** How many bytes it got so far. */
  bytes(): number;
  close(): Promise<void>;
}

export async function startTraceSink(): Promise<TraceSink> {
  let bytes = 0;
  const server = createServer((request, response) => {
    request.on('data', (chunk: Buffer) => (bytes += chunk.length));
    request.on('end', () => response.writeHead(200).end());
  });
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    bytes: () => bytes,
    async close() {
      server.closeAllConnections();
      await new Promise<void>((resolve) => void server.close(() => resolve()));
    },
  };
}
