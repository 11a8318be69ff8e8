import type { ActionEvent } from '../../../src/events/action-event.ts';
import type { Subscription } from '../../../src/events/crm.generated.ts';
import { foldPairing, withoutDepartedCards } from '../../../src/pairings/folds.ts';
import { plan } from '../../../src/planning/plan.ts';
import { eventCards, snapshotCards } from '../../../src/planning/snapshot.ts';
import type {
  EarlierCommand,
  KnownPairings,
  Pairing,
  Plan,
  PlanningInput,
  PlanningRules,
} from '../../../src/planning/types.ts';
import { commandKey, comparableServiceCaId } from '../../../src/planning/command.ts';
import type { HistoryEvent } from '../../support/histories.ts';

/** The rules with the default patterns and settings. */
export const DEFAULT_RULES: PlanningRules = {
  entitleAddedCards: false,
  smartcardPattern: /^\d{11}$/,
  setTopBoxPattern: /^[\x21-\x7e]{1,30}$/,
  servicePattern: /^\d{1,8}$/,
};

/** A CAS that does what it is told at once (A25): entitlements, and pairings that a card has at most one of. */
export interface MemoryCas {
  readonly entitlements: Map<string, Set<string>>;
  readonly pairings: Map<string, Pairing>;
  /** Commands that a real CAS might refuse. */
  readonly complaints: string[];
}

/** One event as it was planned. */
export interface Planned {
  readonly input: PlanningInput;
  readonly plan: Plan;
}

/**
 * What intake does around planning, in memory: duplicates are skipped, the newest snapshots are kept, every command
 * completes at once. Returns what was planned for each event and the CAS after it all.
 */
export function planAll(
  deliveries: readonly HistoryEvent[],
  rules: PlanningRules = DEFAULT_RULES,
): { readonly cas: MemoryCas; readonly planned: readonly Planned[] } {
  const seen = new Set<string>();
  const received = new Map<string, Subscription[]>();
  const known = new Map<string, KnownPairings>();
  const earlier = new Map<string, EarlierCommand[]>();
  const cas = emptyCas();
  const planned: Planned[] = [];
  for (const delivery of deliveries) {
    if (seen.has(delivery.eventId)) continue;
    seen.add(delivery.eventId);
    const event = { ...delivery, writerType: delivery.type } as ActionEvent;
    const { number, version } = event.subscription;
    const snapshots = received.get(number) ?? [];
    const newest = newestOf(snapshots);
    const late = newest !== null && newest.version > version;
    const present = late ? newest : event.subscription;
    const previous = newestOf(snapshots.filter((snapshot) => snapshot.version < version));
    const cards = new Set([
      ...eventCards(event),
      ...[previous, newest].flatMap((snapshot) => (snapshot === null ? [] : snapshotCards(snapshot))),
    ]);
    const others = [...received]
      .filter(([other]) => other !== number)
      .flatMap(([, theirs]) => newestOf(theirs) ?? [])
      .filter((other) => snapshotCards(other).some((card) => cards.has(card)));
    const knownPairings = withoutDepartedCards(known.get(number) ?? new Map(), present);
    const input: PlanningInput = {
      event,
      previous,
      newest: late ? newest : null,
      others,
      knownPairings,
      earlier: earlier.get(event.action.id) ?? [],
      rules,
    };
    const result = plan(input);
    planned.push({ input, plan: result });
    received.set(number, [...snapshots, event.subscription]);
    let pairings: KnownPairings = knownPairings;
    for (const command of result.commands) {
      if (command.type === 'CREATE_PAIRING' || command.type === 'ADD_TO_EXISTING_PAIRING') {
        pairings = foldPairing(pairings, command);
      }
      obey(cas, command);
    }
    known.set(number, pairings);
    const made = result.commands.map((command) => ({ key: commandKey(command), rejected: false }));
    earlier.set(event.action.id, [...(earlier.get(event.action.id) ?? []), ...made]);
  }
  return { cas, planned };
}

/** A CAS that knows of nothing. */
export function emptyCas(): MemoryCas {
  return { entitlements: new Map(), pairings: new Map(), complaints: [] };
}

/** Does what a command says. */
export function obey(cas: MemoryCas, command: Plan['commands'][number]): void {
  switch (command.type) {
    case 'ADD_SUBSCRIPTIONS':
    case 'CANCEL_SUBSCRIPTIONS': {
      const entitled = cas.entitlements.get(command.smartcard) ?? new Set();
      cas.entitlements.set(command.smartcard, entitled);
      const service = comparableServiceCaId(command.service.caId);
      if (command.type === 'ADD_SUBSCRIPTIONS') entitled.add(service);
      else entitled.delete(service);
      return;
    }
    case 'CREATE_PAIRING':
      pair(cas, {
        smartcards: command.smartcards.map((device) => device.caId),
        setTopBoxes: command.setTopBoxes.map((device) => device.caId),
      });
      return;
    case 'ADD_TO_EXISTING_PAIRING': {
      const existing = command.existingSmartcard.caId;
      const pairing = cas.pairings.get(existing);
      if (pairing === undefined) cas.complaints.push(`The card ${existing} is in no pairing.`);
      pair(cas, {
        smartcards: [existing, ...(pairing?.smartcards ?? []), ...command.smartcards.map((device) => device.caId)],
        setTopBoxes: [...(pairing?.setTopBoxes ?? []), ...command.setTopBoxes.map((device) => device.caId)],
      });
    }
  }
}

function pair(cas: MemoryCas, pairing: Pairing): void {
  const cards = new Set(pairing.smartcards);
  for (const [card, other] of cas.pairings) {
    if (other.smartcards.some((member) => cards.has(member))) {
      cas.pairings.set(card, { ...other, smartcards: other.smartcards.filter((member) => !cards.has(member)) });
    }
  }
  for (const card of cards)
    cas.pairings.set(card, { smartcards: [...cards], setTopBoxes: [...new Set(pairing.setTopBoxes)] });
}

function newestOf(snapshots: readonly Subscription[]): Subscription | null {
  return snapshots.toSorted((a, b) => a.version - b.version).at(-1) ?? null;
}
