import { AvroBytesError, cursorAt } from './avro-cursor.ts';
import { readAny } from './avro-reader.ts';
import { parseAvroSchema } from './avro-schema.ts';
import type { WriterSchema } from '../platform/schema-look-ups.ts';

/** The readable part of a message's payload, for a person who looks for the problem. */
export interface PartlyDecoded {
  /** The fields that could be read, including nested ones; null if not even the first could. */
  readonly value: unknown;
  /** The path of the first field that could not be read; null if all could. */
  readonly stoppedAt: string | null;
  /** Bytes that were read. */
  readonly bytes: number;
  /** Bytes after the end of what the schema describes. */
  readonly left: number;
}

/**
 * Reads an Avro payload field by field, as far as possible, with the schema that the message names.
 * @throws AvroSchemaError if that is not an Avro schema.
 */
export function decodePartly(writer: Extract<WriterSchema, { kind: 'schema' }>, payload: Buffer): PartlyDecoded {
  const cursor = cursorAt(payload);
  let value: unknown = null;
  try {
    readAny(cursor, parseAvroSchema(writer.schema, writer.references), (read) => (value = read));
  } catch (error) {
    if (!(error instanceof AvroBytesError)) throw error;
    return { value, stoppedAt: cursor.path, bytes: cursor.at, left: 0 };
  }
  return { value, stoppedAt: null, bytes: cursor.at, left: payload.length - cursor.at };
}
