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
