import avro, { type Type } from 'avsc';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { addItem, addService, events, newSubscription } from '../../dev/demo/crm.ts';
import { createEventDecoder, type Decoded, type FindWriterSchema } from '../../src/events/decode.ts';
import { encoded, findSchema, schemaType, wire, writerOf } from './support.ts';

const RECORD = 'com.crm.subscription.v1.ServiceActionEvent';

function sampleEvent() {
  const subscription = newSubscription('S0000000329');
  addItem(subscription, 'card', 'SMARTCARD', '01234567890', 'room-1');
  addService(subscription, 'sports', '0101', { distributor: 'room-1' });
  const [event] = events(subscription, [{ action: 'V:ADD_SERVICE', incomingServices: ['sports'] }]);
  if (!event) throw new Error('no event');
  return event;
}

async function decode(value: Buffer | null, find: FindWriterSchema = findSchema): Promise<Decoded> {
  const [decoded] = await createEventDecoder(find).decode([value]);
  if (!decoded) throw new Error('nothing decoded');
  return decoded;
}

interface Field {
  name: string;
  type: unknown;
  default?: unknown;
}
interface RecordSchema {
  name: string;
  namespace?: string;
  fields: Field[];
}

/** The contract's schema as another writer has it, under the id 9, and a value that it wrote. */
function writtenBy(change: (schema: RecordSchema) => void, value: (event: Record<string, unknown>) => void = () => {}) {
  const schema = structuredClone(schemaType(RECORD).schema({ exportAttrs: true })) as unknown as RecordSchema;
  change(schema);
  const type = avro.Type.forSchema(schema as unknown as avro.Schema);
  const event = structuredClone(sampleEvent().value) as unknown as Record<string, unknown>;
  value(event);
  const find: FindWriterSchema = () => Promise.resolve(writerOf(type));
  return { bytes: wire(9, type.toBuffer(event)), find, type };
}

function field(schema: RecordSchema, name: string): Field {
  const found = schema.fields.find((one) => one.name === name);
  if (!found) throw new Error(`no field ${name}`);
  return found;
}

describe('Decoding a message', () => {
  it('gives the event with its family, as it was written', async () => {
    const event = sampleEvent();
    const decoded = await decode(encoded(event));
    expect(decoded).toMatchObject({
      ok: true,
      event: { family: 'SERVICE', writerType: 'ADD_SERVICE', eventId: event.value.eventId },
    });
    expect(decoded.ok && decoded.event.subscription).toEqual(event.value.subscription);
  });

  it.each([
    ['no value', null, 'EMPTY_MESSAGE'],
    ['an empty value', Buffer.alloc(0), 'EMPTY_MESSAGE'],
    ['JSON', Buffer.from('{"eventId":"1"}'), 'NOT_AVRO'],
    ['the magic byte alone', Buffer.from([0]), 'NOT_AVRO'],
    ['a schema id that the registry lacks', wire(4_000_000_000, Buffer.from('x')), 'UNKNOWN_SCHEMA'],
    ['bytes that end too soon', encoded(sampleEvent()).subarray(0, 60), 'UNREADABLE'],
    ['bytes that go on too long', Buffer.concat([encoded(sampleEvent()), Buffer.from([1])]), 'UNREADABLE'],
    ['no bytes after the schema id', wire(2, Buffer.alloc(0)), 'UNREADABLE'],
  ] as const)('%s is a dead letter', async (_what, value, reason) => {
    expect(await decode(value)).toMatchObject({ ok: false, reason });
  });

  it('an enum symbol that the writer itself does not have is UNREADABLE', async () => {
    const { bytes, find } = writtenBy((schema) => {
      // Written with many symbols, read with the contract's: an index out of range.
      const symbols = (field(schema, 'type').type as { symbols: string[] }).symbols;
      symbols.unshift(...Array.from({ length: 50 }, (_none, index) => `FILLER_${index}`));
    });
    expect(await decode(bytes, find)).toMatchObject({ ok: true, event: { type: 'ADD_SERVICE' } });
    expect(await decode(bytes, findSchemaOf(RECORD))).toMatchObject({ ok: false, reason: 'UNREADABLE' });
  });

  it('another record is UNREADABLE, and the detail names both', async () => {
    const { bytes, find } = writtenBy((schema) => {
      schema.name = 'com.crm.billing.v1.InvoiceEvent';
      delete schema.namespace;
    });
    const decoded = await decode(bytes, find);
    expect(decoded).toMatchObject({ ok: false, reason: 'UNREADABLE' });
    expect(!decoded.ok && decoded.detail).toMatch(/com\.crm\.billing\.v1\.InvoiceEvent.*ServiceActionEvent/);
  });

  it('a time in microseconds is UNREADABLE, not a year far away', async () => {
    const { bytes, find } = writtenBy(
      () => {},
      (event) => {
        event['occurredAt'] = Date.now() * 1000;
      },
    );
    const decoded = await decode(bytes, find);
    expect(!decoded.ok && decoded.detail).toMatch(/^occurredAt: \d+ is no time in milliseconds/);
  });

  it('a registry that is away is no verdict about the message', async () => {
    const away: FindWriterSchema = () => Promise.reject(new Error('away'));
    await expect(decode(encoded(sampleEvent()), away)).rejects.toThrow('away');
  });

  it('asks for each schema once a batch, and decodes each message by itself', async () => {
    const asked: number[] = [];
    const decoder = createEventDecoder((id) => {
      asked.push(id);
      return findSchema(id);
    });
    const good = encoded(sampleEvent());
    const decoded = await decoder.decode([good, good.subarray(0, 30), null, good]);
    expect(decoded.map(({ ok }) => ok)).toEqual([true, false, false, true]);
    expect(asked).toEqual([2]);
  });
});

describe('A newer or other writer', () => {
  it('may add fields, and name its nested records otherwise', async () => {
    const { bytes, find } = writtenBy(
      (schema) => {
        schema.fields.unshift({ name: 'tenant', type: 'string' });
        const action = field(schema, 'action').type as RecordSchema;
        action.name = 'com.crm.common.v2.ActionReference';
        action.fields.push({ name: 'channel', type: ['null', 'string'], default: null });
      },
      (event) => {
        event['tenant'] = 'north';
        (event['action'] as Record<string, unknown>)['channel'] = 'web';
      },
    );
    const decoded = await decode(bytes, find);
    expect(decoded.ok && Object.keys(decoded.event.action)).not.toContain('channel');
    expect(decoded).toMatchObject({ ok: true, event: { action: { executedBy: 'demo' } } });
  });

  it('may leave out fields that have a default', async () => {
    const { bytes, find } = writtenBy((schema) => {
      schema.fields = schema.fields.filter(({ name }) => name !== 'movedInstalledItems' && name !== 'outgoingServices');
    });
    expect(await decode(bytes, find)).toMatchObject({
      ok: true,
      event: { movedInstalledItems: [], outgoingServices: [] },
    });
  });

  it('may not leave out one that has none: the detail names its path', async () => {
    const { bytes, find } = writtenBy((schema) => {
      const subscription = field(schema, 'subscription').type as RecordSchema;
      subscription.fields = subscription.fields.filter(({ name }) => name !== 'version');
    });
    expect(await decode(bytes, find)).toMatchObject({
      ok: false,
      reason: 'UNREADABLE',
      detail: expect.stringContaining('subscription.version') as string,
    });
  });

  it('may have action types that we do not know: UNKNOWN for us, its own symbol for people', async () => {
    const { bytes, find } = writtenBy(
      (schema) => (field(schema, 'type').type as { symbols: string[] }).symbols.push('SUSPEND_SERVICE'),
      (event) => {
        event['type'] = 'SUSPEND_SERVICE';
      },
    );
    expect(await decode(bytes, find)).toMatchObject({
      ok: true,
      event: { type: 'UNKNOWN', writerType: 'SUSPEND_SERVICE' },
    });
  });

  it('may allow null where we need a value, as long as it writes one', async () => {
    const nullable = (schema: RecordSchema): void => {
      field(schema, 'eventId').type = ['null', 'string'];
    };
    const good = writtenBy(nullable);
    expect(await decode(good.bytes, good.find)).toMatchObject({ ok: true });
    const bad = writtenBy(nullable, (event) => {
      event['eventId'] = null;
    });
    expect(await decode(bad.bytes, bad.find)).toMatchObject({
      ok: false,
      detail: 'eventId: is null, and a value is needed',
    });
  });

  it('may write values of several types where one of them is ours', async () => {
    const { bytes, find } = writtenBy(
      (schema) => {
        (field(field(schema, 'action').type as RecordSchema, 'facets') ?? {}).type = [
          'null',
          'int',
          'double',
          'string',
        ];
      },
      (event) => {
        (event['action'] as Record<string, unknown>)['facets'] = { int: 1 };
      },
    );
    expect(await decode(bytes, find)).toMatchObject({ ok: true, event: { action: { facets: 1 } } });
  });
});

describe('Damaged bytes', () => {
  it('cannot make the decoder build more items than there are bytes', async () => {
    const type = schemaType('com.crm.subscription.v1.SubscriptionActionEvent');
    const subscription = newSubscription('S1');
    const [event] = events(subscription, [{ action: 'S:ACTIVATE_SUBSCRIPTION' }]);
    const bytes = type.toBuffer(event?.value);
    // The last two bytes are the empty arrays of moves: one claims 2^50 items instead.
    const huge = Buffer.concat([bytes.subarray(0, -2), Buffer.from('8080808080808004', 'hex')]);
    const startedAt = performance.now();
    expect(await decode(wire(1, huge))).toMatchObject({
      ok: false,
      reason: 'UNREADABLE',
      detail: expect.stringContaining('an array or map claims') as string,
    });
    expect(performance.now() - startedAt).toBeLessThan(1_000);
  });

  it('never make it throw or hang, whatever bytes are changed', async () => {
    const good = encoded(sampleEvent());
    const decoder = createEventDecoder(findSchema);
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.nat(good.length - 6), fc.integer({ min: 0, max: 255 })), { minLength: 1, maxLength: 8 }),
        fc.nat(good.length),
        async (changes, cut) => {
          const bytes = Buffer.from(good);
          for (const [at, byte] of changes) bytes.writeUInt8(byte, at + 5);
          const results = await decoder.decode([bytes, bytes.subarray(0, cut)]);
          expect(results).toHaveLength(2);
        },
      ),
      { numRuns: 3_000 },
    );
  });
});

function findSchemaOf(record: string): FindWriterSchema {
  const type: Type = schemaType(record);
  return () => Promise.resolve(writerOf(type));
}

describe('What nobody reads', () => {
  const LONG_MAX = Buffer.from('feffffffffffffffff01', 'hex');

  /** The contract's event after an unknown first field, whose schema and bytes are given. */
  function after(type: unknown, bytes: Buffer) {
    const contract = schemaType(RECORD).schema({ exportAttrs: true }) as unknown as RecordSchema;
    const schema = { ...contract, fields: [{ name: 'unknown', type }, ...contract.fields] };
    const find: FindWriterSchema = () => Promise.resolve({ kind: 'schema', schema });
    return decode(wire(9, Buffer.concat([bytes, encoded(sampleEvent()).subarray(5)])), find);
  }

  it.each<[string, unknown, Buffer]>([
    ["Java's Long.MAX_VALUE", 'long', LONG_MAX],
    [
      'a map of such numbers',
      { type: 'map', values: 'long' },
      Buffer.concat([Buffer.from([2, 2, 65]), LONG_MAX, Buffer.of(0)]),
    ],
    ['a block with its size before it', { type: 'array', items: 'long' }, Buffer.from([1, 2, 2, 0])],
    ['text that is not UTF-8', 'string', Buffer.from([4, 0xff, 0xfe])],
    ['a decimal', { type: 'bytes', logicalType: 'decimal', precision: 400, scale: 900 }, Buffer.from([2, 7])],
    [
      'a logical type that nobody knows',
      { type: 'fixed', name: 'F', size: 2, logicalType: 'moon' },
      Buffer.from([1, 2]),
    ],
  ])('%s is skipped', async (_what, type, bytes) => {
    expect(await after(type, bytes)).toMatchObject({ ok: true, event: { type: 'ADD_SERVICE' } });
  });

  it('ends in time, however the schema multiplies its values or nests them', async () => {
    const doubled = (levels: number): unknown =>
      Array.from({ length: levels }).reduce<unknown>(
        (inner, _none, level) => ({
          type: 'record',
          name: `R${level}`,
          fields: [
            { name: 'a', type: inner },
            { name: 'b', type: level === 0 ? inner : `R${level - 1}` },
          ],
        }),
        'null',
      );
    const list = { type: 'record', name: 'List', fields: [{ name: 'next', type: ['null', 'List'] }] };
    const startedAt = performance.now();
    expect(await after(doubled(60), Buffer.alloc(0))).toMatchObject({ ok: false, reason: 'UNREADABLE' });
    expect(await after(doubled(500), Buffer.alloc(0))).toMatchObject({ ok: false, reason: 'UNREADABLE' });
    expect(await after(list, Buffer.alloc(500_000, 2))).toMatchObject({ ok: false, reason: 'UNREADABLE' });
    expect(performance.now() - startedAt).toBeLessThan(2_000);
  });

  it('a default, alias, name or documentation that another implementation takes makes nothing unreadable', async () => {
    const { bytes } = writtenBy(() => {});
    const schema = structuredClone(schemaType(RECORD).schema({ exportAttrs: true })) as unknown as RecordSchema;
    field(schema, 'eventId').default = 7;
    field(schema, 'occurredAt').default = 'now';
    (field(schema, 'type').type as Record<string, unknown>)['default'] = 'NOWHERE';
    (field(schema, 'action').type as Record<string, unknown>)['aliases'] = ['not a name!', ''];
    (field(schema, 'subscription').type as Record<string, unknown>)['name'] = 'Ein Name mit Leerzeichen';
    Object.assign(schema, { doc: { not: 'a text' }, order: 'sideways' });
    expect(await decode(bytes, () => Promise.resolve({ kind: 'schema', schema }))).toMatchObject({ ok: true });
  });
});

describe('What is read', () => {
  it('is a whole number up to 2^53 - 1; a larger one is refused with its field and value, never rounded', async () => {
    const contract = structuredClone(schemaType(RECORD).schema({ exportAttrs: true })) as unknown as RecordSchema;
    const event = structuredClone(sampleEvent().value) as unknown as { subscription: { version: number } };
    // The largest number that avsc writes.
    event.subscription.version = Number.MAX_SAFE_INTEGER - 1;
    const bytes = schemaType(RECORD).toBuffer(event);
    const find: FindWriterSchema = () => Promise.resolve({ kind: 'schema', schema: contract });
    expect(await decode(wire(9, bytes), find)).toMatchObject({
      ok: true,
      event: { subscription: { version: 9007199254740990 } },
    });
    // 2^53 - 2 is written as fc ff ff ff ff ff ff 1f; 2^53 + 1 as 82 80 80 80 80 80 80 20.
    const at = bytes.indexOf(Buffer.from('fcffffffffffff1f', 'hex'));
    Buffer.from('8280808080808020', 'hex').copy(bytes, at);
    expect(await decode(wire(9, bytes), find)).toEqual({
      ok: false,
      reason: 'UNREADABLE',
      detail:
        'subscription.version: 9007199254740993 is beyond 9007199254740991, the largest whole number that is taken',
    });
  });

  it('is the branch of a union at the top, if it is one of ours', async () => {
    const contract = schemaType(RECORD).schema({ exportAttrs: true });
    const other = { type: 'record', name: 'Other', namespace: 'com.crm.subscription.v1', fields: [] };
    const find: FindWriterSchema = () => Promise.resolve({ kind: 'schema', schema: [other, contract] });
    const event = encoded(sampleEvent()).subarray(5);
    expect(await decode(wire(9, Buffer.concat([Buffer.of(2), event])), find)).toMatchObject({
      ok: true,
      event: { family: 'SERVICE' },
    });
    expect(await decode(wire(9, Buffer.of(0)), find)).toMatchObject({
      reason: 'UNREADABLE',
      detail: expect.stringContaining('com.crm.subscription.v1.Other') as string,
    });
    expect(await decode(wire(9, Buffer.of(8)), find)).toMatchObject({ reason: 'UNREADABLE' });
  });

  it('is text in UTF-8: anything else is refused with its field', async () => {
    const bytes = encoded(sampleEvent());
    const at = bytes.indexOf('S0000000329');
    bytes.writeUInt8(0xff, at);
    expect(await decode(bytes)).toMatchObject({
      reason: 'UNREADABLE',
      detail: 'subscription.id: it is not valid UTF-8',
    });
  });
});
