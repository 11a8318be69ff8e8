import type { Transaction } from '../platform/database.ts';
import { placeColumns } from './hand-on.ts';
import { lockCards } from './locks.ts';
import { raisePredecessors } from './raise-predecessors.ts';

/** The advisory lock that lets one transaction at a time activate. */
const ACTIVATION_LOCK = 7003;

/** How many cards one transaction locks at most. */
const MAX_CARDS = 1000;

/**
 * Moves at most `limit` scheduled requests whose date has come into their cards' lanes, ordered by number. Each goes
 * before every request that was submitted after it and is not being sent. Does nothing while another transaction
 * activates.
 * @returns how many it moved.
 */
export async function activateDueRequests(tx: Transaction, limit: number): Promise<number> {
  const [lock] = await tx.query<{ ours: boolean }>(TRY_LOCK);
  if (lock?.ours !== true) return 0;
  const candidates = await tx.query<Due>(FIND_DUE, [limit]);
  if (candidates.length === 0) return 0;
  const affordable = withinCards(candidates);
  lockCards(tx, [...new Set(affordable.flatMap(({ cards }) => cards))]);

  // A request may have been withdrawn before. A withdrawal holds the cards' locks, which this transaction now has.
  const due = await tx.query<Due>(LOCK_DUE, [affordable.map(({ number }) => number)]);
  const places = due.flatMap(({ number, cards }) => cards.map((card) => ({ card, number })));
  const numbers = due.map(({ number }) => number);
  let successors: { number: number }[] = [];
  if (places.length > 0) {
    const columns = placeColumns(places);
    successors = await tx.query<{ number: number }>(LOCK_SUCCESSORS, columns);
    tx.send(DISPLACE, columns);
    tx.send(ENTER_LANES, columns);
  }
  tx.send(SET_WAITS, [numbers]);
  await raisePredecessors(tx, [...numbers, ...successors.map(({ number }) => number)]);
  return due.length;
}

interface Due {
  number: number;
  cards: string[];
}

function withinCards(candidates: readonly Due[]): Due[] {
  let cards = 0;
  const count = candidates.findIndex((candidate) => (cards += candidate.cards.length) > MAX_CARDS);
  return candidates.slice(0, count === -1 ? candidates.length : Math.max(1, count));
}

const TRY_LOCK = /* sql */ `select pg_try_advisory_xact_lock(${ACTIVATION_LOCK}, 0) as ours`;

/** Walks work_scheduled from its oldest entry up to the limit. */
const FIND_DUE = /* sql */ `
select number, cards from work where waits < 0 and ready_at <= now() order by ready_at, number limit $1`;

const LOCK_DUE = /* sql */ `
select number, cards from work where number = any($1::bigint[]) and waits < 0 order by number for update`;

/** Finds whose turn it is on a card: the pinned request, else the lowest number in the lane. */
const TURN = (card: string): string => /* sql */ `
coalesce((select p.number from lane_pin p where p.card = ${card}),
         (select l.number from lane l where l.card = ${card} order by l.number limit 1))`;

/**
 * Locks and returns the requests directly after the newcomers. If a newcomer takes a turn, it takes that of the request
 * directly after it, so no claim happens meanwhile. Nor can a transaction that does not see the newcomers raise one
 * (raise-predecessors.ts). Walks lane's primary key, one row per card.
 */
const LOCK_SUCCESSORS = /* sql */ `
select w.number from work w
 where w.number = any (array(
         select (select l.number from lane l
                  where l.card = due.card and l.number > due.number order by l.number limit 1)
           from unnest($1::text[], $2::bigint[]) due (card, number)))
 order by w.number for update`;

/**
 * Handles newcomers with a lower number than the request whose turn it is. A request that is being sent is pinned and
 * keeps the turn, even after its lease has run out, because the CAS may have it. Any other request waits from now on.
 */
const DISPLACE = /* sql */ `
with due as (
  select card, min(number) as number from unnest($1::text[], $2::bigint[]) due (card, number) group by card
), turn as (
  select due.card, due.number as newcomer, ${TURN('due.card')} as number from due
), displaced as (
  select turn.card, turn.number, w.token is not null as leased
    from turn join work w on w.number = any (array[turn.number])
   where turn.newcomer < turn.number
), pinned as (
  insert into lane_pin (card, number) select card, number from displaced where leased
  on conflict (card) do nothing
)
update work w set waits = w.waits + waiting.cards
  from (select number, count(*) as cards from displaced where not leased group by number) waiting
 where w.number = any (array[waiting.number])`;

const ENTER_LANES = /* sql */ `
insert into lane (card, number) select * from unnest($1::text[], $2::bigint[])`;

/** A separate statement, so that its snapshot contains the newcomers' lanes and the pins. */
const SET_WAITS = /* sql */ `
update work w
   set waits = (select count(*) from unnest(w.cards) own (card) where ${TURN('own.card')} <> w.number)
 where w.number = any($1::bigint[])`;
