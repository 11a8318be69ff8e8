import type { Subscription } from '../events/crm.generated.ts';
import type { Queryable } from '../platform/database.ts';

/**
 * The newest snapshots of all subscriptions that hold each of these cards, in the order of the subscriptions' numbers; a
 * card that nobody holds is absent. While the cards are locked no event or import changes what they say of the cards.
 */
export async function holdingSnapshots(db: Queryable, cards: readonly string[]): Promise<Map<string, Subscription[]>> {
  const holders = new Map<string, Subscription[]>();
  if (cards.length === 0) return holders;
  const rows = await db.query<{ snapshot: Subscription; cards: string[] }>(FIND_HOLDERS, [cards]);
  for (const { snapshot, cards: held } of rows) {
    for (const card of held) {
      const others = holders.get(card);
      if (others) others.push(snapshot);
      else holders.set(card, [snapshot]);
    }
  }
  return holders;
}

/** Walks subscription_card's and subscription's primary keys. A snapshot comes once, however many of the cards it has. */
const FIND_HOLDERS = /* sql */ `
select s.snapshot, held.cards
  from (select subscription_number as number, array_agg(card) as cards from subscription_card
         where card = any($1::text[]) group by subscription_number) held
  join subscription s on s.number = held.number
 order by s.number`;
