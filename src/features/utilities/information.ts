import type { Service, Subscription } from '../../events/crm.generated.ts';
import { holdingSnapshots } from '../../identifiers/holders.ts';
import { type Entitlement, entitlementsOn } from '../../planning/reconcile.ts';
import type { Queryable } from '../../platform/database.ts';
import { comparableServiceCaId } from '../../planning/command.ts';
import type { ProvisioningRequest } from '../../requests/find.ts';

/** A service of the CRM that entitles a card to a service CA id. */
export interface Through {
  readonly subscriptionNumber: string;
  readonly serviceId: string;
  readonly productCode: string;
  readonly state: Service['state'];
}

/** One service CA id on a card, as the CAS and the CRM have it. */
export interface ComparedService {
  readonly serviceCaId: string;
  readonly finding: 'BOTH' | 'MISSING_IN_CAS' | 'TOO_MUCH_IN_CAS';
  /** Effective services of the newest snapshots that entitle the card (R1, R2); none where it is too much. */
  readonly through: readonly Through[];
}

/** What the CAS says of a card beside what the newest snapshots of all subscriptions that hold it entitle. */
export interface CardInformation {
  readonly smartcard: string;
  readonly requestNumber: number;
  /** Null where the CAS has not answered: the request says why. */
  readonly services: readonly ComparedService[] | null;
  /** Subscriptions that hold the card. */
  readonly subscriptions: readonly string[];
  /** Requests of the card are on their way: what differs may be about to change. */
  readonly changing: boolean;
}

/** Puts answers of GET_ACTIVE_SUBSCRIPTIONS beside the newest snapshots, both as they are now. */
export async function compareWithCrm(
  db: Queryable,
  requests: readonly ProvisioningRequest[],
): Promise<CardInformation[]> {
  const asked = requests.flatMap((request) =>
    request.command.type === 'GET_ACTIVE_SUBSCRIPTIONS' ? [{ request, card: request.command.smartcard.caId }] : [],
  );
  const cards = asked.map(({ card }) => card);
  const holders = await holdingSnapshots(db, cards);
  // Afterwards: a change that is not in the snapshots yet shows here.
  const busy = new Set((await db.query<{ card: string }>(FIND_BUSY, [cards])).map(({ card }) => card));
  return asked.map(({ request, card }) => {
    const snapshots = holders.get(card) ?? [];
    const active = request.lifeCycleState === 'COMPLETED' ? (request.answer?.activeServices ?? null) : null;
    return {
      smartcard: card,
      requestNumber: request.number,
      services: active === null ? null : compareServices(card, active, snapshots),
      subscriptions: snapshots.map(({ number }) => number).toSorted(),
      changing: busy.has(card),
    };
  });
}

/**
 * The service CA ids that either side has on the card, in the order of their numbers, compared without leading zeros (R4)
 * and shown as the CAS writes them where it has them.
 */
export function compareServices(
  card: string,
  active: readonly string[],
  snapshots: readonly Subscription[],
): ComparedService[] {
  const inCas = new Map(active.map((caId) => [comparableServiceCaId(caId), caId]));
  const inCrm = entitlementsOn(card, snapshots);
  return [...new Set([...inCas.keys(), ...inCrm.keys()])]
    .toSorted((one, other) => Number(one) - Number(other) || (one < other ? -1 : 1))
    .map((key) => {
      const [cas, crm] = [inCas.get(key), inCrm.get(key)];
      return {
        serviceCaId: cas ?? crm?.[0]?.serviceCaId ?? key,
        finding: cas === undefined ? 'MISSING_IN_CAS' : crm === undefined ? 'TOO_MUCH_IN_CAS' : 'BOTH',
        through: (crm ?? []).map(throughOf),
      };
    });
}

function throughOf({ service, subscription }: Entitlement): Through {
  const { id: serviceId, productCode, state } = service;
  return { subscriptionNumber: subscription.number, serviceId, productCode, state };
}

/** Walks lane's primary key. */
const FIND_BUSY = /* sql */ `select distinct card from lane where card = any($1::text[])`;
