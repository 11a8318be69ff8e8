import { setTimeout as wait } from 'node:timers/promises';
import { subscriptionsTaught } from '../pairings/news.ts';
import { type Database } from '../platform/database.ts';
import { isDatabaseOutage } from '../platform/database-errors.ts';
import { messageOf } from '../platform/errors.ts';
import { faultPoint } from '../platform/fault-points.ts';
import type { Logger } from '../platform/logging.ts';
import { type FinishedRequest, type FinishingParts, finishRequests } from '../requests/finish.ts';
import { lockCards, lockSubscriptions } from '../requests/locks.ts';
import { giveBackRequests, type PutOffRequest, putOffRequests, type UntriedRequest } from '../requests/put-off.ts';

/** What to write about a claimed request. */
export type Settlement =
  | ({ readonly kind: 'finish'; readonly request: FinishedRequest } & Traced)
  | ({ readonly kind: 'put-off'; readonly request: PutOffRequest } & Traced)
  | { readonly kind: 'give-back'; readonly request: UntriedRequest };

interface Traced {
  /** W3C trace context of the request; null if it has none. */
  readonly traceparent: string | null;
}

const FIRST_WAIT_MS = 100;
const LONGEST_WAIT_MS = 2_000;

export interface SettleOptions {
  readonly db: Database;
  readonly parts: FinishingParts;
  readonly logger: Logger;
  readonly onError: () => void;
  /** Aborted to stop waiting for a database that is down; unwritten results lapse with their leases. */
  readonly stopped: AbortSignal;
}

/**
 * Writes settlements in one transaction, and returns for each whether the claim still held.
 *
 * While the database is down it waits. An answer that was read is worth more than the lease, and counts as long as
 * nobody else has claimed the request. A batch that PostgreSQL refuses is split. A single settlement that it refuses is
 * tried without the bodies of its SOAP calls, and then left to its lease.
 */
export async function settle(settlements: readonly Settlement[], options: SettleOptions): Promise<boolean[]> {
  for (let waitMs = FIRST_WAIT_MS; ; waitMs = Math.min(waitMs * 2, LONGEST_WAIT_MS)) {
    try {
      const done = await options.db.transaction(async (tx) => {
        const written = await write(tx, settlements, options.parts);
        passed(settlements, 'before commit');
        return written;
      });
      passed(settlements, 'after commit');
      // Of two claims of one request, the earlier one had run out.
      const newest = new Map(settlements.map(({ request }) => [request.number, request.token]));
      return settlements.map(({ request }) => done.has(request.number) && newest.get(request.number) === request.token);
    } catch (error) {
      options.onError();
      if (!isDatabaseOutage(error)) return await settleApart(settlements, error, options);
      options.logger.warn(
        { problem: messageOf(error), requests: settlements.length },
        'dispatch: cannot write answers',
      );
      if (options.stopped.aborted) return settlements.map(() => false);
      await wait(waitMs, undefined, { signal: options.stopped }).catch(() => {});
    }
  }
}

function passed(settlements: readonly Settlement[], when: 'before commit' | 'after commit'): void {
  faultPoint(`settle: ${when}`);
  if (settlements.some(({ kind }) => kind === 'put-off')) faultPoint(`put-off: ${when}`);
}

async function settleApart(
  settlements: readonly Settlement[],
  error: unknown,
  options: SettleOptions,
): Promise<boolean[]> {
  if (settlements.length > 1) {
    const results: boolean[] = [];
    for (const settlement of settlements) results.push(...(await settle([settlement], options)));
    return results;
  }
  const [settlement] = settlements;
  if (!settlement) return [];
  const { number } = settlement.request;
  const bare = withoutBodies(settlement);
  options.logger.error(
    { requestNumber: number, problem: messageOf(error) },
    bare
      ? 'dispatch: PostgreSQL refused an answer; writing it without the SOAP bodies'
      : 'dispatch: PostgreSQL refused an answer; the request will be claimed again when its lease has run out',
  );
  return bare ? await settle([bare], options) : [false];
}

/** Returns the settlement without its SOAP bodies; null if it has none. */
function withoutBodies(settlement: Settlement): Settlement | null {
  if (settlement.kind === 'give-back') return null;
  const { exchanges } = settlement.request;
  if (exchanges.every(({ requestBody, responseBody }) => requestBody === null && responseBody === null)) return null;
  const bare = exchanges.map((exchange) => ({ ...exchange, requestBody: null, responseBody: null }));
  return settlement.kind === 'finish'
    ? { ...settlement, request: { ...settlement.request, exchanges: bare } }
    : { ...settlement, request: { ...settlement.request, exchanges: bare } };
}

/** Locks subscriptions and cards first, then the work rows, and last what the outcomes lock. */
async function write(
  tx: Parameters<typeof finishRequests>[0],
  settlements: readonly Settlement[],
  parts: FinishingParts,
): Promise<Set<number>> {
  const finished = settlements.flatMap((one) => (one.kind === 'finish' ? [one.request] : []));
  const putOff = settlements.flatMap((one) => (one.kind === 'put-off' ? [one.request] : []));
  const untried = settlements.flatMap((one) => (one.kind === 'give-back' ? [one.request] : []));
  lockSubscriptions(tx, subscriptionsTaught(finished));
  if (putOff.length + untried.length > 0) {
    lockCards(tx, [...new Set(settlements.flatMap(({ request }) => request.cards))]);
  }
  const done = new Set(await giveBackRequests(tx, untried));
  for (const number of await putOffRequests(tx, putOff, parts.instance)) done.add(number);
  for (const number of await finishRequests(tx, finished, parts)) done.add(number);
  return done;
}
