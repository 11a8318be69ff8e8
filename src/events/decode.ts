import { readFileSync } from 'node:fs';
import avro, { type Type } from 'avsc';
import type { ActionEvent, Family } from './action-event.ts';
import { AvroBytesError, cursorAt, readChoice } from './avro-cursor.ts';
import { AvroMismatchError, compileRead, type Read } from './avro-reader.ts';
import { type AvroNode, AvroSchemaError, parseAvroSchema } from './avro-schema.ts';
import type { WriterSchema } from '../platform/schema-look-ups.ts';
import type { DeadLetterCause, DeadLetterReason } from './dead-letter-reasons.ts';

/**
 * The result of decoding a message. A failure is a value, because an exception in a handler would kill its consumer.
 */
export type Decoded = { readonly ok: true; readonly event: ActionEvent } | ({ readonly ok: false } & DeadLetterCause);

/**
 * Looks up the schema that a message was written with. It MUST reject if the registry gave no answer about the id:
 * unreachable, overloaded, refused our credentials. So nobody takes an outage for a bad message.
 */
export type FindWriterSchema = (schemaId: number) => Promise<WriterSchema>;

export interface EventDecoder {
  /**
   * Decodes the values of messages in order, each by itself. Looks up each schema id once for all of them.
   * @throws whatever the look-up rejects with: the registry is unreachable, and the same call may be repeated later.
   */
  decode(values: readonly (Buffer | null)[]): Promise<Decoded[]>;
  /**
   * Decodes an event of our own, which needs no registry.
   * @throws errors that no message causes.
   */
  control(): ActionEvent;
}

/** The full name of each family's record in the contract (schemas/*.avsc). */
export const CRM_RECORDS = {
  SUBSCRIPTION: 'com.crm.subscription.v1.SubscriptionActionEvent',
  SERVICE: 'com.crm.subscription.v1.ServiceActionEvent',
  INSTALLED_ITEM: 'com.crm.subscription.v1.InstalledItemActionEvent',
} as const satisfies Record<Family, string>;

/** Confluent wire format: magic byte 0, schema id (4 bytes, big endian), Avro binary. */
const MAGIC_BYTE = 0;
const PREFIX_BYTES = 5;
/**
 * 9999-12-31T23:59:59.999Z. A later time is in microseconds or is no time, and PostgreSQL and people cannot handle it.
 */
const LATEST_TIME = 253_402_300_799_999;

/** Our own type for each family's record. */
export const CRM_READERS: readonly { readonly family: Family; readonly name: string; readonly type: Type }[] =
  Object.entries(CRM_RECORDS).map(([family, name]) => ({ family: family as Family, name, type: readerType(name) }));

const readers = new Map(CRM_READERS.map((reader) => [reader.name, reader]));

const CONTROL_BYTES = readerType(CRM_RECORDS.SERVICE).toBuffer({
  eventId: 'control',
  occurredAt: 0,
  action: { id: 'control', number: 'control', executedAt: 0 },
  type: 'ADD_SERVICE',
  subscription: {
    id: 'control',
    number: 'control',
    version: 1,
    state: 'EFFECTIVE',
    services: [
      { id: 'control', productId: 'control', productCode: 'control', caId: '1', state: 'EFFECTIVE', distributor: null },
    ],
    installedItems: [{ id: 'control', serialNumber: 'control', kind: 'SMARTCARD', caId: 'control' }],
  },
  incomingServices: ['control'],
});

/** The reader for messages of one writer's schema, or why they cannot be read. */
type Reading = { readonly ok: true; readonly read: (bytes: Buffer, start?: number) => ActionEvent } | Failure;
type Failure = { readonly ok: false } & DeadLetterCause;

export function createEventDecoder(findWriterSchema: FindWriterSchema): EventDecoder {
  // One per writer's schema. The look-up caches its schemas, so a reader disappears with its schema.
  const readings = new WeakMap<WriterSchema, Reading>();

  return {
    async decode(values) {
      const ids = [...new Set(values.map(schemaIdOf).filter((id) => id !== null))];
      const found = new Map<number, Reading>();
      // All at once, so that waiting for the registry is done only once, although its client asks one after the other.
      await Promise.all(ids.map(async (id) => found.set(id, reading(id, await findWriterSchema(id)))));
      return values.map((value) => decodeOne(value, found));
    },
    control: controlEvent,
  };

  function reading(id: number, schema: WriterSchema): Reading {
    if (schema.kind === 'unknown')
      return failure('UNKNOWN_SCHEMA', `the schema registry has no schema with the id ${id}`);
    if (schema.kind === 'unusable') return failure('UNREADABLE', `schema ${id} cannot be used: ${schema.detail}`);
    const known = readings.get(schema);
    if (known) return known;
    const compiled = compileReading(schema);
    readings.set(schema, compiled);
    return compiled;
  }
}

/** Returns an event that always makes one request, decoded from bytes, for the experiment's control. */
export function controlEvent(): ActionEvent {
  const reading = compileReading({ kind: 'schema', schema: contractOf(CRM_RECORDS.SERVICE) });
  if (!reading.ok) throw new Error(`The contract cannot be read: ${reading.detail}`);
  return reading.read(CONTROL_BYTES);
}

function decodeOne(value: Buffer | null, readingsById: ReadonlyMap<number, Reading>): Decoded {
  if (value === null) return failure('EMPTY_MESSAGE', 'the message has no value (a tombstone)');
  if (value.length === 0) return failure('EMPTY_MESSAGE', 'the value of the message is empty');
  const id = schemaIdOf(value);
  if (id === null)
    return failure('NOT_AVRO', `the value starts with ${value.subarray(0, PREFIX_BYTES).toString('hex')}`);
  const reading = readingsById.get(id);
  if (!reading) return failure('UNKNOWN_SCHEMA', `the schema id ${id} was not looked up`);
  if (!reading.ok) return reading;
  try {
    return { ok: true, event: reading.read(value.subarray(PREFIX_BYTES)) };
  } catch (error) {
    return failureOf(error);
  }
}

/** Turns an error of a message or its schema into a value; any other error is a bug of ours. */
function failureOf(error: unknown): Failure {
  const known = [AvroBytesError, AvroMismatchError, AvroSchemaError].some((kind) => error instanceof kind);
  if (known) return failure('UNREADABLE', (error as Error).message);
  throw error;
}

/** Returns the schema id of a value in the wire format; null if it is not. Registries count from 1. */
export function schemaIdOf(value: Buffer | null): number | null {
  if (!value || value.length < PREFIX_BYTES || value[0] !== MAGIC_BYTE) return null;
  return value.readUInt32BE(1);
}

/** Compiles a reader for a schema: a record of ours, or a union of records at the top. */
function compileReading(writer: Extract<WriterSchema, { kind: 'schema' }>): Reading {
  let node: AvroNode;
  try {
    node = parseAvroSchema(writer.schema, writer.references);
  } catch (error) {
    return failureOf(error);
  }
  if (node.kind !== 'union') return compileRecord(node);
  const { branches } = node;
  const readings = branches.map(compileRecord);
  return {
    ok: true,
    read(bytes) {
      const cursor = cursorAt(bytes);
      const reading = readChoice(cursor, readings, 'branch');
      if (!reading.ok) throw new AvroMismatchError(reading.detail);
      return reading.read(bytes, cursor.at);
    },
  };
}

function compileRecord(writer: AvroNode): Reading {
  const name = 'name' in writer ? writer.name : writer.kind;
  const reader = readers.get(name);
  if (!reader) {
    return failure('UNREADABLE', `the message is a ${name}, expected one of ${[...readers.keys()].join(', ')}`);
  }
  let writerType = '';
  let read: Read;
  try {
    read = compileRead(reader.type, writer, '', (path, symbol) => {
      if (path === 'type') writerType = symbol;
    });
  } catch (error) {
    return failureOf(error);
  }
  const { family } = reader;
  return {
    ok: true,
    read(bytes, start = 0) {
      const cursor = cursorAt(bytes, start);
      const event = { family, ...(read(cursor) as object), writerType } as ActionEvent;
      if (cursor.at < bytes.length) {
        throw new AvroBytesError(`the message has ${bytes.length - cursor.at} bytes after the end of its record`);
      }
      assertTimes(event);
      return event;
    },
  };
}

/** Refuses times that Avro allows and neither people nor PostgreSQL know. */
function assertTimes(event: ActionEvent): void {
  assertTime('occurredAt', event.occurredAt);
  assertTime('action.executedAt', event.action.executedAt);
}

function assertTime(field: string, value: number): void {
  if (value >= 0 && value <= LATEST_TIME) return;
  throw new AvroBytesError(`${field}: ${value} is no time in milliseconds since 1970`);
}

function failure(reason: DeadLetterReason, detail: string): Failure {
  return { ok: false, reason, detail };
}

function readerType(fullName: string): Type {
  return avro.Type.forSchema(contractOf(fullName) as avro.Schema);
}

function contractOf(fullName: string): unknown {
  const file = new URL(`../../schemas/${fullName}.avsc`, import.meta.url);
  return JSON.parse(readFileSync(file, 'utf8'));
}
