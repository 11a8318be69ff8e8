/**
 * Defects of kafkajs' consumer, all about positions without a record: control records, records of aborted transactions,
 * records that compaction removed.
 * - It takes the last message of a fetch for the end of what the fetch covered. A batch that compaction emptied has no
 *   message, so the consumer fetches it again for ever.
 * - With autoCommit off nothing commits the position after records that it filters, so the group never reaches the end.
 * - A fetch without messages is kept from the handler, and with it its facts: the end of the partition, the last stable
 *   offset, and that the position does not exist any more.
 *
 * Repair: `fetch.ts` filters and knows the position after all that it read; here the consumer takes that position, and
 * hands every fetch of a partition to `eachBatch`, also one without messages. `eachMessage` works as before.
 */
import type { Batch } from 'kafkajs';
import { internal } from './internals.ts';
import type { FetchedMessages, FetchedRange } from './fetch.ts';

interface InternalBatch {
  rawMessages: FetchedMessages;
  messages: readonly unknown[];
  fetchedOffset: string;
  goesToHandler?: boolean;
  isEmpty: (this: InternalBatch) => boolean;
  isEmptyDueToFiltering: (this: InternalBatch) => boolean;
  lastOffset: (this: InternalBatch) => string;
}

interface InternalRunner {
  readonly eachBatch: unknown;
  handleBatch: (this: InternalRunner, batch: InternalBatch) => Promise<void>;
}

/** The facts of a fetch about its partition, also if it had no message. */
export function rangeOf(batch: Batch): FetchedRange {
  const { range } = (batch as unknown as InternalBatch).rawMessages;
  if (range === undefined) throw new Error('The brokers are older than Kafka 0.11, and the service cannot use them');
  return range;
}

export function repairBatches(): void {
  const batch = internal<{ prototype: InternalBatch }>('consumer/batch.js').prototype;
  const { isEmpty, isEmptyDueToFiltering, lastOffset } = batch;
  batch.isEmpty = function repaired() {
    return this.goesToHandler !== true && isEmpty.call(this);
  };
  batch.isEmptyDueToFiltering = function repaired() {
    const { range } = this.rawMessages;
    if (range === undefined) return isEmptyDueToFiltering.call(this);
    return this.goesToHandler !== true && this.messages.length === 0 && range.nextOffset > range.position;
  };
  batch.lastOffset = function repaired() {
    const { range } = this.rawMessages;
    return range === undefined ? lastOffset.call(this) : String(range.nextOffset - 1);
  };
  const runner = internal<{ prototype: InternalRunner }>('consumer/runner.js').prototype;
  const { handleBatch } = runner;
  runner.handleBatch = function repaired(one) {
    one.goesToHandler = Boolean(this.eachBatch);
    return handleBatch.call(this, one);
  };
}
