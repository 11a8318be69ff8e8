import { type Database, type Transaction } from '../platform/database.ts';
import { sqlState } from '../platform/database-errors.ts';
import { faultPoint } from '../platform/fault-points.ts';
import { lockSubscriptions } from '../requests/locks.ts';
import { type Decision, foldChunk, type FoldOptions } from './fold.ts';
import { insertInbox, newInboxIds, ADVANCE_OFFSET } from './inbox.ts';
import { nextOffsetAfter, type ReadMessage } from './message.ts';
import { readFacts } from './read-facts.ts';
import { type Origin, writeConsequences } from './write.ts';

export interface ApplyOptions extends FoldOptions {
  readonly database: Database;
  /** The name under which the next offset is stored; null: it is not, because the messages are not read in order. */
  readonly consumerGroup: string | null;
  /** How long an action's outcome waits for the facets that it names (ACTION_FACET_WAIT_MS). */
  readonly facetWaitMs: number;
  /** Who has the events processed, if the CRM did not just send them; default: the CRM itself. */
  readonly origin?: Origin;
  /** CRM users whose actions are bulk work (BULK_EXECUTED_BY, R13); default: none. */
  readonly bulkExecutedBy?: ReadonlySet<string>;
}

export interface Applied {
  readonly decisions: readonly Decision[];
  /** How many messages this added to the outbox. */
  readonly outboxMessages: number;
}

/**
 * Processes messages of one partition in order, each exactly once in effect, and stores the offset after them, in one
 * transaction.
 * @throws any error: then nothing was done. `experiment.ts` finds out what caused it.
 */
export async function applyChunk(messages: readonly ReadMessage[], options: ApplyOptions): Promise<Applied> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await options.database.transaction((tx) => applyInTransaction(tx, messages, options));
    } catch (error) {
      if (attempt === SEEN_ATTEMPTS || !isSeenMeanwhile(error)) throw error;
    }
  }
}

/**
 * How often to try when two subscriptions have the same eventId. Only then can two instances store it at once, since
 * locks are by subscription number.
 */
const SEEN_ATTEMPTS = 5;

/** Returns whether another instance stored the event meanwhile; the next try finds it as a duplicate. */
function isSeenMeanwhile(error: unknown): boolean {
  const { constraint } = Object(error) as { constraint?: string };
  return sqlState(error) === '23505' && (constraint === 'inbox_seen' || constraint === 'inbox_dead_letter');
}

/** Does the same as `applyChunk` in a transaction of the caller. */
export async function applyInTransaction(
  tx: Transaction,
  messages: readonly ReadMessage[],
  options: ApplyOptions,
): Promise<Applied> {
  const readable = messages.flatMap(({ event }) => event ?? []);
  lockSubscriptions(tx, [...new Set(readable.map(({ subscription }) => subscription.number))]);
  const [facts, inboxIds] = await Promise.all([
    readFacts(tx, messages, options.stalePolicy),
    newInboxIds(tx, messages.length),
  ]);
  const folded = foldChunk(messages, facts, options);
  const decisions = folded.decisions.map((decision, index) => ({ ...decision, inboxId: inboxIds[index] ?? 0 }));
  insertInbox(tx, decisions);
  const outboxMessages = await writeConsequences(tx, folded, decisions, {
    facetWaitMs: options.facetWaitMs,
    origin: options.origin,
    bulkExecutedBy: options.bulkExecutedBy,
  });
  const last = messages.at(-1)?.message;
  if (last && options.consumerGroup !== null)
    tx.send(ADVANCE_OFFSET, [options.consumerGroup, last.topic, last.partition, nextOffsetAfter(last)]);
  faultPoint('intake: before commit');
  return { decisions, outboxMessages };
}
