import type { Subscription } from '../../events/crm.generated.ts';
import type { Current, Facts } from '../../intake/facts.ts';
import { actionKeyOf } from '../../intake/facts.ts';
import { foldChunk, type FoldOptions } from '../../intake/fold.ts';
import type { IncomingMessage } from '../../intake/message.ts';
import { eventCards, snapshotCards } from '../../planning/snapshot.ts';
import type { Stays } from '../../pairings/stays.ts';
import type { EarlierCommand, KnownPairings, Plan } from '../../planning/types.ts';
import { commandKey } from '../../planning/command.ts';
import type { ActionEvent } from '../../events/action-event.ts';
import type { History, PastEvent } from './history.ts';
import { pairingsOverTime } from './pairings-over-time.ts';

/** An event, and what today's rules would have made of it when it was processed. */
export interface Replanned {
  readonly past: PastEvent;
  /** Null for an event that is held or was discarded. */
  readonly plan: Plan | null;
}

/**
 * Plans events of one subscription by today's rules, as of the moment when each was processed. It uses the snapshots,
 * guards and known pairings of that moment, as far as they are stored. Pure.
 *
 * The facets of an action belong together (R6). So every event of an action with a selected event is planned. What an
 * earlier facet would have made counts as made. Everything else that an event found is taken as it really was.
 */
export function replan(
  number: string,
  history: History,
  isSelected: (past: PastEvent) => boolean,
  options: Omit<FoldOptions, 'stalePolicy'>,
): Replanned[] {
  const events = inOrderOfProcessing(history.events.get(number) ?? []);
  const actions = new Set(events.filter(isSelected).map(({ event }) => event.action.id));
  const requests = history.requests.get(number) ?? [];
  const pairings = pairingsOverTime(number, requests);
  const snapshots: Current[] = [];
  const made = new Map<string, EarlierCommand[]>();
  let current: Current | null = null;
  const replanned: Replanned[] = [];
  for (const past of events) {
    const { event } = past;
    const own: Current = { version: event.subscription.version, snapshot: event.subscription };
    const isGivenUp = past.disposition === 'STALE' || past.resolution?.startsWith('discarded') === true;
    if (actions.has(event.action.id)) {
      replanned.push({ past, plan: isGivenUp ? null : plannedThen(past, current) });
    }
    snapshots.push(own);
    if (isGivenUp) continue;
    const late: boolean = current !== null && own.version < current.version;
    if (!late) {
      current = own;
      pairings.apply(event.subscription, past);
    }
    pairings.made(past);
  }
  return replanned;

  function plannedThen(past: PastEvent, applied: Current | null): Plan {
    const { event } = past;
    const lower = newestBelow(event.subscription.version, snapshots);
    const key = actionKeyOf(event);
    const earlier = made.get(key) ?? [];
    const facts: Facts = {
      ...NO_FACTS,
      current: new Map(applied === null ? [] : [[number, applied]]),
      history: new Map([[0, { lower, actionsAtVersion: [] }]]),
      others: othersThen(past, applied, lower),
      stays: new Map([[number, staysOf(pairings.at(past))]]),
      earlier: new Map([[key, earlier.map((command) => ({ ...command, rejected: wasRejected(command.key, past) }))]]),
    };
    const [decision] = foldChunk([{ message: messageOf(event), event, cause: null }], facts, {
      ...options,
      stalePolicy: 'plan',
    }).decisions;
    if (!decision?.plan) throw new Error(`Event ${event.eventId} could not be planned again`);
    made.set(key, [
      ...earlier,
      ...decision.plan.commands.map((command) => ({ key: commandKey(command), rejected: false })),
    ]);
    return decision.plan;
  }

  /** Returns whether the request for the command had been refused when the event came (R6). */
  function wasRejected(key: string, { event, receivedAt }: PastEvent): boolean {
    const last = requests.findLast(
      (request) =>
        request.actionId === event.action.id && request.commandKey === key && request.submittedAt < receivedAt,
    );
    return last?.state === 'REJECTED' && last.executedAt !== null && last.executedAt <= receivedAt;
  }

  /**
   * Returns the newest snapshots at that moment of the other subscriptions that hold or held a card of the event (R4).
   */
  function othersThen(past: PastEvent, applied: Current | null, lower: Current | null): Map<string, Subscription> {
    const older = [applied, lower].flatMap((one) => (one === null ? [] : snapshotCards(one.snapshot)));
    const found = new Map<string, Subscription>();
    for (const card of new Set([...eventCards(past.event), ...older])) {
      for (const other of history.holders.get(card) ?? []) {
        if (other === number || found.has(other)) continue;
        const snapshot = snapshotBefore(other, past.id);
        if (snapshot !== null) found.set(other, snapshot);
      }
    }
    return found;
  }

  function snapshotBefore(other: string, inboxId: number): Subscription | null {
    const all = history.events.get(other) ?? [];
    // Only its import is known, and not since when.
    if (all.length === 0) return history.current.get(other)?.snapshot ?? null;
    let newest: Subscription | null = null;
    for (const { id, disposition, event } of all) {
      if (id >= inboxId) break;
      const { subscription } = event;
      if (disposition !== 'STALE' && subscription.version >= (newest?.version ?? -Infinity)) newest = subscription;
    }
    return newest;
  }
}

/** Sorts events by processing. Ids already have that order, except for events that a person released later. */
function inOrderOfProcessing(events: readonly PastEvent[]): PastEvent[] {
  const released = events.filter(({ resolvedAt }) => resolvedAt !== null);
  if (released.length === 0) return [...events];
  const waiting = released.toSorted((one, other) => (one.resolvedAt ?? 0) - (other.resolvedAt ?? 0));
  const ordered: PastEvent[] = [];
  for (const past of events) {
    if (past.resolvedAt !== null) continue;
    while ((waiting[0]?.resolvedAt ?? Infinity) < past.receivedAt) ordered.push(...waiting.splice(0, 1));
    ordered.push(past);
  }
  return [...ordered, ...waiting];
}

/** Returns the newest snapshot of a lower version (R1); of several with one version, the last that came. */
export function newestBelow(version: number, snapshots: readonly Current[]): Current | null {
  let best: Current | null = null;
  for (const one of snapshots) if (one.version < version && one.version >= (best?.version ?? -Infinity)) best = one;
  return best;
}

/** Returns stays that hold the known pairings and nothing else. */
export function staysOf(known: KnownPairings): Stays {
  return new Map([...known].map(([card, pairing]) => [card, { joinedNumber: 0, pairing }]));
}

/** Returns a message that carries only its event. */
export function messageOf(event: ActionEvent): IncomingMessage {
  const key = Buffer.from(event.subscription.number);
  return { topic: '', partition: 0, offset: 0, timestamp: new Date(0), key, value: null, headers: {} };
}

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
