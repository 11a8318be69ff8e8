import { z } from 'zod';
import type { Queryable } from '../platform/database.ts';
import type { FinalWatch } from '../requests/await-final.ts';
import { findRequests, type ProvisioningRequest } from '../requests/find.ts';
import { sendingNotice } from './sending-notice.ts';
import { requestTable, shownRequest, showRequest } from './shown-request.ts';

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

/** The fields of an operation's output that show an outcome. */
export const outcomeFields = {
  provisioning_requests: z.array(shownRequest).describe('As they are now, in the order of their numbers.'),
  notice: z.string().nullable().describe('Why requests are still PENDING, if that is known.'),
};
type ShownOutcome = z.output<z.ZodObject<typeof outcomeFields>>;

/** Returns these fields. */
export function showOutcome({ requests, notice }: Outcome): ShownOutcome {
  return { provisioning_requests: requests.map(showRequest), notice };
}

/** Returns a table of the requests, and below it their errors and why some are PENDING. */
export function outcomeText({ provisioning_requests: requests, notice }: ShownOutcome): string {
  const errors = requests.flatMap(({ number, error_code: code, error_description: description }) =>
    description === null ? [] : [`${number}  ${[code, description].filter(Boolean).join(': ')}\n`],
  );
  return `${requestTable(requests)}${errors.join('')}${notice === null ? '' : `${notice}\n`}`;
}

/** Returns why a command that made or waited for these requests failed; null if it did not. */
export function outcomeFailure({ provisioning_requests: requests }: ShownOutcome, waited: boolean): string | null {
  const inState = (state: string): number =>
    requests.filter(({ life_cycle_state: current }) => current === state).length;
  if (inState('REJECTED') > 0) return `${inState('REJECTED')} of ${requests.length} requests were rejected`;
  if (!waited || inState('PENDING') === 0) return null;
  return `${inState('PENDING')} of ${requests.length} requests are PENDING still: see "requests show" later`;
}
