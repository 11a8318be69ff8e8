import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { addItem, addService, type CrmEvent, events, newSubscription } from '../../dev/demo/crm.ts';
import type { WriterSchema } from '../../src/platform/schema-look-ups.ts';
import { readableCount } from '../../src/intake/look-ahead.ts';
import { openSchemaRegistry } from '../../src/platform/schema-registry.ts';
import { eventually, type Ground, openGround } from '../outcomes/support.ts';
import { schemaRegistryUrl } from '../support/stack.ts';
import { wire } from './support.ts';

const UNKNOWN: WriterSchema = { kind: 'unknown' };
const schemaOf = (id: number): WriterSchema => ({ kind: 'schema', schema: id });
const valuesOf = (...ids: number[]): Buffer[] => ids.map((id) => wire(id, Buffer.alloc(1)));

describe('The messages of a batch that can be decoded now', () => {
  it('end before the first one whose schema the registry may not know yet', async () => {
    const look = async (id: number): Promise<WriterSchema | null> => (id === 3 ? null : schemaOf(id));
    expect(await readableCount([null, Buffer.from('no avro'), ...valuesOf(1, 2, 1, 3, 1)], look)).toBe(5);
    expect(await readableCount(valuesOf(3, 1), look)).toBe(0);
    expect(await readableCount([null, null], look)).toBe(2);
    expect(await readableCount(valuesOf(1, 2, 4), look)).toBe(3);
  });

  it('are asked for together, so that all doubts run out at once; those behind 500 ids come later', async () => {
    const asked = new Set<number>();
    const look = async (id: number): Promise<WriterSchema | null> => {
      const isFirst = !asked.has(id);
      asked.add(id);
      return isFirst ? null : UNKNOWN;
    };
    const values = valuesOf(...Array.from({ length: 700 }, (_none, index) => index + 1));
    expect(await readableCount(values, look)).toBe(0);
    expect(asked.size).toBe(500);
    expect(await readableCount(values, look)).toBe(500);
  });

  it('have 32 schemas at most: the registry client keeps no more', async () => {
    const look = async (id: number): Promise<WriterSchema> => schemaOf(id);
    expect(await readableCount(valuesOf(...Array.from({ length: 40 }, (_none, index) => index + 1), 1), look)).toBe(32);
  });

  it('are not waited for longer than a moment behind the first: a slow registry delays no other partition', async () => {
    const look = (id: number): Promise<WriterSchema> =>
      id === 1 ? Promise.resolve(UNKNOWN) : new Promise<WriterSchema>(() => {});
    const startedAt = performance.now();
    expect(await readableCount(valuesOf(1, 2, 3), look)).toBe(1);
    expect(performance.now() - startedAt).toBeLessThan(2_000);
  });

  it('end before an id that could not be asked for, and only the first message brings its error', async () => {
    const look = async (id: number): Promise<WriterSchema> => {
      if (id === 2) throw new Error('the registry is away');
      return UNKNOWN;
    };
    expect(await readableCount(valuesOf(1, 2), look)).toBe(1);
    await expect(readableCount(valuesOf(2, 1), look)).rejects.toThrow('the registry is away');
  });
});

describe('A registry that follows another one', () => {
  /** The registry of the tests, of which a follower answers: it does not know a schema before the test says so. */
  async function follower() {
    const asked = new Set<number>();
    let isBehind = true;
    const server = createServer((request, response) => {
      const id = Number(/^\/schemas\/ids\/(\d+)/.exec(request.url ?? '')?.[1]);
      if (!Number.isNaN(id)) asked.add(id);
      if (isBehind) {
        response.writeHead(404).end(JSON.stringify({ error_code: 40403, message: 'Schema not found' }));
        return;
      }
      const passOn = async (): Promise<void> => {
        const answer = await fetch(`${schemaRegistryUrl()}${request.url}`);
        response.writeHead(answer.status).end(await answer.text());
      };
      void passOn();
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    onTestFinished(() => void server.close());
    const { port } = server.address() as AddressInfo;
    return {
      registry: openSchemaRegistry({ url: `http://127.0.0.1:${port}` }),
      asked,
      catchUp: () => (isBehind = false),
    };
  }

  async function open(partitions: number): Promise<Ground> {
    const ground = await openGround('look-ahead', { partitions });
    onTestFinished(() => ground.close());
    return ground;
  }

  async function dispositionsIn(ground: Ground): Promise<Record<string, number>> {
    const rows = await ground.db.query<{ disposition: string; count: number }>(
      'select disposition, count(*) from inbox group by disposition',
    );
    return Object.fromEntries(rows.map(({ disposition, count }) => [disposition, count]));
  }

  const untilPlanned = (ground: Ground) =>
    eventually(async () => ((await dispositionsIn(ground))['PLANNED'] === 1 ? true : undefined), 'the planned event');

  const subscription = newSubscription('S-look-ahead');
  addItem(subscription, 'card', 'SMARTCARD', '55500000001');
  addService(subscription, 'sports', '101');
  const activation: CrmEvent[] = events(subscription, [{ action: 'S:ACTIVATE_SUBSCRIPTION' }]);

  it('and lags behind it makes no dead letter of an event whose schema is new', async () => {
    const ground = await open(3);
    const { registry, asked, catchUp } = await follower();
    ground.intake({ schemas: registry });
    await ground.send(activation);
    await eventually(() => (asked.size > 0 ? true : undefined), 'the first question');
    catchUp();
    await untilPlanned(ground);
    expect(await dispositionsIn(ground)).toEqual({ PLANNED: 1 });
  });

  it('is asked for many unknown ids at once: the event behind 300 of them does not wait for each', async () => {
    const ground = await open(1);
    const { registry, asked, catchUp } = await follower();
    catchUp();
    for (let id = 0; id < 300; id += 1) await ground.sendRaw({ value: wire(2_000_000_000 + id, Buffer.alloc(4)) });
    await ground.send(activation);
    const startedAt = performance.now();
    ground.intake({ schemas: registry });
    await untilPlanned(ground);
    expect(performance.now() - startedAt).toBeLessThan(25_000);
    expect(await dispositionsIn(ground)).toEqual({ DEAD_LETTERED: 300, PLANNED: 1 });
    expect(asked.size).toBe(301);
  });
});
