import { randomUUID } from 'node:crypto';
import type {
  InstalledItem,
  InstalledItemActionType,
  Move,
  Service,
  ServiceActionType,
  Subscription,
  SubscriptionActionType,
} from '../../src/events/crm.generated.ts';

/** An event as the CRM puts it on the wire: the Avro record's full name and its value. */
export interface CrmEvent {
  readonly schema: `com.crm.subscription.v1.${'SubscriptionActionEvent' | 'ServiceActionEvent' | 'InstalledItemActionEvent'}`;
  readonly value: {
    readonly eventId: string;
    readonly subscription: Subscription;
    readonly action: { readonly id: string; readonly number: string };
  };
}

/** One facet of an action: its family by the prefix S:, V: or I:, and what the family's event names beside the snapshot. */
export interface Facet {
  readonly action: `S:${SubscriptionActionType}` | `V:${ServiceActionType}` | `I:${InstalledItemActionType}`;
  readonly incomingServices?: readonly string[];
  readonly outgoingServices?: readonly string[];
  readonly incomingItems?: readonly string[];
  readonly removedItems?: readonly InstalledItem[];
  readonly movedServices?: readonly Move[];
  readonly movedItems?: readonly Move[];
}

/** A subscription as the CRM holds it; every action raises its version. */
export interface CrmSubscription {
  readonly number: string;
  readonly services: Service[];
  readonly installedItems: InstalledItem[];
  state: Subscription['state'];
  version: number;
}

let actionNumber = 0;

/** A subscription without services and hardware. */
export function newSubscription(number: string): CrmSubscription {
  return { number, services: [], installedItems: [], state: 'DRAFT', version: 0 };
}

/** Puts a service into the subscription, EFFECTIVE unless said otherwise. */
export function addService(
  subscription: CrmSubscription,
  id: string,
  caId: string | null,
  options: { distributor?: string | null; state?: Service['state'] } = {},
): void {
  subscription.services.push({
    id,
    productId: `product-${caId ?? id}`,
    productCode: `P${caId ?? id}`,
    productAlternativeCode: null,
    caId,
    state: options.state ?? 'EFFECTIVE',
    distributor: options.distributor ?? null,
  });
}

/** Puts a smart card or a set-top box into the subscription. */
export function addItem(
  subscription: CrmSubscription,
  id: string,
  kind: InstalledItem['kind'],
  caId: string | null,
  distributor: string | null = null,
): InstalledItem {
  const item: InstalledItem = { id, serialNumber: `SN-${id}`, alternativeCode: null, kind, caId, distributor };
  subscription.installedItems.push(item);
  return item;
}

/** Takes an installed item out, as it was. */
export function removeItem(subscription: CrmSubscription, id: string): InstalledItem {
  const index = subscription.installedItems.findIndex((item) => item.id === id);
  const [item] = subscription.installedItems.splice(index, 1);
  if (index < 0 || !item) throw new Error(`${subscription.number} has no installed item ${id}`);
  return item;
}

/** Changes one service's state. */
export function setService(subscription: CrmSubscription, id: string, state: Service['state']): void {
  find(subscription.services, id).state = state;
}

/** Changes every service's state that is one of `from` (all of them where it is left out). */
export function setServices(
  subscription: CrmSubscription,
  state: Service['state'],
  from?: readonly Service['state'][],
): void {
  for (const service of subscription.services) if (!from || from.includes(service.state)) service.state = state;
}

/** Moves a service or an installed item to another distributor; the move as an event names it. */
export function move(subscription: CrmSubscription, id: string, toDistributor: string | null): Move {
  const moved = find([...subscription.services, ...subscription.installedItems], id);
  const fromDistributor = moved.distributor;
  moved.distributor = toDistributor;
  return { id, fromDistributor, toDistributor };
}

/** The events of one action, one for each facet, with the snapshot as it is now; the action raises the version. */
export function events(subscription: CrmSubscription, facets: readonly Facet[]): CrmEvent[] {
  subscription.version += 1;
  actionNumber += 1;
  const now = Date.now();
  const action = {
    id: randomUUID(),
    number: `A${String(actionNumber).padStart(6, '0')}`,
    transactionReference: null,
    executedAt: now,
    executedBy: 'demo',
    facets: facets.length,
  };
  const snapshot: Subscription = structuredClone({
    id: `id-${subscription.number}`,
    number: subscription.number,
    version: subscription.version,
    state: subscription.state,
    services: subscription.services,
    installedItems: subscription.installedItems,
  });
  return facets.map((facet) => {
    const common = {
      eventId: randomUUID(),
      occurredAt: now,
      action,
      type: facet.action.slice(2),
      subscription: snapshot,
    };
    const moves = { movedServices: facet.movedServices ?? [], movedInstalledItems: facet.movedItems ?? [] };
    const items = {
      incomingInstalledItems: facet.incomingItems ?? [],
      removedInstalledItems: facet.removedItems ?? [],
    };
    switch (facet.action.slice(0, 1)) {
      case 'S':
        return { schema: 'com.crm.subscription.v1.SubscriptionActionEvent', value: { ...common, ...moves } };
      case 'V':
        return {
          schema: 'com.crm.subscription.v1.ServiceActionEvent',
          value: {
            ...common,
            ...moves,
            ...items,
            incomingServices: facet.incomingServices ?? [],
            outgoingServices: facet.outgoingServices ?? [],
          },
        };
      default:
        return { schema: 'com.crm.subscription.v1.InstalledItemActionEvent', value: { ...common, ...items } };
    }
  });
}

function find<T extends { id: string }>(all: readonly T[], id: string): T {
  const found = all.find((one) => one.id === id);
  if (!found) throw new Error(`The subscription has no ${id}`);
  return found;
}
