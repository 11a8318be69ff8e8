/**
 * Defect: kafkajs does not look at the checksum of a batch, so that a damaged one is read as something else, and what it
 * does with a damaged length or count is left to chance.
 *
 * Repair: the header of a batch (format 2, every producer since Kafka 0.11) is read here, checksum first. The checksum
 * costs about 3 ms per megabyte; a card number with a flipped bit costs a customer's picture.
 */
import { CorruptError, type Cursor, readByte, readBytes, readVarint, readVarlong } from './bytes.ts';
import { internal } from './internals.ts';

export interface BatchHeader {
  readonly baseOffset: number;
  /** The last position of the batch, also if compaction removed its record. */
  readonly lastOffset: number;
  readonly attributes: number;
  readonly transactional: boolean;
  /** It has one control record, the end of a transaction, and no message. */
  readonly control: boolean;
  /** The broker's time counts, which is `maxTimestamp`. */
  readonly logAppendTime: boolean;
  readonly firstTimestamp: bigint;
  readonly maxTimestamp: bigint;
  readonly producerId: bigint;
  readonly recordCount: number;
  /** The records, packed with the codec in `attributes`. */
  readonly packed: Buffer;
  readonly intact: boolean;
}

/** Offset and length are in front of what the length counts. */
export const LOG_OVERHEAD_BYTES = 12;
const HEADER_BYTES = 61;
const CHECKED_FROM = 21;
const MAGIC_AT = 16;
/** Of control records; a commit is 1. */
const ABORT = 0;

export function magicOf(bytes: Buffer, at: number): number {
  return bytes.readInt8(at + MAGIC_AT);
}

/** Reads the header of a whole batch; null if there are fewer bytes than a header has. */
export function readBatchHeader(bytes: Buffer): BatchHeader | null {
  if (bytes.length < HEADER_BYTES) return null;
  const baseOffset = Number(bytes.readBigInt64BE(0));
  const attributes = bytes.readInt16BE(CHECKED_FROM);
  return {
    baseOffset,
    lastOffset: baseOffset + Math.max(bytes.readInt32BE(23), 0),
    attributes,
    transactional: (attributes & 0x10) !== 0,
    control: (attributes & 0x20) !== 0,
    logAppendTime: (attributes & 0x08) !== 0,
    firstTimestamp: bytes.readBigInt64BE(27),
    maxTimestamp: bytes.readBigInt64BE(35),
    producerId: bytes.readBigInt64BE(43),
    recordCount: bytes.readInt32BE(57),
    packed: bytes.subarray(HEADER_BYTES),
    intact: bytes.readUInt32BE(17) === crc32c(bytes.subarray(CHECKED_FROM)),
  };
}

let checksum: ((bytes: Buffer) => number) | undefined;

function crc32c(bytes: Buffer): number {
  checksum ??= internal<(bytes: Buffer) => number>('protocol/recordBatch/crc32C/index.js');
  return checksum(bytes);
}

/**
 * Whether a control batch ends its transaction by an abort: its record's key is a version and a type.
 * @throws CorruptError
 */
export function isAbortMarker({ packed }: BatchHeader): boolean {
  const cursor: Cursor = { bytes: packed, at: 0, end: packed.length };
  readVarint(cursor);
  readByte(cursor);
  readVarlong(cursor);
  readVarint(cursor);
  const key = readBytes(cursor, 'key');
  if (key === null || key.length < 4) throw new CorruptError('a control record has no type');
  return key.readInt16BE(2) === ABORT;
}
