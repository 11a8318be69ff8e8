import type { Type } from 'avsc';
import avro from 'avsc';
import { withBoundedItems } from './bounded-avro.ts';

/** What could be read of a message's payload, for a person who looks for what is wrong with it. */
export interface PartlyDecoded {
  /** The fields that could be read, nested ones included; null where not even the first could. */
  readonly value: unknown;
  /** The path of the first field that could not be read, null where all could. */
  readonly stoppedAt: string | null;
  /** Bytes that were read. */
  readonly bytes: number;
  /** Bytes that nothing asked for: the schema describes less than there is. */
  readonly left: number;
}

/** Reads an Avro payload field by field, as far as it goes. `writer` is the schema that the message names. */
export function decodePartly(writer: Type, payload: Buffer): PartlyDecoded {
  const read = readPart(withBoundedItems(writer), payload, 0, '');
  return {
    value: read.value ?? null,
    stoppedAt: read.stoppedAt,
    bytes: read.offset,
    left: read.stoppedAt === null ? payload.length - read.offset : 0,
  };
}

interface Part {
  readonly value: unknown;
  readonly offset: number;
  readonly stoppedAt: string | null;
}

function readPart(type: Type, payload: Buffer, offset: number, path: string): Part {
  const whole = readWhole(type, payload, offset);
  if (whole) return { ...whole, stoppedAt: null };
  if (!avro.Type.isType(type, 'record')) return { value: undefined, offset, stoppedAt: path };
  const value: Record<string, unknown> = {};
  let at = offset;
  for (const field of (type as avro.types.RecordType).fields) {
    const part = readPart(field.type, payload, at, path === '' ? field.name : `${path}.${field.name}`);
    if (part.value !== undefined) value[field.name] = part.value;
    at = part.offset;
    if (part.stoppedAt !== null) return { value, offset: at, stoppedAt: part.stoppedAt };
  }
  return { value, offset: at, stoppedAt: null };
}

/** Null where the bytes do not fit the type; avsc says so by an exception, or by an offset before the beginning. */
function readWhole(type: Type, payload: Buffer, offset: number): { value: unknown; offset: number } | null {
  try {
    const { value, offset: end } = type.decode(payload, offset);
    return end < 0 ? null : { value: value as unknown, offset: end };
  } catch {
    return null;
  }
}
