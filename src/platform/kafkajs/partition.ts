import { CorruptError } from './bytes.ts';
import { type Codec, codecOf, TooLargeError, unpack, UNPACKED_BYTES_MAX } from './codecs.ts';
import { readMessageSet } from './message-set.ts';
import { type BatchHeader, isAbortMarker, LOG_OVERHEAD_BYTES, magicOf, readBatchHeader } from './record-batch.ts';
import { type ObjectBudget, readRecords, unreadable } from './records.ts';
import { assertDecoderWorks, passed, wasFetchedBefore } from './suspects.ts';
import { type AbortedTransactions } from './transactions.ts';
import type { ReceivedMessage } from './unreadable.ts';

/** What may still be unpacked and made of one answer of a broker, which has batches of many partitions. */
export interface FetchBudget extends ObjectBudget {
  bytes: number;
}

export interface PartitionToRead {
  /** `topic/partition`. */
  readonly place: string;
  /** Batches as they lie in the log; the first may start before the position, and the last may be cut. */
  readonly bytes: Buffer;
  /** Where reading starts. */
  readonly position: number;
  /** The end of the partition. */
  readonly highWatermark: number;
  readonly aborted: AbortedTransactions;
}

export interface PartitionRead {
  readonly messages: readonly ReceivedMessage[];
  /** The position after everything that was read or skipped. */
  readonly nextOffset: number;
}

/** Up to this number, each position of an unreadable batch becomes a marker; for more, one marker names the range. */
const MARKERS_MAX = 10_000;
const MAGIC_OF_BATCHES = 2;
/** Enough for the byte with the format that follows. */
const HEAD_BYTES = 17;

/**
 * Reads what a broker answered for one partition: skips control records and what was rolled back, and marks what cannot
 * be read. Stops early once the budget is used, or before a batch that must be fetched once more: the rest comes with
 * the next fetch, from `nextOffset` on.
 */
export async function readPartition(partition: PartitionToRead, budget: FetchBudget): Promise<PartitionRead> {
  const { place, bytes, aborted } = partition;
  const messages: ReceivedMessage[] = [];
  let position = partition.position;
  for (let at = 0; at + HEAD_BYTES <= bytes.length;) {
    const end = at + LOG_OVERHEAD_BYTES + bytes.readInt32BE(at + 8);
    if (end <= at + HEAD_BYTES || end > bytes.length) break;
    const entry = bytes.subarray(at, end);
    const format = magicOf(bytes, at);
    const batch = format === MAGIC_OF_BATCHES ? readBatchHeader(entry) : null;
    const baseOffset = Number(bytes.readBigInt64BE(at));
    const next = end + HEAD_BYTES <= bytes.length ? Number(bytes.readBigInt64BE(end)) : partition.highWatermark;
    // A damaged header must not lead past batches that are sound.
    const lastOffset = Math.min(batch?.lastOffset ?? baseOffset, Math.max(next - 1, baseOffset));
    at = end;
    if (lastOffset < position) continue;
    const suspect = `${place}/${baseOffset}`;
    const read = await readEntry();
    messages.push(...read.messages);
    position = Math.max(position, read.nextOffset);
    if (read.nextOffset > lastOffset) passed(suspect);
    if (read.stop) break;

    async function readEntry(): Promise<EntryRead> {
      if (format < MAGIC_OF_BATCHES) {
        const set = await readMessageSet(entry, position);
        return 'fault' in set
          ? damaged(set.fault)
          : { messages: set.messages, nextOffset: lastOffset + 1, stop: false };
      }
      if (batch === null) return damaged('the batch is shorter than its header');
      if (!batch.intact) return damaged('the checksum of the batch is wrong');
      return readBatch(batch);
    }

    async function readBatch(sound: BatchHeader): Promise<EntryRead> {
      const skipped: EntryRead = { messages: [], nextOffset: lastOffset + 1, stop: false };
      try {
        if (sound.control) {
          // Compaction keeps the last batch of a producer without its record.
          if (sound.recordCount > 0) aborted.ended(sound, isAbortMarker(sound));
          return skipped;
        }
        if (aborted.isAborted(sound) || sound.recordCount === 0) return skipped;
        const codec = codecOf(sound.attributes);
        const unpacked = budget.objects <= 0 ? null : await unpackWithin(codec, sound.packed, budget);
        if (unpacked === null) return { messages: [], nextOffset: position, stop: true };
        const toRead = { unpacked, batch: sound, from: position, mark: false };
        const before = budget.objects;
        const whole = readRecords(toRead, budget);
        if (whole.fault === null) return { ...whole, stop: whole.nextOffset <= lastOffset };
        await assertDecoderWorks(codec);
        budget.objects = before;
        const marked = readRecords({ ...toRead, mark: true }, budget);
        return { ...marked, stop: marked.nextOffset <= lastOffset };
      } catch (error) {
        if (!(error instanceof CorruptError) && !(error instanceof TooLargeError)) throw error;
        // The checksum is right: another fetch would bring the same bytes.
        if (error instanceof CorruptError) await assertDecoderWorks(safeCodec(sound.attributes));
        return blamed(error.message);
      }
    }

    function damaged(detail: string): EntryRead {
      return wasFetchedBefore(suspect) ? blamed(detail) : { messages: [], nextOffset: position, stop: true };
    }

    function blamed(detail: string): EntryRead {
      return {
        messages: markersOf(position, lastOffset, batch?.recordCount ?? 1, detail),
        nextOffset: lastOffset + 1,
        // It may have ended a transaction: the next fetch lists which batches after it were rolled back.
        stop: true,
      };
    }
  }
  return { messages, nextOffset: position };
}

interface EntryRead extends PartitionRead {
  /** Nothing after it may be read from this answer. */
  readonly stop: boolean;
}

/**
 * Null: it fits the next answer, which starts with its partition. The limit of a batch holds whatever is left of the
 * answer's budget, so that batches that are too large are found at their first fetch, several in one answer too.
 * @throws TooLargeError, CorruptError
 */
async function unpackWithin(codec: Codec, packed: Buffer, budget: FetchBudget): Promise<Buffer | null> {
  if (codec === 'none') return packed;
  if (budget.bytes <= 0) return null;
  const unpacked = await unpack(codec, packed, UNPACKED_BYTES_MAX);
  if (unpacked.length > budget.bytes) return null;
  budget.bytes -= unpacked.length;
  return unpacked;
}

function safeCodec(attributes: number): Codec {
  return (attributes & 7) <= 4 ? codecOf(attributes) : 'none';
}

/** One for each position, if each position has a record and they are not too many. */
function markersOf(from: number, to: number, records: number, detail: string): ReceivedMessage[] {
  const positions = to - from + 1;
  if (positions > MARKERS_MAX || records < positions) return [unreadable(from, to, detail)];
  return Array.from({ length: positions }, (_, index) => unreadable(from + index, null, detail));
}
