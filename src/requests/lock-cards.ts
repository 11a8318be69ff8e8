import type { Transaction } from '../platform/database.ts';

/** The first key of the cards' advisory locks, so that they meet no other advisory lock of the database. */
const CARD_LOCKS = 7001;

/**
 * Locks cards until the end of the transaction, in the order of their hashes, so that no two transactions wait for each
 * other. Whoever submits, finishes, reschedules, activates or withdraws requests of a card holds its lock; so does
 * intake, from before it reads the snapshots. Taking a lock twice is harmless. In the service's lock order the cards
 * come after the subscriptions and before the work rows.
 *
 * At most 1,000 cards a transaction: PostgreSQL has room for some 6,400 locks in all (default settings).
 */
export async function lockCards(tx: Transaction, cards: readonly string[]): Promise<void> {
  if (cards.length === 0) return;
  await tx.query(LOCK_CARDS, [cards]);
}

/** Two cards may share a hash, which costs a little waiting and nothing else: hence `distinct`. */
const LOCK_CARDS = /* sql */ `
select pg_advisory_xact_lock(${CARD_LOCKS}, hash)
  from (select distinct hashtext(card) as hash from unnest($1::text[]) card order by 1) as hashes`;
