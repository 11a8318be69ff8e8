import type { Transaction } from '../platform/database.ts';
import { DELETE_PINS, type RecordOutcomes, WRITE_FINAL_STATE } from './finish.ts';
import { handOn, placeColumns } from './hand-on.ts';
import { lockCards } from './lock-cards.ts';
import { tellFinal } from './tell-final.ts';

export type Withdrawal =
  | { readonly withdrawn: true }
  | {
      readonly withdrawn: false;
      readonly reason: 'NOT_FOUND' | 'ALREADY_FINAL' | 'BEING_SENT';
      readonly detail: string;
    };

/**
 * Withdraws a pending request: it becomes REJECTED with the code WITHDRAWN, its outcome is published, and its cards go on
 * with their next requests. Refused while an instance holds it, since it may be on its way to the CAS; once that
 * instance has put it off, it can be withdrawn.
 *
 * @param by who withdraws it, for the request's log information; null where nobody is known.
 */
export async function withdrawRequest(
  tx: Transaction,
  number: number,
  by: string | null,
  recordOutcomes: RecordOutcomes,
): Promise<Withdrawal> {
  const [request] = await tx.query<{ cards: string[] }>(FIND_REQUEST, [number]);
  if (!request) return refused('NOT_FOUND', `There is no provisioning request ${number}`);
  const { cards } = request;
  await lockCards(tx, cards);
  const [work] = await tx.query<WorkRow>(LOCK_WORK, [number]);
  if (!work) {
    const [final] = await tx.query<{ life_cycle_state: string }>(FIND_STATE, [number]);
    return refused('ALREADY_FINAL', `Request ${number} is ${final?.life_cycle_state}, which is final`);
  }
  if (work.leased) {
    return refused('BEING_SENT', `Request ${number} is being sent: try again once it was put off or is final`);
  }

  const turns = await tx.query<{ card: string }>(FIND_TURNS, [cards, number]);
  await tx.query(REMOVE_WORK, [number]);
  await tx.query(LEAVE_LANES, placeColumns(cards.map((card) => ({ card, number }))));
  await handOn(
    tx,
    turns.map(({ card }) => ({ card, number })),
  );
  const description = work.doubtful
    ? 'Withdrawn by a person. An earlier try had no readable answer: the CAS may have done it.'
    : 'Withdrawn by a person before the CAS accepted it.';
  await tx.query(WRITE_FINAL_STATE, [
    [number],
    ['REJECTED'],
    [null],
    ['WITHDRAWN'],
    [description],
    [null],
    [work.attempts],
  ]);
  await tx.query(WRITE_WHO, [number, by]);
  await tx.query(DELETE_PINS, [[number]]);
  await recordOutcomes(tx, [number]);
  if (work.awaited) await tellFinal(tx, [{ number, state: 'REJECTED' }]);
  return { withdrawn: true };
}

interface WorkRow {
  leased: boolean;
  doubtful: boolean;
  attempts: number;
  awaited: boolean;
}

function refused(reason: 'NOT_FOUND' | 'ALREADY_FINAL' | 'BEING_SENT', detail: string): Withdrawal {
  return { withdrawn: false, reason, detail };
}

// Every statement walks a primary key; of the lanes one row per card.
const FIND_REQUEST = /* sql */ `select cards from request where number = $1`;
const FIND_STATE = /* sql */ `select life_cycle_state from request where number = $1`;
const LOCK_WORK = /* sql */ `
select token is not null as leased, attempts, doubt is not null as doubtful, awaited from work where number = $1 for update`;
const FIND_TURNS = /* sql */ `
select own.card from unnest($1::text[]) own (card)
 where coalesce((select p.number from lane_pin p where p.card = own.card),
                (select l.number from lane l where l.card = own.card order by l.number limit 1)) = $2::bigint`;
const REMOVE_WORK = /* sql */ `delete from work where number = $1`;
const LEAVE_LANES = /* sql */ `
delete from lane l using unnest($1::text[], $2::bigint[]) place (card, number)
 where l.card = place.card and l.number = place.number`;
const WRITE_WHO = /* sql */ `update request set updated_by_user = coalesce($2, updated_by_user) where number = $1`;
