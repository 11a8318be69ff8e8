import type { Transaction } from '../platform/database.ts';
import { composeActionOutcome } from './action-outcome.ts';
import {
  countFinished,
  type DueAction,
  type FactsOf,
  factsOfActions,
  factsOfFinished,
  overdueActions,
  finishedRequests,
} from './actions.ts';
import { actionOutcomeEventId } from './event-ids.ts';
import { addToOutbox, type NewOutboxMessage } from './outbox.ts';
import { type FinishedRequest, requestOutcome, requestOutcomeKey } from './request-outcome.ts';

/**
 * Writes the outcome of requests that just became final, and of every CRM action that has nothing left to wait for.
 *
 * Call it in the transaction that finished them, after their rows have the final state and after that transaction
 * locked cards and work rows. It locks actions, which come later in the order of locks.
 * @throws Error naming a request that does not exist or is not final: the transaction must not be committed.
 */
export async function recordOutcomes(tx: Transaction, finishedRequestNumbers: readonly number[]): Promise<void> {
  if (finishedRequestNumbers.length === 0) return;
  const [requests, due, facts] = await Promise.all([
    finishedRequests(tx, finishedRequestNumbers),
    countFinished(tx, finishedRequestNumbers),
    factsOfFinished(tx, finishedRequestNumbers),
  ]);
  const found = new Set(requests.map(({ number }) => number));
  const missing = finishedRequestNumbers.filter((number) => !found.has(number));
  if (missing.length > 0) {
    throw new Error(
      `No outcome for request ${missing.join(', ')}: it is not final. Finish it before recording its outcome`,
    );
  }
  addToOutbox(tx, [...requests.map(requestMessage), ...outcomesOfActions(due, facts)]);
}

/** Writes the outcomes of actions that were counted as due and are locked. */
export async function recordDueActions(tx: Transaction, due: readonly DueAction[]): Promise<void> {
  if (due.length > 0) addToOutbox(tx, outcomesOfActions(due, await factsOfActions(tx, due)));
}

/**
 * Writes the outcome of up to `limit` actions whose wait for facets is over, with the facets that came. Skips actions
 * that another transaction has locked.
 * @returns how many outcomes it wrote.
 */
export async function settleOverdueActions(tx: Transaction, limit: number): Promise<number> {
  const due = await overdueActions(tx, limit);
  await recordDueActions(tx, due);
  return due.length;
}

/** Composes the outcomes of actions. They are locked, so what it reads is complete. */
function outcomesOfActions(actions: readonly DueAction[], factsOf: FactsOf): NewOutboxMessage[] {
  const occurredAt = Date.now();
  return actions.map((action): NewOutboxMessage => {
    const known = factsOf(action);
    const composed = composeActionOutcome(known);
    return {
      kind: 'ACTION_OUTCOME',
      key: action.subscriptionNumber,
      record: {
        eventId: actionOutcomeEventId(action.subscriptionNumber, action.id, action.revision),
        occurredAt,
        actionId: action.id,
        actionNumber: action.number,
        subscriptionNumber: action.subscriptionNumber,
        receivedAt: action.receivedAt,
        ...composed,
      },
      headers: {
        ce_time: new Date(occurredAt).toISOString(),
        ce_subject: action.subscriptionNumber,
        ce_correlationid: action.id,
        ...(known.causationEventId === null ? {} : { ce_causationid: known.causationEventId }),
        ...(known.traceparent === null ? {} : { traceparent: known.traceparent }),
      },
    };
  });
}

function requestMessage(request: FinishedRequest): NewOutboxMessage {
  const key = requestOutcomeKey(request);
  return {
    kind: 'REQUEST_OUTCOME',
    key,
    record: requestOutcome(request),
    headers: {
      ce_time: new Date(request.executedAt).toISOString(),
      ce_subject: key,
      ...(request.actionId === null ? {} : { ce_correlationid: request.actionId }),
      ...(request.causationEventId === null ? {} : { ce_causationid: request.causationEventId }),
      ...(request.traceparent === null ? {} : { traceparent: request.traceparent }),
    },
  };
}
