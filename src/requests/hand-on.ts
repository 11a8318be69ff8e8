import type { Transaction } from '../platform/database.ts';

/** A request's place in the lane of one card. */
export interface LanePlace {
  readonly card: string;
  readonly number: number;
}

/**
 * Removes requests from the lanes where it is their turn, and gives each card to its next request. The caller holds the
 * cards' locks and has deleted the work rows.
 */
export function handOn(tx: Transaction, places: readonly LanePlace[]): void {
  if (places.length > 0) tx.send(HAND_ON, placeColumns(places));
}

/** Returns two columns for `unnest`. */
export function placeColumns(places: readonly LanePlace[]): [string[], number[]] {
  return [places.map(({ card }) => card), places.map(({ number }) => number)];
}

/**
 * SQL: `ready_at` of a row `w` that moves up. A request that was never put off is ready since its submission, even if
 * the clock went back since. Such rows are not corrected while they wait, because there may be a million
 * (clock-jump.ts).
 */
export const READY_NO_LATER = /* sql */ `
case when w.token is null and w.retries = 0 then least(w.ready_at, now()) else w.ready_at end`;

/**
 * Walks lane's primary key: one row per card. It starts at the number that leaves, not at the start of the lane, which
 * is full of dead entries on a busy card. A lower number can be next only if the turn was pinned. A row of lane never
 * changes, so it keeps its ctid.
 */
const HAND_ON = /* sql */ `
with gone as (
  select * from unnest($1::text[], $2::bigint[]) gone (card, number)
), left_lane as (
  delete from lane where ctid = any (array(
    select l.ctid from gone
     cross join lateral (select ctid from lane where card = gone.card and number = gone.number offset 0) l))
), unpinned as (
  delete from lane_pin p using gone where p.card = gone.card and p.number = gone.number
), next as (
  select (select l.number from lane l
           where l.card = gone.card
             and l.number > case when p.card is null then gone.number else 0 end and l.number <> gone.number
           order by l.number limit 1) as number
    from gone left join lane_pin p on p.card = gone.card
), locked as (
  select w.number, next.cards
    from work w
    join (select number, count(*) as cards from next group by number) next on w.number = any (array[next.number])
   order by next.number for update of w
)
update work w set waits = w.waits - locked.cards, ready_at = ${READY_NO_LATER} from locked
 where w.number = any (array[locked.number])`;
