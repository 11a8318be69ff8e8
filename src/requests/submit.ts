import type { Transaction } from '../platform/database.ts';
import { jsonColumn, jsonTexts } from '../platform/json-column.ts';
import { commandKey, smartcardsOf } from '../planning/command.ts';
import { lockCards } from './locks.ts';
import type { NewRequest, StoredRequest } from './new-request.ts';
import { raisePredecessors } from './raise-predecessors.ts';
import { DISPATCH_CHANNEL, rankOf, wakeMessageOf } from './request-class.ts';

/**
 * Stores requests in the given order, in which each card's requests are sent. Returns their numbers and ids in that
 * order. Dispatchers see them after the commit.
 *
 * Numbers are taken while the cards are locked, so each card's numbers commit in order. This function takes the locks
 * that the caller does not hold yet. A caller that reads snapshots or known pairings for its requests must first lock
 * the cards with `lockCards`. At most 1,000 cards per transaction.
 */
export async function submitRequests(tx: Transaction, requests: readonly NewRequest[]): Promise<StoredRequest[]> {
  if (requests.length === 0) return [];
  const cards = requests.map((request) => smartcardsOf(request.command));
  const lanes = requests.map(({ outOfLane }, index) => (outOfLane === true ? [] : (cards[index] ?? [])));
  lockCards(tx, [...new Set(lanes.flat())]);

  const stored: StoredRequest[] = [];
  let ready = false;
  for (let start = 0; start < requests.length; start += PIECE) {
    const end = start + PIECE;
    const piece = await submitPiece(tx, requests.slice(start, end), cards.slice(start, end), lanes.slice(start, end));
    for (const one of piece.stored) stored.push(one);
    ready ||= piece.ready;
  }
  if (ready) tx.send(WAKE_DISPATCHERS, [wakeMessageOf(requests)]);
  return stored;
}

/** How many requests one statement stores. The process can serve others in between, and the statement ends in time. */
const PIECE = 2_000;

/** Stores requests, each in the lanes of the cards that it waits for; those are locked. `ready`: at least one of them waits for no other request. */
async function submitPiece(
  tx: Transaction,
  requests: readonly NewRequest[],
  cards: readonly (readonly string[])[],
  lanes: readonly (readonly string[])[],
): Promise<{ stored: StoredRequest[]; ready: boolean }> {
  const stored = await tx.query<{ number: number; id: string; due: boolean }>(INSERT_REQUESTS, [
    requests.map((request) => request.command.type),
    requests.map((request) => request.sequenceNumber),
    requests.map((request) => request.priority ?? 'REGULAR'),
    requests.map((request) => request.bulk ?? false),
    jsonTexts(requests.map((request) => JSON.stringify(request.command))),
    requests.map(keyInAction),
    cards.map(arrayLiteral),
    requests.map((request) => request.subscription?.number ?? null),
    requests.map((request) => request.subscription?.id ?? null),
    requests.map((request) => request.scheduledAt ?? null),
    requests.map((request) => request.process.name),
    requests.map((request) => request.process.id),
    requests.map(({ event }) => event?.action?.id ?? null),
    requests.map(({ event }) => event?.action?.number ?? null),
    requests.map(({ event }) => event?.inboxId ?? null),
    requests.map(({ event }) => event?.eventId ?? null),
    requests.map(({ event }) => event?.traceparent ?? null),
    requests.map(({ userDefined }) => (userDefined ? JSON.stringify(userDefined) : null)),
    requests.map((request) => request.createdBy.user),
    requests.map((request) => request.createdBy.unit),
  ]);
  stored.sort((a, b) => a.number - b.number);

  const further = stored.flatMap(({ number }, index) =>
    (cards[index] ?? []).slice(1).map((card) => ({ card, number })),
  );
  if (further.length > 0) {
    tx.send(INSERT_FURTHER_CARDS, [further.map(({ card }) => card), further.map(({ number }) => number)]);
  }
  const due = stored.flatMap(({ number, due: isDue }, index) =>
    isDue ? (lanes[index] ?? []).map((card) => ({ card, number })) : [],
  );
  if (due.length > 0) {
    tx.send(INSERT_LANES, [due.map(({ card }) => card), due.map(({ number }) => number)]);
  }
  const waiting = await tx.query<{ number: number }>(INSERT_WORK, [
    stored.map(({ number }) => number),
    requests.map(rankOf),
    lanes.map(arrayLiteral),
    requests.map(({ awaited }) => awaited === true),
  ]);
  await raisePredecessors(
    tx,
    waiting.map(({ number }) => number),
  );

  const pins = requests.flatMap(({ sealedPin }, index) =>
    sealedPin ? [{ number: stored[index]?.number, sealedPin }] : [],
  );
  if (pins.length > 0) {
    tx.send(INSERT_PINS, [pins.map(({ number }) => number), pins.map(({ sealedPin }) => sealedPin)]);
  }
  return { stored: stored.map(({ number, id }) => ({ number, id })), ready: waiting.length < stored.length };
}

/** Returns the key of a command within its action (R6); null if no action asked for it. */
function keyInAction({ command, event }: NewRequest): string | null {
  const byAction = event !== undefined && event.action !== null;
  return byAction && ('service' in command || 'setTopBoxes' in command) ? commandKey(command) : null;
}

/** Writes a text[] literal, because an array of arrays of different lengths cannot be a parameter. */
function arrayLiteral(texts: readonly string[]): string {
  return `{${texts.map((text) => `"${text.replaceAll(/["\\]/g, String.raw`\$&`)}"`).join(',')}}`;
}

/** The inner query sorts before the outer one takes the numbers. */
const INSERT_REQUESTS = /* sql */ `
insert into request (number, type, sequence_number, priority, bulk, command, command_key, cards, subscription_number,
                     subscription_id, scheduled_at, process_name, process_id, action_id, action_number, inbox_id,
                     causation_event_id, traceparent, user_defined, created_by_user, created_by_unit,
                     updated_by_user, updated_by_unit)
select nextval('request_number'), type, sequence_number, priority, bulk, command, command_key, cards::text[],
       subscription_number, subscription_id, coalesce(scheduled_at, now()), process_name, process_id, action_id,
       action_number, inbox_id, causation_event_id, traceparent, user_defined, created_by_user, created_by_unit,
       created_by_user, created_by_unit
  from (select *
          from unnest($1::text[], $2::int[], $3::text[], $4::boolean[], ${jsonColumn('$5')}, $6::text[], $7::text[], $8::text[],
                      $9::text[], $10::timestamptz[], $11::text[], $12::text[], $13::text[], $14::text[], $15::bigint[],
                      $16::text[], $17::text[], $18::jsonb[], $19::text[], $20::text[]) with ordinality
            as r (type, sequence_number, priority, bulk, command, command_key, cards, subscription_number,
                  subscription_id, scheduled_at, process_name, process_id, action_id, action_number, inbox_id,
                  causation_event_id, traceparent, user_defined, created_by_user, created_by_unit, ordinal)
         order by ordinal) as ordered
returning number, upper(replace(id::text, '-', '')) as id, scheduled_at <= now() as due`;

const INSERT_FURTHER_CARDS = /* sql */ `
insert into request_further_card (card, number) select * from unnest($1::text[], $2::bigint[])`;

const INSERT_LANES = /* sql */ `
insert into lane (card, number) select * from unnest($1::text[], $2::bigint[])`;

/**
 * Walks request's primary key for the date, and lane's once per card to see whether a request is ahead. A separate
 * statement after the lanes: its snapshot is younger than the card locks, and contains the batch's own lanes.
 */
const INSERT_WORK = /* sql */ `
with stored as (
  insert into work (number, waits, rank, ready_at, cards, awaited)
  select n.number,
         case when r.scheduled_at > now() then -1
              else (select count(*) from unnest(n.cards::text[]) own (card)
                     where exists (select from lane l where l.card = own.card and l.number < n.number offset 0)) end,
         n.rank, greatest(r.scheduled_at, now()), n.cards::text[], n.awaited
    from unnest($1::bigint[], $2::smallint[], $3::text[], $4::boolean[]) n (number, rank, cards, awaited)
    cross join lateral (select scheduled_at from request where number = n.number offset 0) r
  returning number, waits
)
select number from stored where waits <> 0`;

const INSERT_PINS = /* sql */ `
insert into request_pin (request_number, sealed) select * from unnest($1::bigint[], $2::bytea[])`;

const WAKE_DISPATCHERS = /* sql */ `select pg_notify('${DISPATCH_CHANNEL}', $1)`;
