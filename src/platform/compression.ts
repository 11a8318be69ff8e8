import { promisify } from 'node:util';
import { zstdCompress, zstdDecompress } from 'node:zlib';

/**
 * The codecs in which Kafka producers compress and for which kafkajs brings nothing: a batch in a codec that the client
 * lacks ends a consumer for good, and with it the reading of every partition. Snappy and LZ4 are only read.
 */

/** A codec as kafkajs takes it. */
export interface Codec {
  compress(encoder: { buffer: Buffer }): Promise<Buffer>;
  decompress(buffer: Buffer): Promise<Buffer>;
}

/** What a batch may grow to: Kafka's own clients stop at their fetch size, far below. */
const DECOMPRESSED_BYTES_MAX = 256 * 1024 * 1024;

export const zstd = (): Codec => ({
  compress: ({ buffer }) => promisify(zstdCompress)(buffer),
  decompress: (buffer) => promisify(zstdDecompress)(buffer, { maxOutputLength: DECOMPRESSED_BYTES_MAX }),
});

export const snappy = (): Codec => ({
  compress: () => Promise.reject(new Error('The service reads Snappy and does not write it')),
  decompress: async (buffer) => decompressSnappy(buffer),
});

export const lz4 = (): Codec => ({
  compress: () => Promise.reject(new Error('The service reads LZ4 and does not write it')),
  decompress: async (buffer) => decompressLz4(buffer),
});

/** Bytes that do not follow their format. */
class CorruptError extends Error {
  override readonly name = 'CorruptCompressionError';
}

/** Java's Snappy writes blocks with their lengths behind this header, others one bare block. */
const XERIAL_MAGIC = Buffer.from([0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0x00]);
const XERIAL_HEADER_BYTES = 16;

export function decompressSnappy(buffer: Buffer): Buffer {
  if (!buffer.subarray(0, XERIAL_MAGIC.length).equals(XERIAL_MAGIC)) return snappyBlock(buffer);
  const blocks: Buffer[] = [];
  let at = XERIAL_HEADER_BYTES;
  while (at < buffer.length) {
    const length = buffer.readUInt32BE(at);
    if (at + 4 + length > buffer.length) throw new CorruptError('a Snappy block is longer than the batch');
    blocks.push(snappyBlock(buffer.subarray(at + 4, at + 4 + length)));
    at += 4 + length;
  }
  return Buffer.concat(blocks);
}

/** One Snappy block: its length, then literals and copies of what came before. */
function snappyBlock(input: Buffer): Buffer {
  let at = 0;
  const next = (): number => {
    const byte = input[at];
    if (byte === undefined) throw new CorruptError('a Snappy block ends too soon');
    at += 1;
    return byte;
  };
  const little = (bytes: number): number => {
    let value = 0;
    for (let index = 0; index < bytes; index += 1) value += next() * 2 ** (8 * index);
    return value;
  };

  let size = 0;
  for (let shift = 0, byte = 0x80; byte & 0x80; shift += 7) {
    byte = next();
    size += (byte & 0x7f) * 2 ** shift;
  }
  const output = outputOf(size);
  while (at < input.length) {
    const tag = next();
    const kind = tag & 3;
    if (kind === 0) {
      const short = tag >> 2;
      const length = (short < 60 ? short : little(short - 59)) + 1;
      output.literal(input, at, length);
      at += length;
    } else if (kind === 1) {
      const offset = ((tag >> 5) << 8) | next();
      output.copy(offset, ((tag >> 2) & 7) + 4);
    } else {
      const offset = little(kind === 2 ? 2 : 4);
      output.copy(offset, (tag >> 2) + 1);
    }
  }
  return output.filled();
}

const LZ4_MAGIC = 0x184d2204;

/** One LZ4 frame; its checksums are not looked at, as Kafka has its own over the whole batch. */
export function decompressLz4(buffer: Buffer): Buffer {
  if (buffer.length < 7 || buffer.readUInt32LE(0) !== LZ4_MAGIC) throw new CorruptError('it is no LZ4 frame');
  const flags = buffer.readUInt8(4);
  // 4 to 7: 64 KB, 256 KB, 1 MB, 4 MB.
  const blockBytesMax = 1 << (8 + 2 * ((buffer.readUInt8(5) >> 4) & 7));
  const [hasBlockChecksum, hasContentSize, hasDictionary] = [flags & 0x10, flags & 0x08, flags & 0x01];
  let at = 4 + 2 + (hasContentSize ? 8 : 0) + (hasDictionary ? 4 : 0) + 1;
  // Blocks may copy from those before them: all go into one output, which grows.
  let output = outputOf(0);
  for (;;) {
    if (at + 4 > buffer.length) throw new CorruptError('an LZ4 frame ends too soon');
    const header = buffer.readUInt32LE(at);
    at += 4;
    if (header === 0) return output.filled();
    const length = header & 0x7fffffff;
    if (at + length > buffer.length) throw new CorruptError('an LZ4 block is longer than the batch');
    const block = buffer.subarray(at, at + length);
    output = output.grown(blockBytesMax);
    if (header >= 0x80000000) output.literal(block, 0, length);
    else lz4Block(block, output);
    at += length + (hasBlockChecksum ? 4 : 0);
  }
}

function lz4Block(block: Buffer, output: Output): void {
  let at = 0;
  const next = (): number => {
    const byte = block[at];
    if (byte === undefined) throw new CorruptError('an LZ4 block ends too soon');
    at += 1;
    return byte;
  };
  const extended = (short: number): number => {
    let length = short;
    if (short === 15) {
      for (let byte = 255; byte === 255;) {
        byte = next();
        length += byte;
      }
    }
    return length;
  };
  while (at < block.length) {
    const token = next();
    const literals = extended(token >> 4);
    output.literal(block, at, literals);
    at += literals;
    // The last sequence of a block is literals alone.
    if (at === block.length) return;
    const offset = next() | (next() << 8);
    output.copy(offset, extended(token & 15) + 4);
  }
}

interface Output {
  literal(source: Buffer, start: number, length: number): void;
  /** Repeats what is `offset` bytes back; it may overlap what it writes. */
  copy(offset: number, length: number): void;
  /** The same, with room for so many bytes more. */
  grown(bytes: number): Output;
  filled(): Buffer;
}

function outputOf(size: number, before: Buffer = Buffer.alloc(0)): Output {
  if (size > DECOMPRESSED_BYTES_MAX) throw new CorruptError(`it claims ${size} bytes`);
  const bytes = Buffer.allocUnsafe(size);
  let at = before.copy(bytes);
  const room = (length: number): void => {
    if (at + length > size) throw new CorruptError('it has more bytes than it claims');
  };
  return {
    literal(source, start, length) {
      room(length);
      if (start + length > source.length) throw new CorruptError('a literal ends too soon');
      source.copy(bytes, at, start, start + length);
      at += length;
    },
    copy(offset, length) {
      room(length);
      if (offset === 0 || offset > at) throw new CorruptError('a copy begins before the beginning');
      for (let left = length; left > 0;) {
        const run = Math.min(offset, left);
        bytes.copy(bytes, at, at - offset, at - offset + run);
        at += run;
        left -= run;
      }
    },
    grown(more) {
      return size - at >= more ? this : outputOf(Math.max(size * 2, at + more), bytes.subarray(0, at));
    },
    filled: () => bytes.subarray(0, at),
  };
}
