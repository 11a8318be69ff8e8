import type { Facts } from '../../intake/facts.ts';

/** Facts about nothing, as a start for others. */
export const NO_FACTS: Facts = {
  seenEventIds: new Set(),
  recordedDeadLetters: new Set(),
  current: new Map(),
  history: new Map(),
  plannedActions: new Set(),
  others: new Map(),
  stays: new Map(),
  pendingPairings: new Map(),
  earlier: new Map(),
};
