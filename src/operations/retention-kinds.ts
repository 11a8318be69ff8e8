import type { Queryable, Transaction } from '../platform/database.ts';
import { events } from './retention-events.ts';
import { outcomes } from './retention-outcomes.ts';
import { requests } from './retention-requests.ts';
import { runs } from './retention-runs.ts';

/** Rows removed or to be removed, by table. */
export type RowCounts = Readonly<Record<string, number>>;

/** A part of the table, in the order of its keys. */
export interface Stretch {
  /** The key behind which it begins. */
  readonly after: number;
  /** What is older than this may go. */
  readonly before: Date;
  /** How many keys it has at most. */
  readonly limit: number;
}

/** One key of a stretch. */
export interface Walked {
  readonly key: number;
  /** Whether its rows go. */
  readonly goes: boolean;
  /** Whether it was made before the time: behind a stretch without any that were, nothing can go. */
  readonly aged: boolean;
}

/** Rows that belong to one key and go together. */
export interface RetentionKind {
  /** Walks a stretch by the table's primary key. */
  walk(db: Queryable, stretch: Stretch): Promise<Walked[]>;
  /** How many rows of each table go with the keys. */
  count(db: Queryable, keys: readonly number[]): Promise<RowCounts>;
  /** Every row that goes with the keys, each as a line `{"table":…,"row":{…}}`, referenced tables first; in pages. */
  lines(db: Queryable, keys: readonly number[]): AsyncIterable<readonly string[]>;
  /** Removes what goes with the keys, or as much of it as one transaction should; what is gone already counts nothing. */
  remove(tx: Transaction, keys: readonly number[]): Promise<Removal>;
}

export interface Removal {
  readonly rows: RowCounts;
  /** Whether there may be more that goes with the same keys. */
  readonly more: boolean;
}

/**
 * What retention removes, in this order: requests before events, so that an action goes with the last of its rows in
 * one night.
 */
export const retentionKinds = { requests, events, outcomes, runs } as const satisfies Record<string, RetentionKind>;
export type RetentionKindName = keyof typeof retentionKinds;

/** How many days each kind is kept; 0: for good. */
export type RetentionDays = Readonly<Record<RetentionKindName, number>>;

/** The kinds of which something may go, in the order in which they are looked through. */
export function kindsToRemove(days: RetentionDays): RetentionKindName[] {
  return (Object.keys(retentionKinds) as RetentionKindName[]).filter((kind) => days[kind] > 0);
}
