import { z } from 'zod';
import { contradictionsOf } from '../../events/contradictions.ts';
import type { DeadLetterCause } from '../../events/dead-letter-reasons.ts';
import { createEventDecoder, type FindWriterSchema } from '../../events/decode.ts';
import { decodePartly } from '../../events/partial.ts';
import { OperationError } from '../../http/operation-error.ts';
import type { IncomingMessage, ReadMessage } from '../../intake/message.ts';
import { namesSchemaInHeader, readMessages } from '../../intake/read.ts';
import type { Queryable } from '../../platform/database.ts';
import { madeFields, readMade } from './made.ts';
import { messageOfDeadLetter, readEvent, type StoredEvent, storedEvent } from './stored.ts';

/** A message with everything known about it. */
export const shownEvent = storedEvent
  .extend({
    event: z.unknown().describe('The decoded event; null if it cannot be decoded.'),
    ...madeFields,
    message: z
      .strictObject({
        key: z.string().nullable(),
        headers: z.record(z.string(), z.string()),
        bytes: z.int(),
        schema_id: z.int().nullable(),
        cause: z
          .strictObject({ reason: z.string(), detail: z.string() })
          .nullable()
          .describe('Why it cannot be read now; null if it can, because the cause may be fixed since.'),
        decoded: z
          .strictObject({
            value: z.unknown().describe('Null if not even the first field could be read.'),
            stopped_at: z.string().nullable().describe('The first field that could not be read; null if all could.'),
            bytes: z.int().describe('Bytes that were read.'),
            left: z.int().describe('Bytes after the end of what the schema describes.'),
          })
          .nullable()
          .describe('The payload as far as the named schema can read it; null if there is no such schema.'),
        hex: z.array(z.string()),
      })
      .nullable()
      .describe('The original message of a dead letter; null if its bytes are no longer stored.'),
  })
  .meta({ id: 'CrmEvent', description: 'A message of the CRM with all that is known of it.' });
export type ShownEvent = z.output<typeof shownEvent>;

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
  const stored = await readEvent(db, id);
  if (!stored) return null;
  const message = stored.disposition === 'DEAD_LETTERED' ? await messageOfDeadLetter(db, stored) : null;
  const made = await readMade(db, stored);
  if (!message) return { ...stored, ...made, message: null };
  const [read] = await readMessages(createEventDecoder(findWriterSchema), [message]);
  const value = message.value ?? Buffer.alloc(0);
  const schemaId = schemaIdOf(value);
  const schema = schemaId === null ? null : await findWriterSchema(schemaId);
  return {
    ...stored,
    ...made,
    event: stored.event ?? read?.event ?? null,
    message: {
      key: message.key?.toString() ?? null,
      headers: Object.fromEntries(Object.entries(message.headers).map(([name, header]) => [name, String(header)])),
      bytes: value.length,
      schema_id: schemaId,
      cause: read?.cause ?? null,
      decoded: schema?.kind === 'schema' ? decoded(schema, value.subarray(PREFIX_BYTES)) : null,
      hex: hexLines(value),
    },
  };
}

function decoded(schema: Parameters<typeof decodePartly>[0], payload: Buffer) {
  const { stoppedAt, ...rest } = decodePartly(schema, payload);
  return { ...rest, stopped_at: stoppedAt };
}

/**
 * Reads a dead letter again, with the schema that it names or with another one.
 * @throws OperationError if its bytes are gone or it still cannot be read; SchemaRegistryUnavailableError.
 */
export async function readDeadLetterAgain(
  db: Queryable,
  letter: StoredEvent,
  findWriterSchema: FindWriterSchema,
  schemaId: number | null,
): Promise<{ readonly message: IncomingMessage; readonly event: NonNullable<ReadMessage['event']> }> {
  const message = await messageOfDeadLetter(db, letter);
  if (!message) {
    throw notWaiting(`the bytes of dead letter ${letter.id} are no longer stored: let the CRM send the event again`);
  }
  const [read] = await readMessages(createEventDecoder(findWriterSchema), [withSchema(message, schemaId)]);
  const event = read?.event ?? null;
  const cause = event === null ? (read?.cause ?? null) : contradictionOf(event);
  if (event === null || cause !== null) {
    const why = `${cause?.reason ?? 'UNREADABLE'}: ${cause?.detail ?? ''}`;
    throw notWaiting(`dead letter ${letter.id} still cannot be processed: ${why}`);
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

/** The error for a decision that the event does not permit now. */
export function notWaiting(problem: string): OperationError {
  return new OperationError('EVENT_NOT_WAITING', null, problem);
}

const BYTES_A_LINE = 16;
const SHOWN_BYTES_MAX = 4_096;

/** Formats the first bytes for people: offset, hexadecimal and printable ASCII. */
function hexLines(bytes: Buffer): string[] {
  const shown = bytes.subarray(0, SHOWN_BYTES_MAX);
  const lines: string[] = [];
  for (let at = 0; at < shown.length; at += BYTES_A_LINE) {
    const line = shown.subarray(at, at + BYTES_A_LINE);
    const hex = line.toString('hex').replaceAll(/(..)(?=.)/g, '$1 ');
    const text = line.toString('latin1').replaceAll(/[^ -~]/g, '.');
    lines.push(`${at.toString(16).padStart(6, '0')}  ${hex.padEnd(BYTES_A_LINE * 3 - 1)}  ${text}`);
  }
  if (bytes.length > shown.length) lines.push(`… ${bytes.length - shown.length} more bytes`);
  return lines;
}
