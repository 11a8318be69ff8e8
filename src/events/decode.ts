import { readFileSync } from 'node:fs';
import avro, { type Type } from 'avsc';
import { messageOf } from '../platform/errors.ts';
import type { ActionEvent, Family } from './action-event.ts';
import { withBoundedItems } from './bounded-avro.ts';
import type { DeadLetterCause, DeadLetterReason } from './dead-letter-reasons.ts';
import { compileProjection, type Project } from './projection.ts';

/** What a message turned out to be. A failure is a value: an exception out of a handler would kill its consumer. */
export type Decoded = { readonly ok: true; readonly event: ActionEvent } | ({ readonly ok: false } & DeadLetterCause);

/** What the registry says about a schema id. */
export type WriterSchema =
  | { readonly kind: 'schema'; readonly type: Type }
  /** The registry answered that it has no such schema. */
  | { readonly kind: 'unknown' }
  /** The registry has it, and it cannot be used: it is not Avro, or avsc refuses it. */
  | { readonly kind: 'unusable'; readonly detail: string };

/**
 * Looks up the schema that a message was written with. MUST reject where the registry gave no answer about the id
 * (away, overloaded, refusing our credentials), so that nobody takes an outage for a bad message.
 */
export type FindWriterSchema = (schemaId: number) => Promise<WriterSchema>;

export interface EventDecoder {
  /**
   * Decodes the values of messages, each by itself, in their order. Looks up each schema id once for all of them.
   * @throws whatever the look-up rejects with: the registry is away, and the same call may be repeated later.
   */
  decode(values: readonly (Buffer | null)[]): Promise<Decoded[]>;
}

/** The record of each family, as full names of the contract (schemas/*.avsc). */
export const CRM_RECORDS = {
  SUBSCRIPTION: 'com.crm.subscription.v1.SubscriptionActionEvent',
  SERVICE: 'com.crm.subscription.v1.ServiceActionEvent',
  INSTALLED_ITEM: 'com.crm.subscription.v1.InstalledItemActionEvent',
} as const satisfies Record<Family, string>;

/** Confluent wire format: magic byte 0, schema id (4 bytes, big endian), Avro binary. */
const MAGIC_BYTE = 0;
const PREFIX_BYTES = 5;
/** 9999-12-31T23:59:59.999Z: a later time is one in microseconds or no time at all, and PostgreSQL and people choke on it. */
const LATEST_TIME = 253_402_300_799_999;

/** Our own type of each family's record. */
export const CRM_READERS: readonly { readonly family: Family; readonly name: string; readonly type: Type }[] =
  Object.entries(CRM_RECORDS).map(([family, name]) => ({ family: family as Family, name, type: readerType(name) }));

const readers = new Map(CRM_READERS.map((reader) => [reader.name, reader]));

/** How to read the messages of one writer's schema, or why they cannot be read. */
type Reading = { readonly ok: true; readonly read: (bytes: Buffer) => ActionEvent } | Failure;
type Failure = { readonly ok: false } & DeadLetterCause;

export function createEventDecoder(findWriterSchema: FindWriterSchema): EventDecoder {
  // One per writer's schema: the look-up caches its types, so that a type that is gone takes its reading along.
  const readings = new WeakMap<Type, Reading>();

  return {
    async decode(values) {
      const ids = new Set(values.map(schemaIdOf).filter((id) => id !== null));
      const found = new Map(
        await Promise.all([...ids].map(async (id) => [id, reading(id, await findWriterSchema(id))] as const)),
      );
      return values.map((value) => decodeOne(value, found));
    },
  };

  function reading(id: number, schema: WriterSchema): Reading {
    if (schema.kind === 'unknown')
      return failure('UNKNOWN_SCHEMA', `the schema registry has no schema with the id ${id}`);
    if (schema.kind === 'unusable') return failure('UNREADABLE', `schema ${id} cannot be used: ${schema.detail}`);
    const known = readings.get(schema.type);
    if (known) return known;
    const compiled = compileReading(schema.type);
    readings.set(schema.type, compiled);
    return compiled;
  }
}

function decodeOne(value: Buffer | null, readingsById: ReadonlyMap<number, Reading>): Decoded {
  if (value === null) return failure('EMPTY_MESSAGE', 'the message has no value (a tombstone)');
  if (value.length === 0) return failure('EMPTY_MESSAGE', 'the value of the message is empty');
  const id = schemaIdOf(value);
  if (id === null)
    return failure('NOT_AVRO', `the value begins with ${value.subarray(0, PREFIX_BYTES).toString('hex')}`);
  const reading = readingsById.get(id);
  if (!reading) return failure('UNKNOWN_SCHEMA', `the schema id ${id} was not looked up`);
  if (!reading.ok) return reading;
  try {
    return { ok: true, event: reading.read(value.subarray(PREFIX_BYTES)) };
  } catch (error) {
    return failure('UNREADABLE', messageOf(error));
  }
}

/** The schema id of a value in the wire format, null where it is not in it. Registries count from 1. */
function schemaIdOf(value: Buffer | null): number | null {
  if (!value || value.length < PREFIX_BYTES || value[0] !== MAGIC_BYTE) return null;
  return value.readUInt32BE(1);
}

function compileReading(writer: Type): Reading {
  const reader = readers.get(writer.name ?? '');
  if (!reader) {
    const known = [...readers.keys()].join(', ');
    return failure('UNREADABLE', `the message is a ${writer.name ?? writer.typeName}, expected one of ${known}`);
  }
  let project: Project;
  let bounded: Type;
  try {
    bounded = withBoundedItems(writer);
    project = compileProjection(reader.type, bounded, '');
  } catch (error) {
    return failure('UNREADABLE', messageOf(error));
  }
  const { family } = reader;
  return {
    ok: true,
    read(bytes) {
      const written = bounded.fromBuffer(bytes) as { type: unknown };
      const event = { family, ...(project(written) as object), writerType: writerSymbol(written.type) } as ActionEvent;
      assertTimes(event);
      return event;
    },
  };
}

/** The writer's own symbol; a union wraps its branch where avsc could not tell the branches apart. */
function writerSymbol(type: unknown): string {
  return typeof type === 'string' ? type : String(Object.values(Object(type) as object)[0]);
}

/** Avro allows times that neither people nor PostgreSQL know. */
function assertTimes(event: ActionEvent): void {
  assertTime('occurredAt', event.occurredAt);
  assertTime('action.executedAt', event.action.executedAt);
}

function assertTime(field: string, value: number): void {
  if (value >= 0 && value <= LATEST_TIME) return;
  throw new Error(`${field}: ${value} is no time in milliseconds since 1970`);
}

function failure(reason: DeadLetterReason, detail: string): Failure {
  return { ok: false, reason, detail };
}

function readerType(fullName: string): Type {
  const file = new URL(`../../schemas/${fullName}.avsc`, import.meta.url);
  return avro.Type.forSchema(JSON.parse(readFileSync(file, 'utf8')) as avro.Schema);
}
