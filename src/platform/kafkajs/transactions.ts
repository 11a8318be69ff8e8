/**
 * Defect: kafkajs takes one aborted transaction off the broker's list for each message that it looks at, in the order
 * of the list, and takes any record with a certain key for the end of a transaction. With two producers, or a
 * transaction of several batches, it delivers what was rolled back.
 *
 * Repair: the algorithm of the Java client (CompletedFetch.java), which works on batches: a transaction is aborted from
 * its first offset to the abort marker of its producer, and a batch is of one producer and one transaction.
 */

export interface AbortedTransaction {
  readonly producerId: bigint;
  readonly firstOffset: number;
}

/** Which batches were rolled back. Batches must be asked about in their order, each once. */
export interface AbortedTransactions {
  /** A batch with records. */
  isAborted(batch: {
    readonly lastOffset: number;
    readonly producerId: bigint;
    readonly transactional: boolean;
  }): boolean;
  /** A batch with a control record: the end of a transaction of its producer. */
  ended(batch: { readonly lastOffset: number; readonly producerId: bigint }, aborted: boolean): void;
}

/** @param listed as the broker lists them for the range that was fetched, in any order. */
export function abortedTransactions(listed: readonly AbortedTransaction[]): AbortedTransactions {
  const waiting = listed.toSorted((one, other) => one.firstOffset - other.firstOffset);
  const open = new Set<bigint>();
  let next = 0;
  const openUpTo = (lastOffset: number): void => {
    for (let one = waiting[next]; one !== undefined && one.firstOffset <= lastOffset; one = waiting[next]) {
      open.add(one.producerId);
      next += 1;
    }
  };
  return {
    isAborted({ lastOffset, producerId, transactional }) {
      openUpTo(lastOffset);
      return transactional && open.has(producerId);
    },
    ended({ lastOffset, producerId }, aborted) {
      openUpTo(lastOffset);
      if (aborted) open.delete(producerId);
    },
  };
}
