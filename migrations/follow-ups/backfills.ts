/**
 * Fills in what an instance of a version before a migration leaves out, because it does not know the column or table.
 * It can be repeated, also while the service runs.
 */
export interface Backfill {
  readonly name: string;
  /** The migration that made the column or table: an instance that knows it leaves nothing out. */
  readonly migration: number;
  /**
   * Fills in one part: `$1` the place after which it starts, as text, null at first; `$2` how many rows it may look at. Returns
   * `last`, the place where it ended, `looked`, how many rows it looked at, and `filled`, how many it wrote.
   */
  readonly part: string;
}

const PAGE_OF_REQUESTS = /* sql */ `page as materialized (
  select number from request where number > coalesce($1, '0')::bigint order by number limit $2::int
)`;
const OF_PAGE = /* sql */ `
select max(number)::text as last, count(*)::int as looked, (select count(*)::int from filled) as filled from page`;

/**
 * A row that retention removes at the same moment must not come back: `for key share` leaves such rows out, and keeps the
 * others until the commit. A row that somebody else writes at the same moment has the same content.
 */
export const BACKFILLS: readonly Backfill[] = [
  {
    name: 'final requests',
    migration: 7,
    part: /* sql */ `
with ${PAGE_OF_REQUESTS}, missing as (
  select r.number, r.life_cycle_state as state, left(r.reference_number, 200) as reference_key
    from page join request r using (number)
   where r.life_cycle_state <> 'PENDING'
     and not exists (select from request_final f where f.state = r.life_cycle_state and f.number = r.number)
     for key share of r
), filled as (
  insert into request_final (state, number, reference_key) select state, number, reference_key from missing
  on conflict do nothing returning 1
)${OF_PAGE}`,
  },
  {
    name: 'further cards of requests',
    migration: 15,
    part: /* sql */ `
with ${PAGE_OF_REQUESTS}, missing as (
  select r.number, r.cards[2:] as cards from page join request r using (number)
   where cardinality(r.cards) > 1
     and exists (select from unnest(r.cards[2:]) further (ca_id)
                  where not exists (select from request_further_card f
                                     where f.card = any (array[further.ca_id]) and f.number = r.number))
     for key share of r
), filled as (
  insert into request_further_card (card, number) select further.ca_id, number from missing cross join unnest(cards) further (ca_id)
  on conflict do nothing returning 1
)${OF_PAGE}`,
  },
  {
    // Cards that a subscription held by a snapshot that was the newest then, by what an action removed, or by a request.
    name: 'cards that left subscriptions',
    migration: 10,
    part: /* sql */ `
with page as materialized (
  select number from subscription where number > coalesce($1, '') order by number limit $2::int
), named as (
  select page.number, item from page
   cross join lateral (
     select event from inbox
      where subscription_number = page.number and disposition in ('PLANNED', 'NOTHING_TO_DO', 'STALE') and not late
     offset 0) i
   cross join lateral jsonb_array_elements(
     (event -> 'subscription' -> 'installedItems') || coalesce(event -> 'removedInstalledItems', '[]')) item
), held as (
  select number, item ->> 'caId' as card from named where item ->> 'kind' = 'SMARTCARD'
  union
  select page.number, card from page
   cross join lateral (select cards from request where subscription_number = page.number offset 0) r
   cross join unnest(r.cards) card
), filled as (
  insert into past_card (card, subscription_number)
  select h.card, h.number from held h
   where h.card is not null
     and not exists (select from subscription_card c where c.card = h.card and c.subscription_number = h.number)
     and not exists (select from past_card p where p.card = h.card and p.subscription_number = h.number)
   order by 1, 2
  on conflict do nothing returning 1
)${OF_PAGE}`,
  },
];
