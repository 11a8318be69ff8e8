import { createEventDecoder, type FindWriterSchema } from '../../events/decode.ts';
import { contradictionsOf } from '../../events/contradictions.ts';
import type { DeadLetterCause } from '../../events/dead-letter-reasons.ts';
import { decodePartly, type PartlyDecoded } from '../../events/partial.ts';
import type { IncomingMessage, ReadMessage } from '../../intake/message.ts';
import { namesSchemaInHeader, readMessages } from '../../intake/read.ts';
import type { Queryable } from '../../platform/database.ts';
import { DeadLetterError } from '../../intake/release-dead-letter.ts';
import { hexLines } from './hex.ts';
import { messageOfDeadLetter, type StoredEvent, storedEvent } from './stored.ts';

/** A message with everything known about it. */
export interface ShownEvent extends StoredEvent {
  readonly event: unknown;
  /** The original message of a dead letter; null if its bytes are no longer stored. */
  readonly message: {
    readonly key: string | null;
    readonly headers: Readonly<Record<string, string>>;
    readonly bytes: number;
    readonly schemaId: number | null;
    /** Why it cannot be read now; null if it can, because the cause may be fixed since. */
    readonly cause: DeadLetterCause | null;
    /** The payload as far as the named schema can read it; null if there is no such schema. */
    readonly decoded: PartlyDecoded | null;
    readonly hex: readonly string[];
  } | null;
}

const PREFIX_BYTES = 5;

/**
 * Reads one message of the inbox; a dead letter is decoded as far as possible.
 * @returns null if there is no such row.
 * @throws SchemaRegistryUnavailableError if the registry cannot return a dead letter's schema.
 */
export async function showEvent(
  db: Queryable,
  id: number,
  findWriterSchema: FindWriterSchema,
): Promise<ShownEvent | null> {
  const stored = await storedEvent(db, id);
  if (!stored) return null;
  const message = stored.disposition === 'DEAD_LETTERED' ? await messageOfDeadLetter(db, stored) : null;
  if (!message) return { ...stored, message: null };
  const [read] = await readMessages(createEventDecoder(findWriterSchema), [message]);
  const value = message.value ?? Buffer.alloc(0);
  const schemaId = schemaIdOf(value);
  const schema = schemaId === null ? null : await findWriterSchema(schemaId);
  return {
    ...stored,
    event: stored.event ?? read?.event ?? null,
    message: {
      key: message.key?.toString() ?? null,
      headers: Object.fromEntries(Object.entries(message.headers).map(([name, header]) => [name, String(header)])),
      bytes: value.length,
      schemaId,
      cause: read?.cause ?? null,
      decoded: schema?.kind === 'schema' ? decodePartly(schema, value.subarray(PREFIX_BYTES)) : null,
      hex: hexLines(value),
    },
  };
}

/**
 * Reads a dead letter again, with the schema that it names or with another one.
 * @throws DeadLetterError if its bytes are gone or it still cannot be read; SchemaRegistryUnavailableError.
 */
export async function readDeadLetterAgain(
  db: Queryable,
  letter: StoredEvent,
  findWriterSchema: FindWriterSchema,
  schemaId: number | null,
): Promise<{ readonly message: IncomingMessage; readonly event: NonNullable<ReadMessage['event']> }> {
  const message = await messageOfDeadLetter(db, letter);
  if (!message) {
    throw new DeadLetterError(
      `The bytes of dead letter ${letter.id} are no longer stored: let the CRM send the event again`,
    );
  }
  const [read] = await readMessages(createEventDecoder(findWriterSchema), [withSchema(message, schemaId)]);
  const event = read?.event ?? null;
  const cause = event === null ? (read?.cause ?? null) : contradictionOf(event);
  if (event === null || cause !== null) {
    throw new DeadLetterError(
      `Dead letter ${letter.id} still cannot be processed: ${cause?.reason ?? 'UNREADABLE'}: ${cause?.detail ?? ''}`,
    );
  }
  return { message, event };
}

function contradictionOf(event: NonNullable<ReadMessage['event']>): DeadLetterCause | null {
  const contradictions = contradictionsOf(event);
  return contradictions.length === 0 ? null : { reason: 'CONTRADICTORY', detail: contradictions.join(' ') };
}

/** Returns the same payload under another schema id. A value without the wire format's prefix is all payload. */
function withSchema(message: IncomingMessage, schemaId: number | null): IncomingMessage {
  const { value } = message;
  if (schemaId === null || value === null) return message;
  const isPrefixed = value.length >= PREFIX_BYTES && value[0] === 0 && !namesSchemaInHeader(message);
  const prefix = Buffer.alloc(PREFIX_BYTES);
  prefix.writeUInt32BE(schemaId, 1);
  return { ...message, value: Buffer.concat([prefix, isPrefixed ? value.subarray(PREFIX_BYTES) : value]) };
}

function schemaIdOf(value: Buffer): number | null {
  return value.length < PREFIX_BYTES || value[0] !== 0 ? null : value.readUInt32BE(1);
}
