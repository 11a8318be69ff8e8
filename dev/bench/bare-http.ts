import { Pool } from 'undici';
import { defaultCasFile, loadCasDefinition } from '../../src/conax-checks/cas-definition.ts';
import { openConaxClient } from '../../src/conax-checks/open-client.ts';
import { soapHeaders } from '../../src/conax/exchange.ts';
import type { Command } from '../../src/planning/command.ts';

/** A client that sends one SOAP call again and again as bytes that were made once, and reads the answer as bytes. */
export interface BareHttp {
  call(): Promise<void>;
  close(): Promise<void>;
}

/** Makes the bytes with our own client, with one real call. */
export async function openBareHttp(url: string, command: Command, connections: number): Promise<BareHttp> {
  const conax = await openConaxClient({ baseUrl: url, timeoutMs: 10_000, maxConnections: 1 });
  const exchange = await conax.call({ command, requestNumber: 1 });
  await conax.close();
  const { requestBody: body } = exchange;
  if (body === null || exchange.answer.kind !== 'accepted') throw new Error(`The sample call: ${exchange.answer.kind}`);
  const definition = await loadCasDefinition(defaultCasFile);
  const mapped = definition.commands[command.type];
  if (mapped === undefined) throw new Error(`${command.type} is not supported`);
  const pool = new Pool(url, { connections, pipelining: 1 });
  const request = {
    path: new URL(exchange.url).pathname,
    method: 'POST' as const,
    body,
    headers: soapHeaders(mapped),
  };
  return {
    async call() {
      const answer = await pool.request(request);
      await answer.body.arrayBuffer();
      if (answer.statusCode !== 200) throw new Error(`The CAS answers ${answer.statusCode}`);
    },
    close: () => pool.close(),
  };
}

/** Calls a second, so many at once, for so long. */
export async function callsPerSecond(
  atOnce: number,
  forMs: number,
  call: (worker: number) => Promise<void>,
): Promise<number> {
  const begunAt = performance.now();
  const counts = await Promise.all(
    Array.from({ length: atOnce }, async (_, worker) => {
      let calls = 0;
      for (; performance.now() < begunAt + forMs; calls += 1) await call(worker);
      return calls;
    }),
  );
  return counts.reduce((sum, calls) => sum + calls, 0) / ((performance.now() - begunAt) / 1000);
}
