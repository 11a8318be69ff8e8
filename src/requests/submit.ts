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
  const rows = await tx.query<{ number: number; id: string | null }>(INSERT_REQUESTS, [
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
    requests.map(({ event, traceparent }) => traceparent ?? event?.traceparent ?? null),
    requests.map(({ userDefined }) => (userDefined ? JSON.stringify(userDefined) : null)),
    requests.map((request) => request.createdBy.user),
    requests.map((request) => request.createdBy.unit),
    lanes.map(arrayLiteral),
    requests.map(rankOf),
    requests.map(({ awaited }) => awaited === true),
  ]);
  const stored = rows
    .flatMap(({ number, id }) => (id === null ? [] : [{ number, id }]))
    .toSorted((a, b) => a.number - b.number);
  const waiting = rows.flatMap(({ number, id }) => (id === null ? [number] : []));
  await raisePredecessors(tx, waiting);

  const pins = requests.flatMap(({ sealedPin }, index) =>
    sealedPin ? [{ number: stored[index]?.number, sealedPin }] : [],
  );
  if (pins.length > 0) {
    tx.send(INSERT_PINS, [pins.map(({ number }) => number), pins.map(({ sealedPin }) => sealedPin)]);
  }
  return { stored, ready: waiting.length < stored.length };
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

/**
 * Stores the requests, their lanes and their work rows in one round trip. The inner query sorts before the outer one
 * takes the numbers. Returns a row with the id for each request, and one without for each that waits.
 *
 * The statement's snapshot is younger than the card locks, so it has every request that is ahead on a card, except
 * those of this batch: `after_another` tells of them. Walks lane's primary key once per request and card.
 */
const INSERT_REQUESTS = /* sql */ `
with incoming as materialized (
  select nextval('request_number') as number, coalesce(scheduled_at, now()) as due_at, ordered.*
    from (select *
            from unnest($1::text[], $2::int[], $3::text[], $4::boolean[], ${jsonColumn('$5')}, $6::text[], $7::text[], $8::text[],
                        $9::text[], $10::timestamptz[], $11::text[], $12::text[], $13::text[], $14::text[], $15::bigint[],
                        $16::text[], $17::text[], $18::jsonb[], $19::text[], $20::text[], $21::text[], $22::smallint[],
                        $23::boolean[]) with ordinality
              as r (type, sequence_number, priority, bulk, command, command_key, cards, subscription_number,
                    subscription_id, scheduled_at, process_name, process_id, action_id, action_number, inbox_id,
                    causation_event_id, traceparent, user_defined, created_by_user, created_by_unit, lanes, rank,
                    awaited, ordinal)
           order by ordinal) as ordered
), stored as (
  insert into request (number, type, sequence_number, priority, bulk, command, command_key, cards, subscription_number,
                       subscription_id, scheduled_at, process_name, process_id, action_id, action_number, inbox_id,
                       causation_event_id, traceparent, user_defined, created_by_user, created_by_unit,
                       updated_by_user, updated_by_unit)
  select number, type, sequence_number, priority, bulk, command, command_key, cards::text[], subscription_number,
         subscription_id, due_at, process_name, process_id, action_id, action_number, inbox_id, causation_event_id,
         traceparent, user_defined, created_by_user, created_by_unit, created_by_user, created_by_unit
    from incoming
  returning number, upper(replace(id::text, '-', '')) as id
), further as (
  insert into request_further_card (card, number)
  select card, number from incoming cross join unnest((cards::text[])[2:]) card
), place as materialized (
  select number, due_at, due_at <= now() as is_due, rank, lanes, awaited, card,
         row_number() over (partition by card, due_at <= now() order by number) > 1 as after_another
    from incoming left join lateral unnest(lanes::text[]) card on true
), entered as (
  insert into lane (card, number) select card, number from place where is_due and card is not null
), queued as (
  insert into work (number, waits, rank, ready_at, cards, awaited)
  select number,
         case when is_due then count(*) filter (where card is not null and (after_another or exists (
                                  select from lane l where l.card = place.card and l.number < place.number offset 0)))
              else -1 end,
         rank, greatest(due_at, now()), lanes::text[], awaited
    from place group by number, is_due, due_at, rank, lanes, awaited
  returning number, waits
)
select number, id from stored union all select number, null from queued where waits <> 0`;

const INSERT_PINS = /* sql */ `
insert into request_pin (request_number, sealed) select * from unnest($1::bigint[], $2::bytea[])`;

const WAKE_DISPATCHERS = /* sql */ `select pg_notify('${DISPATCH_CHANNEL}', $1)`;
