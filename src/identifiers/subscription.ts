import type { Subscription } from '../events/crm.generated.ts';
import type { Queryable } from '../platform/database.ts';
import { type IdentifierProblem, shown } from './problem.ts';

/** A subscription as its newest snapshot has it. */
export interface KnownSubscription {
  readonly id: string;
  readonly number: string;
  readonly snapshot: Subscription;
}

export type SubscriptionIdentifier = { readonly id: string } | { readonly number: string };

/**
 * The subscription with this id or number, by the newest snapshot that an event or an import brought. Both are compared
 * as they are written. Two subscriptions may claim one id (a CRM that was migrated): then the number decides.
 */
export async function resolveSubscription(
  db: Queryable,
  identifier: SubscriptionIdentifier,
): Promise<KnownSubscription | IdentifierProblem> {
  const [field, value] =
    'id' in identifier ? (['id', identifier.id] as const) : (['number', identifier.number] as const);
  // PostgreSQL has no U+0000, and so no such subscription.
  const rows = value.includes('\u0000') ? [] : await db.query<KnownSubscription>(FIND[field], [value]);
  const [only, ...more] = rows;
  if (only === undefined) {
    return {
      code: 'SUBSCRIPTION_NOT_FOUND',
      field,
      problem: `no subscription with the ${field} ${shown(value)} is known`,
      remedy: 'check it; a subscription is known from its first event, or from an import, on',
    };
  }
  if (more.length === 0) return only;
  return {
    code: 'SUBSCRIPTION_AMBIGUOUS',
    field,
    problem: `several subscriptions have the id ${shown(value)}, such as ${only.number} and ${more[0]?.number}`,
    remedy: 'identify the subscription by its number',
  };
}

/** Walk subscription_crm_id and subscription's primary key. */
const FIND = {
  id: 'select crm_id as id, number, snapshot from subscription where crm_id = $1 order by number limit 2',
  number: 'select crm_id as id, number, snapshot from subscription where number = $1',
} as const;

/** Where a smart card is by the newest snapshots. */
export interface Holder {
  readonly smartcard: string;
  readonly subscription: { readonly id: string; readonly number: string };
  /** The distributor that the card is linked with, null where there is none. */
  readonly distributor: string | null;
}

/**
 * The subscriptions whose newest snapshots hold the smart cards, by card and number. A card may be in several (it went
 * from one customer to another, and only one of both events is here), or in none.
 */
export async function holdersOf(db: Queryable, smartcards: readonly string[]): Promise<Holder[]> {
  const rows = await db.query<{ card: string; id: string; number: string; distributor: string | null }>(HOLDERS, [
    smartcards.filter((card) => !card.includes('\u0000')),
  ]);
  return rows.map(({ card, id, number, distributor }) => ({
    smartcard: card,
    subscription: { id, number },
    distributor,
  }));
}

/** Walks subscription_card's primary key, then subscription's. */
const HOLDERS = /* sql */ `
select c.card, s.crm_id as id, s.number, item.distributor
from subscription_card c
join subscription s on s.number = c.subscription_number
left join lateral (
  select i.item ->> 'distributor' as distributor
  from jsonb_array_elements(s.snapshot -> 'installedItems') with ordinality as i (item, position)
  where i.item ->> 'kind' = 'SMARTCARD' and i.item ->> 'caId' = c.card
  order by i.position limit 1
) as item on true
where c.card = any($1::text[])
order by c.card, s.number`;
