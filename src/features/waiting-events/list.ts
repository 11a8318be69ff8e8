import type { Queryable } from '../../platform/database.ts';
import { idRange } from '../../platform/id-range.ts';
import { type RowOf, shownRow } from '../../operations/fields.ts';
import { EVENT_COLUMNS, type StoredEvent } from './stored.ts';

/** How many messages a page without card and subscription looks at for those that fit. */
const LOOKED_MAX = 20_000;

/** Which messages, of any disposition: those that fit all of it. */
export interface EventPage {
  readonly disposition?: StoredEvent['disposition'] | undefined;
  readonly subscription?: string | undefined;
  /** A card that their subscription holds or held. */
  readonly card?: string | undefined;
  /** When they were received. */
  readonly since?: Date | undefined;
  readonly until?: Date | undefined;
  /** Only messages before this id. */
  readonly before?: number | undefined;
  readonly limit: number;
}

/** A page of messages, and `before` of the next page; null after the last page. */
export interface ListedEvents {
  readonly events: readonly StoredEvent[];
  readonly next: number | null;
}

/**
 * Lists messages, the newest first. With a subscription or a card the time depends on how many messages these have,
 * otherwise on the page. A page that is not full has a next one if it looked at LOOKED_MAX messages.
 */
export async function listEvents(db: Queryable, page: EventPage): Promise<ListedEvents> {
  const { disposition = null, subscription, card, since = null, until = null, before, limit } = page;
  const bounds = await idRange(db, INBOX, { from: since, to: until });
  const last = before === undefined ? bounds.last : Math.min(before - 1, bounds.last);
  const filter = [bounds.first, last, since, until, disposition, limit];
  const isNarrow = subscription !== undefined || card !== undefined;
  const rows = isNarrow
    ? await db.query<RowOf<StoredEvent>>(OF_SUBSCRIPTIONS, [...filter, await subscriptionsOf(db, subscription, card)])
    : await db.query<RowOf<StoredEvent>>(OF_ALL, [...filter, LOOKED_MAX]);
  const events = rows.map((row) => shownRow<StoredEvent>(row));
  if (events.length === limit) return { events, next: events.at(-1)?.id ?? null };
  if (isNarrow) return { events, next: null };
  const [looked] = await db.query<{ to: number | null; count: number }>(LOOKED, [bounds.first, last, LOOKED_MAX]);
  return { events, next: looked?.count === LOOKED_MAX ? looked.to : null };
}

const INBOX = { table: 'inbox', id: 'id', time: 'received_at' };

async function subscriptionsOf(db: Queryable, subscription?: string, card?: string): Promise<string[]> {
  if (card === undefined) return subscription === undefined ? [] : [subscription];
  const holders = await db.query<{ number: string }>(HOLDERS, [card]);
  const numbers = [...new Set(holders.map(({ number }) => number))];
  return numbers.filter((number) => subscription === undefined || number === subscription);
}

/** Walks the primary keys of subscription_card and past_card. */
const HOLDERS = /* sql */ `
select subscription_number as number from subscription_card where card = $1
union all select subscription_number from past_card where card = $1`;

const FITS = /* sql */ `
    ($3::timestamptz is null or i.received_at >= $3) and ($4::timestamptz is null or i.received_at < $4)
   and ($5::text is null or i.disposition = $5)`;

/** Walks inbox's primary key backwards until the page is full. */
const OF_ALL = /* sql */ `
select ${EVENT_COLUMNS}
  from (select * from inbox where id between $1::bigint and $2::bigint order by id desc limit $7::int) i
 where ${FITS}
 order by id desc limit $6::int`;

/** Walks inbox's primary key. */
const LOOKED = /* sql */ `
select min(id) as to, count(*)::int as count
  from (select id from inbox where id between $1::bigint and $2::bigint order by id desc limit $3::int) looked`;

/** Walks inbox_version, inbox_dead_letter_subscription and inbox's primary key. A duplicate is in none of them. */
const OF_SUBSCRIPTIONS = /* sql */ `
with own as materialized (
  select l.id from unnest($7::text[]) own (number)
   cross join lateral (
     select id from inbox
      where subscription_number = own.number and disposition in ('PLANNED', 'NOTHING_TO_DO', 'STALE')
     union all
     select id from inbox where subscription_number = own.number and disposition = 'DEAD_LETTERED') l
   where l.id between $1::bigint and $2::bigint
   order by l.id desc
)
select ${EVENT_COLUMNS}
  from own cross join lateral (select * from inbox where id = own.id offset 0) i
 where ${FITS}
 order by i.id desc limit $6::int`;
