import type { ActionEvent } from '../events/action-event.ts';
import type { Subscription } from '../events/crm.generated.ts';
import { type Database, sqlState, type Transaction } from '../platform/database.ts';
import { faultPoint } from '../platform/fault-points.ts';
import { eventCards, snapshotCards } from '../planning/snapshot.ts';
import { lockCards } from '../requests/lock-cards.ts';
import type { SubscriptionFacts } from './facts.ts';
import { type Decision, foldChunk, type FoldOptions } from './fold.ts';
import { insertInbox, storeOffset } from './inbox.ts';
import { lockSubscriptions } from '../requests/lock-subscriptions.ts';
import { nextOffsetAfter, type ReadMessage } from './message.ts';
import { readCardFacts, readSubscriptionFacts } from './read-facts.ts';
import { type Origin, writeConsequences } from './write.ts';

export interface ApplyOptions extends FoldOptions {
  readonly database: Database;
  /** Under this name the next offset is stored; null: none is, as the messages are not read in their order. */
  readonly consumerGroup: string | null;
  /** How long the outcome of an action waits for facets that it names (ACTION_FACET_WAIT_MS). */
  readonly facetWaitMs: number;
  /** Who lets events be processed that the CRM did not send just now; default: the CRM itself. */
  readonly origin?: Origin;
}

export interface Applied {
  readonly decisions: readonly Decision[];
  /** Messages that wait in the outbox by this. */
  readonly outboxMessages: number;
}

/**
 * Processes messages of one partition, in their order, each exactly once in effect, and stores the offset after them:
 * all in one transaction.
 * @throws whatever goes wrong: nothing was done. Whose fault it is, `experiment.ts` finds out.
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

/** One eventId in two subscriptions: only then can two instances store it at once, the locks being on the numbers. */
const SEEN_ATTEMPTS = 5;

/** An event that another instance stored meanwhile: it is a duplicate once the transaction is run again. */
function isSeenMeanwhile(error: unknown): boolean {
  const { constraint } = Object(error) as { constraint?: string };
  return sqlState(error) === '23505' && (constraint === 'inbox_seen' || constraint === 'inbox_dead_letter');
}

/** As `applyChunk`, within a transaction of the caller. */
export async function applyInTransaction(
  tx: Transaction,
  messages: readonly ReadMessage[],
  options: ApplyOptions,
): Promise<Applied> {
  const readable = messages.flatMap(({ event }) => event ?? []);
  await lockSubscriptions(tx, [...new Set(readable.map(({ subscription }) => subscription.number))]);
  const subscriptionFacts = await readSubscriptionFacts(tx, messages, options.stalePolicy);
  const events = messages.flatMap(({ event, cause }) => (event !== null && cause === null ? [event] : []));
  const cards = cardsToLock(events, subscriptionFacts);
  await lockCards(tx, cards);
  const cardFacts = await readCardFacts(tx, events, cards);
  const folded = foldChunk(messages, { ...subscriptionFacts, ...cardFacts }, options);
  const inboxIds = await insertInbox(tx, folded.decisions);
  const decisions = folded.decisions.map((decision, index) => ({ ...decision, inboxId: inboxIds[index] ?? 0 }));
  const outboxMessages = await writeConsequences(tx, folded, decisions, {
    facetWaitMs: options.facetWaitMs,
    origin: options.origin,
  });
  const last = messages.at(-1)?.message;
  if (last && options.consumerGroup !== null)
    await storeOffset(tx, options.consumerGroup, last.topic, last.partition, nextOffsetAfter(last));
  faultPoint('intake: before commit');
  return { decisions, outboxMessages };
}

/** Every smart card that the events, the newest snapshots or older ones that planning looks at speak of. */
export function cardsToLock(events: readonly ActionEvent[], facts: SubscriptionFacts): string[] {
  const older: Subscription[] = [
    ...[...facts.current.values()].map(({ snapshot }) => snapshot),
    ...[...facts.history.values()].flatMap(({ lower }) => lower?.snapshot ?? []),
  ];
  return [...new Set([...events.flatMap(eventCards), ...older.flatMap(snapshotCards)])];
}
