import avro, { type Type } from 'avsc';
import type { Message } from 'kafkajs';
import type { SchemaRegistryClient } from '../platform/schema-registry.ts';
import { contractSchema, OUTCOME_RECORDS, subjectOf } from '../platform/topics.ts';
import type { DeadLetterHeader, OutboxMessage, OutcomeHeaders } from './outbox.ts';

/** A message for Kafka. */
export interface EncodedMessage {
  readonly stored: OutboxMessage;
  readonly topic: string;
  readonly message: Message;
  /** The approximate size of key, value and headers. */
  readonly bytes: number;
}

export interface EncoderOptions {
  readonly registry: Pick<SchemaRegistryClient, 'registeredId'>;
  readonly outcomeTopic: string;
  readonly actionOutcomeTopic: string;
  readonly deadLetterTopic: string;
  /** The CloudEvents source of everything published. */
  readonly source: string;
}

export interface Encoder {
  /**
   * Encodes messages.
   * @throws SchemaRegistryUnavailableError; Error naming the subject whose schema is not registered.
   */
  encode(messages: readonly OutboxMessage[]): Promise<EncodedMessage[]>;
}

/** The CloudEvents source of everything that the service publishes. */
export const EVENT_SOURCE = '/conax-provisioning';

const MAGIC_BYTE = 0;
const PREFIX_BYTES = 5;
/** About how many bytes Kafka adds to each header for its lengths. */
const HEADER_BYTES = 8;

/**
 * Creates an encoder for stored messages. Outcomes become Avro with the registry's schema ids, as CloudEvents 1.0 in
 * Kafka's binary mode. Dead letters keep their bytes.
 */
export function createEncoder(options: EncoderOptions): Encoder {
  const kinds = {
    REQUEST_OUTCOME: recordKind(options.outcomeTopic, OUTCOME_RECORDS.REQUEST_OUTCOME),
    ACTION_OUTCOME: recordKind(options.actionOutcomeTopic, OUTCOME_RECORDS.ACTION_OUTCOME),
  };
  return {
    async encode(messages) {
      const encoded: EncodedMessage[] = [];
      for (const stored of messages) {
        encoded.push(stored.kind === 'DEAD_LETTER' ? deadLetter(stored) : await outcome(stored, kinds[stored.kind]));
      }
      return encoded;
    },
  };

  function recordKind(topic: string, recordName: string): RecordKind {
    const schema = contractSchema(recordName);
    return { topic, recordName, schema, type: avro.Type.forSchema(JSON.parse(schema) as avro.Schema), id: null };
  }

  async function outcome(stored: OutboxMessage, kind: RecordKind): Promise<EncodedMessage> {
    const id = await schemaId(kind);
    const body = kind.type.toBuffer(stored.record);
    const value = Buffer.allocUnsafe(PREFIX_BYTES + body.length);
    value.writeUInt8(MAGIC_BYTE, 0);
    value.writeUInt32BE(id, 1);
    body.copy(value, PREFIX_BYTES);
    return withSize(stored, kind.topic, {
      key: stored.message_key,
      value,
      headers: {
        ce_id: stored.event_id,
        ce_source: options.source,
        ce_specversion: '1.0',
        ce_type: kind.recordName,
        'content-type': 'application/avro',
        ...(stored.headers as OutcomeHeaders),
      },
    });
  }

  function deadLetter(stored: OutboxMessage): EncodedMessage {
    const headers = noHeaders();
    for (const [name, base64] of stored.headers as readonly DeadLetterHeader[]) {
      (headers[name] ??= []).push(base64 === null ? '' : Buffer.from(base64, 'base64'));
    }
    return withSize(stored, options.deadLetterTopic, { key: stored.message_key, value: stored.body, headers });
  }

  async function schemaId(kind: RecordKind): Promise<number> {
    if (kind.id !== null) return kind.id;
    const subject = subjectOf(kind.topic, kind.recordName);
    const id = await options.registry.registeredId(subject, kind.schema);
    if (id === null)
      throw new Error(`Subject ${subject} lacks the schema of this version: run "conax-provisioning migrate"`);
    kind.id = id;
    return id;
  }
}

/** Returns an object without a prototype for headers, since a header may have any name ("constructor", "__proto__"). */
function noHeaders(): Record<string, (Buffer | string)[]> {
  return Object.create(null) as Record<string, (Buffer | string)[]>;
}

/**
 * Reduces a dead letter that is too large for the broker. The first call drops the value and the message's own headers;
 * a second call also drops the key. The header `dead-letter-left-out` names what is missing. Null if only our own
 * headers are left, at most about 5,000 bytes: then the size is not the problem.
 */
export function reducedDeadLetter({ stored, topic, message }: EncodedMessage): EncodedMessage | null {
  if (stored.kind !== 'DEAD_LETTER') return null;
  const headers = noHeaders();
  let leftOut = 0;
  for (const [name, value] of Object.entries(message.headers ?? {})) {
    if (name.startsWith('dead-letter-')) headers[name] = [value].flat().filter((one) => one !== undefined);
    else leftOut += 1;
  }
  const key = message.key ?? null;
  const parts: string[] = [];
  if (message.value !== null) parts.push(`the value of ${message.value.length} bytes`);
  if (leftOut > 0) parts.push(`${leftOut} headers`);
  const withKey = parts.length > 0;
  if (!withKey) {
    if (key === null) return null;
    parts.push(`the key of ${key.length} bytes`);
  }
  (headers['dead-letter-left-out'] ??= []).push(`${parts.join(', ')}: too large for this topic`);
  return withSize(stored, topic, { key: withKey ? key : null, value: null, headers });
}

interface RecordKind {
  readonly topic: string;
  readonly recordName: string;
  readonly schema: string;
  readonly type: Type;
  /** Looked up at first use; a registry never gives an id to another schema. */
  id: number | null;
}

function withSize(stored: OutboxMessage, topic: string, message: Message): EncodedMessage {
  let headerBytes = 0;
  for (const [name, value] of Object.entries(message.headers ?? {})) {
    for (const one of [value].flat()) headerBytes += name.length + (one?.length ?? 0) + HEADER_BYTES;
  }
  const bytes = (message.value?.length ?? 0) + (message.key?.length ?? 0) + headerBytes;
  return { stored, topic, message, bytes };
}
