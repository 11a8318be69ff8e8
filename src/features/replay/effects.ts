import type { ActionEvent } from '../../events/action-event.ts';
import type { Subscription } from '../../events/crm.generated.ts';
import type { Current, Facts } from '../../intake/facts.ts';
import { foldChunk, type FoldOptions } from '../../intake/fold.ts';
import { foldPairing } from '../../pairings/folds.ts';
import { knownPairings } from '../../pairings/stays.ts';
import { describeService, entitlementCommand } from '../../planning/proposal.ts';
import { pairKey, snapshotCards } from '../../planning/snapshot.ts';
import type { PlannedCommand } from '../../planning/types.ts';
import { snapshotView } from '../../planning/snapshot-view.ts';
import { commandKey, type EntitlementCommand, isPairing, type PairingCommand } from '../../planning/command.ts';
import type { Compared } from './compare.ts';
import { type History, pairOf, type PastRequest } from './history.ts';
import { messageOf, newestBelow, NO_FACTS, staysOf } from './replan.ts';

/**
 * Explains why nothing is sent for a difference. SUPERSEDED: the newest snapshots contradict it. ALREADY_REQUESTED and
 * ALREADY_PAIRED: something later already did it. NO_COMMAND: no command of the CAS undoes it. Other reasons are those
 * of planning.
 */
export interface Unsent {
  readonly kind: 'nothing';
  readonly reason: string;
  readonly detail: string;
}

/** A command that corrects a difference, for the subscription that needs it. */
export interface Sent {
  readonly kind: 'send';
  readonly command: PlannedCommand;
  readonly subscription: { readonly id: string; readonly number: string };
}

export type Effect = Sent | Unsent;

/** A compared command with what would be done about it now; no effects if there is nothing to correct. */
export interface RowWithEffects extends Compared {
  readonly effects: readonly Effect[];
}

export interface EffectOptions extends Omit<FoldOptions, 'stalePolicy'> {
  /** Also sends again what was made then and is made now, for a CAS that lost it. */
  readonly again: boolean;
  /**
   * Decisions so far for cards that several subscriptions hold or held, by `pairKey`. A plan keeps them from page to
   * page.
   */
  readonly decided?: Map<string, EntitlementCommand['type']> | undefined;
}

/**
 * Decides what to send for each difference of one subscription. Pure.
 *
 * The newest snapshots of all holders of its cards decide, so an old event never undoes a newer one (P7). Each
 * entitlement is decided once, however many events name it. It is sent only if the last request for its card and
 * service left it different.
 */
export function decideEffects(
  number: string,
  rows: readonly Compared[],
  history: History,
  options: EffectOptions,
): RowWithEffects[] {
  const current = history.current.get(number)?.snapshot ?? null;
  if (current === null) return rows.map((row) => ({ ...row, effects: [] }));
  const pairs = decidePairs(rows, current, history, options);
  const pairings = createPairingEffects(number, history, options);
  return rows.map((row): RowWithEffects => {
    if (!differs(row, options.again)) return { ...row, effects: [] };
    const command = row.now ?? row.made;
    if (command === null) return { ...row, effects: [] };
    const pair = pairOf(command);
    if (pair !== null) return { ...row, effects: [pairs.effectOf(row, pairKey(pair.card, pair.service))] };
    return { ...row, effects: pairings.effectsOf(row) };
  });
}

function differs({ verdict }: Compared, again: boolean): boolean {
  return verdict === 'new' || verdict === 'no longer' || verdict === 'changed' || (again && verdict === 'same');
}

/**
 * Returns the entitlement command that a difference asks for. For a command that was wrongly made, that is its
 * opposite.
 */
function asksFor(row: Compared): EntitlementCommand['type'] | null {
  if (row.now !== null) return 'service' in row.now ? row.now.type : null;
  if (row.made === null || !('service' in row.made)) return null;
  return row.made.type === 'ADD_SUBSCRIPTIONS' ? 'CANCEL_SUBSCRIPTIONS' : 'ADD_SUBSCRIPTIONS';
}

function decidePairs(
  rows: readonly Compared[],
  current: Subscription,
  history: History,
  { again, decided }: EffectOptions,
) {
  const cards = new Set(
    rows.flatMap(({ now, made }) => [now, made].flatMap((one) => (one && 'service' in one ? one.smartcard : []))),
  );
  const wanted = entitledBy(current, cards, history);
  const last = lastRequests(cards, history);
  const senders = new Map<string, Compared>();
  // The newest event that asks for the right state sends the command; the others refer to it.
  for (const row of rows) {
    const pair = pairOf(row.now ?? row.made ?? NOTHING);
    if (pair === null || !differs(row, again)) continue;
    const key = pairKey(pair.card, pair.service);
    const right = wanted.has(key) ? 'ADD_SUBSCRIPTIONS' : 'CANCEL_SUBSCRIPTIONS';
    const best = senders.get(key);
    if (asksFor(row) === right && (best === undefined || versionOf(row) >= versionOf(best))) senders.set(key, row);
  }
  return { effectOf };

  function effectOf(row: Compared, key: string): Effect {
    const entitled = wanted.get(key) ?? null;
    const type = entitled === null ? 'CANCEL_SUBSCRIPTIONS' : 'ADD_SUBSCRIPTIONS';
    const { version } = current;
    if (asksFor(row) !== type) {
      const how =
        entitled === null ? 'no longer entitles the card to it' : `entitles the card through ${entitled.about}`;
      return nothing('SUPERSEDED', `Version ${version} of ${entitled?.subscription.number ?? current.number} ${how}.`);
    }
    const sender = senders.get(key);
    if (sender !== row) {
      return nothing(
        'ALREADY_REQUESTED',
        `Version ${sender === undefined ? version : versionOf(sender)} asks for it too, and is newer.`,
      );
    }
    if (decided?.get(key) === type) {
      return nothing('ALREADY_REQUESTED', 'Another subscription with this card, planned earlier, asks for it too.');
    }
    const before = last.get(key) ?? null;
    const asThen = before?.command.type === type && !(row.verdict === 'changed' && isMoved(before, entitled));
    if (asThen && !again)
      return nothing('ALREADY_REQUESTED', `Request ${before.number} was the last for this card and service.`);
    if (before === null && row.now === null) {
      return nothing('ALREADY_REQUESTED', 'Every request for this card and service was refused.');
    }
    const card = pairOf(row.now ?? row.made ?? NOTHING)?.card ?? '';
    if ((history.holders.get(card)?.size ?? 0) > 1) decided?.set(key, type);
    if (entitled !== null) return { kind: 'send', command: entitled.command, subscription: entitled.subscription };
    const made = row.now ?? row.made;
    if (made === null || !('service' in made)) throw new Error('An entitlement without a service');
    return {
      kind: 'send',
      command: entitlementCommand('CANCEL_SUBSCRIPTIONS', made.smartcard, made.service.caId, made.service.distributor),
      subscription: { id: current.id, number: current.number },
    };
  }

  function isMoved(before: PastRequest, entitled: Entitled | null): boolean {
    return entitled !== null && commandKey(before.command) !== commandKey(entitled.command);
  }
}

const NOTHING: PlannedCommand = { type: 'CREATE_PAIRING', smartcards: [], setTopBoxes: [] };

interface Entitled {
  readonly command: EntitlementCommand;
  readonly subscription: { readonly id: string; readonly number: string };
  /** The service, in words for people. */
  readonly about: string;
}

/**
 * Returns what the newest snapshots entitle these cards to, by `pairKey`. The subscription's own entitlement wins over
 * those of others (R4).
 */
function entitledBy(current: Subscription, cards: ReadonlySet<string>, history: History): Map<string, Entitled> {
  const numbers = new Set([...cards].flatMap((card) => [...(history.holders.get(card) ?? [])]));
  const others = [...numbers].flatMap((number) =>
    number === current.number ? [] : (history.current.get(number)?.snapshot ?? []),
  );
  const found = new Map<string, Entitled>();
  for (const snapshot of [current, ...others]) {
    const held = snapshotCards(snapshot).filter((card) => cards.has(card));
    for (const [key, services] of snapshotView(snapshot).entitlements()) {
      const [service] = services;
      const card = held.find((one) => key.startsWith(`${one} `));
      if (found.has(key) || card === undefined || !service?.caId) continue;
      const command = entitlementCommand('ADD_SUBSCRIPTIONS', card, service.caId, service.distributor);
      found.set(key, {
        command,
        subscription: { id: snapshot.id, number: snapshot.number },
        about: describeService(service),
      });
    }
  }
  return found;
}

/**
 * Returns the last request for each pair that was not refused, by `pairKey`. It is what the CAS has, or will have once
 * all requests are sent.
 */
function lastRequests(cards: ReadonlySet<string>, history: History): Map<string, PastRequest> {
  const last = new Map<string, PastRequest>();
  for (const request of [...history.requests.values()].flat()) {
    const pair = pairOf(request.command);
    if (pair === null || request.state === 'REJECTED' || !cards.has(pair.card)) continue;
    const key = pairKey(pair.card, pair.service);
    if (request.number > (last.get(key)?.number ?? 0)) last.set(key, request);
  }
  return last;
}

/** Decides about pairings as intake would if the event arrived now, against the newest snapshot. */
function createPairingEffects(number: string, history: History, options: EffectOptions) {
  const facts = factsNow(number, history);
  let known = knownPairings(history.stays.get(number) ?? new Map(), history.pendingPairings.get(number) ?? []);
  const done = new Map<number, Effect[]>();

  return { effectsOf };

  function effectsOf(row: Compared): Effect[] {
    if (row.now === null) {
      return [nothing('NO_COMMAND', 'The CAS has no command that dissolves a pairing.')];
    }
    const { event, id } = { event: row.past.event, id: row.past.id };
    const before = done.get(id);
    if (before)
      return before.length === 0
        ? []
        : [nothing('ALREADY_REQUESTED', 'The other pairing command of this event does it.')];
    const effects = planNow(event);
    done.set(id, effects);
    return effects;
  }

  function planNow(event: ActionEvent): Effect[] {
    const stays = new Map([[number, staysOf(known)]]);
    const lower = newestBelow(event.subscription.version, snapshotsOf(number, history));
    const [decision] = foldChunk(
      [{ message: messageOf(event), event, cause: null }],
      { ...facts, stays, pendingPairings: new Map(), history: new Map([[0, { lower, actionsAtVersion: [] }]]) },
      {
        ...options,
        stalePolicy: 'plan',
      },
    ).decisions;
    const plan = decision?.plan ?? null;
    const withheld = (plan?.withheld ?? []).filter(
      ({ type }) => type === 'CREATE_PAIRING' || type === 'ADD_TO_EXISTING_PAIRING',
    );
    const effects: Effect[] = withheld.map(({ reason, detail }) => nothing(reason, detail));
    for (const command of (plan?.commands ?? []).filter(isPairing)) {
      if (isKnown(command) && !options.again) {
        effects.push(nothing('ALREADY_PAIRED', 'All its devices are already paired together.'));
        continue;
      }
      known = foldPairing(known, command);
      const { id } = event.subscription;
      effects.push({ kind: 'send', command, subscription: { id, number } });
    }
    return effects;
  }

  function isKnown(command: PairingCommand): boolean {
    const [first] = command.smartcards;
    const pairing = first === undefined ? undefined : known.get(first.caId);
    return (
      pairing !== undefined &&
      command.smartcards.every(({ caId }) => pairing.smartcards.includes(caId)) &&
      command.setTopBoxes.every(({ caId }) => pairing.setTopBoxes.includes(caId))
    );
  }
}

/** Returns the snapshots that events of a subscription brought, in the order of arrival. */
export function snapshotsOf(number: string, history: History): Current[] {
  return (history.events.get(number) ?? []).map(({ event: { subscription } }) => ({
    version: subscription.version,
    snapshot: subscription,
  }));
}

/**
 * Returns the facts that intake would find now for an event of this subscription, ignoring earlier events of its
 * action.
 */
export function factsNow(number: string, history: History): Facts {
  const own = history.current.get(number);
  return {
    ...NO_FACTS,
    current: new Map(own === undefined ? [] : [[number, own]]),
    others: new Map(
      [...history.current].filter(([other]) => other !== number).map(([other, { snapshot }]) => [other, snapshot]),
    ),
    stays: history.stays,
    pendingPairings: history.pendingPairings,
  };
}

function nothing(reason: string, detail: string): Unsent {
  return { kind: 'nothing', reason, detail };
}

function versionOf({ past }: Compared): number {
  return past.event.subscription.version;
}
