import type { Transaction } from '../platform/database.ts';
import { DELETE_PINS, type RecordOutcomes, WRITE_FINAL_STATE } from './finish.ts';
import { handOn, type LanePlace, placeColumns } from './hand-on.ts';
import { lockCards } from './locks.ts';
import { announceFinal } from './announce-final.ts';

export type Withdrawal =
  | { readonly withdrawn: true }
  | {
      readonly withdrawn: false;
      readonly reason: 'NOT_FOUND' | 'ALREADY_FINAL' | 'BEING_SENT';
      readonly detail: string;
    };

interface Person {
  readonly user: string;
  readonly unit: string | null;
}

/**
 * Withdraws a pending request: it becomes REJECTED with the code WITHDRAWN, its outcome is published, and its cards go
 * to their next requests. Refused while an instance holds it, since it may be on its way to the CAS. Once that instance
 * has put it off, it can be withdrawn.
 *
 * @param by who withdraws it, for the request's log information; null if unknown.
 */
export async function withdrawRequest(
  tx: Transaction,
  number: number,
  by: Person | null,
  recordOutcomes: RecordOutcomes,
): Promise<Withdrawal> {
  const [request] = await tx.query<{ cards: string[] }>(FIND_REQUEST, [number]);
  if (!request) return refused('NOT_FOUND', `there is no provisioning request ${number}: check the number`);
  const { cards } = request;
  lockCards(tx, cards);
  const [work] = await tx.query<WorkRow>(LOCK_WORK, [number]);
  if (!work) {
    const [final] = await tx.query<{ life_cycle_state: string }>(FIND_STATE, [number]);
    return refused('ALREADY_FINAL', `request ${number} is ${final?.life_cycle_state}, which is final`);
  }
  if (work.leased) {
    return refused('BEING_SENT', `request ${number} is being sent: try again after it was put off`);
  }

  const why = work.doubtful
    ? 'Withdrawn by a person. An earlier try had no readable answer: the CAS may have done it.'
    : 'Withdrawn by a person before the CAS accepted it.';
  await reject(tx, [{ ...work, number, cards, why }], by, recordOutcomes);
  return { withdrawn: true };
}

/**
 * Withdraws those of these requests that are pending and unclaimed, as `withdrawRequest` does. The caller makes sure
 * that they have at most 1,000 cards.
 *
 * @param why for the requests' descriptions.
 * @returns the withdrawn numbers; the other requests are unchanged.
 */
export async function withdrawUnclaimed(
  tx: Transaction,
  numbers: readonly number[],
  { by, why }: { readonly by: string | null; readonly why: string },
  recordOutcomes: RecordOutcomes,
): Promise<number[]> {
  if (numbers.length === 0) return [];
  const pending = await tx.query<{ cards: string[] }>(FIND_PENDING, [numbers]);
  lockCards(tx, [...new Set(pending.flatMap(({ cards }) => cards))]);
  const unclaimed = await tx.query<Omit<WorkRow, 'leased'> & { number: number; cards: string[] }>(LOCK_UNCLAIMED, [
    numbers,
  ]);
  await reject(
    tx,
    unclaimed.map((work) => ({
      ...work,
      why: work.doubtful ? `${why} An earlier try had no readable answer: the CAS may have done it.` : why,
    })),
    by === null ? null : { user: by, unit: null },
    recordOutcomes,
  );
  return unclaimed.map(({ number }) => number);
}

/** The final state of a withdrawn request. */
const FINAL = { state: 'REJECTED', errorCode: 'WITHDRAWN' } as const;

interface Withdrawn {
  readonly number: number;
  readonly cards: readonly string[];
  readonly attempts: number;
  readonly awaited: boolean;
  readonly why: string;
}

/** Rejects unclaimed requests. The caller holds the locks on their cards and work rows. */
async function reject(
  tx: Transaction,
  withdrawn: readonly Withdrawn[],
  by: Person | null,
  recordOutcomes: RecordOutcomes,
): Promise<void> {
  if (withdrawn.length === 0) return;
  const numbers = withdrawn.map(({ number }) => number);
  const places = withdrawn.flatMap(({ number, cards }) => cards.map((card) => ({ card, number })));
  const turns = await tx.query<LanePlace>(FIND_TURNS, placeColumns(places));
  tx.send(REMOVE_WORK, [numbers]);
  tx.send(LEAVE_LANES, placeColumns(places));
  handOn(tx, turns);
  tx.send(WRITE_FINAL_STATE, [
    numbers,
    numbers.map(() => FINAL.state),
    numbers.map(() => null),
    numbers.map(() => FINAL.errorCode),
    withdrawn.map(({ why }) => why),
    numbers.map(() => null),
    withdrawn.map(({ attempts }) => attempts),
  ]);
  if (by !== null) tx.send(WRITE_WHO, [numbers, by.user, by.unit]);
  tx.send(DELETE_PINS, [numbers]);
  await recordOutcomes(tx, numbers);
  announceFinal(
    tx,
    withdrawn.flatMap(({ number, awaited }) => (awaited ? [{ number, state: FINAL.state }] : [])),
  );
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

// Every statement walks a primary key, in lanes one row per card.
const FIND_REQUEST = /* sql */ `select cards from request where number = $1`;
const FIND_STATE = /* sql */ `select life_cycle_state from request where number = $1`;
const LOCK_WORK = /* sql */ `
select token is not null as leased, attempts, doubt is not null as doubtful, awaited from work where number = $1 for update`;
const FIND_PENDING = /* sql */ `select cards from work where number = any($1::bigint[])`;
const LOCK_UNCLAIMED = /* sql */ `
select number, cards, attempts, doubt is not null as doubtful, awaited
  from work where number = any($1::bigint[]) and token is null order by number for update`;
const FIND_TURNS = /* sql */ `
select own.card, own.number from unnest($1::text[], $2::bigint[]) own (card, number)
 where coalesce((select p.number from lane_pin p where p.card = own.card),
                (select l.number from lane l where l.card = own.card order by l.number limit 1)) = own.number`;
const REMOVE_WORK = /* sql */ `delete from work where number = any($1::bigint[])`;
const LEAVE_LANES = /* sql */ `
delete from lane l using unnest($1::text[], $2::bigint[]) place (card, number)
 where l.card = any (array[place.card]) and l.number = any (array[place.number])`;
const WRITE_WHO = /* sql */ `
update request set updated_by_user = $2, updated_by_unit = $3 where number = any($1::bigint[])`;
