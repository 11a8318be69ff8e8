import type { InstalledItem, Move, Service, ServiceState, Subscription } from '../../src/events/crm.generated.ts';
import type { CrmSubscription, Facet } from './crm-model.ts';
import type { Random } from './random.ts';

/** What the actions of one history share: randomness, and where new ids and cards come from. */
export interface CrmWorld {
  readonly random: Random;
  readonly newId: (prefix: string) => string;
  /** A smart card CA id for a subscription: a new card, or one that somebody returned or shares. */
  readonly takeCard: (subscription: CrmSubscription) => string;
  /** The card of a removed item is free for others. */
  readonly returnItem: (item: InstalledItem) => void;
}

/**
 * A CRM action: changes the subscription and names its facets; null if it does not apply now. It may be several
 * actions in a row, each a list of facets, when one calls for the next.
 */
export type CrmAction = (world: CrmWorld, subscription: CrmSubscription) => (() => Facet[])[] | null;

/** Two products share the CA id 101, one of them written with leading zeros; 'internet' is not the CAS's business. */
const PRODUCTS = [
  ['sports', '101'],
  ['sports-plus', '0101'],
  ['news', '102'],
  ['movies', '103'],
  ['kids', '00000104'],
  ['kids-plus', '104'],
  ['internet', null],
] as const;

const EFFECTIVE: readonly ServiceState[] = ['EFFECTIVE', 'SHORT_TERM_EFFECTIVE'];
const LIVE: readonly Subscription['state'][] = ['EFFECTIVE', 'SHORT_TERM_EFFECTIVE'];

const isEffective = (service: Service): boolean => EFFECTIVE.includes(service.state);
const isLive = (subscription: CrmSubscription): boolean => LIVE.includes(subscription.state);
const ids = (elements: readonly { id: string }[]): string[] => elements.map((element) => element.id);

/** A service of a random product in a random room, DRAFT until an action activates it. */
export function newService({ random, newId }: CrmWorld, subscription: CrmSubscription): Service {
  const [productCode, caId] = random.pick(PRODUCTS);
  const service: Service = {
    id: newId('service'),
    productId: `product-${productCode}`,
    productCode,
    productAlternativeCode: null,
    caId,
    state: 'DRAFT',
    distributor: random.pick(subscription.rooms),
  };
  subscription.services.push(service);
  return service;
}

/** A smart card, a set-top box or, now and then, hardware that the CAS does not know, in this room. */
export function newItem(
  world: CrmWorld,
  subscription: CrmSubscription,
  kind: InstalledItem['kind'],
  distributor: string | null,
): InstalledItem {
  const id = world.newId('item');
  const caId = kind === 'SMARTCARD' ? world.takeCard(subscription) : kind === 'SET_TOP_BOX' ? `STB-${id}` : null;
  const item: InstalledItem = { id, serialNumber: `serial-${id}`, alternativeCode: null, kind, caId, distributor };
  subscription.installedItems.push(item);
  return item;
}

/** The first action: services and hardware become a subscriber's; the other families' facets may come along. */
export const becomeSubscriber: CrmAction = ({ random }, subscription) => [
  () => {
    subscription.state = 'EFFECTIVE';
    for (const service of subscription.services) service.state = random.chance(0.85) ? 'EFFECTIVE' : 'NOT_EFFECTIVE';
    const facets: Facet[] = [{ type: 'S: BECOME_SUBSCRIBER' }];
    if (random.chance(0.3)) {
      facets.push({
        type: 'I: ADD_INSTALLED_ITEM',
        lists: { incomingInstalledItems: ids(subscription.installedItems) },
      });
    }
    if (random.chance(0.3)) {
      facets.push({ type: 'V: ADD_SERVICE', lists: { incomingServices: ids(subscription.services) } });
    }
    return random.shuffled(facets);
  },
];

function stateChange(
  type: Extract<Facet['type'], `S: ${string}`>,
  from: readonly Subscription['state'][],
  to: Subscription['state'],
  services: { readonly from: readonly ServiceState[]; readonly to: ServiceState; readonly all?: boolean },
): CrmAction {
  return ({ random }, subscription) => {
    if (!from.includes(subscription.state)) return null;
    return [
      () => {
        subscription.state = to;
        for (const service of subscription.services) {
          const concerned = services.from.includes(service.state);
          if (concerned && (services.all === true || random.chance(0.9))) service.state = services.to;
        }
        return [{ type }];
      },
    ];
  };
}

const stateChanges: CrmAction[] = [
  stateChange('S: DEACTIVATE_SUBSCRIPTION', LIVE, 'NOT_EFFECTIVE', { from: EFFECTIVE, to: 'NOT_EFFECTIVE' }),
  stateChange('S: ACTIVATE_SUBSCRIPTION', ['NOT_EFFECTIVE', 'TERMINATED'], 'EFFECTIVE', {
    from: ['NOT_EFFECTIVE', 'CANCELLED', 'IN_RESTING', 'SHORT_TERM_NOT_EFFECTIVE'],
    to: 'EFFECTIVE',
  }),
  stateChange('S: REST_SUBSCRIPTION', LIVE, 'IN_RESTING', { from: EFFECTIVE, to: 'IN_RESTING', all: true }),
  stateChange('S: END_SUBSCRIPTION_RESTING', ['IN_RESTING'], 'EFFECTIVE', { from: ['IN_RESTING'], to: 'EFFECTIVE' }),
  stateChange('S: SHORT_TERM_DEACTIVATION', ['EFFECTIVE'], 'SHORT_TERM_NOT_EFFECTIVE', {
    from: EFFECTIVE,
    to: 'SHORT_TERM_NOT_EFFECTIVE',
  }),
  stateChange('S: END_SHORT_TERM_DEACTIVATION', ['SHORT_TERM_NOT_EFFECTIVE'], 'EFFECTIVE', {
    from: ['SHORT_TERM_NOT_EFFECTIVE'],
    to: 'EFFECTIVE',
  }),
  stateChange('S: SHORT_TERM_ACTIVATION', ['NOT_EFFECTIVE', 'SHORT_TERM_NOT_EFFECTIVE'], 'SHORT_TERM_EFFECTIVE', {
    from: ['NOT_EFFECTIVE', 'SHORT_TERM_NOT_EFFECTIVE'],
    to: 'SHORT_TERM_EFFECTIVE',
  }),
  stateChange('S: END_SHORT_TERM_ACTIVATION', ['SHORT_TERM_EFFECTIVE'], 'NOT_EFFECTIVE', {
    from: EFFECTIVE,
    to: 'NOT_EFFECTIVE',
  }),
];

/** The hardware stays, goes in the same action, or is gone without a facet of its own. */
const terminate: CrmAction = (world, subscription) => {
  if (subscription.state === 'TERMINATED') return null;
  return [
    () => {
      subscription.state = 'TERMINATED';
      for (const service of subscription.services) {
        if (['DRAFT', 'REMOVED', 'REGRETTED', 'SWAPPED'].includes(service.state)) continue;
        service.state = 'CANCELLED';
      }
      const facets: Facet[] = [{ type: 'S: TERMINATE_SUBSCRIPTION' }];
      if (world.random.chance(0.5)) {
        const removed = subscription.installedItems.splice(0);
        removed.forEach(world.returnItem);
        if (world.random.chance(0.5)) {
          facets.push({ type: 'I: REMOVE_INSTALLED_ITEM', lists: { removedInstalledItems: removed } });
        }
      }
      return world.random.shuffled(facets);
    },
  ];
};

const addService: CrmAction = (world, subscription) => [
  () => {
    const service = newService(world, subscription);
    service.state = isLive(subscription) ? 'EFFECTIVE' : 'NOT_EFFECTIVE';
    subscription.lastOrder = { incoming: service.id, outgoing: null };
    return [{ type: 'V: ADD_SERVICE', lists: { incomingServices: [service.id] } }];
  },
];

const startServices: CrmAction = ({ random }, subscription) => {
  const stopped = subscription.services.filter((service) => service.state === 'NOT_EFFECTIVE');
  if (!isLive(subscription) || stopped.length === 0) return null;
  return [
    () => {
      const started = stopped.slice(0, 1 + random.int(stopped.length));
      for (const service of started) service.state = 'EFFECTIVE';
      return [{ type: 'V: START_SERVICE', lists: { incomingServices: ids(started) } }];
    },
  ];
};

function endServices(
  type: 'V: STOP_SERVICE' | 'V: REMOVE_SERVICE' | 'V: CANCEL_SERVICE' | 'V: UNDO_ADD_SERVICE',
  to: ServiceState,
): CrmAction {
  return ({ random }, subscription) => {
    const effective = subscription.services.filter(isEffective);
    if (effective.length === 0) return null;
    return [
      () => {
        const ended = random.shuffled(effective).slice(0, random.chance(0.7) ? 1 : 2);
        for (const service of ended) service.state = to;
        return [{ type, lists: { outgoingServices: ids(ended) } }];
      },
    ];
  };
}

const swapService: CrmAction = (world, subscription) => {
  const effective = subscription.services.filter(isEffective);
  if (effective.length === 0) return null;
  return [
    () => {
      const outgoing = world.random.pick(effective);
      const incoming = newService(world, subscription);
      incoming.state = outgoing.state;
      incoming.distributor = outgoing.distributor;
      outgoing.state = 'SWAPPED';
      subscription.lastOrder = { incoming: incoming.id, outgoing: outgoing.id };
      const lists = { incomingServices: [incoming.id], outgoingServices: [outgoing.id] };
      return [{ type: 'V: SWAP_SERVICE', lists }];
    },
  ];
};

const regretService: CrmAction = (_world, subscription) => {
  const order = subscription.lastOrder;
  const added = subscription.services.find((service) => service.id === order?.incoming);
  const swapped = subscription.services.find((service) => service.id === order?.outgoing);
  if (added === undefined || !isEffective(added)) return null;
  return [
    () => {
      subscription.lastOrder = null;
      if (swapped !== undefined) {
        swapped.state = added.state;
        swapped.distributor = added.distributor;
      }
      added.state = 'REGRETTED';
      const incomingServices = swapped === undefined ? [] : [swapped.id];
      return [{ type: 'V: REGRET_SERVICE', lists: { incomingServices, outgoingServices: [added.id] } }];
    },
  ];
};

/** A card that comes to a room with effective services is then distributed to, by a service action (R10). */
const addItem: CrmAction = (world, subscription) => {
  const { random } = world;
  const kind = random.pick(['SMARTCARD', 'SMARTCARD', 'SET_TOP_BOX', 'SET_TOP_BOX', 'OTHER'] as const);
  const room = random.pick(subscription.rooms);
  const add = (): Facet[] => {
    const item = newItem(world, subscription, kind, room);
    return [{ type: 'I: ADD_INSTALLED_ITEM', lists: { incomingInstalledItems: [item.id] } }];
  };
  const waiting = subscription.services.filter((service) => isEffective(service) && service.distributor === room);
  if (kind !== 'SMARTCARD' || waiting.length === 0) return [add];
  const distribute = (): Facet[] => [{ type: 'V: START_SERVICE', lists: { incomingServices: ids(waiting) } }];
  return [add, distribute];
};

function removeItem(type: 'I: REMOVE_INSTALLED_ITEM' | 'I: UNDO_ADD_INSTALLED_ITEM'): CrmAction {
  return (world, subscription) => {
    if (subscription.installedItems.length === 0) return null;
    return [
      () => {
        const item = world.random.pick(subscription.installedItems);
        subscription.installedItems.splice(subscription.installedItems.indexOf(item), 1);
        world.returnItem(item);
        return [{ type, lists: { removedInstalledItems: [item] } }];
      },
    ];
  };
}

const swapItem: CrmAction = (world, subscription) => {
  const swappable = subscription.installedItems.filter((item) => item.kind !== 'OTHER');
  if (swappable.length === 0) return null;
  return [
    () => {
      const old = world.random.pick(swappable);
      const item = newItem(world, subscription, old.kind, old.distributor);
      subscription.installedItems.splice(subscription.installedItems.indexOf(old), 1);
      world.returnItem(old);
      const lists = { incomingInstalledItems: [item.id], removedInstalledItems: [old] };
      return world.random.shuffled<Facet>([
        { type: 'I: SWAP_INSTALLED_ITEM', lists },
        { type: 'V: SWAP_INSTALLED_ITEM', lists },
      ]);
    },
  ];
};

/** Services, items or both go to another room; a whole room may move at once. */
const changeDistribution: CrmAction = ({ random }, subscription) => {
  const { rooms, services, installedItems } = subscription;
  if (rooms.length < 2 || services.length + installedItems.length === 0) return null;
  return [
    () => {
      const from = random.pick(rooms);
      const to = random.pick(rooms.filter((room) => room !== from));
      const share = random.pick([0.3, 0.5, 1]);
      const what = random.pick(['services', 'items', 'both', 'both'] as const);
      const move = (elements: { id: string; distributor: string | null }[]): Move[] =>
        elements
          .filter((element) => element.distributor === from && random.chance(share))
          .map((element) => {
            element.distributor = to;
            return { id: element.id, fromDistributor: from, toDistributor: to };
          });
      const lists = {
        movedServices: what === 'items' ? [] : move(services),
        movedInstalledItems: what === 'services' ? [] : move(installedItems),
      };
      return random.shuffled<Facet>([
        { type: 'S: CHANGE_SUBSCRIPTION_DISTRIBUTION', lists },
        { type: 'V: CHANGE_SUBSCRIPTION_DISTRIBUTION', lists },
      ]);
    },
  ];
};

/** Every action that may follow the first one, with how often it comes up. */
export const LATER_ACTIONS: readonly (readonly [weight: number, action: CrmAction])[] = [
  ...stateChanges.map((action) => [2, action] as const),
  [1, terminate],
  [5, addService],
  [4, startServices],
  [3, endServices('V: STOP_SERVICE', 'NOT_EFFECTIVE')],
  [2, endServices('V: REMOVE_SERVICE', 'REMOVED')],
  [1, endServices('V: CANCEL_SERVICE', 'CANCELLED')],
  [1, endServices('V: UNDO_ADD_SERVICE', 'REMOVED')],
  [3, swapService],
  [3, regretService],
  [5, addItem],
  [2, removeItem('I: REMOVE_INSTALLED_ITEM')],
  [1, removeItem('I: UNDO_ADD_INSTALLED_ITEM')],
  [4, swapItem],
  [6, changeDistribution],
];
