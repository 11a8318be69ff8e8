import type { ActionEvent } from '../events/action-event.ts';
import type { Subscription } from '../events/crm.generated.ts';
import { eventCards, snapshotCards } from '../planning/snapshot.ts';
import type { EarlierCommand, Plan, PlanningInput, PlanningRules } from '../planning/types.ts';
import { commandKey, isPairing } from '../planning/command.ts';
import { type CardHolders, createCardHolders } from './card-holders.ts';
import { actionKeyOf, type Current, type Facts, placeOf, type VersionHistory } from './facts.ts';
import { headerText, type ReadMessage } from './message.ts';
import type { Remark } from './remarks.ts';
import { createSubscriptionFold, type SubscriptionFold } from './subscription-fold.ts';

/** What can become of a message of the CRM. */
export const dispositions = ['PLANNED', 'NOTHING_TO_DO', 'DUPLICATE', 'STALE', 'DEAD_LETTERED'] as const;
export type Disposition = (typeof dispositions)[number];

/** The decision about one message. */
export interface Decision extends ReadMessage {
  readonly disposition: Disposition;
  readonly late: boolean;
  readonly remarks: readonly Remark[];
  /** Not null for PLANNED and NOTHING_TO_DO. */
  readonly plan: Plan | null;
}

export interface FoldOptions {
  /** Plans one event; pure. */
  readonly plan: (input: PlanningInput) => Plan;
  readonly rules: PlanningRules;
  readonly stalePolicy: 'plan' | 'hold';
}

/** The result for a chunk, with decisions in the order of the messages. */
export interface Folded {
  readonly decisions: readonly Decision[];
  readonly subscriptions: ReadonlyMap<string, SubscriptionFold>;
}

/**
 * Decides about each message in order, on top of what earlier messages changed: snapshots, known pairings, commands of
 * the same action, and the guards between subscriptions (R4). Pure: everything that it needs was read before.
 * @throws what planning throws.
 */
export function foldChunk(messages: readonly ReadMessage[], facts: Facts, options: FoldOptions): Folded {
  const { rules, stalePolicy } = options;
  const seen = new Set(facts.seenEventIds);
  const deadLetters = new Set(facts.recordedDeadLetters);
  const plannedActions = new Set(facts.plannedActions);
  const earlier = new Map<string, EarlierCommand[]>();
  const subscriptions = new Map<string, SubscriptionFold>();
  const holders: CardHolders = createCardHolders([
    ...facts.others.values(),
    ...[...facts.current.values()].map(({ snapshot }) => snapshot),
  ]);
  const decisions = messages.map(decide);
  return { decisions, subscriptions };

  function decide(read: ReadMessage, position: number): Decision {
    const { message, event, cause } = read;
    if (cause !== null || event === null) return deadLettered(read);
    const without = { ...read, late: false, remarks: [], plan: null };
    if (seen.has(event.eventId)) return { ...without, disposition: 'DUPLICATE' };
    seen.add(event.eventId);

    const subscription = subscriptionFold(event.subscription.number);
    const { current } = subscription;
    const history = facts.history.get(position) ?? null;
    const { version } = event.subscription;
    const late = current !== null && version < current.version;
    const remarks: Remark[] = [];
    if (current !== null && version > current.version + 1) remarks.push('VERSION_GAP');
    if (sharesVersion(event, subscription, history)) remarks.push('SHARED_VERSION');
    if (message.key?.toString() !== event.subscription.number) remarks.push('KEY_MISMATCH');
    const ceId = headerText(message, 'ce_id');
    if (ceId !== null && ceId !== event.eventId) remarks.push('CE_ID_MISMATCH');
    subscription.noteVersion(event);

    if (late && stalePolicy === 'hold' && !plannedActions.has(actionKeyOf(event))) {
      return { ...without, disposition: 'STALE', late, remarks };
    }
    const plan = planned(event, position, subscription, late, lowerSnapshot(version, subscription, history));
    plannedActions.add(actionKeyOf(event));
    if (plan.unknownAction) remarks.push('UNKNOWN_ACTION');
    const disposition = plan.commands.length > 0 ? 'PLANNED' : 'NOTHING_TO_DO';
    return { ...read, disposition, late, remarks, plan };
  }

  function deadLettered(read: ReadMessage): Decision {
    const place = placeOf(read.message);
    const again = deadLetters.has(place);
    deadLetters.add(place);
    return { ...read, disposition: again ? 'DUPLICATE' : 'DEAD_LETTERED', late: false, remarks: [], plan: null };
  }

  function planned(
    event: ActionEvent,
    position: number,
    subscription: SubscriptionFold,
    late: boolean,
    previous: Subscription | null,
  ): Plan {
    const newest = late ? (subscription.current?.snapshot ?? null) : null;
    const made = earlierOf(event);
    const plan = options.plan({
      event,
      previous,
      newest,
      others: othersOf(event, previous, newest),
      knownPairings: subscription.knownPairings(),
      earlier: [...made],
      rules,
    });
    for (const command of plan.commands) made.push({ key: commandKey(command), rejected: false });
    if (!late) {
      subscription.apply(event.subscription, position);
      holders.set(event.subscription);
    }
    for (const command of plan.commands) {
      if (isPairing(command)) subscription.pair(command);
    }
    return plan;
  }

  function subscriptionFold(number: string): SubscriptionFold {
    const known = subscriptions.get(number);
    if (known) return known;
    const created = createSubscriptionFold(number, facts);
    subscriptions.set(number, created);
    return created;
  }

  function earlierOf(event: ActionEvent): EarlierCommand[] {
    const key = actionKeyOf(event);
    const commands = earlier.get(key) ?? [...(facts.earlier.get(key) ?? [])];
    earlier.set(key, commands);
    return commands;
  }

  /** Returns the newest snapshots of the other subscriptions that hold a card which the event may touch (R4). */
  function othersOf(event: ActionEvent, previous: Subscription | null, newest: Subscription | null): Subscription[] {
    const cards = [eventCards(event), previous ? snapshotCards(previous) : [], newest ? snapshotCards(newest) : []];
    return holders.holding(cards.flat(), event.subscription.number);
  }
}

function sharesVersion(event: ActionEvent, subscription: SubscriptionFold, history: VersionHistory | null): boolean {
  const actions = new Set([
    ...(history?.actionsAtVersion ?? []),
    ...subscription.actionsAtVersion(event.subscription.version),
  ]);
  actions.delete(event.action.id);
  return actions.size > 0;
}

/**
 * Returns the newest snapshot of a version lower than the event's (R1): an applied one, or one of the inbox or this
 * chunk.
 */
function lowerSnapshot(
  version: number,
  subscription: SubscriptionFold,
  history: VersionHistory | null,
): Subscription | null {
  const candidates: Current[] = [
    ...(history?.lower ? [history.lower] : []),
    ...subscription.snapshots().filter((snapshot) => snapshot.version < version),
  ];
  let best: Current | null = null;
  for (const candidate of candidates) if (best === null || candidate.version >= best.version) best = candidate;
  return best?.snapshot ?? null;
}
