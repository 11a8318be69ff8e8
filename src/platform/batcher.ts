/** Gathers what comes while the batch before is being worked on. */
export interface Batcher<T, R> {
  /** Resolves with the item's result once its batch was worked on; rejects with what that threw. */
  add(item: T): Promise<R>;
  /** Items that were added and are not done. */
  pending(): number;
}

/**
 * Works on one batch at a time, of at most `max` items. `work` returns a result for each, in their order. A lone item is
 * worked on at once, and under load the batches grow by themselves.
 * @param further how many more batches may be under way: each starts only if so many items wait. Default: none.
 */
export function createBatcher<T, R>(
  work: (items: readonly T[]) => Promise<readonly R[]>,
  max: number,
  further: { readonly batches: number; readonly ifWaiting: number } = { batches: 0, ifWaiting: Infinity },
): Batcher<T, R> {
  interface Waiting {
    readonly item: T;
    readonly resolve: (result: R) => void;
    readonly reject: (error: unknown) => void;
  }
  let waiting: Waiting[] = [];
  let working = 0;
  /** The batches under way, and those that start in this turn of the event loop. */
  let draining = 0;

  /** Whether a batch should start while so many others are under way. */
  function isDue(others: number): boolean {
    if (others === 0) return waiting.length > 0;
    return others <= further.batches && waiting.length >= further.ifWaiting;
  }

  async function drain(): Promise<void> {
    while (isDue(draining - 1)) {
      const batch = waiting.slice(0, max);
      waiting = waiting.slice(max);
      working += batch.length;
      try {
        const results = await work(batch.map(({ item }) => item));
        batch.forEach(({ resolve }, index) => resolve(results[index] as R));
      } catch (error) {
        for (const { reject } of batch) reject(error);
      }
      working -= batch.length;
    }
    // In the same turn as the last look at the queue: what comes after it starts a new round.
    draining -= 1;
  }

  return {
    add: (item) =>
      new Promise((resolve, reject) => {
        waiting.push({ item, resolve, reject });
        if (!isDue(draining)) return;
        draining += 1;
        // What is added in the same turn of the event loop shares the batch.
        queueMicrotask(() => void drain());
      }),
    pending: () => waiting.length + working,
  };
}
