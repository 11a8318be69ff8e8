import type { PlannedCommand, Withheld } from '../../planning/types.ts';
import { commandKey, comparableServiceCaId, smartcardsOf } from '../../planning/command.ts';
import type { History, PastEvent, PastRequest, PastWithheld } from './history.ts';
import { pairOf } from './history.ts';
import type { Replanned } from './replan.ts';

/**
 * Compares one command of an event: what today's rules make against what was made then. `same`: made then and now.
 * `new`: made only now. `no longer`: made only then. `changed`: made then with other parameters. `withheld`: not made
 * now, with the reason.
 */
export type Verdict = 'same' | 'new' | 'no longer' | 'changed' | 'withheld';

/** One command of one event, with its verdict. */
export interface Compared {
  readonly past: PastEvent;
  readonly verdict: Verdict;
  /** What today's rules make; null if they make nothing. */
  readonly now: PlannedCommand | null;
  /** What was made then; null if nothing was. */
  readonly made: PlannedCommand | null;
  /** The state of its request then and the error, or the reason why the command was withheld. */
  readonly thenState: string | null;
  /** Why today's rules make nothing. */
  readonly withheld: Pick<Withheld, 'type' | 'reason' | 'smartcard' | 'serviceCaId'> | null;
}

/**
 * Compares what today's rules would have made of one subscription's events with what was made of them.
 *
 * An action makes each command once, whichever of its facets does (R6). So whole actions are compared, and each
 * difference is reported for the event that made or would make the command. A command whose request was REJECTED counts
 * as not made, because a new event would ask again.
 */
export function compare(
  replanned: readonly Replanned[],
  history: History,
  isSelected: (past: PastEvent) => boolean,
): Compared[] {
  const actions = Map.groupBy(replanned, ({ past }) => past.event.action.id);
  return [...actions.values()]
    .flatMap(([first, ...rest]) => (first ? compareAction(first, [first, ...rest], history) : []))
    .filter(({ past }) => isSelected(past));
}

function compareAction(first: Replanned, facets: readonly Replanned[], history: History): Compared[] {
  const { subscription, action } = first.past.event;
  const then = new Map<string, PastRequest>();
  for (const request of history.requests.get(subscription.number) ?? []) {
    if (request.actionId === action.id && request.commandKey !== null) then.set(request.commandKey, request);
  }
  const rows: Compared[] = [];
  const left = new Map([...then].filter(([, { state }]) => state !== 'REJECTED'));
  const news: { past: PastEvent; command: PlannedCommand }[] = [];
  for (const { past, plan } of facets) {
    for (const command of plan?.commands ?? []) {
      const key = commandKey(command);
      const request = then.get(key);
      left.delete(key);
      if (request && request.state !== 'REJECTED') {
        rows.push({ past, verdict: 'same', now: command, made: command, thenState: request.state, withheld: null });
      } else news.push({ past, command });
    }
  }
  for (const { past, command } of news) rows.push(newRow(past, command));
  for (const request of left.values()) rows.push(goneRow(request));
  const reported = new Set(rows.map(({ withheld }) => (withheld === null ? '' : subjectOf(withheld))));
  for (const { past, plan } of facets) {
    for (const withheld of plan?.withheld ?? []) {
      if (reported.has(subjectOf(withheld)) && withheld.reason !== 'ALREADY_REQUESTED') continue;
      const before = withheldThen(past, withheld, withheld.reason);
      const thenState = before === null ? null : `withheld ${before.reason}`;
      rows.push({ past, verdict: 'withheld', now: null, made: null, thenState, withheld });
    }
    if (plan === null)
      rows.push({ past, verdict: 'withheld', now: null, made: null, thenState: givenUp(past), withheld: null });
  }
  return rows;

  function newRow(past: PastEvent, command: PlannedCommand): Compared {
    const refused = then.get(commandKey(command));
    const twin = [...left.values()].find((request) => isTwin(request.command, command));
    if (twin) {
      left.delete(twin.commandKey ?? '');
      return { past, verdict: 'changed', now: command, made: twin.command, thenState: stateOf(twin), withheld: null };
    }
    const before = withheldThen(
      past,
      {
        type: command.type,
        smartcard: smartcardsOf(command)[0] ?? null,
        serviceCaId: 'service' in command ? command.service.caId : null,
      },
      null,
    );
    const thenState = refused ? stateOf(refused) : before === null ? null : `withheld ${before.reason}`;
    return { past, verdict: 'new', now: command, made: null, thenState, withheld: null };
  }

  function goneRow(request: PastRequest): Compared {
    const maker = facets.find(({ past }) => past.id === request.inboxId) ?? first;
    const subject = {
      type: request.command.type,
      smartcard: smartcardsOf(request.command)[0] ?? null,
      serviceCaId: 'service' in request.command ? request.command.service.caId : null,
    };
    const withheld = facets
      .flatMap(({ plan }) => plan?.withheld ?? [])
      .find((one) => isSubject(one, subject) && one.reason !== 'ALREADY_REQUESTED');
    return {
      past: maker.past,
      verdict: 'no longer',
      now: null,
      made: request.command,
      thenState: stateOf(request),
      withheld: withheld ?? null,
    };
  }

  function withheldThen(past: PastEvent, subject: Subject, reason: string | null): PastWithheld | null {
    const alike = (history.withheld.get(past.id) ?? []).filter((one) => isSubject(one, subject));
    // Two services with one service CA id may have been withheld for different reasons.
    return alike.find((one) => one.reason === reason) ?? alike[0] ?? null;
  }
}

interface Subject {
  readonly type: PlannedCommand['type'] | Withheld['type'];
  readonly smartcard: string | null;
  readonly serviceCaId: string | null;
}

function isSubject(one: Subject, other: Subject): boolean {
  return subjectOf(one) === subjectOf(other);
}

function subjectOf({ type, smartcard, serviceCaId }: Subject): string {
  return JSON.stringify([type, smartcard, serviceCaId === null ? null : comparableServiceCaId(serviceCaId)]);
}

/**
 * Returns whether both commands ask for the same thing with different parameters. For example, an entitlement has
 * another distributor, or two pairings share a card.
 */
function isTwin(one: PlannedCommand, other: PlannedCommand): boolean {
  const [pair, otherPair] = [pairOf(one), pairOf(other)];
  if (pair !== null && otherPair !== null) {
    return one.type === other.type && pair.card === otherPair.card && pair.service === otherPair.service;
  }
  if (pair !== null || otherPair !== null) return false;
  const cards = smartcardsOf(one);
  return smartcardsOf(other).some((card) => cards.includes(card));
}

function stateOf({ state, errorCode }: PastRequest): string {
  return errorCode === null ? state : `${state} ${errorCode}`;
}

function givenUp(past: PastEvent): string {
  return past.disposition === 'STALE' ? 'held' : (past.resolution ?? 'discarded');
}
