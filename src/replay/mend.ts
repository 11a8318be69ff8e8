import type { ActionEvent } from '../events/action-event.ts';
import type { Subscription } from '../events/crm.generated.ts';
import type { Current, Facts } from '../intake/facts.ts';
import { foldChunk, type FoldOptions } from '../intake/fold.ts';
import { foldPairing } from '../pairings/folds.ts';
import { knownPairings } from '../pairings/stays.ts';
import { describeService, entitlementCommand } from '../planning/proposal.ts';
import { pairKey, snapshotCards } from '../planning/snapshot.ts';
import type { PlannedCommand } from '../planning/types.ts';
import { viewOf } from '../planning/view.ts';
import { commandKey, type EntitlementCommand, isPairing, type PairingCommand } from '../planning/command.ts';
import type { Compared } from './compare.ts';
import { type History, pairOf, type PastRequest } from './history.ts';
import { NO_FACTS } from './no-facts.ts';
import { messageOf, newestBelow, staysOf } from './then.ts';

/**
 * Why a difference sends nothing. SUPERSEDED: the newest snapshots contradict it. ALREADY_REQUESTED, ALREADY_PAIRED: what
 * came later did it. NO_COMMAND: the CAS knows no command that would undo it. The others are planning's.
 */
export interface Unsent {
  readonly kind: 'nothing';
  readonly reason: string;
  readonly detail: string;
}

/** A command that mends a difference, for the subscription that it serves. */
export interface Sent {
  readonly kind: 'send';
  readonly command: PlannedCommand;
  readonly subscription: { readonly id: string; readonly number: string };
}

export type Effect = Sent | Unsent;

/** A difference with what would be done about it now; null where there is nothing to mend. */
export interface Mended extends Compared {
  readonly effects: readonly Effect[];
}

export interface MendOptions extends Omit<FoldOptions, 'stalePolicy'> {
  /** Sends again also what was made then and is made now: for a CAS that lost it. */
  readonly again: boolean;
  /** What was decided for cards that several subscriptions hold or held, by `pairKey`; a plan keeps it while it goes on. */
  readonly decided?: Map<string, EntitlementCommand['type']> | undefined;
}

/**
 * What has to be sent so that the differences of one subscription are mended, by the newest snapshots of all that hold
 * its cards: an old event never undoes what a newer one has done (P7). Each entitlement is decided once, whatever events
 * speak of it, and only where it is not as the last request of its pair left it. Pure.
 */
export function mend(number: string, rows: readonly Compared[], history: History, options: MendOptions): Mended[] {
  const current = history.current.get(number)?.snapshot ?? null;
  if (current === null) return rows.map((row) => ({ ...row, effects: [] }));
  const pairs = decidePairs(rows, current, history, options);
  const pairings = createPairingMender(number, history, options);
  return rows.map((row): Mended => {
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

/** Which of the two entitlement commands a difference asks for: what was made wrongly asks for its opposite. */
function asksFor(row: Compared): EntitlementCommand['type'] | null {
  if (row.now !== null) return 'service' in row.now ? row.now.type : null;
  if (row.made === null || !('service' in row.made)) return null;
  return row.made.type === 'ADD_SUBSCRIPTIONS' ? 'CANCEL_SUBSCRIPTIONS' : 'ADD_SUBSCRIPTIONS';
}

function decidePairs(
  rows: readonly Compared[],
  current: Subscription,
  history: History,
  { again, decided }: MendOptions,
) {
  const cards = new Set(
    rows.flatMap(({ now, made }) => [now, made].flatMap((one) => (one && 'service' in one ? one.smartcard : []))),
  );
  const wanted = entitledBy(current, cards, history);
  const last = lastRequests(cards, history);
  const told = new Map<string, Compared>();
  // The newest event that asks for what is right is the one that is told to send it.
  for (const row of rows) {
    const pair = pairOf(row.now ?? row.made ?? NOTHING);
    if (pair === null || !differs(row, again)) continue;
    const key = pairKey(pair.card, pair.service);
    const right = wanted.has(key) ? 'ADD_SUBSCRIPTIONS' : 'CANCEL_SUBSCRIPTIONS';
    const best = told.get(key);
    if (asksFor(row) === right && (best === undefined || versionOf(row) >= versionOf(best))) told.set(key, row);
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
    const teller = told.get(key);
    if (teller !== row) {
      return nothing(
        'ALREADY_REQUESTED',
        `Version ${teller === undefined ? version : versionOf(teller)} asks for it too, and is newer.`,
      );
    }
    if (decided?.get(key) === type) {
      return nothing('ALREADY_REQUESTED', 'Another subscription with this card, which comes before, asks for it too.');
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
  /** The service, for people. */
  readonly about: string;
}

/** What the newest snapshots entitle these cards to, by `pairKey`: the subscription's own first, then any other's (R4). */
function entitledBy(current: Subscription, cards: ReadonlySet<string>, history: History): Map<string, Entitled> {
  const numbers = new Set([...cards].flatMap((card) => [...(history.holders.get(card) ?? [])]));
  const others = [...numbers].flatMap((number) =>
    number === current.number ? [] : (history.current.get(number)?.snapshot ?? []),
  );
  const found = new Map<string, Entitled>();
  for (const snapshot of [current, ...others]) {
    const held = snapshotCards(snapshot).filter((card) => cards.has(card));
    for (const [key, services] of viewOf(snapshot).entitlements()) {
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

/** The last request for each pair that was not refused, by `pairKey`: what the CAS holds, or will once all are sent. */
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

/** Pairings are planned as intake would plan the event if it came now: against the newest snapshot. */
function createPairingMender(number: string, history: History, options: MendOptions) {
  const facts = factsNow(number, history);
  let known = knownPairings(history.stays.get(number) ?? new Map(), history.pendingPairings.get(number) ?? []);
  const done = new Map<number, Effect[]>();

  return { effectsOf };

  function effectsOf(row: Compared): Effect[] {
    if (row.now === null) {
      return [nothing('NO_COMMAND', 'The CAS knows no command that takes a pairing apart.')];
    }
    const { event, id } = { event: row.past.event, id: row.past.id };
    const before = done.get(id);
    if (before)
      return before.length === 0 ? [] : [nothing('ALREADY_REQUESTED', 'With the other pairing of this event.')];
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
        effects.push(nothing('ALREADY_PAIRED', 'All of its devices are paired together by now.'));
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

/** The snapshots of a subscription that events brought, in the order in which they came. */
export function snapshotsOf(number: string, history: History): Current[] {
  return (history.events.get(number) ?? []).map(({ event: { subscription } }) => ({
    version: subscription.version,
    snapshot: subscription,
  }));
}

/** What intake would find for an event of this subscription now, if no event of its action had come before. */
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
