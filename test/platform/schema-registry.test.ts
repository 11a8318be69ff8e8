import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { inspect } from 'node:util';
import { afterEach, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { createEventDecoder } from '../../src/events/decode.ts';
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
  open = openSchemaRegistry({ url: `http://127.0.0.1:${port}`, schemasMax: 3, unknownMax: 3, doubtMs: 10 });
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
  it('are remembered for a while, and take no more room than so many', async () => {
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
});

describe('An id that the registry does not know', () => {
  const UNKNOWN = { status: 404, body: { error_code: 40403, message: 'Schema not found' } };

  /** A registry that answers each question about an id after a time; one by one if told so. */
  async function registry(
    answer: (id: number, times: number) => { status: number; body: unknown },
    options: Partial<SchemaRegistryOptions> & { answerMs?: number; oneByOne?: boolean } = {},
  ) {
    const { answerMs = 0, oneByOne = false, ...more } = options;
    const askedAt = new Map<number, number[]>();
    let queue = Promise.resolve();
    let waiting = 0;
    let most = 0;
    const own = createServer((request, response) => {
      const id = Number(/\d+$/.exec(request.url ?? '')?.[0]);
      const times = [...(askedAt.get(id) ?? []), performance.now()];
      askedAt.set(id, times);
      waiting += 1;
      most = Math.max(most, waiting);
      const work = async (): Promise<void> => {
        await new Promise((resolve) => setTimeout(resolve, answerMs));
        waiting -= 1;
        const { status, body } = answer(id, times.length);
        response.writeHead(status).end(JSON.stringify(body));
      };
      if (oneByOne) queue = queue.then(work);
      else void work();
    });
    own.listen(0, '127.0.0.1');
    await once(own, 'listening');
    onTestFinished(() => void own.close());
    const url = `http://127.0.0.1:${(own.address() as AddressInfo).port}`;
    return { client: openSchemaRegistry({ url, ...more }), askedAt, most: () => most };
  }

  it('is asked for again after 1.5 s by default, as a follower of the registry may lag, and found then', async () => {
    const { client, askedAt } = await registry((_id, times) =>
      times === 1 ? UNKNOWN : { status: 200, body: { schema: '"long"' } },
    );
    expect(await client.findWriterSchema(7)).toEqual({ kind: 'schema', schema: 'long', references: [] });
    const [first = 0, second = 0, ...more] = askedAt.get(7) ?? [];
    expect(second - first).toBeGreaterThanOrEqual(1_500);
    expect(more).toEqual([]);
  });

  it('is doubted until the second answer, and whoever only looks waits for nothing and asks nothing more', async () => {
    const { client, askedAt } = await registry(() => UNKNOWN, { doubtMs: 300 });
    expect(await client.lookAtSchema(7)).toBeNull();
    expect(await client.lookAtSchema(7)).toBeNull();
    expect(askedAt.get(7)).toHaveLength(1);
    expect(await client.findWriterSchema(7)).toEqual({ kind: 'unknown' });
    expect(await client.lookAtSchema(7)).toEqual({ kind: 'unknown' });
    expect(askedAt.get(7)).toHaveLength(2);
  });

  it('is asked for the second time when that is due, without another caller', async () => {
    const { client, askedAt } = await registry(() => UNKNOWN, { doubtMs: 50 });
    expect(await client.lookAtSchema(7)).toBeNull();
    await expect.poll(() => askedAt.get(7)?.length).toBe(2);
    await expect.poll(() => client.lookAtSchema(7)).toEqual({ kind: 'unknown' });
    expect(askedAt.get(7)).toHaveLength(2);
  });

  it('is asked for before the ids that are looked at for later, also if it was one of them', async () => {
    const { client, askedAt } = await registry(() => UNKNOWN, { answerMs: 20, oneByOne: true });
    const later = Array.from({ length: 50 }, (_none, index) => client.lookAtSchema(index + 1, 'later'));
    await Promise.all([client.lookAtSchema(99, 'now'), client.lookAtSchema(50, 'now')]);
    expect(askedAt.size).toBeLessThan(20);
    await Promise.all(later);
    expect(askedAt.size).toBe(51);
  });

  it('is doubted anew once "unknown" is no longer believed: the id may have been given away since', async () => {
    const { client } = await registry(() => UNKNOWN, { doubtMs: 50, unknownForMs: 0 });
    expect(await client.findWriterSchema(7)).toEqual({ kind: 'unknown' });
    expect(await client.lookAtSchema(7)).toBeNull();
  });

  it('costs 200 of its kind one wait together, at most eight questions at once', async () => {
    const { client, askedAt, most } = await registry(() => UNKNOWN, { doubtMs: 500 });
    const values = Array.from({ length: 200 }, (_none, index) => Buffer.from([0, 0, 0, 1, index]));
    const startedAt = performance.now();
    const decoded = await createEventDecoder((id) => client.findWriterSchema(id)).decode(values);
    expect(performance.now() - startedAt).toBeLessThan(10_000);
    expect(decoded.every((one) => !one.ok && one.reason === 'UNKNOWN_SCHEMA')).toBe(true);
    expect([...askedAt.values()].every((times) => times.length === 2)).toBe(true);
    expect(most()).toBeLessThanOrEqual(8);
  });

  it('is told from an outage by a registry that works off questions one by one, each in a third of the time limit', async () => {
    const { client, most } = await registry(() => UNKNOWN, {
      answerMs: 400,
      oneByOne: true,
      timeoutMs: 1_200,
      doubtMs: 10,
    });
    const ids = Array.from({ length: 10 }, (_none, index) => index + 1);
    const found = await Promise.all(ids.map((id) => client.findWriterSchema(id)));
    expect(found.every(({ kind }) => kind === 'unknown')).toBe(true);
    expect(most()).toBeLessThanOrEqual(2);
  });

  it('gives up all that waits if the registry answers nothing in its time', async () => {
    const { client } = await registry(() => UNKNOWN, { answerMs: 60_000, timeoutMs: 300 });
    const startedAt = performance.now();
    const settled = await Promise.allSettled([1, 2, 3, 4, 5, 6, 7, 8, 9, 10].map((id) => client.lookAtSchema(id)));
    expect(settled.every(({ status }) => status === 'rejected')).toBe(true);
    expect(performance.now() - startedAt).toBeLessThan(1_500);
  });
});
