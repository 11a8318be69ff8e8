import type { ActionEvent } from '../../events/action-event.ts';
import type { Database } from '../../platform/database.ts';
import type { Group } from './evaluate.ts';
import { idRange } from '../../platform/id-range.ts';

/** The dispositions that can be selected from the inbox: decided and held events. */
export const SELECTABLE = ['PLANNED', 'NOTHING_TO_DO', 'STALE'] as const;

/** An action in the form that `actionName` returns. */
export const ACTION_NAME = /^[SVI]: [A-Z_]{1,60}$/;

/** Where events come from. Times are ISO 8601; null: no limit. */
export type EventSource =
  | {
      readonly kind: 'inbox';
      /** When the events were received. */
      readonly from: string | null;
      readonly to: string | null;
      readonly disposition: (typeof SELECTABLE)[number] | null;
    }
  | {
      readonly kind: 'kafka';
      readonly topic: string;
      /** Null: all partitions. */
      readonly partition: number | null;
      /** The first offset, and the one after the last; only with a partition. */
      readonly fromOffset: number | null;
      readonly toOffset: number | null;
      readonly from: string | null;
      readonly to: string | null;
    }
  | { readonly kind: 'file'; readonly path: string };

/** Which events of a source; null: no limit. */
export interface EventFilter {
  readonly subscription: string | null;
  /** The CRM's action id. */
  readonly action: string | null;
  /** A family and an action type, `V: ADD_SERVICE`. */
  readonly type: string | null;
}

export type EventSelection = EventFilter & { readonly source: EventSource };

/** Some subscriptions of a selection, each with all its selected events. */
export type GroupPage = readonly Group[];

const FAMILY_LETTERS = { S: 'SUBSCRIPTION', V: 'SERVICE', I: 'INSTALLED_ITEM' } as const;

/** Names an action in the form that people write: `V: ADD_SERVICE`. */
export function actionName(event: ActionEvent): string {
  const letter = event.family === 'SUBSCRIPTION' ? 'S' : event.family === 'SERVICE' ? 'V' : 'I';
  return `${letter}: ${event.writerType}`;
}

/** Returns whether the filter selects the event. */
export function isMeant(event: ActionEvent, { subscription, action, type }: EventFilter): boolean {
  return (
    (subscription === null || event.subscription.number === subscription) &&
    (action === null || event.action.id === action) &&
    (type === null || actionName(event) === type)
  );
}

const INBOX = { table: 'inbox', id: 'id', time: 'received_at' };

const PAGE_SUBSCRIPTIONS = 100;
/** A page has fewer subscriptions if they have many events; a single subscription may exceed this. */
const PAGE_EVENTS = 1_000;

/**
 * Reads the selected rows of the inbox, a page of subscriptions at a time, ordered by number, starting after a cursor.
 * Walks inbox_version, or the primary key within the time range.
 */
export async function* inboxPages(
  db: Database,
  { source, subscription, action, type }: EventSelection & { readonly source: { readonly kind: 'inbox' } },
  after: string | null,
): AsyncGenerator<GroupPage> {
  const times = { from: dateOf(source.from), to: dateOf(source.to) };
  const range = await idRange(db, INBOX, times);
  const [letter, name] = type === null ? [null, null] : [type.slice(0, 1), type.slice(3)];
  const family = letter === null ? null : (FAMILY_LETTERS[letter as keyof typeof FAMILY_LETTERS] ?? letter);
  const bounded = source.from !== null || source.to !== null;
  for (let cursor = after; ;) {
    const rows = await db.query<{ number: string; ids: number[] }>(
      `select subscription_number as number, array_agg(id order by id)::text[] as ids from inbox
       where disposition in ('PLANNED', 'NOTHING_TO_DO', 'STALE')
         and subscription_number > $1 ${bounded ? 'and id between $2 and $3' : 'and $2::bigint <= $3::bigint'}
         and ($4::timestamptz is null or received_at >= $4::timestamptz)
         and ($5::timestamptz is null or received_at < $5::timestamptz)
         and ($6::text is null or disposition = $6) and ($7::text is null or subscription_number = $7)
         and ($8::text is null or action_id = $8) and ($9::text is null or (family = $9 and writer_type = $10))
       group by subscription_number order by subscription_number limit ${PAGE_SUBSCRIPTIONS}`,
      [
        cursor ?? '',
        range.first,
        range.last,
        times.from,
        times.to,
        source.disposition,
        subscription,
        action,
        family,
        name,
      ],
    );
    const groups: Group[] = [];
    let events = 0;
    for (const { number, ids } of rows) {
      if (groups.length > 0 && events + ids.length > PAGE_EVENTS) break;
      groups.push({ number, cursor: number, inboxIds: ids.map(Number), messages: [] });
      events += ids.length;
    }
    cursor = groups.at(-1)?.number ?? null;
    if (cursor === null) return;
    yield groups;
  }
}

/** Returns an upper limit of the number of selected inbox events, for the progress line. */
export async function countInbox(db: Database, source: EventSource & { readonly kind: 'inbox' }): Promise<number> {
  const { first, last } = await idRange(db, INBOX, { from: dateOf(source.from), to: dateOf(source.to) });
  return Math.max(0, last - first + 1);
}

function dateOf(time: string | null): Date | null {
  return time === null ? null : new Date(time);
}
