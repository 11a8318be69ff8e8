import type { Queryable } from '../platform/database.ts';
import type { FinalWatch } from '../requests/await-final.ts';
import { findRequests, type ProvisioningRequest } from '../requests/find.ts';
import { sendingNotice } from './sending-notice.ts';

/** What became of requests so far. */
export interface Outcome {
  /** In the order of their numbers. */
  readonly requests: readonly ProvisioningRequest[];
  /** Why some are still PENDING, where that is known. */
  readonly notice: string | null;
}

/**
 * Waits until the requests are final, no longer than `timeoutMs`, and not at all while sending is paused; 0: does not
 * wait. Requests that are not final by then go on as usual.
 */
export async function awaitOutcome(
  { db, finalWatch }: { readonly db: Queryable; readonly finalWatch: Pick<FinalWatch, 'awaitFinal'> },
  numbers: readonly number[],
  timeoutMs: number,
): Promise<Outcome> {
  const before = await sendingNotice(db);
  if (timeoutMs > 0 && before?.paused !== true) await finalWatch.awaitFinal(numbers, timeoutMs);
  const requests = await findRequests(db, numbers);
  const isPending = requests.some(({ lifeCycleState }) => lifeCycleState === 'PENDING');
  return { requests, notice: isPending ? ((await sendingNotice(db))?.text ?? null) : null };
}
