import type { Subscription } from '../events/crm.generated.ts';
import type { Current, Facts } from '../intake/facts.ts';
import { actionKeyOf } from '../intake/facts.ts';
import { foldChunk, type FoldOptions } from '../intake/fold.ts';
import type { IncomingMessage } from '../intake/message.ts';
import { foldPairing, withoutDepartedCards } from '../planning/pairings.ts';
import { eventCards, snapshotCards } from '../planning/snapshot.ts';
import type { EarlierCommand, KnownPairings, Plan } from '../planning/types.ts';
import { commandKey, type PairingCommand } from '../requests/command.ts';
import type { ActionEvent } from '../events/action-event.ts';
import type { History, PastEvent, PastRequest } from './history.ts';

/** One event, and what today's rules would have made of it when it was processed. */
export interface Replanned {
  readonly past: PastEvent;
  /** Null for an event that is held, or that a person gave up. */
  readonly plan: Plan | null;
}

/**
 * What the rules of `options` would have made of events of one subscription at the moment when each was processed:
 * with the snapshots, guards and known pairings of that moment, as far as they are kept. Pure.
 *
 * The facets of an action belong together (R6), so every event of an action that has a selected event is planned; what
 * an earlier facet would have made counts as made. Everything else that each event found was made by the rules of then.
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
  const pairings = createPairings(requests);
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
    pairings.pair(past);
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
      stays: new Map([[number, new Map([...pairings.knownAt(past)].map(([card, pairing]) => [card, stay(pairing)]))]]),
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

  /** Whether the request for the command had been refused when the event came (R6). */
  function wasRejected(key: string, { event, receivedAt }: PastEvent): boolean {
    const last = requests.findLast(
      (request) =>
        request.actionId === event.action.id && request.commandKey === key && request.submittedAt < receivedAt,
    );
    return last?.state === 'REJECTED' && last.executedAt !== null && last.executedAt <= receivedAt;
  }

  /** R4: the newest snapshots at that moment of the other subscriptions that hold or held a card of the event. */
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
    // Known by its import alone: since when is not kept.
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

/** Ids are given in the order of processing, but for events that a person let through later. */
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

/** R1: the newest snapshot of a lower version; of several with one version the last that came. */
export function newestBelow(version: number, snapshots: readonly Current[]): Current | null {
  let best: Current | null = null;
  for (const one of snapshots) if (one.version < version && one.version >= (best?.version ?? -Infinity)) best = one;
  return best;
}

/** The known pairings of a subscription while its history goes by (R7). */
function createPairings(requests: readonly PastRequest[]) {
  const all = requests.filter(isPairing);
  const ofEvent = Map.groupBy(all, ({ inboxId }) => inboxId);
  // Made by no event, or by a replay of one: in between, when they were asked for.
  const others = all.toSorted((one, other) => one.submittedAt - other.submittedAt);
  const taken = new Set<number>();
  /** Those that are refused at one event and were pending at an earlier one take the steps from the beginning. */
  const isSteady = all.every(({ state }) => state !== 'REJECTED');
  const steps: Step[] = [];
  let known: KnownPairings = new Map();
  let folded = 0;

  return { apply, pair, knownAt };

  function apply(snapshot: Subscription, past: PastEvent): void {
    takeOthers(past.receivedAt);
    steps.push((before) => withoutDepartedCards(before, snapshot));
  }

  function pair(past: PastEvent): void {
    // Those that were stored with it have its time.
    const processedAt = past.resolvedAt ?? past.receivedAt;
    for (const request of ofEvent.get(past.id) ?? []) if (request.submittedAt === processedAt) take(request);
  }

  function knownAt({ receivedAt }: PastEvent): KnownPairings {
    takeOthers(receivedAt);
    if (!isSteady) {
      known = new Map();
      folded = 0;
    }
    for (const step of steps.slice(folded)) known = step(known, receivedAt);
    folded = steps.length;
    return known;
  }

  function takeOthers(before: number): void {
    while ((others[0]?.submittedAt ?? Infinity) < before) for (const request of others.splice(0, 1)) take(request);
  }

  /** Pending then or accepted: as if it were done. Refused by then: it established nothing. */
  function take({ number, command, state, executedAt }: PastRequest & { command: PairingCommand }): void {
    if (taken.has(number)) return;
    taken.add(number);
    steps.push((before, at) =>
      state === 'REJECTED' && executedAt !== null && executedAt <= at ? before : foldPairing(before, command),
    );
  }
}

type Step = (known: KnownPairings, at: number) => KnownPairings;

function isPairing(request: PastRequest): request is PastRequest & { command: PairingCommand } {
  return request.command.type === 'CREATE_PAIRING' || request.command.type === 'ADD_TO_EXISTING_PAIRING';
}

function stay(pairing: NonNullable<ReturnType<KnownPairings['get']>>) {
  return { joinedNumber: 0, pairing };
}

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

/** A message that says nothing beside its event. */
export function messageOf(event: ActionEvent): IncomingMessage {
  const key = Buffer.from(event.subscription.number);
  return { topic: '', partition: 0, offset: 0, timestamp: new Date(0), key, value: null, headers: {} };
}
