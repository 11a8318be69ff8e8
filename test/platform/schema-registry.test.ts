import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { inspect } from 'node:util';
import { afterEach, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { createEventDecoder, type FindWriterSchema } from '../../src/events/decode.ts';
import {
  openSchemaRegistry,
  type SchemaRegistryClient,
  type SchemaRegistryOptions,
  SchemaRegistryUnavailableError,
} from '../../src/platform/schema-registry.ts';

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

describe('A registry', () => {
  /** A registry that answers as the test says; undefined: as it likes. */
  async function registry(
    answer: (path: string) => { status?: number; body: unknown },
    options: Partial<SchemaRegistryOptions> = {},
  ) {
    const paths: string[] = [];
    const authorizations: (string | undefined)[] = [];
    const own = createServer((request, response) => {
      paths.push(request.url ?? '');
      authorizations.push(request.headers.authorization);
      const { status = 200, body } = answer(request.url ?? '');
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
    });
    own.listen(0, '127.0.0.1');
    await once(own, 'listening');
    onTestFinished(() => void own.close());
    const { port } = own.address() as AddressInfo;
    const url = `http://127.0.0.1:${port}`;
    return { client: openSchemaRegistry({ url, ...options }), url, port, paths, authorizations };
  }

  it('is not asked for ids beyond 2^31 - 1: it counts in 32 bits with a sign', async () => {
    const { client, paths } = await registry(() => ({ body: {} }));
    expect(await client.findWriterSchema(2 ** 31)).toEqual({ kind: 'unknown' });
    expect(await client.findWriterSchema(2 ** 32 - 1)).toEqual({ kind: 'unknown' });
    expect(paths).toEqual([]);
  });

  it('that answers 404 with a code of its own does not have the schema, if its address is right', async () => {
    const notFound = { status: 404, body: { error_code: 404, message: 'HTTP 404 Not Found' } };
    const right = await registry((path) => (path === '/schemas/types' ? { body: ['AVRO'] } : notFound));
    expect(await right.client.findWriterSchema(7)).toEqual({ kind: 'unknown' });
    const wrong = await registry(() => notFound);
    await expect(wrong.client.findWriterSchema(7)).rejects.toThrow(SchemaRegistryUnavailableError);
  });

  it('answers with what a schema refers to, those that are used by others first', async () => {
    const of = (name: string, references: string[]) => ({
      body: {
        schema: JSON.stringify(name),
        references: references.map((one) => ({ name: one, subject: one, version: 1 })),
      },
    });
    const { client } = await registry((path) => {
      if (path === '/schemas/ids/1') return of('Event', ['Action', 'Id']);
      return path.includes('Action') ? of('Action', ['Id']) : of('Id', []);
    });
    expect(await client.findWriterSchema(1)).toEqual({ kind: 'schema', schema: 'Event', references: ['Id', 'Action'] });
  });

  it.each([
    [
      'refers to what is not there',
      { schema: '"long"', references: [{ name: 'A', subject: 'gone', version: 3 }] },
      /A of gone version 3/,
    ],
    ['is in another language', { schema: 'syntax = "proto3";', schemaType: 'PROTOBUF' }, /PROTOBUF/],
    ['is no JSON', { schema: '{' }, /no JSON/],
    ['is larger than any schema', { schema: 'x'.repeat(3_000_000) }, /more than 2097152 bytes/],
  ])('whose schema %s says so, once for its messages', async (_what, body, detail) => {
    const { client } = await registry((path) =>
      path.startsWith('/schemas/ids') ? { body } : { status: 404, body: { error_code: 40401 } },
    );
    const found = await client.findWriterSchema(1);
    expect(found).toEqual({ kind: 'unusable', detail: expect.stringMatching(detail) as string });
  });

  it('takes user and password from its address, and no error repeats them', async () => {
    const { port, authorizations, client: plain } = await registry(() => ({ status: 500, body: {} }));
    await plain.findWriterSchema(1).catch(() => {});
    const client = openSchemaRegistry({ url: `http://ann:se%40cret@127.0.0.1:${port}` });
    const error: unknown = await client.findWriterSchema(1).catch((problem: unknown) => problem);
    expect(authorizations).toEqual([undefined, `Basic ${Buffer.from('ann:se@cret').toString('base64')}`]);
    expect(inspect(error)).not.toMatch(/se(%40|@)cret/);
    const away: unknown = await openSchemaRegistry({ url: 'http://ann:se%40cret@127.0.0.1:1' })
      .findWriterSchema(1)
      .catch((problem: unknown) => problem);
    expect(away).toBeInstanceOf(SchemaRegistryUnavailableError);
    expect(inspect(away)).not.toMatch(/se(%40|@)cret/);
  });

  it('is asked for 200 unknown ids in turn, at most four at once, without anybody giving up', async () => {
    let waiting = 0;
    let most = 0;
    const find: FindWriterSchema = async () => {
      waiting += 1;
      most = Math.max(most, waiting);
      await new Promise((resolve) => setImmediate(resolve));
      waiting -= 1;
      return { kind: 'unknown' };
    };
    const values = Array.from({ length: 200 }, (_none, index) => Buffer.from([0, 0, 0, 1, index]));
    const decoded = await createEventDecoder(find).decode(values);
    expect(decoded.every((one) => !one.ok && one.reason === 'UNKNOWN_SCHEMA')).toBe(true);
    expect(most).toBe(4);
  });
});
