import { randomUUID } from 'node:crypto';
import type { DeadLetterCause } from '../events/dead-letter-reasons.ts';
import type { DeadLetterHeader, NewOutboxMessage } from '../outcomes/outbox.ts';
import type { IncomingMessage } from './message.ts';

/** The message for the dead letter topic: key, value and headers as they came, and beside them why and whence. */
export function deadLetter(message: IncomingMessage, cause: DeadLetterCause): NewOutboxMessage {
  return {
    kind: 'DEAD_LETTER',
    eventId: randomUUID(),
    key: message.key,
    body: message.value,
    headers: [
      ...originalHeaders(message),
      header('dead-letter-reason', cause.reason),
      header('dead-letter-detail', cause.detail),
      header('dead-letter-topic', message.topic),
      header('dead-letter-partition', String(message.partition)),
      header('dead-letter-offset', String(message.offset)),
      header('dead-letter-timestamp', message.timestamp.toISOString()),
    ],
  };
}

/** Headers of an earlier stay in the dead letter topic give way to those of this one. */
function originalHeaders(message: IncomingMessage): DeadLetterHeader[] {
  return Object.entries(message.headers)
    .filter(([name]) => !name.startsWith('dead-letter-'))
    .flatMap(([name, value]) => (Array.isArray(value) ? value : [value]).map((one) => encoded(name, one)));
}

function header(name: string, value: string): DeadLetterHeader {
  return encoded(name, value);
}

/** Base64, as PostgreSQL's jsonb takes no U+0000; a name cannot be kept that way. */
function encoded(name: string, value: Buffer | string | undefined): DeadLetterHeader {
  const bytes = value === undefined || value === null ? null : Buffer.from(value).toString('base64');
  return [name.replaceAll('\u0000', '\uFFFD').toWellFormed(), bytes];
}
