import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openSchemaRegistry, type SchemaRegistryClient } from '../../src/platform/schema-registry.ts';

/** A registry that has all schemas with odd ids, each another one, and says for which it was asked. */
let server: Server;
let asked: number[];
let open: SchemaRegistryClient;
beforeEach(async () => {
  asked = [];
  server = createServer((request, response) => {
    const id = Number(/\/schemas\/ids\/(\d+)/.exec(request.url ?? '')?.[1]);
    asked.push(id);
    response.setHeader('content-type', 'application/json');
    const schema = JSON.stringify({ type: 'enum', name: 'Letter', symbols: [`S${id}`] });
    if (id % 2 === 1) response.end(JSON.stringify({ schema }));
    else response.writeHead(404).end(JSON.stringify({ error_code: 40403, message: 'Schema not found' }));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  open = openSchemaRegistry({ url: `http://127.0.0.1:${port}`, schemasMax: 3, unknownMax: 3 });
});
afterEach(() => {
  server.close();
});

/** Asks for each in turn; gives for which of them the registry was asked. */
async function look(...ids: number[]): Promise<number[]> {
  asked = [];
  for (const id of ids) await open.findWriterSchema(id);
  return [...new Set(asked)];
}

describe('Schemas that were found', () => {
  it('are kept, and the one that was not used for longest goes where there are too many', async () => {
    expect(await look(1, 3, 5)).toEqual([1, 3, 5]);
    expect(await look(1, 3, 5, 1)).toEqual([]);
    expect(await look(7)).toEqual([7]);
    expect(await look(1, 5, 7)).toEqual([]);
    expect(await look(3)).toEqual([3]);
    expect(await look(5, 7, 3)).toEqual([]);
  });

  it('are each its own, also when several are asked for at once', async () => {
    const schemas = await Promise.all([1, 3, 5].map((id) => open.findWriterSchema(id)));
    expect(schemas.map((schema) => (schema.kind === 'schema' ? schema.schema : schema.kind))).toMatchObject(
      [1, 3, 5].map((id) => ({ symbols: [`S${id}`] })),
    );
  });
});

describe('Ids that lead nowhere', () => {
  it('are believed to for a while, and take no more room than so many', async () => {
    expect(await open.findWriterSchema(2)).toEqual({ kind: 'unknown' });
    expect(await look(2, 4, 6, 2, 4, 6)).toEqual([4, 6]);
    expect(await look(8, 10, 12, 14)).toEqual([8, 10, 12, 14]);
    expect(await look(14, 12, 10)).toEqual([]);
    expect(await look(2)).toEqual([2]);
  });

  it('let no schema go that is in use', async () => {
    await look(1, 2, 4, 6, 8, 10);
    expect(await look(1)).toEqual([]);
  });
});
