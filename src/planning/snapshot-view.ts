import type { Service, Subscription } from '../events/crm.generated.ts';
import { casDevices, cardsByDistributor, isEffective, pairKey } from './snapshot.ts';
import type { CasDevice, Distributor } from './snapshot.ts';

/** The effective services of each entitled (card, service CA id) pair of a snapshot, by `pairKey`. */
export type Entitlements = ReadonlyMap<string, readonly Service[]>;

/** A snapshot with the look-ups of the rules. Each is prepared at its first use. */
export interface SnapshotView {
  readonly number: string;
  readonly version: number;
  readonly services: readonly Service[];
  readonly service: (id: string) => Service | undefined;
  /** Returns the distributor of an installed item, null if it has none; undefined if the snapshot lacks the item. */
  readonly distributorOfItem: (id: string) => Distributor | undefined;
  /** Returns the smart cards and set-top boxes with a CA id, in the snapshot's order. */
  readonly devices: () => readonly CasDevice[];
  readonly devicesAt: (distributor: Distributor) => readonly CasDevice[];
  /** Returns the smart cards among the devices. */
  readonly cards: () => readonly CasDevice[];
  /** Returns the CA ids of the smart cards with this distributor (R1), each once, in the snapshot's order. */
  readonly cardsAt: (distributor: Distributor) => ReadonlySet<string>;
  /** Returns which pairs the snapshot entitles, and through which services (R1, R2, R4). */
  readonly entitlements: () => Entitlements;
}

const NO_CARDS: ReadonlySet<string> = new Set();

/** Returns the look-ups of a snapshot, which must not change any more. */
export function snapshotView(subscription: Subscription): SnapshotView {
  const { number, version, services } = subscription;
  const servicesById = once(() => new Map(services.map((service) => [service.id, service])));
  const distributorsByItem = once(
    () => new Map(subscription.installedItems.map((item) => [item.id, item.distributor])),
  );
  const devices = once(() => casDevices(subscription.installedItems));
  const devicesByDistributor = once(() => Map.groupBy(devices(), (device) => device.distributor));
  const cards = once(() => devices().filter((device) => device.kind === 'SMARTCARD'));
  const cardsByItsDistributor = once(() => cardsByDistributor(cards()));
  const cardsAt = (distributor: Distributor): ReadonlySet<string> =>
    cardsByItsDistributor().get(distributor) ?? NO_CARDS;
  return {
    number,
    version,
    services,
    service: (id) => servicesById().get(id),
    distributorOfItem: (id) => distributorsByItem().get(id),
    devices,
    devicesAt: (distributor) => devicesByDistributor().get(distributor) ?? [],
    cards,
    cardsAt,
    entitlements: once(() => entitlementsOf(services, cardsAt)),
  };
}

function entitlementsOf(
  services: readonly Service[],
  cardsAt: (distributor: Distributor) => ReadonlySet<string>,
): Entitlements {
  const entitlements = new Map<string, Service[]>();
  for (const service of services) {
    if (service.caId === null || !isEffective(service)) continue;
    for (const card of cardsAt(service.distributor)) {
      const key = pairKey(card, service.caId);
      const through = entitlements.get(key);
      if (through === undefined) entitlements.set(key, [service]);
      else through.push(service);
    }
  }
  return entitlements;
}

function once<T extends object>(prepare: () => T): () => T {
  let prepared: T | null = null;
  return () => {
    prepared ??= prepare();
    return prepared;
  };
}
