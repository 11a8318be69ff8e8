import { type PairingNews, subscriptionsTaught } from '../pairings/news.ts';
import { establishPairings } from '../pairings/store.ts';
import type { Transaction } from '../platform/database.ts';
import { writeAttempts, type Exchange } from './attempt.ts';
import { claimKey, type Held, heldColumns } from './claim.ts';
import type { Command } from '../planning/command.ts';
import { handOn } from './hand-on.ts';
import { lockCards, lockSubscriptions } from './locks.ts';
import { storable } from './storable.ts';
import { announceFinal } from './announce-final.ts';

/** The length of the part of a reference number in `request_final.reference_key` (migrations/0007_list.ts). */
export const REFERENCE_KEY_CHARACTERS = 200;

/** The stored answer to a GET command. */
export interface RequestAnswer {
  /** Service CA ids. */
  readonly activeServices?: readonly string[];
  /** Null: the CAS has no pairing of the device. */
  readonly pairing?: { readonly smartcards: readonly string[]; readonly setTopBoxes: readonly string[] } | null;
}

/** A claimed request that is final. */
export interface FinishedRequest {
  readonly number: number;
  readonly token: string;
  readonly command: Command;
  readonly cards: readonly string[];
  readonly subscriptionNumber: string | null;
  readonly state: 'COMPLETED' | 'REJECTED';
  readonly referenceNumber: string | null;
  /** Null if it is COMPLETED. */
  readonly errorCode: string | null;
  /** For people; a COMPLETED request may have one too. */
  readonly errorDescription: string | null;
  readonly answer: RequestAnswer | null;
  /** What the answer shows about pairings (R7, R8); null if nothing. */
  readonly pairingNews: PairingNews | null;
  /** SOAP calls that were stored before the claim. */
  readonly attempts: number;
  /** The SOAP calls since the claim, in order. */
  readonly exchanges: readonly Exchange[];
}

/** Writes the outcomes of requests that became final into the outbox, in the caller's transaction. */
export type RecordOutcomes = (tx: Transaction, numbers: number[]) => Promise<void>;

/** What finishing needs from other modules. */
export interface FinishingParts {
  readonly recordOutcomes: RecordOutcomes;
  /** The name of this instance, for the attempt rows. */
  readonly instance: string;
}

/**
 * Makes claimed requests final, with everything that follows: attempts, known pairings, outcomes, and each card handed
 * to its next request. Acts only on requests whose claim still holds and returns their numbers. It writes nothing about
 * the others, because another instance decides about them.
 *
 * Claims are nearly always held, so everything is sent without waiting for that answer. If a claim is lost, all of it is
 * undone and done again for the others.
 *
 * Locks in the service's order: subscriptions, cards, work rows; then what the outcomes lock.
 */
export async function finishRequests(
  tx: Transaction,
  requests: readonly FinishedRequest[],
  parts: FinishingParts,
): Promise<number[]> {
  if (requests.length === 0) return [];
  lockSubscriptions(tx, subscriptionsTaught(requests));
  lockCards(tx, [...new Set(requests.flatMap(({ cards }) => cards))]);
  const undo = tx.savepoint();
  const removing = tx.query<Held & { awaited: boolean }>(REMOVE_WORK, heldColumns(requests));
  const numbers = new Set(requests.map(({ number }) => number));
  // Of two claims of one request, only one holds.
  const writing = numbers.size === requests.length ? writeFinal(tx, requests, parts) : Promise.resolve();
  // On a request whose claim is lost it may fail.
  const written = writing.then(
    () => null,
    (error: unknown) => ({ error }),
  );
  const removed = new Map((await removing).map((row) => [claimKey(row), row.awaited]));
  const failure = await written;
  const held = requests.filter((request) => removed.has(claimKey(request)));
  if (held.length < requests.length) {
    await undo();
    return await finishRequests(tx, held, parts);
  }
  if (failure !== null) throw failure.error;
  announceFinal(
    tx,
    held.filter((request) => removed.get(claimKey(request)) === true),
  );
  return [...numbers].toSorted((a, b) => a - b);
}

/** Writes what follows from final requests, whose work rows are removed. */
async function writeFinal(tx: Transaction, requests: readonly FinishedRequest[], parts: FinishingParts): Promise<void> {
  const finished = requests.toSorted((a, b) => a.number - b.number);
  handOn(
    tx,
    finished.flatMap(({ number, cards }) => cards.map((card) => ({ card, number }))),
  );
  tx.send(WRITE_FINAL_STATE, [
    finished.map(({ number }) => number),
    finished.map(({ state }) => state),
    finished.map(({ referenceNumber }) => storable(referenceNumber)),
    finished.map(({ errorCode }) => storable(errorCode)),
    finished.map(({ errorDescription }) => storable(errorDescription)),
    finished.map(({ answer }) => (answer === null ? null : JSON.stringify(cleaned(answer)))),
    finished.map(({ attempts, exchanges }) => attempts + exchanges.length),
  ]);
  const withPin = finished.filter(({ command }) => command.type === 'UPDATE_CA_PIN_TO_GIVEN_VALUE');
  if (withPin.length > 0) tx.send(DELETE_PINS, [withPin.map(({ number }) => number)]);
  writeAttempts(
    tx,
    finished.map(({ number, attempts, exchanges }) => ({ number, exchanges, before: attempts })),
    parts.instance,
  );
  const numbers = finished.map(({ number }) => number);
  // Both wait for answers, in the order of the locks: the first statement of each is sent at once.
  await Promise.all([establishPairings(tx, finished), parts.recordOutcomes(tx, numbers)]);
}

function cleaned(answer: RequestAnswer): RequestAnswer {
  return JSON.parse(JSON.stringify(answer), (_key, value: unknown) =>
    typeof value === 'string' ? storable(value) : value,
  ) as RequestAnswer;
}

/** Walks work's primary key. The token stops a holder whose lease ran out from deciding anything. */
const REMOVE_WORK = /* sql */ `
delete from work w
 using unnest($1::bigint[], $2::uuid[]) held (number, token)
 where w.number = any (array[held.number]) and w.token = held.token
returning w.number, w.token::text as token, w.awaited`;

/**
 * Walks request's primary key. No indexed column changes, so the new version stays in its page. The columns for lists
 * are in a separate table (docs/decisions/0004-lists.md).
 */
export const WRITE_FINAL_STATE = /* sql */ `
with listed as (
  insert into request_final (state, number, reference_key)
  select state, number, left(reference_number, ${REFERENCE_KEY_CHARACTERS})
    from unnest($1::bigint[], $2::text[], $3::text[]) as f (number, state, reference_number)
)
update request r
   set life_cycle_state = f.state, executed_at = now(), updated_at = now(), reference_number = f.reference_number,
       error_code = f.error_code, error_description = f.error_description, answer = f.answer, attempts = f.attempts
  from unnest($1::bigint[], $2::text[], $3::text[], $4::text[], $5::text[], $6::jsonb[], $7::int[])
    as f (number, state, reference_number, error_code, error_description, answer, attempts)
 where r.number = any (array[f.number])`;

export const DELETE_PINS = /* sql */ `delete from request_pin where request_number = any($1::bigint[])`;
