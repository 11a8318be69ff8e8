import type { Transaction } from '../platform/database.ts';

/**
 * The first key of the subscriptions' advisory locks, which keeps them apart from other advisory locks of the database.
 */
const SUBSCRIPTION_LOCKS = 7002;

/**
 * Locks subscriptions by number until the end of the transaction, ordered by hash, even if they have no row yet. Every
 * transaction that needs them takes them first: intake, and finishing that updates known pairings.
 */
export async function lockSubscriptions(tx: Transaction, numbers: readonly string[]): Promise<void> {
  if (numbers.length === 0) return;
  await tx.query(LOCK_SUBSCRIPTIONS, [numbers]);
}

const LOCK_SUBSCRIPTIONS = /* sql */ `
select pg_advisory_xact_lock(${SUBSCRIPTION_LOCKS}, hash)
  from (select distinct hashtext(number) as hash from unnest($1::text[]) number order by 1) as hashes`;
