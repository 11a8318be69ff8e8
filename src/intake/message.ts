import type { KafkaMessage } from 'kafkajs';
import type { ActionEvent } from '../events/action-event.ts';
import type { DeadLetterCause } from '../events/dead-letter-reasons.ts';
import type { ReceivedMessage, Unreadable } from '../platform/kafkajs/unreadable.ts';
import { type Span, wellFormedTraceparent } from '../platform/tracing.ts';

/** A message from Kafka. */
export interface IncomingMessage {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  readonly timestamp: Date;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers: NonNullable<KafkaMessage['headers']>;
  /** Set if the transport could not read the record; then key and value are null. */
  readonly unreadable?: Unreadable;
  /** Set if its processing is traced. */
  readonly span?: Span;
}

/**
 * A message with the result of reading it. With both `event` and `cause`, it was readable and is still a dead letter.
 */
export interface ReadMessage {
  readonly message: IncomingMessage;
  readonly event: ActionEvent | null;
  /** Why it is a dead letter; null if it can be processed. */
  readonly cause: DeadLetterCause | null;
}

export function incomingMessage(topic: string, partition: number, message: ReceivedMessage): IncomingMessage {
  const place = { topic, partition, offset: Number(message.offset), timestamp: timestampOf(message.timestamp) };
  const { unreadable } = message;
  if (unreadable !== undefined) return { ...place, key: null, value: null, headers: {}, unreadable };
  return { ...place, key: message.key, value: message.value, headers: message.headers ?? {} };
}

/** Returns a message with only its position, which is all that is sure if nothing else can be read. */
export function bareMessage(topic: string, partition: number, offset: number): IncomingMessage {
  return { topic, partition, offset, timestamp: new Date(0), key: null, value: null, headers: {} };
}

/** Returns the offset at which reading continues after a message. */
export function nextOffsetAfter({ offset, unreadable }: Pick<IncomingMessage, 'offset' | 'unreadable'>): number {
  return Math.max(offset, unreadable?.lastOffset ?? offset) + 1;
}

/** 0001-01-01 and 9999-12-31. Outside these years PostgreSQL, ISO 8601 and people disagree. */
const EARLIEST_TIME = -62_135_596_800_000;
const LATEST_TIME = 253_402_300_799_999;

/** Returns the time of a message. A producer may write any number; one outside the years 1 to 9999 becomes 1970. */
function timestampOf(milliseconds: string): Date {
  const time = Number(milliseconds);
  return new Date(time >= EARLIEST_TIME && time <= LATEST_TIME ? time : 0);
}

/** Returns the first value of a header as text; null if there is none. */
export function headerText(message: IncomingMessage, name: string): string | null {
  const first = headerBytes(message, name);
  return first === null ? null : first.toString();
}

/** Returns the first value of a header; null if there is none. */
export function headerBytes({ headers }: IncomingMessage, name: string): Buffer | null {
  if (!Object.hasOwn(headers, name)) return null;
  const value = headers[name];
  const first = Array.isArray(value) ? value[0] : value;
  return first === undefined || first === null ? null : Buffer.from(first);
}

/**
 * Returns the W3C trace context to store with what follows from the message: of its processing if that is traced, else
 * that of its header. Null if there is none or it is malformed.
 */
export function traceparentOf(message: IncomingMessage): string | null {
  return message.span?.traceparent ?? wellFormedTraceparent(headerText(message, 'traceparent'));
}
