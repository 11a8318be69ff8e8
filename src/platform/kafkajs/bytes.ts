/** Bytes that break the format that they claim to have. */
export class CorruptError extends Error {
  override readonly name = 'CorruptError';
}

/** A place in bytes that are read from front to back, not further than `end`. */
export interface Cursor {
  readonly bytes: Buffer;
  at: number;
  end: number;
}

/** A zigzag number of at most 32 bits. @throws CorruptError if it is longer, or the bytes end. */
export function readVarint(cursor: Cursor): number {
  let value = 0;
  for (let shift = 0; shift < 35; shift += 7) {
    const byte = readByte(cursor);
    value |= (byte & 0x7f) << shift;
    if (byte < 0x80) return (value >>> 1) ^ -(value & 1);
  }
  throw new CorruptError('a number is longer than 5 bytes');
}

/** A zigzag number of at most 64 bits. @throws CorruptError if it is longer, or the bytes end. */
export function readVarlong(cursor: Cursor): bigint {
  let small = 0;
  for (let index = 0; index < 4; index += 1) {
    const byte = readByte(cursor);
    small |= (byte & 0x7f) << (7 * index);
    if (byte < 0x80) return BigInt((small >>> 1) ^ -(small & 1));
  }
  let value = BigInt(small);
  for (let shift = 28n; shift < 70n; shift += 7n) {
    const byte = readByte(cursor);
    value |= BigInt(byte & 0x7f) << shift;
    if (byte < 0x80) return BigInt.asIntN(64, (BigInt.asUintN(64, value) >> 1n) ^ -(value & 1n));
  }
  throw new CorruptError('a number is longer than 10 bytes');
}

/** Bytes after their length; null if the length is -1. They are a view, not a copy. */
export function readBytes(cursor: Cursor, what: string): Buffer | null {
  const length = readVarint(cursor);
  if (length === -1) return null;
  if (length < -1 || cursor.at + length > cursor.end) throw new CorruptError(`the ${what} is longer than its record`);
  const bytes = cursor.bytes.subarray(cursor.at, cursor.at + length);
  cursor.at += length;
  return bytes;
}

export function readByte(cursor: Cursor): number {
  const byte = cursor.at < cursor.end ? cursor.bytes[cursor.at] : undefined;
  if (byte === undefined) throw new CorruptError('the record ends too soon');
  cursor.at += 1;
  return byte;
}
