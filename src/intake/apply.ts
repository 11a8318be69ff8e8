import type { ActionEvent } from '../events/action-event.ts';
import type { Subscription } from '../events/crm.generated.ts';
import { type Database, sqlState, type Transaction } from '../platform/database.ts';
import { messageOf } from '../platform/errors.ts';
import { faultPoint } from '../platform/fault-points.ts';
import { eventCards, snapshotCards } from '../planning/snapshot.ts';
import { lockCards } from '../requests/lock-cards.ts';
import type { SubscriptionFacts } from './facts.ts';
import { type Decision, foldChunk, type FoldOptions, PlanningFailedError } from './fold.ts';
import { insertInbox, storeOffset } from './inbox.ts';
import { lockSubscriptions } from '../requests/lock-subscriptions.ts';
import type { ReadMessage } from './message.ts';
import { shortened } from './read.ts';
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
  /** Told of each message that processing failed on, before it is dead-lettered: an alert. */
  readonly onFailure: (read: ReadMessage, error: unknown) => void;
}

export interface Applied {
  readonly decisions: readonly Decision[];
  /** Messages that wait in the outbox by this. */
  readonly outboxMessages: number;
}

/**
 * Processes messages of one partition, in their order, each exactly once in effect, and stores the offset after them:
 * all in one transaction. A message that planning cannot digest or that PostgreSQL refuses is dead-lettered
 * (PROCESSING_FAILED) and the others go on: the chunk is halved until the culprit is alone.
 * @throws what says nothing about a single message (an outage, a fault of ours): nothing more was done, repeat later.
 */
export async function applyChunk(messages: readonly ReadMessage[], options: ApplyOptions): Promise<Applied> {
  try {
    return await applyOnce(messages, options);
  } catch (error) {
    if (error instanceof PlanningFailedError) {
      return applyChunk(withFailure(messages, error.position, error.cause, options), options);
    }
    if (!isAboutTheData(error)) throw error;
    if (messages.length > 1) {
      const half = Math.ceil(messages.length / 2);
      const first = await applyChunk(messages.slice(0, half), options);
      const second = await applyChunk(messages.slice(half), options);
      return {
        decisions: [...first.decisions, ...second.decisions],
        outboxMessages: first.outboxMessages + second.outboxMessages,
      };
    }
    const [read] = messages;
    if (!read) throw error;
    if (read.cause === null) return applyChunk(withFailure(messages, 0, error, options), options);
    // What was refused is in the columns that describe the event: the dead letter goes without them.
    if (read.event !== null) return applyChunk([{ ...read, event: null }], options);
    throw error;
  }
}

function withFailure(
  messages: readonly ReadMessage[],
  position: number,
  error: unknown,
  options: ApplyOptions,
): ReadMessage[] {
  return messages.map((read, index) => {
    if (index !== position) return read;
    options.onFailure(read, error);
    return { ...read, cause: { reason: 'PROCESSING_FAILED', detail: shortened(messageOf(error)) } };
  });
}

/**
 * SQLSTATE classes with which PostgreSQL refuses values: data exception, integrity constraint, program limit (an index
 * entry that is too long). Anything else, a missing column for example, is no fault of a message.
 */
function isAboutTheData(error: unknown): boolean {
  return /^(22|23|54)/.test(sqlState(error) ?? '');
}

/** One eventId in two subscriptions: only then can two instances store it at once, the locks being on the numbers. */
const SEEN_ATTEMPTS = 5;

/** An event that another instance stored meanwhile: it is a duplicate once the transaction is run again. */
function isSeenMeanwhile(error: unknown): boolean {
  const { constraint } = Object(error) as { constraint?: string };
  return sqlState(error) === '23505' && (constraint === 'inbox_seen' || constraint === 'inbox_dead_letter');
}

async function applyOnce(messages: readonly ReadMessage[], options: ApplyOptions): Promise<Applied> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await options.database.transaction((tx) => applyInTransaction(tx, messages, options));
    } catch (error) {
      if (attempt === SEEN_ATTEMPTS || !isSeenMeanwhile(error)) throw error;
    }
  }
}

async function applyInTransaction(
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
    await storeOffset(tx, options.consumerGroup, last.topic, last.partition, last.offset + 1);
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
