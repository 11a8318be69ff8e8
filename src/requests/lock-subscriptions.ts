import type { Transaction } from '../platform/database.ts';

/** The first key of the subscriptions' advisory locks, so that they meet no other advisory lock of the database. */
const SUBSCRIPTION_LOCKS = 7002;

/**
 * Locks subscriptions by number until the end of the transaction, also those that have no row yet, in the order of
 * their hashes. The first locks of every transaction that takes them: intake, and finishing what teaches of pairings.
 */
export async function lockSubscriptions(tx: Transaction, numbers: readonly string[]): Promise<void> {
  if (numbers.length === 0) return;
  await tx.query(LOCK_SUBSCRIPTIONS, [numbers]);
}

const LOCK_SUBSCRIPTIONS = /* sql */ `
select pg_advisory_xact_lock(${SUBSCRIPTION_LOCKS}, hash)
  from (select distinct hashtext(number) as hash from unnest($1::text[]) number order by 1) as hashes`;
