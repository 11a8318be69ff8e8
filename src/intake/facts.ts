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

/** What the inbox knows about versions at or below an event's. */
export interface VersionHistory {
  /** The newest snapshot of a lower version (R1). */
  readonly lower: Current | null;
  /** The ids of the actions that have the event's own version. */
  readonly actionsAtVersion: readonly string[];
}

/** What is read of a chunk's subscriptions once they are locked, and before their cards are. */
export interface SubscriptionFacts {
  readonly seenEventIds: ReadonlySet<string>;
  /** `placeOf` of the dead letters that were recorded before. */
  readonly recordedDeadLetters: ReadonlySet<string>;
  readonly current: ReadonlyMap<string, Current>;
  /** By the position of the message in the chunk; absent where the event's version is the newest. */
  readonly history: ReadonlyMap<number, VersionHistory>;
  /** `actionKeyOf` of the actions of which a facet was planned. */
  readonly plannedActions: ReadonlySet<string>;
}

/** What is read once the cards are locked too. */
export interface CardFacts {
  /** The newest snapshots of other subscriptions that hold one of the locked cards (R4). */
  readonly others: ReadonlyMap<string, Subscription>;
  /** By subscription. */
  readonly stays: ReadonlyMap<string, Stays>;
  /** By subscription, in the order of their numbers. */
  readonly pendingPairings: ReadonlyMap<string, readonly PendingPairing[]>;
  /** By `actionKeyOf`, in the order of their numbers (R6). */
  readonly earlier: ReadonlyMap<string, readonly EarlierCommand[]>;
}

export type Facts = SubscriptionFacts & CardFacts;

/** An action id is the CRM's and counts within its subscription. */
export function actionKeyOf(event: ActionEvent): string {
  return JSON.stringify([event.subscription.number, event.action.id]);
}

/** Where and when a message was written: one that is read again from there is the same one. */
export function placeOf({ topic, partition, offset, timestamp }: IncomingMessage): string {
  return `${topic}/${partition}/${offset}/${timestamp.getTime()}`;
}
