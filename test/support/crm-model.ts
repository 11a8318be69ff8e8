import type {
  InstalledItem,
  InstalledItemActionEvent,
  InstalledItemActionType,
  Move,
  Service,
  ServiceActionEvent,
  ServiceActionType,
  Subscription,
  SubscriptionActionEvent,
  SubscriptionActionType,
} from '../../src/events/crm.generated.ts';
import type { Random } from './random.ts';

/** An event as the CRM emits it, in the shape of the Avro records, with its family beside it. */
export type HistoryEvent =
  | ({ readonly family: 'SUBSCRIPTION' } & SubscriptionActionEvent)
  | ({ readonly family: 'SERVICE' } & ServiceActionEvent)
  | ({ readonly family: 'INSTALLED_ITEM' } & InstalledItemActionEvent);

/** What one facet of an action says beside the snapshot. */
export type Facet =
  | { readonly type: `S: ${SubscriptionActionType}`; readonly lists?: Partial<Moves> }
  | { readonly type: `V: ${ServiceActionType}`; readonly lists?: Partial<Moves & ServiceLists & ItemLists> }
  | { readonly type: `I: ${InstalledItemActionType}`; readonly lists?: Partial<ItemLists> };

interface Moves {
  readonly movedServices: readonly Move[];
  readonly movedInstalledItems: readonly Move[];
}
interface ServiceLists {
  readonly incomingServices: readonly string[];
  readonly outgoingServices: readonly string[];
}
interface ItemLists {
  readonly incomingInstalledItems: readonly string[];
  readonly removedInstalledItems: readonly InstalledItem[];
}

/** A subscription as the CRM holds it between two actions. */
export interface CrmSubscription {
  readonly number: string;
  /** Its distributors; [null] where it has none. */
  readonly rooms: readonly (string | null)[];
  readonly services: Service[];
  readonly installedItems: InstalledItem[];
  state: Subscription['state'];
  version: number;
  /** What a REGRET_SERVICE would take back. */
  lastOrder: { readonly incoming: string; readonly outgoing: string | null } | null;
}

const FAMILIES = { S: 'SUBSCRIPTION', V: 'SERVICE', I: 'INSTALLED_ITEM' } as const;

/** The subscription as an event carries it: a copy, so that later actions leave it as it is. */
export function snapshotOf(subscription: CrmSubscription): Subscription {
  return {
    id: `id-${subscription.number}`,
    number: subscription.number,
    version: subscription.version,
    state: subscription.state,
    services: structuredClone(subscription.services),
    installedItems: structuredClone(subscription.installedItems),
  };
}

/** Ends an action: the version grows, and every facet becomes an event with the snapshot after the action. */
export function emit(random: Random, subscription: CrmSubscription, facets: readonly Facet[]): HistoryEvent[] {
  subscription.version += 1;
  const at = Date.UTC(2026, 0, 1) + subscription.version * 60_000;
  const action = {
    id: random.uuid(),
    number: `${subscription.number}-${subscription.version}`,
    transactionReference: null,
    executedAt: at,
    executedBy: 'agent',
    facets: facets.length,
  };
  return facets.map((facet) => {
    const common = { eventId: random.uuid(), occurredAt: at, action, subscription: snapshotOf(subscription) };
    const [letter, type] = facet.type.split(': ') as ['S' | 'V' | 'I', never];
    const moves = { movedServices: [], movedInstalledItems: [] };
    const items = { incomingInstalledItems: [], removedInstalledItems: [] };
    const lists = structuredClone(facet.lists ?? {});
    switch (FAMILIES[letter]) {
      case 'SUBSCRIPTION':
        return { family: 'SUBSCRIPTION', ...common, type, ...moves, ...lists };
      case 'SERVICE':
        return {
          family: 'SERVICE',
          ...common,
          type,
          incomingServices: [],
          outgoingServices: [],
          ...moves,
          ...items,
          ...lists,
        };
      case 'INSTALLED_ITEM':
        return { family: 'INSTALLED_ITEM', ...common, type, ...items, ...lists };
    }
  });
}

/** The Avro record's full name and value of an event, as a producer needs them. */
export function avroRecord(event: HistoryEvent): {
  schema: `com.crm.subscription.v1.${'SubscriptionActionEvent' | 'ServiceActionEvent' | 'InstalledItemActionEvent'}`;
  value: Omit<HistoryEvent, 'family'>;
} {
  const { family, ...value } = event;
  const names = {
    SUBSCRIPTION: 'SubscriptionActionEvent',
    SERVICE: 'ServiceActionEvent',
    INSTALLED_ITEM: 'InstalledItemActionEvent',
  } as const;
  return { schema: `com.crm.subscription.v1.${names[family]}`, value };
}
