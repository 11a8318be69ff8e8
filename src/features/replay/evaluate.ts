import { setImmediate as nextTurn } from 'node:timers/promises';
import type { ActionEvent } from '../../events/action-event.ts';
import { actionKeyOf, type Facts } from '../../intake/facts.ts';
import { type Decision, foldChunk, type FoldOptions } from '../../intake/fold.ts';
import type { ReadMessage } from '../../intake/message.ts';
import type { Transaction } from '../../platform/database.ts';
import { compare, type Compared } from './compare.ts';
import { type History, type PastEvent, readEvents, readHistory } from './history.ts';
import { factsNow, decideEffects, type RowWithEffects, type EffectOptions, snapshotsOf } from './effects.ts';
import { newestBelow, replan } from './replan.ts';

/** The selected events of one subscription. */
export interface Group {
  readonly number: string;
  /** Where the selection continues once this subscription is done. */
  readonly cursor: string;
  /** Inbox rows. Rows whose event is in `messages` are selected too. */
  readonly inboxIds: readonly number[];
  /** Events of a file or of Kafka, in version order. The inbox may have them. */
  readonly messages: readonly (ReadMessage & { readonly event: ActionEvent })[];
}

export interface EvaluateOptions extends FoldOptions {
  /** Also sends again what was made then and is made now, for a CAS that lost it. */
  readonly again: boolean;
  /** Decisions so far for cards that several subscriptions hold or held. A plan keeps them from page to page. */
  readonly decided?: EffectOptions['decided'] | undefined;
}

/** The result of replaying the selected events of one subscription. */
export interface Evaluated {
  readonly number: string;
  /** Events that the inbox has. */
  readonly rows: readonly RowWithEffects[];
  /** Events that were never received, as intake would decide them now. */
  readonly received: readonly Decision[];
  /** Their messages, in version order. */
  readonly unknown: Group['messages'];
  readonly events: number;
}

/**
 * Evaluates selected events: what today's rules make of them, what was made then, and what must be sent now. It only
 * reads. A caller that will send something must hold the locks on the subscriptions and their cards.
 */
export async function evaluate(
  tx: Transaction,
  groups: readonly Group[],
  options: EvaluateOptions,
): Promise<Evaluated[]> {
  const numbers = groups.map(({ number }) => number);
  const own = await readEvents(tx, numbers);
  const unknown = groups.flatMap((group) => unknownOf(group, own.get(group.number) ?? []));
  const history = await readHistory(
    tx,
    numbers,
    own,
    unknown.map(({ event }) => event),
  );
  const evaluated: Evaluated[] = [];
  for (const group of groups) {
    evaluated.push(evaluateGroup(group, history, options));
    // Lets the service's live work run between two subscriptions.
    await nextTurn();
  }
  return evaluated;
}

/** Evaluates one subscription whose history was already read. Pure. */
export function evaluateGroup(group: Group, history: History, options: EvaluateOptions): Evaluated {
  const { number, inboxIds, messages } = group;
  const known = history.events.get(number) ?? [];
  const eventIds = new Set(messages.map(({ event }) => event.eventId));
  const ids = new Set([...inboxIds, ...known.filter(({ event }) => eventIds.has(event.eventId)).map(({ id }) => id)]);
  const isSelected = ({ id }: PastEvent): boolean => ids.has(id);
  const rows = ids.size === 0 ? [] : compare(replan(number, history, isSelected, options), history, isSelected);
  const unknown = unknownOf(group, known);
  return {
    number,
    rows: decideEffects(number, inVersionOrder(rows), history, options),
    received: unknown.length === 0 ? [] : foldChunk(unknown, factsFor(number, unknown, history), options).decisions,
    unknown,
    events: ids.size + unknown.length,
  };
}

function unknownOf({ messages }: Group, known: readonly PastEvent[]): Group['messages'] {
  const seen = new Set(known.map(({ event }) => event.eventId));
  return messages.filter(({ event }) => !seen.has(event.eventId));
}

function inVersionOrder(rows: readonly Compared[]): Compared[] {
  return rows.toSorted(
    (one, other) =>
      one.past.event.subscription.version - other.past.event.subscription.version || one.past.id - other.past.id,
  );
}

/** Returns the facts that intake would find for events that it never saw. */
function factsFor(number: string, unknown: Group['messages'], history: History): Facts {
  const snapshots = snapshotsOf(number, history);
  const requests = history.requests.get(number) ?? [];
  return {
    ...factsNow(number, history),
    history: new Map(
      unknown.map(({ event }, position) => [
        position,
        { lower: newestBelow(event.subscription.version, snapshots), actionsAtVersion: [] },
      ]),
    ),
    earlier: new Map(
      unknown.map(({ event }) => [
        actionKeyOf(event),
        requests.flatMap(({ actionId, commandKey, state }) =>
          actionId === event.action.id && commandKey !== null
            ? [{ key: commandKey, rejected: state === 'REJECTED' }]
            : [],
        ),
      ]),
    ),
    plannedActions: new Set((history.events.get(number) ?? []).map(({ event }) => actionKeyOf(event))),
  };
}
