import type { Facts } from '../intake/facts.ts';

/** Facts of which nothing is known. */
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
