import { audit } from './audit.ts';
import { events } from './events.ts';
import { outcomes } from './outcomes.ts';
import { requests } from './requests.ts';
import type { RetentionKind } from './rows.ts';
import { runs } from './runs.ts';

/**
 * What retention removes, in this order: requests before events, so that an action goes with the last of its rows in
 * one night.
 */
export const retentionKinds = { requests, events, outcomes, runs, audit } as const satisfies Record<
  string,
  RetentionKind
>;
export type RetentionKindName = keyof typeof retentionKinds;

/** How many days each kind is kept; 0: for good. */
export type RetentionDays = Readonly<Record<RetentionKindName, number>>;

/** The kinds of which something may go, in the order in which they are looked through. */
export function kindsToRemove(days: RetentionDays): RetentionKindName[] {
  return (Object.keys(retentionKinds) as RetentionKindName[]).filter((kind) => days[kind] > 0);
}
