import type { Transaction } from '../platform/database.ts';
import { lockCards } from './locks.ts';
import { raisePredecessors } from './raise-predecessors.ts';
import { DISPATCH_CHANNEL } from './request-class.ts';

/** Which requests to hasten: one, or those of a card that are due. */
export type Hastened = { readonly number: number } | { readonly card: string };

export type Hastening =
  | {
      readonly hastened: true;
      /** The selected pending requests in order; at most 500 of a card. */
      readonly numbers: readonly number[];
      /** How many back-offs were cleared, of the selected requests and of those before them. */
      readonly backOffsEnded: number;
    }
  | {
      readonly hastened: false;
      readonly reason: 'NOT_FOUND' | 'ALREADY_FINAL';
      readonly state: string | null;
    };

/** How many requests of one card one call hastens. */
const HASTENED_MAX = 500;
/** How many cards one transaction locks at most. */
const CARDS_MAX = 1_000;

/**
 * Makes pending requests go as soon as possible. They and everything before them on their cards become EXPRESS
 * (raise-predecessors.ts), and their back-offs end. The order of a card does not change.
 *
 * A request that is being sent continues. A scheduled request named by its number is due from now on; the scheduled
 * requests of a card keep their dates.
 *
 * @param by who asks for it, for the log information of the selected requests.
 */
export async function hastenRequests(
  tx: Transaction,
  which: Hastened,
  by: { readonly user: string; readonly unit: string | null },
): Promise<Hastening> {
  if ('number' in which) {
    const [request] = await tx.query<{ cards: string[] }>(FIND_REQUEST, [which.number]);
    if (!request) return { hastened: false, reason: 'NOT_FOUND', state: null };
    lockCards(tx, request.cards);
    const work = await tx.query<Meant>(FIND_WORK, [[which.number]]);
    if (work.length > 0) return await hasten(tx, work, by);
    const [final] = await tx.query<{ state: string }>(FIND_STATE, [which.number]);
    return { hastened: false, reason: 'ALREADY_FINAL', state: final?.state ?? null };
  }
  const before = withinCards(await tx.query<Meant>(FIND_LANE, [which.card, HASTENED_MAX]));
  lockCards(tx, [...new Set([which.card, ...before.flatMap(({ cards }) => cards)])]);
  // Requests that became final meanwhile are gone; newer ones are not selected.
  const work = await tx.query<Meant>(FIND_WORK, [before.map(({ number }) => number)]);
  return await hasten(tx, work, by);
}

interface Meant extends Record<string, unknown> {
  readonly number: number;
  readonly cards: string[];
  readonly scheduled: boolean;
}

async function hasten(
  tx: Transaction,
  work: readonly Meant[],
  by: { readonly user: string; readonly unit: string | null },
): Promise<Hastening> {
  const numbers = work.map(({ number }) => number);
  if (numbers.length === 0) return { hastened: true, numbers, backOffsEnded: 0 };
  const ended = await tx.query(END_BACK_OFFS, [numbers]);
  tx.send(MAKE_EXPRESS, [numbers]);
  const scheduled = work.filter((one) => one.scheduled).map(({ number }) => number);
  if (scheduled.length > 0) tx.send(MAKE_DUE, [scheduled]);
  await raisePredecessors(tx, numbers);
  tx.send(WRITE_WHO, [numbers, scheduled, by.user, by.unit]);
  tx.send(WAKE_DISPATCHERS);
  return { hastened: true, numbers, backOffsEnded: ended.length };
}

function withinCards(found: readonly Meant[]): Meant[] {
  let cards = 0;
  const count = found.findIndex((one) => (cards += one.cards.length) >= CARDS_MAX);
  return found.slice(0, count === -1 ? found.length : Math.max(1, count));
}

// Each walks a primary key: request's, work's, or lane's for one card.
const FIND_REQUEST = /* sql */ `select cards from request where number = $1`;
const FIND_STATE = /* sql */ `select life_cycle_state as state from request where number = $1`;
const FIND_WORK = /* sql */ `
select number, cards, waits < 0 as scheduled from work where number = any($1::bigint[]) order by number for update`;
const FIND_LANE = /* sql */ `
select w.number, w.cards, false as scheduled
  from (select number from lane where card = $1 order by number limit $2) l
  join work w on w.number = any (array[l.number])
 order by l.number`;

/**
 * Ends the back-offs of these requests and of everything before them on their cards, to the end of the chain. It goes
 * one step ahead on each card at a time, like raise-predecessors.ts. A leased request waits for the end of its lease
 * and is left alone. Walks lane's primary key backwards and work's primary key.
 */
const END_BACK_OFFS = /* sql */ `
with recursive ahead (number) as (
  select number from unnest($1::bigint[]) number
  union
  select next.number
    from ahead
    join work w on w.number = any (array[ahead.number])
   cross join unnest(w.cards) own (card)
   cross join lateral (select l.number from lane l
                        where l.card = own.card and l.number < ahead.number
                        order by l.number desc limit 1) as next
), locked as (
  select number from work
   where number = any (array(select number from ahead)) and token is null and waits >= 0 and ready_at > now()
   order by number for update
)
update work w set ready_at = now() from locked where w.number = any (array[locked.number]) and w.token is null
returning w.number`;

const MAKE_EXPRESS = /* sql */ `update work set rank = rank & 1 where number = any($1::bigint[]) and rank > 1`;

/** The next activation moves them into their lanes. */
const MAKE_DUE = /* sql */ `update work set ready_at = now() where number = any($1::bigint[]) and waits < 0`;

/** Also into operator_action, because the request's own columns show only the last change. */
const WRITE_WHO = /* sql */ `
with kept as (
  insert into operator_action (action, by_user, by_unit, request_number)
  select 'requests.process', $3, $4, number from unnest($1::bigint[]) number
)
update request
   set scheduled_at = case when number = any($2::bigint[]) then now() else scheduled_at end,
       updated_at = now(), updated_by_user = $3, updated_by_unit = $4
 where number = any($1::bigint[])`;

const WAKE_DISPATCHERS = /* sql */ `select pg_notify('${DISPATCH_CHANNEL}', 'express')`;
