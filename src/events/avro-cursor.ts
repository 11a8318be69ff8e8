import { isUtf8 } from 'node:buffer';
import type { AvroNode } from './avro-schema.ts';

/** A position in the bytes of one message. Every function below advances it, or throws an AvroBytesError. */
export interface Cursor {
  readonly bytes: Buffer;
  at: number;
  /** The path of the current field, for error messages. */
  path: string;
  /** How many more values may be read or skipped, so that a message's size bounds its cost. */
  left: number;
  /** How deep the values nest here. */
  depth: number;
}

/** The bytes do not fit the schema that they name. The message names the field. */
export class AvroBytesError extends Error {
  override readonly name = 'AvroBytesError';
}

/**
 * How many values may be read per byte of a message, since a record or a null takes no byte. Without a limit, a few
 * bytes and a schema of records in records could keep the process busy for ever.
 */
const VALUES_PER_BYTE = 8;
const VALUES_MORE = 50_000;

/** How deep a linked list or a tree of a recursive schema may nest. */
const DEPTH_MAX = 200;

export function cursorAt(bytes: Buffer, at = 0): Cursor {
  return { bytes, at, path: '', left: bytes.length * VALUES_PER_BYTE + VALUES_MORE, depth: 0 };
}

/** Counts one value. */
export function spend(cursor: Cursor): void {
  cursor.left -= 1;
  if (cursor.left < 0) throw problem(cursor, 'holds more values than a message of its size may');
}

/**
 * Reads a variable-length, zigzag-encoded integer.
 * @throws AvroBytesError if it is not between -(2^53 - 1) and 2^53 - 1.
 */
export function readLong(cursor: Cursor): number {
  const { bytes } = cursor;
  const start = cursor.at;
  // Seven bytes have 49 bits, which a number holds exactly: lengths, times, versions.
  let value = 0;
  for (let factor = 1; factor < 2 ** 49; factor *= 128) {
    const byte = byteAt(cursor, bytes);
    value += (byte & 0x7f) * factor;
    if (byte < 0x80) return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
  }
  cursor.at = start;
  const long = readBigLong(cursor);
  if (long > Number.MAX_SAFE_INTEGER || long < Number.MIN_SAFE_INTEGER) {
    throw problem(
      cursor,
      `${long} is beyond ${long > 0 ? '' : '-'}${Number.MAX_SAFE_INTEGER}, the largest whole number that is taken`,
      '',
    );
  }
  return Number(long);
}

/** Reads a variable-length integer of any size. */
export function readBigLong(cursor: Cursor): bigint {
  let value = 0n;
  for (let shift = 0n; shift < 70n; shift += 7n) {
    const byte = byteAt(cursor, cursor.bytes);
    value |= BigInt(byte & 0x7f) << shift;
    if (byte < 0x80) return BigInt.asIntN(64, (value >> 1n) ^ -(value & 1n));
  }
  throw problem(cursor, 'is a number of more than ten bytes');
}

function byteAt(cursor: Cursor, bytes: Buffer): number {
  const byte = bytes[cursor.at];
  if (byte === undefined) throw ended(cursor);
  cursor.at += 1;
  return byte;
}

/** Reads bytes that follow their length. */
export function readBytes(cursor: Cursor): Buffer {
  const length = readLong(cursor);
  const start = cursor.at;
  advance(cursor, length);
  return cursor.bytes.subarray(start, cursor.at);
}

/**
 * Reads a text.
 * @throws AvroBytesError if it is not UTF-8, because a lost letter could name another customer.
 */
export function readString(cursor: Cursor): string {
  const text = readBytes(cursor);
  if (!isUtf8(text)) throw problem(cursor, 'is not valid UTF-8');
  return text.toString('utf8');
}

export function advance(cursor: Cursor, count: number): void {
  if (count < 0) throw problem(cursor, `claims ${count} bytes`);
  if (count > cursor.bytes.length - cursor.at) throw ended(cursor);
  cursor.at += count;
}

/**
 * Calls `item` for each item of an array or map, block by block.
 * @throws AvroBytesError if there are more items than bytes in the message.
 */
export function readItems(cursor: Cursor, item: () => void): void {
  for (let count = readLong(cursor); count !== 0; count = readLong(cursor)) {
    // After a negative count comes the block's size in bytes.
    if (count < 0) readBigLong(cursor);
    const items = Math.abs(count);
    const bytesLeft = cursor.bytes.length - cursor.at;
    if (items > bytesLeft) throw problem(cursor, `an array or map claims ${items} items in ${bytesLeft} bytes`, '');
    for (let left = items; left > 0; left -= 1) {
      spend(cursor);
      item();
    }
  }
}

/** Reads the number of a union's branch or an enum's symbol, and returns that. */
export function readChoice<T>(cursor: Cursor, choices: readonly T[], what: string): T {
  const index = readLong(cursor);
  const choice = choices[index];
  if (choice === undefined) throw problem(cursor, `names the ${what} ${index} of ${choices.length}`);
  return choice;
}

/** Skips a value without decoding it; only its length can be wrong. */
export function skip(cursor: Cursor, node: AvroNode): void {
  spend(cursor);
  switch (node.kind) {
    case 'null':
      return;
    case 'boolean':
      return advance(cursor, 1);
    case 'int':
    case 'long':
    case 'enum':
      readBigLong(cursor);
      return;
    case 'float':
      return advance(cursor, 4);
    case 'double':
      return advance(cursor, 8);
    case 'bytes':
    case 'string':
      return advance(cursor, readLong(cursor));
    case 'fixed':
      return advance(cursor, node.size);
    case 'union':
      return deeper(cursor, () => skip(cursor, readChoice(cursor, node.branches, 'branch')));
    case 'array':
      return deeper(cursor, () => readItems(cursor, () => skip(cursor, node.items)));
    case 'map':
      return deeper(cursor, () =>
        readItems(cursor, () => {
          advance(cursor, readLong(cursor));
          skip(cursor, node.items);
        }),
      );
    case 'record':
      return deeper(cursor, () => {
        for (const { type } of node.fields) skip(cursor, type);
      });
  }
}

/**
 * Does `work` one level deeper.
 * @throws AvroBytesError if that is too deep.
 */
export function deeper<T>(cursor: Cursor, work: () => T): T {
  cursor.depth += 1;
  if (cursor.depth > DEPTH_MAX) throw problem(cursor, `nests deeper than ${DEPTH_MAX} levels`);
  const result = work();
  cursor.depth -= 1;
  return result;
}

function ended(cursor: Cursor): AvroBytesError {
  return problem(cursor, 'the bytes end within it', '');
}

export function problem(cursor: Cursor, what: string, joint = 'it '): AvroBytesError {
  return new AvroBytesError(`${cursor.path === '' ? 'the message' : cursor.path}: ${joint}${what}`);
}
