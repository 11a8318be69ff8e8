import type { Device } from '../requests/command.ts';
import type { NewRequest } from '../requests/new-request.ts';
import type { Queryable } from '../platform/database.ts';
import type { RunTarget } from './kind.ts';

/** A target's card as a command names it, and the subscription that the request belongs to. */
export interface HeldCard {
  readonly smartcard: Device;
  readonly subscription: NewRequest['subscription'];
}

/**
 * Where the cards of these targets are by the newest snapshots: in the subscription that the target names, where that
 * one still holds it, else in the first that does, else in none. The order is that of the targets.
 */
export async function heldCards(db: Queryable, targets: readonly RunTarget[]): Promise<HeldCard[]> {
  const cards = targets.map(({ card }) => card ?? '');
  const rows = await db.query<{ card: string; number: string; id: string; distributor: string | null }>(HOLDERS, [
    cards,
    targets.map(({ subscription }) => subscription),
  ]);
  const held = new Map(rows.map((row) => [row.card, row]));
  return cards.map((card) => {
    const holder = held.get(card);
    return {
      smartcard: { caId: card, distributor: holder?.distributor ?? null },
      subscription: holder === undefined ? null : { id: holder.id, number: holder.number },
    };
  });
}

/** Walks the primary keys of subscription_card and subscription. A card in several places of a snapshot is in its first. */
const HOLDERS = /* sql */ `
select distinct on (t.card) t.card, s.number, s.crm_id as id, place.item ->> 'distributor' as distributor
  from unnest($1::text[], $2::text[]) t (card, subscription)
  join subscription_card c on c.card = t.card
  join subscription s on s.number = c.subscription_number
 cross join lateral jsonb_array_elements(s.snapshot -> 'installedItems') with ordinality place (item, position)
 where place.item ->> 'kind' = 'SMARTCARD' and place.item ->> 'caId' = t.card
 order by t.card, (s.number is not distinct from t.subscription) desc, s.number, place.position`;
