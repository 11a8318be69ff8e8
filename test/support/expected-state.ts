import type { InstalledItem, Subscription } from '../../src/events/crm.generated.ts';

/**
 * What the CAS should hold once it has caught up with these snapshots: each smart card's service CA ids, without
 * leading zeros, sorted; a card is here also when it has none. Written from the domain alone, not from the planner.
 */
export function expectedEntitlements(snapshots: readonly Subscription[]): Map<string, string[]> {
  const expected = new Map<string, Set<string>>();
  for (const { services, installedItems } of snapshots) {
    for (const card of installedItems) {
      if (card.kind !== 'SMARTCARD' || card.caId === null) continue;
      const entitled = expected.get(card.caId) ?? new Set();
      expected.set(card.caId, entitled);
      for (const service of services) {
        const effective = service.state === 'EFFECTIVE' || service.state === 'SHORT_TERM_EFFECTIVE';
        if (effective && service.caId !== null && service.distributor === card.distributor) {
          entitled.add(service.caId.replace(/^0+(?=.)/, ''));
        }
      }
    }
  }
  return new Map([...expected].map(([card, services]) => [card, [...services].toSorted()]));
}

/**
 * What each smart card should be paired with, at least: every set-top box of its group, by card. There is no unpair
 * command, so the CAS may hold more. Cards that several subscriptions have held belong to whoever paired them last, and
 * are better left out (`except`).
 */
export function expectedPairings(
  snapshots: readonly Subscription[],
  except: ReadonlySet<string> = new Set(),
): Map<string, string[]> {
  const expected = new Map<string, string[]>();
  for (const { installedItems } of snapshots) {
    for (const card of installedItems) {
      if (card.kind !== 'SMARTCARD' || card.caId === null || except.has(card.caId)) continue;
      const group = installedItems.filter((item) => isSetTopBox(item) && item.distributor === card.distributor);
      expected.set(card.caId, group.map((item) => item.caId ?? '').toSorted());
    }
  }
  return expected;
}

function isSetTopBox(item: InstalledItem): boolean {
  return item.kind === 'SET_TOP_BOX' && item.caId !== null;
}
