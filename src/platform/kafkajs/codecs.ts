/**
 * Defects: kafkajs unpacks gzip without any limit (a batch of 1 MB may become gigabytes), and brings nothing for Snappy,
 * LZ4 and zstd: a batch in a codec that the client lacks ends a consumer for good, and with it the reading of every
 * partition.
 *
 * Repair: every codec that Kafka producers use, all with one limit. Snappy and LZ4 are only read.
 */
import { promisify } from 'node:util';
import { unzip, zstdCompress, zstdDecompress } from 'node:zlib';
import { CorruptError } from './bytes.ts';
import { internal } from './internals.ts';

/** What a batch may unpack to. Producers fill a batch by its unpacked size, 1 MB by default of the brokers. */
export const UNPACKED_BYTES_MAX = 32 * 1024 * 1024;

/** The names of the codecs, in the order of Kafka's numbers for them. */
const CODECS = ['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const;
export type Codec = (typeof CODECS)[number];

/** @throws CorruptError for a number that Kafka does not know. */
export function codecOf(attributes: number): Codec {
  const codec = CODECS[attributes & 7];
  if (codec === undefined) throw new CorruptError(`Kafka has no compression ${attributes & 7}`);
  return codec;
}

/** The bytes unpack to more than was allowed. */
export class TooLargeError extends Error {
  override readonly name = 'TooLargeError';
}

/**
 * Unpacks the records of a batch.
 * @throws TooLargeError beyond the limit, before more memory is used than that; CorruptError if the bytes do not follow
 * their format.
 */
export async function unpack(codec: Codec, packed: Buffer, bytesMax: number): Promise<Buffer> {
  switch (codec) {
    case 'none':
      return packed;
    case 'gzip':
      return inflated(promisify(unzip)(packed, { maxOutputLength: bytesMax }), codec);
    case 'zstd':
      return inflated(promisify(zstdDecompress)(packed, { maxOutputLength: bytesMax }), codec);
    case 'snappy':
      return decompressSnappy(packed, bytesMax);
    case 'lz4':
      return decompressLz4(packed, bytesMax);
  }
}

async function inflated(bytes: Promise<Buffer>, codec: Codec): Promise<Buffer> {
  try {
    return await bytes;
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'ERR_BUFFER_TOO_LARGE') throw tooLarge();
    throw new CorruptError(`the ${codec} data cannot be unpacked: ${message}`);
  }
}

function tooLarge(): TooLargeError {
  return new TooLargeError(`the batch unpacks to more than ${UNPACKED_BYTES_MAX} bytes`);
}

interface KafkajsCodec {
  compress(encoder: { buffer: Buffer }): Promise<Buffer>;
  decompress(buffer: Buffer): Promise<Buffer>;
}

/** Also the parts of kafkajs that read message sets of old clusters, and producers, use the codecs from here. */
export function repairCodecs(): void {
  const { Codecs } = internal<{ Codecs: Record<number, () => KafkajsCodec> }>('protocol/message/compression/index.js');
  const gzip = Codecs[CODECS.indexOf('gzip')]?.();
  const writers: Partial<Record<Codec, KafkajsCodec['compress']>> = {
    ...(gzip ? { gzip: (encoder) => gzip.compress(encoder) } : {}),
    zstd: ({ buffer }) => promisify(zstdCompress)(buffer),
  };
  for (const [number, codec] of CODECS.entries()) {
    if (codec === 'none') continue;
    Codecs[number] = () => ({
      compress: writers[codec] ?? (() => Promise.reject(new Error(`The service reads ${codec} and does not write it`))),
      decompress: (packed) => unpack(codec, packed, UNPACKED_BYTES_MAX),
    });
  }
}

/** Java's Snappy writes blocks with their lengths after this header, others one bare block. */
const XERIAL_MAGIC = Buffer.from([0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0x00]);
const XERIAL_HEADER_BYTES = 16;

function decompressSnappy(buffer: Buffer, bytesMax: number): Buffer {
  if (!buffer.subarray(0, XERIAL_MAGIC.length).equals(XERIAL_MAGIC)) return snappyBlock(buffer, bytesMax);
  const blocks: Buffer[] = [];
  let left = bytesMax;
  let at = XERIAL_HEADER_BYTES;
  while (at < buffer.length) {
    const length = at + 4 > buffer.length ? Infinity : buffer.readUInt32BE(at);
    if (at + 4 + length > buffer.length) throw new CorruptError('a Snappy block is longer than the batch');
    const block = snappyBlock(buffer.subarray(at + 4, at + 4 + length), left);
    blocks.push(block);
    left -= block.length;
    at += 4 + length;
  }
  return Buffer.concat(blocks);
}

/** One Snappy block: its length, then literals and copies of what came before. */
function snappyBlock(input: Buffer, bytesMax: number): Buffer {
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
    if (shift > 28) throw new CorruptError('the length of a Snappy block is longer than 5 bytes');
    byte = next();
    size += (byte & 0x7f) * 2 ** shift;
  }
  if (size > bytesMax) throw tooLarge();
  const output = outputOf(size, Infinity);
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
function decompressLz4(buffer: Buffer, bytesMax: number): Buffer {
  if (buffer.length < 7 || buffer.readUInt32LE(0) !== LZ4_MAGIC) throw new CorruptError('it is no LZ4 frame');
  const flags = buffer.readUInt8(4);
  // 4 to 7: 64 KB, 256 KB, 1 MB, 4 MB.
  const blockBytesMax = 1 << (8 + 2 * ((buffer.readUInt8(5) >> 4) & 7));
  const [hasBlockChecksum, hasContentSize, hasDictionary] = [flags & 0x10, flags & 0x08, flags & 0x01];
  let at = 4 + 2 + (hasContentSize ? 8 : 0) + (hasDictionary ? 4 : 0) + 1;
  // Blocks may copy from those before them: all go into one output, which grows.
  let output = outputOf(0, bytesMax);
  for (;;) {
    if (at + 4 > buffer.length) throw new CorruptError('an LZ4 frame ends too soon');
    const header = buffer.readUInt32LE(at);
    at += 4;
    if (header === 0) return output.filled();
    const length = header & 0x7fffffff;
    if (at + length > buffer.length) throw new CorruptError('an LZ4 block is longer than the batch');
    const block = buffer.subarray(at, at + length);
    // No block of LZ4 unpacks to more than 255 times its length.
    output = output.grown(Math.min(blockBytesMax, length * 255));
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
  /** The same, with space for this number of bytes more. */
  grown(bytes: number): Output;
  filled(): Buffer;
}

/** Space for this number of bytes, which may grow to `bytesMax`. */
function outputOf(size: number, bytesMax: number, before: Buffer = Buffer.alloc(0)): Output {
  const bytes = Buffer.allocUnsafe(size);
  let at = before.copy(bytes);
  const room = (length: number): void => {
    if (at + length <= size) return;
    throw size === bytesMax ? tooLarge() : new CorruptError('it has more bytes than it claims');
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
      if (offset === 0 || offset > at) throw new CorruptError('a copy starts before the first byte');
      const start = at - offset;
      // What is repeated doubles with each step.
      for (let left = length; left > 0;) {
        const run = Math.min(at - start, left);
        bytes.copy(bytes, at, start, start + run);
        at += run;
        left -= run;
      }
    },
    grown(more) {
      if (size - at >= more || size === bytesMax) return this;
      return outputOf(Math.min(Math.max(size * 2, at + more), bytesMax), bytesMax, bytes.subarray(0, at));
    },
    filled: () => bytes.subarray(0, at),
  };
}
