import type { InstalledItem, Subscription } from '../../src/events/crm.generated.ts';
import { becomeSubscriber, LATER_ACTIONS, newItem, newService } from './crm-actions.ts';
import type { CrmAction, CrmWorld } from './crm-actions.ts';
import { emit, snapshotOf } from './crm-model.ts';
import type { CrmSubscription, HistoryEvent } from './crm-model.ts';
import { randomFrom } from './random.ts';
import type { Random } from './random.ts';

export { avroRecord } from './crm-model.ts';
export type { HistoryEvent } from './crm-model.ts';

export interface HistoryOptions {
  /** How many subscriptions; 1 by default. */
  readonly subscriptions?: number;
  /** Actions of each subscription, at least; 12 by default. An action has one to three events. */
  readonly actions?: number;
  /**
   * 'returned': returned cards are given to other subscriptions; true: and cards are now and then in two at once. False by
   * default.
   */
  readonly sharedCards?: boolean | 'returned';
  /** Tells the numbers and CA ids of several calls apart; at most 3 digits, '' by default. */
  readonly prefix?: string;
}

export interface Histories {
  readonly seed: number;
  /** In the order in which the CRM acted, the subscriptions interleaved. */
  readonly events: readonly HistoryEvent[];
  /** One for each subscription: as its last action left it. */
  readonly finalSnapshots: readonly Subscription[];
  /** Cards that more than one subscription has held: what they are paired with depends on who came last. */
  readonly wanderedCards: ReadonlySet<string>;
}

/** One subscription's history. */
export function randomHistory(
  seed: number,
  options: Omit<HistoryOptions, 'subscriptions' | 'sharedCards'> = {},
): {
  readonly subscriptionNumber: string;
  readonly events: readonly HistoryEvent[];
  readonly finalSnapshot: Subscription;
} {
  const { events, finalSnapshots } = randomHistories(seed, { ...options, subscriptions: 1 });
  const [finalSnapshot] = finalSnapshots;
  if (finalSnapshot === undefined) throw new Error('A history has one subscription.');
  return { subscriptionNumber: finalSnapshot.number, events, finalSnapshot };
}

/**
 * Random histories of subscriptions as the CRM makes them: each begins as a subscriber and lives through every kind of
 * action, with all facets of each; a card that is added is then distributed to. The same seed gives the same histories.
 */
export function randomHistories(seed: number, options: HistoryOptions = {}): Histories {
  const { subscriptions: count = 1, actions = 12, sharedCards = false, prefix = '' } = options;
  const random = randomFrom(seed);
  const { world, holders } = crmWorld(random, sharedCards, prefix);
  const subscriptions = Array.from({ length: count }, (_, index) => newSubscription(world, `${prefix}S${index + 1}`));

  const events: HistoryEvent[] = subscriptions.flatMap((subscription) => {
    return (becomeSubscriber(world, subscription) ?? []).flatMap((act) => emit(random, subscription, act()));
  });
  let unfinished = subscriptions;
  while (unfinished.length > 0) {
    const subscription = random.pick(unfinished);
    for (const act of nextActions(world, subscription)) events.push(...emit(random, subscription, act()));
    unfinished = unfinished.filter((candidate) => candidate.version < actions);
  }
  return {
    seed,
    events,
    finalSnapshots: subscriptions.map(snapshotOf),
    wanderedCards: new Set([...holders].filter(([, numbers]) => numbers.size > 1).map(([card]) => card)),
  };
}

/**
 * The same events as a careless transport brings them. `repeats`: each comes one to three times. `late`: some single
 * facets and some whole actions come after up to five later events of their subscription. `shuffled`: in any order.
 */
export function carelesslyDelivered(
  seed: number,
  events: readonly HistoryEvent[],
  how: { readonly repeats?: boolean; readonly late?: boolean; readonly shuffled?: boolean },
): HistoryEvent[] {
  const random = randomFrom(seed);
  const delays = new Map<string, number>();
  const ranked = events.map((event, index) => {
    if (!delays.has(event.action.id))
      delays.set(event.action.id, random.chance(0.15) ? random.int(5 * spread(events)) : 0);
    const facetDelay = random.chance(0.1) ? random.int(5 * spread(events)) : 0;
    return { event, rank: index + (how.late === true ? (delays.get(event.action.id) ?? 0) + facetDelay + 0.5 : 0) };
  });
  const copies = ranked.flatMap((entry) => [
    entry,
    ...Array.from({ length: how.repeats === true ? random.int(3) : 0 }, () => ({
      ...entry,
      rank: entry.rank + random.int(4 * spread(events)),
    })),
  ]);
  const delivered = how.shuffled === true ? random.shuffled(copies) : copies.toSorted((a, b) => a.rank - b.rank);
  return delivered.map(({ event }) => event);
}

/** How many events of the whole lie between two of one subscription, roughly. */
function spread(events: readonly HistoryEvent[]): number {
  return new Set(events.map((event) => event.subscription.number)).size;
}

function newSubscription(world: CrmWorld, number: string): CrmSubscription {
  const { random } = world;
  const rooms = random.pick([
    [null],
    [`${number}-living`, `${number}-bedroom`],
    [null, `${number}-living`, `${number}-bedroom`],
  ]);
  const subscription: CrmSubscription = {
    number,
    rooms,
    services: [],
    installedItems: [],
    state: 'DRAFT',
    version: 0,
    lastOrder: null,
  };
  for (const room of rooms) {
    const cards = random.pick([0, 1, 1, 2]);
    for (let card = 0; card < cards; card += 1) newItem(world, subscription, 'SMARTCARD', room);
    if (random.chance(0.8)) newItem(world, subscription, 'SET_TOP_BOX', room);
  }
  const services = 1 + random.int(3);
  for (let service = 0; service < services; service += 1) newService(world, subscription);
  return subscription;
}

function nextActions(world: CrmWorld, subscription: CrmSubscription): ReturnType<CrmAction> & object {
  const weighted = LATER_ACTIONS.flatMap(([weight, action]) => Array.from({ length: weight }, () => action));
  for (const action of world.random.shuffled(weighted)) {
    const steps = action(world, subscription);
    if (steps !== null) return steps;
  }
  throw new Error('Some action always applies: a service can be added to any subscription.');
}

function crmWorld(
  random: Random,
  sharedCards: boolean | 'returned',
  prefix: string,
): { world: CrmWorld; holders: Map<string, Set<string>> } {
  const holders = new Map<string, Set<string>>();
  const returned: string[] = [];
  let issued = 0;
  const newCard = (): string => {
    issued += 1;
    return `${prefix.padStart(3, '0')}${String(issued).padStart(8, '0')}`;
  };
  const heldBy = (subscription: CrmSubscription): Set<string | null> =>
    new Set(subscription.installedItems.map((item) => item.caId));
  const takeCard = (subscription: CrmSubscription): string => {
    const own = heldBy(subscription);
    const reusable = [...returned, ...(sharedCards === true && random.chance(0.1) ? holders.keys() : [])].filter(
      (card) => !own.has(card),
    );
    const card = sharedCards !== false && reusable.length > 0 && random.chance(0.6) ? random.pick(reusable) : newCard();
    if (returned.includes(card)) returned.splice(returned.indexOf(card), 1);
    holders.set(card, new Set([...(holders.get(card) ?? []), subscription.number]));
    return card;
  };
  let ids = 0;
  const newId = (kind: string): string => {
    ids += 1;
    return `${prefix}${kind}-${ids}`;
  };
  const returnItem = (item: InstalledItem): void => {
    if (item.kind === 'SMARTCARD' && item.caId !== null) returned.push(item.caId);
  };
  return { world: { random, newId, takeCard, returnItem }, holders };
}
