import type { ActionEvent } from '../events/action-event.ts';
import type { Subscription } from '../events/crm.generated.ts';
import type { PendingPairing, Stays } from '../pairings/stays.ts';
import type { EarlierCommand } from '../planning/types.ts';
import type { IncomingMessage } from './message.ts';

/** The newest applied snapshot of a subscription. */
export interface Current {
  readonly version: number;
  readonly snapshot: Subscription;
}

/** What the inbox has about versions up to an event's own. */
export interface VersionHistory {
  /** The newest snapshot of a lower version (R1). */
  readonly lower: Current | null;
  /** The ids of the actions with the event's own version. */
  readonly actionsAtVersion: readonly string[];
}

/** What is read about a chunk's subscriptions after they are locked and before their cards are. */
export interface SubscriptionFacts {
  readonly seenEventIds: ReadonlySet<string>;
  /** `placeOf` of dead letters already recorded. */
  readonly recordedDeadLetters: ReadonlySet<string>;
  readonly current: ReadonlyMap<string, Current>;
  /** By position of the message in the chunk; absent if the event's version is the newest. */
  readonly history: ReadonlyMap<number, VersionHistory>;
  /** `actionKeyOf` of the actions with a planned facet. */
  readonly plannedActions: ReadonlySet<string>;
}

/** What is read after the cards are locked too. */
export interface CardFacts {
  /** The newest snapshots of other subscriptions that hold one of the locked cards (R4). */
  readonly others: ReadonlyMap<string, Subscription>;
  /** By subscription. */
  readonly stays: ReadonlyMap<string, Stays>;
  /** By subscription, ordered by request number. */
  readonly pendingPairings: ReadonlyMap<string, readonly PendingPairing[]>;
  /** By `actionKeyOf`, ordered by request number (R6). */
  readonly earlier: ReadonlyMap<string, readonly EarlierCommand[]>;
}

export type Facts = SubscriptionFacts & CardFacts;

/** Returns the key of an event's action; the CRM's action id is unique within its subscription. */
export function actionKeyOf(event: ActionEvent): string {
  return JSON.stringify([event.subscription.number, event.action.id]);
}

/** Returns where and when a message was written. A message with the same value is the same message, read again. */
export function placeOf({ topic, partition, offset, timestamp }: IncomingMessage): string {
  return `${topic}/${partition}/${offset}/${timestamp.getTime()}`;
}
