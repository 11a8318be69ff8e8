import { randomUUID } from 'node:crypto';
import type { DeadLetterCause } from '../events/dead-letter-reasons.ts';
import type { DeadLetterHeader, NewOutboxMessage } from '../outcomes/outbox.ts';
import type { IncomingMessage } from './message.ts';

/** How many headers of the message are kept; the rest is left out, and the dead letter names how many. */
const HEADERS_MAX = 1_000;

/**
 * Makes the message for the dead letter topic: the original key, value and headers, and also the reason and the origin.
 * The header `dead-letter-left-out` names what is left out.
 */
export function deadLetter(message: IncomingMessage, cause: DeadLetterCause): NewOutboxMessage {
  const { headers, leftOut } = originalHeaders(message);
  return {
    kind: 'DEAD_LETTER',
    eventId: randomUUID(),
    key: message.key,
    body: message.value,
    headers: [
      ...headers,
      header('dead-letter-reason', cause.reason),
      header('dead-letter-detail', cause.detail),
      header('dead-letter-topic', message.topic),
      header('dead-letter-partition', String(message.partition)),
      header('dead-letter-offset', String(message.offset)),
      header('dead-letter-timestamp', message.timestamp.toISOString()),
      ...(leftOut === 0 ? [] : [header('dead-letter-left-out', `${leftOut} headers beyond ${HEADERS_MAX}`)]),
    ],
  };
}

/** Returns the original headers. The new headers replace those of an earlier stay in the dead letter topic. */
function originalHeaders(message: IncomingMessage): { headers: DeadLetterHeader[]; leftOut: number } {
  const headers: DeadLetterHeader[] = [];
  let leftOut = 0;
  for (const [name, value] of Object.entries(message.headers)) {
    if (name.startsWith('dead-letter-')) continue;
    for (const one of Array.isArray(value) ? value : [value]) {
      if (headers.length < HEADERS_MAX) headers.push(encoded(name, one));
      else leftOut += 1;
    }
  }
  return { headers, leftOut };
}

function header(name: string, value: string): DeadLetterHeader {
  return encoded(name, value);
}

/** Encodes a value in Base64, because PostgreSQL's jsonb cannot store U+0000. A name cannot be encoded that way. */
function encoded(name: string, value: Buffer | string | undefined): DeadLetterHeader {
  const bytes = value === undefined || value === null ? null : Buffer.from(value).toString('base64');
  return [name.replaceAll('\u0000', '\uFFFD').toWellFormed(), bytes];
}
