import type { ActionEvent } from '../events/action-event.ts';
import type { Subscription } from '../events/crm.generated.ts';
import type { Transaction } from '../platform/database.ts';
import { readPendingPairings, readStays } from '../pairings/store.ts';
import { eventCards, snapshotCards } from '../planning/snapshot.ts';
import type { EarlierCommand } from '../planning/types.ts';
import { lockCards, lockCardsWith } from '../requests/locks.ts';
import {
  actionKeyOf,
  type CardFacts,
  type Current,
  placeOf,
  type SubscriptionFacts,
  type VersionHistory,
} from './facts.ts';
import type { IncomingMessage, ReadMessage } from './message.ts';

/**
 * Reads what decides and plans a chunk. Its subscriptions must be locked. Locks their rows, and every smart card in the
 * events and in the newest and older snapshots that planning reads.
 */
export async function readFacts(
  tx: Transaction,
  messages: readonly ReadMessage[],
  stalePolicy: 'plan' | 'hold',
): Promise<SubscriptionFacts & CardFacts> {
  const events = messages.flatMap(({ event, cause }) => (event !== null && cause === null ? [event] : []));
  const numbers = [...new Set(events.map(({ subscription }) => subscription.number))];
  const cards = [...new Set(events.flatMap(eventCards))];
  // Sent together: the server finds the cards that the subscriptions hold.
  const readingSubscriptions = readSubscriptionFacts(tx, messages, stalePolicy);
  lockCardsWith(tx, cards, numbers);
  const [subscriptionFacts, cardFacts] = await Promise.all([readingSubscriptions, readCardFacts(tx, events, cards)]);
  const locked = new Set([...cards, ...[...cardFacts.stays.values()].flatMap((stays) => [...stays.keys()])]);
  const further = snapshotsOf(subscriptionFacts)
    .flatMap(snapshotCards)
    .filter((card) => !locked.has(card));
  if (further.length === 0) return { ...subscriptionFacts, ...cardFacts };
  // A late event is compared with an older snapshot, whose cards may have left since. Locks out of order may end in a
  // deadlock, which repeats the transaction.
  lockCards(tx, [...new Set(further)]);
  return { ...subscriptionFacts, ...(await readCardFacts(tx, events, [...cards, ...further])) };
}

function snapshotsOf({ current, history }: SubscriptionFacts): Subscription[] {
  return [
    ...[...current.values()].map(({ snapshot }) => snapshot),
    ...[...history.values()].flatMap(({ lower }) => lower?.snapshot ?? []),
  ];
}

/** Reads what decides a chunk, and locks the rows of its subscriptions, ordered by number. */
async function readSubscriptionFacts(
  tx: Transaction,
  messages: readonly ReadMessage[],
  stalePolicy: 'plan' | 'hold',
): Promise<SubscriptionFacts> {
  const events = messages.flatMap(({ event, cause }) => (event !== null && cause === null ? [event] : []));
  const deadLetters = messages.flatMap(({ message, cause }) => (cause === null ? [] : [message]));
  const [current, seenEventIds, recordedDeadLetters, plannedActions] = await Promise.all([
    lockCurrent(tx, [...new Set(events.map(({ subscription }) => subscription.number))]),
    readSeen(tx, events),
    readDeadLetters(tx, deadLetters),
    stalePolicy === 'hold' ? readPlannedActions(tx, events) : new Set<string>(),
  ]);
  const history = await readHistory(tx, messages, current);
  return { current, seenEventIds, recordedDeadLetters, history, plannedActions };
}

/**
 * Reads what planning needs, also about the other subscriptions that hold these cards or those of the events'
 * subscriptions; all of them are locked. It uses new statements, which see everything committed so far.
 */
async function readCardFacts(
  tx: Transaction,
  events: readonly ActionEvent[],
  cards: readonly string[],
): Promise<CardFacts> {
  const numbers = [...new Set(events.map(({ subscription }) => subscription.number))];
  const [others, stays, pendingPairings, earlier] = await Promise.all([
    readOthers(tx, cards, numbers),
    readStays(tx, numbers),
    readPendingPairings(tx, numbers),
    readEarlier(tx, events),
  ]);
  return { others, stays, pendingPairings, earlier };
}

/**
 * Reads the newest applied snapshots of subscriptions, and locks their rows in the order of their numbers. Finishing
 * pairing requests locks the same rows. Walks subscription's primary key.
 */
export async function lockCurrent(tx: Transaction, numbers: readonly string[]): Promise<Map<string, Current>> {
  if (numbers.length === 0) return new Map();
  const rows = await tx.query<{ number: string; version: number; snapshot: Subscription }>(
    `select number, version, snapshot from subscription where number = any($1::text[])
     order by number for no key update`,
    [numbers],
  );
  return new Map(rows.map(({ number, version, snapshot }) => [number, { version, snapshot }]));
}

/** Walks inbox_seen. */
async function readSeen(tx: Transaction, events: readonly ActionEvent[]): Promise<Set<string>> {
  if (events.length === 0) return new Set();
  const rows = await tx.query<{ event_id: string }>(
    `select event_id from inbox
     where event_id = any($1::text[]) and disposition not in ('DUPLICATE', 'DEAD_LETTERED')`,
    [events.map(({ eventId }) => eventId)],
  );
  return new Set(rows.map(({ event_id }) => event_id));
}

/** Walks inbox_dead_letter. */
async function readDeadLetters(tx: Transaction, messages: readonly IncomingMessage[]): Promise<Set<string>> {
  if (messages.length === 0) return new Set();
  const rows = await tx.query<{ position: number }>(
    `select m.position
     from unnest($1::text[], $2::int[], $3::bigint[], $4::timestamptz[]) with ordinality
       as m (topic, partition, message_offset, message_timestamp, position)
     cross join lateral (
       select from inbox i
        where i.topic = m.topic and i.partition = m.partition and i.message_offset = m.message_offset
          and i.message_timestamp = m.message_timestamp and i.disposition = 'DEAD_LETTERED' offset 0
     ) as letter`,
    [
      messages.map(({ topic }) => topic),
      messages.map(({ partition }) => partition),
      messages.map(({ offset }) => offset),
      messages.map(({ timestamp }) => timestamp),
    ],
  );
  return new Set(rows.flatMap(({ position }) => messages[position - 1] ?? []).map(placeOf));
}

/** For events that are not newer than the applied snapshot. Walks inbox_version. */
async function readHistory(
  tx: Transaction,
  messages: readonly ReadMessage[],
  current: ReadonlyMap<string, Current>,
): Promise<Map<number, VersionHistory>> {
  const wanted = messages.flatMap(({ event, cause }, position) => {
    if (event === null || cause !== null) return [];
    const { number, version } = event.subscription;
    const applied = current.get(number)?.version ?? -Infinity;
    return version <= applied ? [{ position, number, version }] : [];
  });
  if (wanted.length === 0) return new Map();
  const rows = await tx.query<{ lower: Subscription | null; actions: string[] }>(
    `select lower.snapshot as lower,
       array(select distinct i.action_id from inbox i
             where i.subscription_number = w.number and i.subscription_version = w.version
               and i.disposition in ('PLANNED', 'NOTHING_TO_DO', 'STALE')) as actions
     from unnest($1::text[], $2::bigint[]) with ordinality as w (number, version, position)
     left join lateral (
       select i.event -> 'subscription' as snapshot from inbox i
       where i.subscription_number = w.number and i.subscription_version < w.version
         and i.disposition in ('PLANNED', 'NOTHING_TO_DO', 'STALE')
       order by i.subscription_version desc, i.id desc limit 1
     ) as lower on true
     order by w.position`,
    [wanted.map(({ number }) => number), wanted.map(({ version }) => version)],
  );
  return new Map(
    wanted.map(({ position }, index) => {
      const snapshot = rows[index]?.lower ?? null;
      const lower = snapshot === null ? null : { version: snapshot.version, snapshot };
      return [position, { lower, actionsAtVersion: rows[index]?.actions ?? [] }];
    }),
  );
}

/** Walks inbox_action. */
async function readPlannedActions(tx: Transaction, events: readonly ActionEvent[]): Promise<Set<string>> {
  if (events.length === 0) return new Set();
  const rows = await tx.query<{ subscription_number: string; action_id: string }>(
    `select k.subscription_number, k.action_id
     from unnest($1::text[], $2::text[]) as k (subscription_number, action_id)
     where exists (select from inbox i where i.action_id = k.action_id and i.subscription_number = k.subscription_number
                      and i.disposition in ('PLANNED', 'NOTHING_TO_DO') offset 0)`,
    actionColumns(events),
  );
  return new Set(rows.map((row) => JSON.stringify([row.subscription_number, row.action_id])));
}

/** Walks subscription_card_subscription, subscription_card's primary key, then subscription's. */
async function readOthers(
  tx: Transaction,
  cards: readonly string[],
  numbers: readonly string[],
): Promise<Map<string, Subscription>> {
  if (numbers.length === 0) return new Map();
  const rows = await tx.query<{ number: string; snapshot: Subscription }>(
    `select number, snapshot from subscription
     where number = any (array(
       select subscription_number from subscription_card
        where card = any (array(
                select unnest($1::text[])
                union all select card from subscription_card where subscription_number = any($2::text[])))
          and subscription_number <> all($2::text[])))`,
    [cards, numbers],
  );
  return new Map(rows.map(({ number, snapshot }) => [number, snapshot]));
}

/** Walks request_action. */
async function readEarlier(tx: Transaction, events: readonly ActionEvent[]): Promise<Map<string, EarlierCommand[]>> {
  const distinct = [...new Map(events.map((event) => [actionKeyOf(event), event])).values()];
  const rows = await tx.query<{ subscription: string; action: string; key: string; rejected: boolean }>(
    `select r.subscription_number as subscription, r.action_id as action, r.command_key as key,
       r.life_cycle_state = 'REJECTED' as rejected
     from unnest($1::text[], $2::text[]) with ordinality as k (subscription_number, action_id, position)
     cross join lateral (
       select * from request where action_id = k.action_id and subscription_number = k.subscription_number offset 0
     ) as r
     where r.command_key is not null order by k.position, r.number`,
    actionColumns(distinct),
  );
  return Map.groupBy(rows, ({ subscription, action }) => JSON.stringify([subscription, action]));
}

function actionColumns(events: readonly ActionEvent[]): [string[], string[]] {
  return [events.map(({ subscription }) => subscription.number), events.map(({ action }) => action.id)];
}
