import type { Subscription } from '../events/crm.generated.ts';
import type { Queryable, Transaction } from '../platform/database.ts';
import { lockSubscriptions } from '../requests/locks.ts';
import { found, type IdentifierProblem, shown } from './problem.ts';

export type SubscriptionIdentifier = { readonly id: string } | { readonly number: string };

/**
 * Returns the newest snapshot, from an event or an import, of the subscription with this id or number. Both are compared
 * as they are written. Two subscriptions may claim one id (a CRM that was migrated): then the number decides.
 */
export async function resolveSubscription(
  db: Queryable,
  identifier: SubscriptionIdentifier,
): Promise<Subscription | IdentifierProblem> {
  const [field, value] =
    'id' in identifier ? (['id', identifier.id] as const) : (['number', identifier.number] as const);
  // PostgreSQL has no U+0000, and so no such subscription.
  const rows = value.includes('\u0000') ? [] : await db.query<{ snapshot: Subscription }>(FIND[field], [value]);
  const [only, ...more] = rows;
  if (only === undefined) {
    return {
      code: 'SUBSCRIPTION_NOT_FOUND',
      field,
      problem: `no subscription with the ${field} ${shown(value)} is known`,
      remedy: 'check it; a subscription is known from its first event, or from an import, on',
    };
  }
  if (more.length === 0) return only.snapshot;
  return {
    code: 'SUBSCRIPTION_AMBIGUOUS',
    field,
    problem: `several subscriptions have the id ${shown(value)}, such as ${only.snapshot.number} and ${more[0]?.snapshot.number}`,
    remedy: 'identify the subscription by its number',
  };
}

/**
 * Locks the subscription of `subscription_identifier` until the transaction's end, and returns its newest snapshot, which
 * stays the newest until then.
 * @throws OperationError if the identifier does not resolve.
 */
export async function lockedSubscription(tx: Transaction, identifier: SubscriptionIdentifier): Promise<Subscription> {
  const { number } = found('subscription_identifier', await resolveSubscription(tx, identifier));
  lockSubscriptions(tx, [number]);
  return found('subscription_identifier', await resolveSubscription(tx, { number }));
}

/** Returns the newest snapshots of these subscriptions, by number; an unknown number is absent. */
export async function newestSnapshots(
  db: Queryable,
  numbers: readonly string[],
): Promise<ReadonlyMap<string, Subscription>> {
  const rows = await db.query<{ number: string; snapshot: Subscription }>(READ, [numbers]);
  return new Map(rows.map(({ number, snapshot }) => [number, snapshot]));
}

/** Returns those of the numbers that are a subscription's. */
export async function knownNumbers(db: Queryable, numbers: readonly string[]): Promise<ReadonlySet<string>> {
  const rows = await db.query<{ number: string }>(KNOWN, [numbers]);
  return new Set(rows.map(({ number }) => number));
}

/** Walk subscription_crm_id and subscription's primary key. */
const FIND = {
  id: 'select snapshot from subscription where crm_id = $1 order by number limit 2',
  number: 'select snapshot from subscription where number = $1',
} as const;

/** Walk subscription's primary key. */
const READ = 'select number, snapshot from subscription where number = any($1::text[])';
const KNOWN = 'select number from subscription where number = any($1::text[])';
