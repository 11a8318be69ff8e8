import type { KafkaMessage } from 'kafkajs';
import type { ActionEvent } from '../events/action-event.ts';
import type { DeadLetterCause } from '../events/dead-letter-reasons.ts';

/** A message as it came from Kafka. */
export interface IncomingMessage {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  readonly timestamp: Date;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers: NonNullable<KafkaMessage['headers']>;
}

/** A message with what reading it gave. `event` beside a cause: it was readable, and is a dead letter all the same. */
export interface ReadMessage {
  readonly message: IncomingMessage;
  readonly event: ActionEvent | null;
  /** Why it is a dead letter; null where it is to be processed. */
  readonly cause: DeadLetterCause | null;
}

export function incomingMessage(topic: string, partition: number, message: KafkaMessage): IncomingMessage {
  return {
    topic,
    partition,
    offset: Number(message.offset),
    timestamp: timestampOf(message.timestamp),
    key: message.key,
    value: message.value,
    headers: message.headers ?? {},
  };
}

/** A producer may write any number; one that is no time becomes 1970. */
function timestampOf(milliseconds: string): Date {
  const date = new Date(Number(milliseconds));
  return Number.isNaN(date.getTime()) || date.getUTCFullYear() > 9999 ? new Date(0) : date;
}

/** The first value of a header as text, null where there is none. */
export function headerText(message: IncomingMessage, name: string): string | null {
  const value = message.headers[name];
  const first = Array.isArray(value) ? value[0] : value;
  return first === undefined || first === null ? null : first.toString();
}

/** W3C trace context of the message, null where there is none or it is malformed. */
export function traceparentOf(message: IncomingMessage): string | null {
  const text = headerText(message, 'traceparent');
  return text !== null && /^[\da-f]{2}-[\da-f]{32}-[\da-f]{16}-[\da-f]{2}$/.test(text) ? text : null;
}
