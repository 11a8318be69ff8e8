import type { Transaction } from '../platform/database.ts';

/**
 * The first key of the subscriptions' advisory locks, which keeps them apart from other advisory locks of the database.
 */
const SUBSCRIPTION_LOCKS = 7002;

/**
 * Locks subscriptions by number, before the next statement and until the end of the transaction, ordered by hash, even if they have no row yet. Every
 * transaction that needs them takes them first: intake, and finishing that updates known pairings.
 */
export function lockSubscriptions(tx: Transaction, numbers: readonly string[]): void {
  if (numbers.length > 0) tx.send(LOCK_SUBSCRIPTIONS, [numbers]);
}

const LOCK_SUBSCRIPTIONS = /* sql */ `
select pg_advisory_xact_lock(${SUBSCRIPTION_LOCKS}, hash)
  from (select distinct hashtext(number) as hash from unnest($1::text[]) number order by 1) as hashes`;

/** The first key of the cards' advisory locks, which keeps them apart from other advisory locks of the database. */
const CARD_LOCKS = 7001;

/**
 * Locks cards, before the next statement and until the end of the transaction, ordered by hash, so that no two transactions deadlock.
 *
 * A transaction must hold a card's lock to submit, finish, reschedule, activate or withdraw its requests. Intake takes
 * it before it reads the snapshots. Taking a lock twice is harmless. In the service's lock order, cards come after the
 * subscriptions and before the work rows.
 *
 * At most 1,000 cards per transaction: PostgreSQL has space for about 6,400 locks in all (default settings).
 */
export function lockCards(tx: Transaction, cards: readonly string[]): void {
  if (cards.length > 0) tx.send(LOCK_CARDS, [cards]);
}

/**
 * Does the same for these cards and those that the subscriptions with these numbers hold. The subscriptions must be
 * locked.
 */
export function lockCardsWith(tx: Transaction, cards: readonly string[], subscriptions: readonly string[]): void {
  if (cards.length + subscriptions.length > 0) tx.send(LOCK_CARDS_WITH, [cards, subscriptions]);
}

/** Two cards may share a hash, hence `distinct`; that only costs a little waiting. */
const lockSql = (cards: string): string => /* sql */ `
select pg_advisory_xact_lock(${CARD_LOCKS}, hash)
  from (select distinct hashtext(card) as hash from (${cards}) as wanted (card) order by 1) as hashes`;

const LOCK_CARDS = lockSql('select unnest($1::text[])');

/** Walks subscription_card_subscription. */
const LOCK_CARDS_WITH = lockSql(/* sql */ `
         select unnest($1::text[])
         union all select card from subscription_card where subscription_number = any($2::text[])`);
