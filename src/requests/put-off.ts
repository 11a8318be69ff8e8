import type { Transaction } from '../platform/database.ts';
import { writeAttempts, type Exchange } from './attempt.ts';
import { claimKey, type Doubt, type Held, heldColumns } from './claim.ts';
import { placeColumns, READY_NO_LATER } from './hand-on.ts';
import { lockCards } from './locks.ts';
import { storable } from './storable.ts';

/** A claimed request to try again later. It keeps its place in its cards' lanes. */
export interface PutOffRequest {
  readonly number: number;
  readonly token: string;
  readonly cards: readonly string[];
  /** How long it may not be claimed, from now. */
  readonly delayMs: number;
  readonly doubt: Doubt | null;
  readonly exchanges: readonly Exchange[];
}

/**
 * Puts off claimed requests after a try without a result, and stores its attempts. Returns the numbers whose claim
 * still held; nothing is written about the others.
 */
export async function putOffRequests(
  tx: Transaction,
  requests: readonly PutOffRequest[],
  instance: string,
): Promise<number[]> {
  if (requests.length === 0) return [];
  const sorted = requests.toSorted((a, b) => a.number - b.number);
  lockCards(tx, cardsOf(sorted));
  const put = await tx.query<{ number: number; claimed: string; before: number }>(PUT_OFF, [
    ...heldColumns(sorted),
    sorted.map(({ delayMs }) => delayMs),
    sorted.map(({ doubt }) => (doubt === null ? null : JSON.stringify(cleaned(doubt)))),
    sorted.map(({ exchanges }) => exchanges.length),
  ]);
  const before = new Map(put.map((row) => [claimKey({ number: row.number, token: row.claimed }), row.before]));
  const done = sorted.filter((request) => before.has(claimKey(request)));
  releaseTurns(tx, done);
  writeAttempts(
    tx,
    done.map(({ number, token, exchanges }) => ({
      number,
      exchanges,
      before: before.get(claimKey({ number, token })) ?? 0,
    })),
    instance,
  );
  return done.map(({ number }) => number);
}

/** A claimed request that was not tried. */
export interface UntriedRequest extends Held {
  readonly cards: readonly string[];
}

/**
 * Releases claimed requests unchanged, to be claimed again at once.
 * @returns the numbers whose claim still held.
 */
export async function giveBackRequests(tx: Transaction, requests: readonly UntriedRequest[]): Promise<number[]> {
  if (requests.length === 0) return [];
  lockCards(tx, cardsOf(requests));
  const rows = await tx.query<Held>(GIVE_BACK, heldColumns(requests));
  const given = new Set(rows.map(claimKey));
  releaseTurns(
    tx,
    requests.filter((request) => given.has(claimKey(request))),
  );
  return rows.map(({ number }) => number);
}

/**
 * Releases the turns of requests that are no longer being sent: their pins are deleted. The lowest number of each such
 * card is next, which may be the same request or one that came due meanwhile.
 */
function releaseTurns(tx: Transaction, requests: readonly UntriedRequest[]): void {
  const places = requests.flatMap(({ number, cards }) => cards.map((card) => ({ card, number })));
  if (places.length > 0) tx.send(RELEASE_TURNS, placeColumns(places));
}

function cardsOf(requests: readonly { readonly cards: readonly string[] }[]): string[] {
  return [...new Set(requests.flatMap(({ cards }) => cards))];
}

function cleaned(doubt: Doubt): Doubt {
  return doubt.kind === 'unknown'
    ? doubt
    : { ...doubt, code: storable(doubt.code), description: storable(doubt.description) };
}

/** Walks work's primary key. Clears the mark of a message, because its try counts as not having happened. */
const PUT_OFF = /* sql */ `
update work w
   set token = null, sent_at = null, ready_at = now() + p.delay_ms * interval '1 millisecond', doubt = p.doubt,
       attempts = w.attempts + p.calls, retries = w.retries + 1
  from unnest($1::bigint[], $2::uuid[], $3::float8[], $4::jsonb[], $5::int[]) p (number, token, delay_ms, doubt, calls)
 where w.number = any (array[p.number]) and w.token = p.token
returning w.number, p.token::text as claimed, w.attempts - p.calls as before`;

/** Walks work's primary key. */
const GIVE_BACK = /* sql */ `
update work w set token = null, ready_at = now()
  from unnest($1::bigint[], $2::uuid[]) held (number, token)
 where w.number = any (array[held.number]) and w.token = held.token
returning w.number, held.token::text as token`;

/** lane_pin is nearly always empty. Walks lane's primary key, one row per pinned card. */
const RELEASE_TURNS = /* sql */ `
with unpinned as (
  delete from lane_pin p using unnest($1::text[], $2::bigint[]) place (card, number)
   where p.card = place.card and p.number = place.number
  returning p.card, p.number
), change as (
  select (select l.number from lane l where l.card = u.card order by l.number limit 1) as number, -1 as waits
    from unpinned u
  union all
  select number, 1 from unpinned
), locked as (
  select w.number, change.waits
    from work w
    join (select number, sum(waits)::int as waits from change group by number having sum(waits) <> 0) change
      on w.number = any (array[change.number])
   order by change.number for update of w
)
update work w set waits = w.waits + locked.waits, ready_at = case when locked.waits < 0 then ${READY_NO_LATER} else w.ready_at end
  from locked where w.number = any (array[locked.number])`;
