import type { Service, Subscription } from '../events/crm.generated.ts';
import { comparableServiceCaId } from './command.ts';
import type { EntitlementCommand } from './command.ts';
import { misfit } from './ca-ids.ts';
import { entitlementCommand } from './proposal.ts';
import { isEffective } from './snapshot.ts';
import type { Distributor } from './snapshot.ts';
import type { PlanningRules, Withheld } from './types.ts';
import { snapshotView } from './snapshot-view.ts';

/** A service that a subscription entitles on a card. */
export interface Entitlement {
  /** The id as the CRM wrote it. */
  readonly serviceCaId: string;
  /** The distributor of the service. */
  readonly distributor: Distributor;
  readonly service: Service;
  readonly subscription: SubscriptionName;
}

interface SubscriptionName {
  readonly id: string;
  readonly number: string;
}

/** A difference between the CRM and the CAS on one card. */
export interface Difference {
  /** MISSING_IN_CAS: the CRM entitles it, the CAS does not have it. TOO_MUCH_IN_CAS: the other way round. */
  readonly finding: 'MISSING_IN_CAS' | 'TOO_MUCH_IN_CAS';
  /** The id as the side that has it writes it. */
  readonly serviceCaId: string;
}

/** A command that fixes a difference, and the subscription that it is for; null if no subscription holds the card. */
export interface Fix {
  readonly command: EntitlementCommand;
  readonly subscription: SubscriptionName | null;
}

/**
 * Returns what the newest snapshots of all subscriptions that hold a card entitle on it (R1, R2, R4). Each service CA
 * id appears once, however it is written, through the first snapshot that entitles it.
 */
export function entitledOn(card: string, snapshots: readonly Subscription[]): Entitlement[] {
  return [...entitlementsOn(card, snapshots).values()].flatMap(([first]) => first ?? []);
}

/**
 * Returns all services through which the newest snapshots entitle something on a card, by comparable service CA id
 * (R4).
 */
export function entitlementsOn(card: string, snapshots: readonly Subscription[]): Map<string, Entitlement[]> {
  const all = snapshots.flatMap((snapshot) => {
    const { services, cardsAt } = snapshotView(snapshot);
    const subscription = { id: snapshot.id, number: snapshot.number };
    return services.flatMap((service): Entitlement[] => {
      const { caId, distributor } = service;
      if (caId === null || !isEffective(service) || !cardsAt(distributor).has(card)) return [];
      return [{ serviceCaId: caId, distributor, service, subscription }];
    });
  });
  return Map.groupBy(all, ({ serviceCaId }) => comparableServiceCaId(serviceCaId));
}

/**
 * Returns the differences between the service CA ids that the CRM entitles on a card and those that the CAS has (R4).
 */
export function differences(entitled: readonly string[], active: readonly string[]): Difference[] {
  const crm = byComparable(entitled);
  const cas = byComparable(active);
  const only = (these: Map<string, string>, others: Map<string, string>, finding: Difference['finding']) =>
    [...these].flatMap(([key, serviceCaId]): Difference[] => (others.has(key) ? [] : [{ finding, serviceCaId }]));
  return [...only(crm, cas, 'MISSING_IN_CAS'), ...only(cas, crm, 'TOO_MUCH_IN_CAS')];
}

/**
 * Returns the commands that fix differences on a card, by the newest snapshots of all subscriptions that hold it:
 * CANCELs, then ADDs (R5). Never cancels what one of them entitles, and never adds what none entitles. A difference
 * that an event has since resolved is withheld as SUPERSEDED.
 */
export function planFixes(
  card: string,
  found: readonly Difference[],
  snapshots: readonly Subscription[],
  rules: PlanningRules,
): { readonly fixes: readonly Fix[]; readonly withheld: readonly Withheld[] } {
  const entitled = new Map(
    entitledOn(card, snapshots).map((one) => [comparableServiceCaId(one.serviceCaId), one] as const),
  );
  const fixes: Fix[] = [];
  const withheld: Withheld[] = [];
  // TOO_MUCH_IN_CAS sorts after MISSING_IN_CAS.
  for (const { finding, serviceCaId } of found.toSorted((a, b) => b.finding.localeCompare(a.finding))) {
    const now = entitled.get(comparableServiceCaId(serviceCaId));
    const type = finding === 'TOO_MUCH_IN_CAS' ? 'CANCEL_SUBSCRIPTIONS' : 'ADD_SUBSCRIPTIONS';
    const obstacle = obstacleTo(type, card, now?.serviceCaId ?? serviceCaId, now, rules);
    if (obstacle !== null) {
      withheld.push({ type, smartcard: card, serviceCaId, ...obstacle });
      continue;
    }
    const { distributor, subscription } = now ?? lastHolder(card, serviceCaId, snapshots);
    const command = entitlementCommand(type, card, now?.serviceCaId ?? serviceCaId, distributor);
    fixes.push({ command, subscription });
  }
  return { fixes, withheld };
}

function obstacleTo(
  type: EntitlementCommand['type'],
  card: string,
  serviceCaId: string,
  now: Entitlement | undefined,
  rules: PlanningRules,
): Pick<Withheld, 'reason' | 'detail'> | null {
  if (type === 'CANCEL_SUBSCRIPTIONS' && now !== undefined) {
    return { reason: 'SUPERSEDED', detail: `By now subscription ${now.subscription.number} entitles the card to it.` };
  }
  if (type === 'ADD_SUBSCRIPTIONS' && now === undefined) {
    return { reason: 'SUPERSEDED', detail: 'No subscription entitles the card to it now.' };
  }
  const { smartcardPattern, servicePattern } = rules;
  const misfits = [
    ...(smartcardPattern.test(card) ? [] : [misfit('smart card CA id', card, smartcardPattern)]),
    ...(servicePattern.test(serviceCaId) ? [] : [misfit('service CA id', serviceCaId, servicePattern)]),
  ];
  return misfits.length === 0 ? null : { reason: 'INVALID_CA_ID', detail: `It cannot be sent: ${misfits.join('; ')}.` };
}

/**
 * Returns the subscription and distributor for a CANCEL of a service on a card. They are those of a service with this
 * CA id at the card, in any state; else those of the card itself. Null if nobody holds the card.
 */
function lastHolder(
  card: string,
  serviceCaId: string,
  snapshots: readonly Subscription[],
): { distributor: Distributor; subscription: SubscriptionName | null } {
  const key = comparableServiceCaId(serviceCaId);
  const holders = snapshots.flatMap(({ id, number, services, installedItems }) =>
    installedItems
      .filter((item) => item.kind === 'SMARTCARD' && item.caId === card)
      .map(({ distributor }) => ({
        distributor,
        subscription: { id, number },
        hadIt: services.some(
          (service) =>
            service.caId !== null && comparableServiceCaId(service.caId) === key && service.distributor === distributor,
        ),
      })),
  );
  return holders.find(({ hadIt }) => hadIt) ?? holders[0] ?? { distributor: null, subscription: null };
}

function byComparable(caIds: readonly string[]): Map<string, string> {
  const byKey = new Map<string, string>();
  for (const caId of caIds) {
    const key = comparableServiceCaId(caId);
    if (!byKey.has(key)) byKey.set(key, caId);
  }
  return byKey;
}
