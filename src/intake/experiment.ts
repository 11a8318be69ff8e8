/**
 * Finds out by experiment whether one message is poison or a part outside is down.
 *
 * Entry: an attempt to process messages threw an error that is not a known outage (`isOutage`). The cause may be the
 * message, our own code, or the database.
 *
 * Steps, for the failed messages of one partition, in their order:
 * 1. The control runs. It does the same work with an event of our own, in the same tables, with the same NOTIFY and
 *    COMMIT. If it also fails, no message is the cause: it throws `ControlFailedError`, and nothing is dead-lettered.
 * 2. The first half is attempted. If it succeeds, the culprit is in the second half; otherwise in the first. This
 *    repeats until one message is left.
 * 3. That message is attempted alone. If it fails, the control runs; if the control succeeds, the message is attempted
 *    alone again. If it fails again, `bury` dead-letters it.
 * 4. Slow storage also causes time-outs, although the small control succeeds. So a message is blamed for a time-out
 *    only if a control before and another one after took less than 1 s each.
 *
 * Exit: the suspicion ends once every suspect succeeded or one was blamed. Later messages are processed normally again.
 *
 * Bounds: each poisoned message costs at most 2 · log2(n) + 7 more transactions. One call stops after `budgetMs` of
 * experimenting, so that a slow culprit does not delay other partitions. The suspicion is kept by partition, and the
 * next call continues where this one stopped.
 */
export interface Steps<M> {
  /**
   * Processes messages in order. After each commit it calls `stored` with how many more are done; these never come
   * again.
   * @returns false if reading must stop here.
   * @throws what went wrong.
   */
  attempt(messages: readonly M[], stored: (count: number) => void): Promise<boolean>;
  /**
   * Does the same work with an event of our own, and leaves no trace.
   * @throws errors that no message causes.
   */
  control(): Promise<void>;
  /**
   * Dead-letters one message for an error.
   * @throws if even that cannot be stored.
   */
  bury(message: M, error: unknown): Promise<void>;
  /** Returns whether an error is a known outage of a named part, which is rethrown without an experiment. */
  isOutage(error: unknown): boolean;
  /** Returns whether an error is a time-out. */
  isTimeOut(error: unknown): boolean;
}

export interface Experiment {
  /**
   * Processes messages of one partition.
   * @returns false if an attempt returned false, or the time for experiments is over. Then call it again with the
   * messages not stored yet.
   * @throws ControlFailedError, and errors for which `isOutage` is true: nothing more was done.
   */
  process<M>(partition: string, messages: readonly M[], steps: Steps<M>): Promise<boolean>;
  /** Forgets the suspicions, because another instance may have the partitions now. */
  forget(): void;
}

/**
 * Work without any message also fails or is slow; the error's message shows which. Either the part in `cause` is out of
 * order, or the service is.
 */
export class ControlFailedError extends Error {
  override readonly name = 'ControlFailedError';
}

/** How long one call experiments before other partitions get their turn. */
const BUDGET_MS = 1_000;
/** A control that takes this long shows that the storage is slow; then no message is blamed for a time-out. */
const SLOW_CONTROL_MS = 1_000;

export function createExperiment(budgetMs: number = BUDGET_MS): Experiment {
  /** By partition: how many of the next messages are suspected. */
  const suspects = new Map<string, number>();
  return { process, forget: () => suspects.clear() };

  async function process<M>(partition: string, messages: readonly M[], steps: Steps<M>): Promise<boolean> {
    let rest = messages;
    let startedAt: number | null = null;
    while (rest.length > 0) {
      const suspected = Math.min(suspects.get(partition) ?? 0, rest.length);
      const part = suspected === 0 ? rest : rest.slice(0, Math.ceil(suspected / 2));
      const outcome = await tried(part, steps);
      const [first] = part;
      let passed = outcome.kind === 'through' ? part.length : outcome.stored;
      let left = suspected - passed;
      if (outcome.kind === 'failed' && first !== undefined) {
        startedAt ??= performance.now();
        left = part.length - passed;
        if (part.length === 1) {
          await judge(first, steps);
          passed = 1;
          left = 0;
        } else if (suspected === 0) await control(steps);
      }
      rest = rest.slice(passed);
      if (left > 0) suspects.set(partition, left);
      else suspects.delete(partition);
      if (outcome.kind === 'stopped') return false;
      if (startedAt !== null && performance.now() - startedAt > budgetMs && rest.length > 0) return false;
    }
    return true;
  }
}

type Outcome =
  | { readonly kind: 'through' | 'stopped'; readonly stored: number }
  | { readonly kind: 'failed'; readonly stored: number; readonly error: unknown };

async function tried<M>(messages: readonly M[], steps: Steps<M>): Promise<Outcome> {
  let stored = 0;
  try {
    const through = await steps.attempt(messages, (count) => (stored += count));
    return { kind: through ? 'through' : 'stopped', stored };
  } catch (error) {
    // After the last commit no message can be the cause.
    if (steps.isOutage(error) || stored === messages.length) throw error;
    return { kind: 'failed', stored, error };
  }
}

/**
 * Runs the control.
 * @returns how many milliseconds it took.
 */
async function control<M>(steps: Steps<M>): Promise<number> {
  const startedAt = performance.now();
  try {
    await steps.control();
  } catch (cause) {
    if (steps.isOutage(cause)) throw cause;
    throw new ControlFailedError('an event of our own fails too', { cause });
  }
  return performance.now() - startedAt;
}

/**
 * Judges a message that failed alone: buries it if the control succeeds and the message then fails alone again.
 * @throws ControlFailedError, also if the message only took too long and the control was slow.
 */
async function judge<M>(message: M, steps: Steps<M>): Promise<void> {
  const before = await control(steps);
  const again = await tried([message], steps);
  if (again.kind !== 'failed') return;
  if (steps.isTimeOut(again.error)) {
    const slowestMs = Math.max(before, await control(steps));
    if (slowestMs >= SLOW_CONTROL_MS) {
      const text = `an event of our own took ${(slowestMs / 1000).toFixed(1)} s: the storage is slow`;
      throw new ControlFailedError(text, { cause: again.error });
    }
  }
  await steps.bury(message, again.error);
}
