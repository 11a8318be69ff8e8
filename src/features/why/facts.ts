import { providerStatus, type ProviderStatus } from '../../dispatch/provider.ts';
import type { Subscription } from '../../events/crm.generated.ts';
import { newestSnapshots } from '../../identifiers/subscription.ts';
import type { Command, CommandType } from '../../planning/command.ts';
import type { WithheldReason } from '../../planning/types.ts';
import type { Queryable } from '../../platform/database.ts';
import { type LifeCycleState, PROGRESS_COLUMNS, PROGRESS_JOINS, type RequestProgress } from '../../requests/find.ts';
import type { Subject } from './subject.ts';

/** How many commands of a card are read, the newest ones, and how far back they are looked for among its requests. */
const COMMANDS = 200;
const LOOKED_AT = 2_000;
const EVENTS = 50;
/** How many requests ahead are counted. */
const AHEAD_MAX = 100_000;

/** A request of the subject's cards. */
export interface RequestFact extends RequestProgress {
  readonly number: number;
  readonly command: Command;
  readonly type: CommandType;
  readonly cards: readonly string[];
  readonly subscription: string | null;
  readonly state: LifeCycleState;
  readonly submitted: Date;
  readonly executed: Date | null;
  readonly code: string | null;
  readonly description: string | null;
  /** Who changed it last: for a withdrawn one, who withdrew it. */
  readonly updatedBy: string | null;
  /** The last attempt of a rejected request had no readable answer: the CAS may have done it. */
  readonly doubtful: boolean;
}

export interface EventFact {
  readonly id: number;
  readonly subscription: string;
  readonly version: number;
  readonly type: string;
  readonly actionId: string;
  readonly disposition: 'PLANNED' | 'NOTHING_TO_DO' | 'STALE';
  readonly late: boolean;
  readonly topic: string;
  readonly partition: number;
  readonly occurred: Date;
  readonly received: Date;
}

export interface WithheldFact {
  readonly event: number;
  readonly subscription: string;
  readonly type: string;
  readonly reason: WithheldReason;
  readonly smartcard: string | null;
  readonly serviceCaId: string | null;
  readonly detail: string;
  readonly at: Date;
}

export interface DeadLetterFact {
  readonly id: number;
  /** `topic[partition]@offset`. */
  readonly place: string;
  readonly reason: string | null;
  readonly detail: string | null;
  readonly received: Date;
}

export interface KnownPairingFact {
  readonly card: string;
  readonly subscription: string;
  readonly smartcards: readonly string[] | null;
  readonly setTopBoxes: readonly string[] | null;
}

/** What an instance last reported of reading events. */
export interface IntakeFact {
  /** Why it reads nothing at all; null if it reads. */
  readonly problem: string | null;
  /** Since when the problem lasts; without one, since when it reads. */
  readonly since: Date;
  readonly partitions: readonly PartitionFact[];
  readonly reported: Date;
  /** False: it has not reported for a while, so it ended. */
  readonly alive: boolean;
}

export interface PartitionFact {
  readonly topic: string;
  readonly partition: number;
  /** Messages that are not read yet; null if not known. */
  readonly unread: number | null;
  /** How long something has been unread without a break, in milliseconds at the time of the report. */
  readonly behind_ms: number | null;
  /** Why it is not read; null if it is. */
  readonly problem: string | null;
  readonly problem_ms: number | null;
}

/** What the CAS answered about a card now. */
export interface CasAnswer {
  readonly card: string;
  /** Null: no answer. */
  readonly services: readonly string[] | null;
  /** Null: no answer, or the card is in no pairing. */
  readonly pairing: { readonly smartcards: readonly string[]; readonly setTopBoxes: readonly string[] } | null;
  readonly pairingAnswered: boolean;
  /** Why the CAS refused a question. */
  readonly code: string | null;
  readonly description: string | null;
}

/** Everything that the findings are made of, as it was stored at one time. */
export interface Facts {
  readonly now: Date;
  /** Whether something that is stored has the number. */
  readonly known: boolean;
  readonly provider: ProviderStatus;
  /** What the instances reported, the latest report first; empty if none is of a version that reports. */
  readonly intake: readonly IntakeFact[];
  readonly cards: readonly string[];
  /** The numbers of the subscriptions, also of those whose snapshot is not known. */
  readonly numbers: readonly string[];
  readonly subscriptions: readonly Subscription[];
  readonly knownPairings: readonly KnownPairingFact[];
  /** The newest first. */
  readonly requests: readonly RequestFact[];
  /** How many ready requests go before the subject's first one; counted up to 100,000. */
  readonly ahead: number;
  /** The newest version first. */
  readonly events: readonly EventFact[];
  readonly withheld: readonly WithheldFact[];
  /** Those that nobody has decided about, the newest first. */
  readonly deadLetters: readonly DeadLetterFact[];
  /** Empty: the CAS was not asked. */
  readonly cas: readonly CasAnswer[];
  /** Whether retention removes requests or events, so that what is older is not known. */
  readonly forgets: boolean;
}

/** Reads the facts about a subject; `known`: something that is stored has its number. Each statement walks indexes and reads a bounded number of rows. */
export async function readFacts(db: Queryable, subject: Subject, known: boolean): Promise<Facts> {
  const held = await db.query<{ number: string }>(HOLDERS, [subject.cards]);
  const numbers = [...new Set([...subject.subscriptions, ...held.map(({ number }) => number)])];
  const snapshots = [...(await newestSnapshots(db, numbers)).values()];
  const cards = subject.cards.length > 0 ? subject.cards : cardsOf(subject, snapshots);
  const [[clock], provider, intake, knownPairings, requests, events, letters] = await Promise.all([
    db.query<{ now: Date; forgets: boolean }>(NOW),
    providerStatus(db),
    db.query<IntakeFact>(INTAKE),
    db.query<KnownPairingFact>(KNOWN_PAIRINGS, [cards]),
    db.query<RequestFact>(REQUESTS, [cards, COMMANDS, LOOKED_AT]),
    db.query<EventFact>(EVENTS_OF, [numbers, EVENTS]),
    db.query<DeadLetterFact>(DEAD_LETTERS, [numbers, EVENTS]),
  ]);
  const first = requests.findLast(({ phase }) => phase === 'IN_LINE');
  const [ahead] = first === undefined ? [] : await db.query<{ ahead: number }>(AHEAD, [first.number, AHEAD_MAX]);
  const withheld = await db.query<WithheldFact>(WITHHELD, [events.map(({ id }) => id)]);
  return {
    now: clock?.now ?? new Date(),
    known,
    provider,
    intake,
    cards,
    numbers,
    subscriptions: snapshots.toSorted((one, other) => (one.number < other.number ? -1 : 1)),
    knownPairings,
    requests,
    ahead: ahead?.ahead ?? 0,
    events,
    withheld,
    deadLetters: letters,
    cas: [],
    forgets: clock?.forgets === true,
  };
}

/** The cards of a subscription; of an STB, those of its groups. */
function cardsOf({ kind, id }: Subject, snapshots: readonly Subscription[]): string[] {
  const items = snapshots.flatMap(({ number, installedItems }) => installedItems.map((item) => ({ number, ...item })));
  const groupOf = ({ number, distributor }: (typeof items)[number]): string => JSON.stringify([number, distributor]);
  const groups = new Set(items.filter(({ caId }) => caId === id).map(groupOf));
  const cards = items.filter((item) => item.kind === 'SMARTCARD' && (kind !== 'stb' || groups.has(groupOf(item))));
  return [...new Set(cards.flatMap(({ caId }) => caId ?? []))];
}

/** Walks subscription_card's primary key. */
const HOLDERS = /* sql */ `
select subscription_number as number from subscription_card where card = any($1::text[])`;

/** Walks subscription_card's primary key. */
const KNOWN_PAIRINGS = /* sql */ `
select card, subscription_number as subscription, pairing_smartcards as smartcards, pairing_set_top_boxes as "setTopBoxes"
  from subscription_card where card = any($1::text[]) order by card, subscription_number`;

/** Walks retention_pass's primary key. A kind has a row from its first pass on. */
const NOW = /* sql */ `
select now() as now, exists (select from retention_pass where kind in ('requests', 'events')) as forgets`;

/** Reads the few rows of the instances. A report is renewed every 5 s (src/intake/report.ts). */
const INTAKE = /* sql */ `
select problem, since, partitions, reported_at as reported, reported_at >= now() - interval '15 seconds' as alive
  from intake_instance order by reported_at desc limit 100`;

/**
 * Walks request_card and request_further_card's primary key backwards from the newest, and what PROGRESS_JOINS walks.
 * Of a card it reads the commands that decide what the card can show, unfinished requests, and those whose outcome
 * nobody knows. Questions and messages would push these out of the newest ones.
 */
const REQUESTS = /* sql */ `
with newest as materialized (
  select number from (
    select n.number from unnest($1::text[]) own (card)
     cross join lateral (
       select recent.number
         from (select number, type, life_cycle_state, error_code from request
                where cards[1] = own.card order by number desc limit $3::int) recent
        where recent.type in ('ADD_SUBSCRIPTIONS', 'CANCEL_SUBSCRIPTIONS', 'CREATE_PAIRING', 'ADD_TO_EXISTING_PAIRING')
           or recent.error_code = 'OUTCOME_UNKNOWN'
           or (recent.life_cycle_state = 'PENDING' and recent.type not like 'GET%')
        order by recent.number desc limit $2::int) n
    union
    select n.number from unnest($1::text[]) own (card)
     cross join lateral (select number from request_further_card where card = own.card
                          order by number desc limit $2::int) n
    union
    select l.number from unnest($1::text[]) own (card)
     cross join lateral (select number from lane where lane.card = own.card order by number limit $2::int) l
  ) found
)
select r.number, r.command, r.type, r.cards, r.subscription_number as subscription, r.life_cycle_state as state,
       r.submitted_at as submitted, r.executed_at as executed, r.error_code as code, r.error_description as description,
       r.updated_by_user as "updatedBy",
       r.life_cycle_state = 'REJECTED' and coalesce((select a.answer = 'unknown' from attempt a
         where a.request_number = r.number order by a.attempt desc limit 1), false) as doubtful,
       ${PROGRESS_COLUMNS}
  from newest join request r on r.number = newest.number ${PROGRESS_JOINS}
 order by r.number desc`;

/** Walks work's primary key and work_ready. */
const AHEAD = /* sql */ `
select count(*)::int as ahead from (
  select from work own join work w
    on w.waits = 0 and w.token is null and (w.rank, w.ready_at) < (own.rank, own.ready_at) and w.ready_at <= now()
   where own.number = $1::bigint limit $2::int) counted`;

/** Walks inbox_version. */
const EVENTS_OF = /* sql */ `
select i.id, i.subscription_number as subscription, i.subscription_version as version, i.writer_type as type,
       i.action_id as "actionId", i.disposition, i.late, i.topic, i.partition, i.occurred_at as occurred, i.received_at as received
  from unnest($1::text[]) own (number)
 cross join lateral (
   select * from inbox where subscription_number = own.number and disposition in ('PLANNED', 'NOTHING_TO_DO', 'STALE')
    order by subscription_version desc, id desc limit $2::int) i
 order by i.subscription_version desc, i.id desc`;

/** Walks withheld's primary key and inbox's. */
const WITHHELD = /* sql */ `
select w.inbox_id as event, w.subscription_number as subscription, w.type, w.reason, w.smartcard,
       w.service_ca_id as "serviceCaId", w.detail, i.received_at as at
  from withheld w join inbox i on i.id = w.inbox_id
 where w.inbox_id = any($1::bigint[]) order by w.inbox_id desc, w.ordinal limit 500`;

/**
 * A common table `keyed` with the ids of the newest messages that could not be read and have one of these numbers as
 * key. Walks outbox_dead_letter_key and inbox_dead_letter.
 * @param numbers and limit: the parameters with the numbers and with how many of each.
 */
export function keyedLetters(numbers: string, limit: string): string {
  const header = (name: string): string =>
    `convert_from(decode(max(h ->> 1) filter (where h ->> 0 = 'dead-letter-${name}'), 'base64'), 'UTF8')`;
  return /* sql */ `places as materialized (
  select ${header('topic')} as topic, ${header('partition')}::int as partition, ${header('offset')}::bigint as "offset",
         ${header('timestamp')}::timestamptz as at
    from unnest(${numbers}::text[]) own (number)
   cross join lateral (
     select id, headers from outbox
      where kind = 'DEAD_LETTER' and message_key is not null
        and substring(message_key for 100) = substring(convert_to(own.number, 'UTF8') for 100)
        and message_key = convert_to(own.number, 'UTF8')
      order by id desc limit ${limit}::int) o
   cross join lateral jsonb_array_elements(o.headers) h
   group by o.id
), keyed as materialized (
  select i.id from places join inbox i
    on i.disposition = 'DEAD_LETTERED' and i.topic = places.topic and i.partition = places.partition
   and i.message_offset = places."offset" and i.message_timestamp = places.at
)`;
}

/** Walks inbox_dead_letter_subscription, inbox's primary key, and what keyedLetters walks. */
const DEAD_LETTERS = /* sql */ `
with ${keyedLetters('$1', '$2')}, found as (
  select l.id from unnest($1::text[]) own (number)
   cross join lateral (
     select id from inbox
      where disposition = 'DEAD_LETTERED' and subscription_number = own.number and resolved_at is null
      order by id desc limit $2::int) l
  union
  select id from keyed
)
select i.id, i.topic || '[' || i.partition || ']@' || i.message_offset as place, i.dead_letter_reason as reason,
       i.dead_letter_detail as detail, i.received_at as received
  from found join inbox i on i.id = found.id where i.resolved_at is null order by i.id desc`;
