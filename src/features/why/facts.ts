import { providerStatus, type ProviderStatus } from '../../dispatch/provider.ts';
import type { Subscription } from '../../events/crm.generated.ts';
import { newestSnapshots } from '../../identifiers/subscription.ts';
import type { Command, CommandType } from '../../planning/command.ts';
import type { WithheldReason } from '../../planning/types.ts';
import type { Queryable } from '../../platform/database.ts';
import { PHASE, type Phase } from '../../requests/life-cycle.ts';
import type { Subject } from './subject.ts';

/** How many of the newest requests, events and letters are read; what is older changes no finding. */
export const NEWEST = 200;
const EVENTS = 50;
/** How many requests ahead are counted. */
const AHEAD_MAX = 100_000;

/** A request of the subject's cards. */
export interface RequestFact {
  readonly number: number;
  readonly command: Command;
  readonly type: CommandType;
  readonly cards: readonly string[];
  readonly subscription: string | null;
  readonly state: 'PENDING' | 'COMPLETED' | 'REJECTED';
  readonly phase: Phase;
  readonly attempts: number;
  readonly submitted: Date;
  readonly executed: Date | null;
  /** When it may be sent: its date, or the end of its back-off. */
  readonly ready: Date | null;
  readonly code: string | null;
  readonly description: string | null;
  /** What the last attempt of an unfinished request brought. */
  readonly lastCode: string | null;
  readonly lastDescription: string | null;
  /** The request that goes first on one of its cards; null if none does. */
  readonly behind: number | null;
}

export interface EventFact {
  readonly id: number;
  readonly subscription: string;
  readonly version: number;
  readonly type: string;
  readonly actionId: string;
  readonly disposition: 'PLANNED' | 'NOTHING_TO_DO' | 'STALE';
  readonly late: boolean;
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
  readonly provider: ProviderStatus;
  readonly cards: readonly string[];
  readonly subscriptions: readonly Subscription[];
  readonly knownPairings: readonly KnownPairingFact[];
  /** The newest first. */
  readonly requests: readonly RequestFact[];
  /** How many ready requests go before the subject's first one; counted up to 100,000. */
  readonly ahead: number;
  /** The newest version first. */
  readonly events: readonly EventFact[];
  readonly withheld: readonly WithheldFact[];
  readonly deadLetters: readonly DeadLetterFact[];
  /** Empty: the CAS was not asked. */
  readonly cas: readonly CasAnswer[];
}

/** Reads the facts about a subject. Each statement walks indexes and reads a bounded number of rows. */
export async function readFacts(db: Queryable, subject: Subject): Promise<Facts> {
  const held = await db.query<{ number: string }>(HOLDERS, [subject.cards]);
  const numbers = [...new Set([...subject.subscriptions, ...held.map(({ number }) => number)])];
  const snapshots = [...(await newestSnapshots(db, numbers)).values()];
  const cards = subject.cards.length > 0 ? subject.cards : cardsOf(subject, snapshots);
  const [clock, provider, knownPairings, requests, events, letters] = await Promise.all([
    db.query<{ now: Date }>('select now() as now'),
    providerStatus(db),
    db.query<KnownPairingFact>(KNOWN_PAIRINGS, [cards]),
    db.query<RequestFact>(REQUESTS, [cards, NEWEST]),
    db.query<EventFact>(EVENTS_OF, [numbers, EVENTS]),
    readDeadLetters(db, numbers),
  ]);
  const first = requests.findLast(({ phase }) => phase === 'READY');
  const [ahead] = first === undefined ? [] : await db.query<{ ahead: number }>(AHEAD, [first.number, AHEAD_MAX]);
  const withheld = await db.query<WithheldFact>(WITHHELD, [events.map(({ id }) => id)]);
  return {
    now: clock[0]?.now ?? new Date(),
    provider,
    cards,
    subscriptions: snapshots.toSorted((one, other) => (one.number < other.number ? -1 : 1)),
    knownPairings,
    requests,
    ahead: ahead?.ahead ?? 0,
    events,
    withheld,
    deadLetters: letters,
    cas: [],
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

/** The dead letters that name a subscription, and those that could not be read and have its number as key. */
async function readDeadLetters(db: Queryable, numbers: readonly string[]): Promise<DeadLetterFact[]> {
  const keyed = await db.query<{ headers: readonly (readonly [string, string | null])[] }>(KEYED_LETTERS, [
    numbers.map((number) => Buffer.from(number)),
    EVENTS,
  ]);
  const places = keyed.map(({ headers }) => {
    const texts = new Map(headers.map(([name, value]) => [name, Buffer.from(value ?? '', 'base64').toString()]));
    const part = (name: string): string => texts.get(`dead-letter-${name}`) ?? '';
    return { topic: part('topic'), partition: part('partition'), offset: part('offset'), time: part('timestamp') };
  });
  return await db.query<DeadLetterFact>(DEAD_LETTERS, [
    numbers,
    places.map(({ topic }) => topic),
    places.map(({ partition }) => partition),
    places.map(({ offset }) => offset),
    places.map(({ time }) => time),
    EVENTS,
  ]);
}

/** Walks subscription_card's primary key. */
const HOLDERS = /* sql */ `
select distinct subscription_number as number from subscription_card where card = any($1::text[])`;

/** Walks subscription_card's primary key. */
const KNOWN_PAIRINGS = /* sql */ `
select card, subscription_number as subscription, pairing_smartcards as smartcards, pairing_set_top_boxes as "setTopBoxes"
  from subscription_card where card = any($1::text[]) order by card, subscription_number`;

/**
 * Walks request_card and request_further_card's primary key backwards from the newest, then the primary keys of request,
 * work, attempt and lane. A request's attempts are counted in its work row until it is final.
 */
const REQUESTS = /* sql */ `
with newest as materialized (
  select number from (
    select n.number from unnest($1::text[]) own (card)
     cross join lateral (select number from request where cards[1] = own.card order by number desc limit $2::int) n
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
       ${PHASE} as phase,
       coalesce(w.attempts, r.attempts) as attempts, r.submitted_at as submitted, r.executed_at as executed,
       w.ready_at as ready, r.error_code as code, r.error_description as description,
       last.code as "lastCode", last.description as "lastDescription", ahead.number as behind
  from newest join request r on r.number = newest.number
  left join work w on w.number = r.number
  left join lateral (select a.code, a.description from attempt a
                      where w.number is not null and a.request_number = r.number order by a.attempt desc limit 1) last on true
  left join lateral (select min(first.number) as number from unnest(w.cards) own (card)
                      cross join lateral (select l.number from lane l where l.card = own.card order by l.number limit 1) first
                     where w.waits > 0 and first.number < r.number) ahead on true
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
       i.action_id as "actionId", i.disposition, i.late, i.occurred_at as occurred, i.received_at as received
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

/** Walks outbox_dead_letter_key. */
const KEYED_LETTERS = /* sql */ `
select o.headers from unnest($1::bytea[]) own (key)
 cross join lateral (
   select headers from outbox
    where kind = 'DEAD_LETTER' and message_key is not null and substring(message_key for 100) = substring(own.key for 100)
      and message_key = own.key
    order by id desc limit $2::int) o`;

/** Walks inbox_dead_letter_subscription and inbox_dead_letter. */
const DEAD_LETTERS = /* sql */ `
with found as (
  select l.id from unnest($1::text[]) own (number)
   cross join lateral (
     select id from inbox
      where disposition = 'DEAD_LETTERED' and subscription_number = own.number and resolved_at is null
      order by id desc limit $6::int) l
  union
  select i.id from unnest($2::text[], $3::int[], $4::bigint[], $5::timestamptz[]) place (topic, partition, "offset", time)
    join inbox i on i.disposition = 'DEAD_LETTERED' and i.topic = place.topic and i.partition = place.partition
     and i.message_offset = place."offset" and i.message_timestamp = place.time and i.resolved_at is null
)
select i.id, i.topic || '[' || i.partition || ']@' || i.message_offset as place, i.dead_letter_reason as reason,
       i.dead_letter_detail as detail, i.received_at as received
  from found join inbox i on i.id = found.id order by i.id desc`;
