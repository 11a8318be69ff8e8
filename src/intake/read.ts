import { contradictionsOf } from '../events/contradictions.ts';
import type { Decoded, EventDecoder } from '../events/decode.ts';
import type { DeadLetterReason } from '../events/dead-letter-reasons.ts';
import { headerBytes, type IncomingMessage, type ReadMessage } from './message.ts';

/** The maximum length of a detail in a header. */
const DETAIL_CHARS_MAX = 1_000;

/**
 * The header with the schema's id. Confluent's serializers from version 8 on use it, and write the value without the
 * wire format's prefix.
 */
const SCHEMA_HEADER = '__value_schema_id';

/**
 * Decodes messages and checks each one for contradictions.
 * @throws SchemaRegistryUnavailableError; the same call may be repeated.
 */
export async function readMessages(
  decoder: Pick<EventDecoder, 'decode'>,
  messages: readonly IncomingMessage[],
): Promise<ReadMessage[]> {
  const decoded = await decoder.decode(messages.map(({ value }) => value));
  return messages.map((message, index) => {
    const result = decoded[index];
    if (!result) throw new Error(`The decoder returned ${decoded.length} results for ${messages.length} messages`);
    return read(message, result);
  });
}

/** Checks a decoded message for contradictions and texts that cannot be stored. */
export function read(message: IncomingMessage, decoded: Decoded): ReadMessage {
  const { unreadable } = message;
  if (unreadable !== undefined) return dead(message, null, 'UNREADABLE_RECORD', unreadable.detail);
  if (!decoded.ok) return dead(message, null, decoded.reason, `${decoded.detail}${schemaHeaderNote(message)}`);
  const unstorable = unstorableIn(decoded.event);
  if (unstorable !== null) {
    const named = IDENTITY.test(unstorable) ? null : decoded.event;
    return dead(message, named, 'PROCESSING_FAILED', `${unstorable}: has U+0000, which PostgreSQL cannot store`);
  }
  const contradictions = contradictionsOf(decoded.event);
  if (contradictions.length === 0) return { message, event: decoded.event, cause: null };
  return dead(message, decoded.event, 'CONTRADICTORY', contradictions.join(' '));
}

/** What is stored of a dead-lettered event. If one of these cannot be stored, its action cannot have an outcome. */
const IDENTITY = /^(?:eventId$|writerType$|action\.|subscription\.(?:id|number)$)/;

/**
 * Returns the path of the first text with U+0000; null if there is none. It is checked here because PostgreSQL would
 * refuse the whole batch, and an experiment for each such message would delay its partition.
 */
function unstorableIn(value: unknown, path = ''): string | null {
  if (typeof value === 'string') return value.includes('\u0000') ? path : null;
  if (typeof value !== 'object' || value === null) return null;
  for (const [name, member] of Object.entries(value)) {
    const place = Array.isArray(value) ? `${path}[]` : path === '' ? name : `${path}.${name}`;
    const found = unstorableIn(member, place);
    if (found !== null) return found;
  }
  return null;
}

function dead(
  message: IncomingMessage,
  event: ReadMessage['event'],
  reason: DeadLetterReason,
  detail: string,
): ReadMessage {
  return { message, event, cause: { reason, detail: shortened(detail) } };
}

/** Returns whether a header names the schema; the value then lacks the wire format's prefix. */
export function namesSchemaInHeader(message: IncomingMessage): boolean {
  return headerBytes(message, SCHEMA_HEADER) !== null;
}

/** Returns a note for people about a value without a prefix; empty if it has one. */
function schemaHeaderNote(message: IncomingMessage): string {
  const bytes = headerBytes(message, SCHEMA_HEADER);
  if (bytes === null) return '';
  const named =
    bytes.length === 17 && bytes[0] === 1
      ? `the schema with the GUID ${guidText(bytes.toString('hex', 1))}`
      : `a schema as ${bytes.toString('hex', 0, 64)}`;
  return (
    `; the header ${SCHEMA_HEADER} names ${named}, which the service does not read: let the producer write the ` +
    'schema id into the value, and release this message with `events release ID --schema N`, N being its id in the registry'
  );
}

function guidText(hex: string): string {
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}

/** Shortens a text to fit a header, without U+0000, which PostgreSQL cannot store. */
export function shortened(detail: string): string {
  const text = detail.replaceAll('\u0000', '\uFFFD').toWellFormed();
  return text.length <= DETAIL_CHARS_MAX ? text : `${text.slice(0, DETAIL_CHARS_MAX - 1).toWellFormed()}…`;
}
