import { z } from 'zod';
import { instant } from '../../operations/fields.ts';
import { phaseText, showProgress } from '../../operations/shown-request.ts';
import type { Command } from '../../planning/command.ts';
import type { Queryable } from '../../platform/database.ts';
import { type LifeCycleState, PROGRESS_COLUMNS, PROGRESS_JOINS, type RequestProgress } from '../../requests/find.ts';
import { keyedLetters } from './facts.ts';
import type { Subject } from './subject.ts';

/** How many requests and messages a page has, with everything that happened to them. */
const PAGE = 20;

const WHATS = ['event', 'withheld', 'dead letter', 'request', 'attempts', 'outcome', 'operator'] as const;
export const moment = z.strictObject({
  at: instant(),
  what: z.enum(WHATS),
  text: z.string(),
  request: z.int().nullable(),
  event: z.int().nullable().describe('The id that `events show` takes.'),
});
type Moment = Omit<z.output<typeof moment>, 'at'> & { readonly at: Date };

/** Where a page ends: the last request and the last message of it, and when the older of the two came. */
interface Place {
  readonly request: number;
  readonly message: number;
  readonly at: number;
}
const START: Place = { request: Number.MAX_SAFE_INTEGER, message: Number.MAX_SAFE_INTEGER, at: 8.64e15 };
/** What `placeOf` reads. */
export const PLACE = /^\d{1,16}-\d{1,16}-\d{1,16}$/;

/**
 * Reads a page of what happened, the newest first. A page continues where the one before ended, whatever came since. What
 * happened to a request or a message later is on its page.
 * @param after `next` of the page before; null: the first page.
 */
export async function readTimeline(
  db: Queryable,
  of: { readonly kind: Subject['kind']; readonly cards: readonly string[]; readonly numbers: readonly string[] },
  after: string | null,
): Promise<{ readonly moments: z.output<typeof moment>[]; readonly next: string | null }> {
  const from = after === null ? START : placeOf(after);
  // The requests of a subscription's former cards belong to it, and those of its other cards do not belong to a card.
  const whose = of.kind === 'subscription' ? of.numbers : [];
  const [requests, messages] = await Promise.all([
    db.query<Item>(REQUESTS, [of.cards, whose, from.request, PAGE + 1]),
    db.query<Item>(MESSAGES, [of.numbers, from.message, PAGE + 1]),
  ]);
  const page = mergeNewest(requests, messages).slice(0, PAGE);
  const last = (stream: readonly Item[], before: number): number =>
    stream.findLast((one) => page.includes(one))?.id ?? before;
  const to = {
    request: last(requests, from.request),
    message: last(messages, from.message),
    at: page.at(-1)?.at.getTime() ?? from.at,
  };
  const own = (stream: readonly Item[]): number[] => stream.filter((one) => page.includes(one)).map(({ id }) => id);
  const [ofRequests, ofMessages, ofAll] = await Promise.all([
    requestMoments(db, own(requests)),
    messageMoments(db, own(messages)),
    db.query<OperatorRow>(PAUSES, [new Date(to.at), new Date(from.at), PAGE]),
  ]);
  const moments = [...ofRequests, ...ofMessages, ...ofAll.map(operatorMoment)];
  return {
    moments: moments
      .toSorted((one, other) => other.at.getTime() - one.at.getTime() || (other.request ?? 0) - (one.request ?? 0))
      .map(({ at, ...one }) => ({ at: at.toISOString(), ...one })),
    next: requests.length + messages.length > page.length ? `${to.request}-${to.message}-${to.at}` : null,
  };
}

function placeOf(text: string): Place {
  const [request = 0, message = 0, at = 0] = text.split('-').map(Number);
  return { request, message, at };
}

interface Item {
  readonly id: number;
  readonly at: Date;
}

/** Both are in the order of their ids, so that each continues after the last one that was taken. */
function mergeNewest(one: readonly Item[], other: readonly Item[]): Item[] {
  const [a, b] = [one.values().toArray(), other.values().toArray()];
  const merged: Item[] = [];
  for (let next = a[0]; a.length + b.length > 0; next = a[0]) {
    const rival = b[0];
    const takesFirst = next !== undefined && (rival === undefined || next.at >= rival.at);
    merged.push(...(takesFirst ? a : b).splice(0, 1));
  }
  return merged;
}

interface RequestRow extends RequestProgress {
  readonly number: number;
  readonly command: Command;
  readonly state: LifeCycleState;
  readonly submitted: Date;
  readonly executed: Date | null;
  readonly code: string | null;
  readonly description: string | null;
  readonly process: string;
  readonly createdBy: string | null;
  readonly updatedBy: string | null;
  readonly firstTry: Date | null;
  readonly lastTry: Date | null;
  /** What the last try that did not succeed brought. */
  readonly error: string | null;
  readonly published: Date | null;
  readonly hasOutcome: boolean;
}

async function requestMoments(db: Queryable, numbers: readonly number[]): Promise<Moment[]> {
  if (numbers.length === 0) return [];
  const [requests, operators] = await Promise.all([
    db.query<RequestRow>(REQUEST_ROWS, [numbers]),
    db.query<OperatorRow>(OPERATORS, [numbers]),
  ]);
  return [...requests.flatMap(momentsOf), ...operators.map(operatorMoment)];
}

function momentsOf(row: RequestRow): Moment[] {
  const { number, command, state, submitted, executed, code, description, attempts, firstTry, lastTry } = row;
  const about = { request: number, event: null };
  const name = `${command.type}${'service' in command ? ` of service ${command.service.caId}` : ''} (request ${number})`;
  const by = row.createdBy === null ? row.process : `${row.process}, ${row.createdBy}`;
  const phase = state === 'PENDING' ? `: ${phaseText(showProgress(row))}` : '';
  const moments: Moment[] = [{ at: submitted, what: 'request', text: `${name} by ${by}${phase}`, ...about }];
  if (lastTry !== null && (attempts > 1 || state === 'PENDING')) {
    const times = attempts === 1 ? '1 attempt' : `${attempts} attempts in ${durationOf(firstTry ?? lastTry, lastTry)}`;
    const error = row.error === null ? '' : `, last error ${row.error}`;
    moments.push({ at: lastTry, what: 'attempts', text: `${times} of request ${number}${error}`, ...about });
  }
  if (executed === null) return moments;
  if (code === 'WITHDRAWN') {
    moments.push({
      at: executed,
      what: 'operator',
      text: `${row.updatedBy ?? 'The service'} withdrew request ${number}`,
      ...about,
    });
  }
  const why = code === null ? '' : `, ${[code, description].filter(Boolean).join(': ')}`;
  const published = row.published === null ? ', outcome not published yet' : '';
  const text = `${name}: ${state}${why}${row.hasOutcome ? published : ''}`;
  return [...moments, { at: executed, what: 'outcome', text, ...about }];
}

interface MessageRow {
  readonly id: number;
  readonly at: Date;
  readonly type: string | null;
  readonly version: number | null;
  readonly subscription: string | null;
  readonly disposition: string;
  readonly late: boolean;
  readonly reason: string | null;
  readonly place: string;
  readonly resolution: string | null;
  readonly resolved: Date | null;
}
interface WithheldRow {
  readonly event: number;
  readonly at: Date;
  readonly type: string;
  readonly reason: string;
  readonly detail: string;
}
interface OutcomeRow {
  readonly event: number;
  readonly at: Date;
  readonly action: string;
  readonly outcome: string;
  readonly published: Date | null;
}

async function messageMoments(db: Queryable, ids: readonly number[]): Promise<Moment[]> {
  if (ids.length === 0) return [];
  const [messages, withheld, outcomes] = await Promise.all([
    db.query<MessageRow>(MESSAGE_ROWS, [ids]),
    db.query<WithheldRow>(WITHHELD, [ids]),
    db.query<OutcomeRow>(ACTION_OUTCOMES, [ids]),
  ]);
  return [
    ...messages.flatMap(({ id, at, resolution, resolved, ...row }): Moment[] => {
      const about = { request: null, event: id };
      const text =
        row.disposition === 'DEAD_LETTERED'
          ? `${row.reason ?? 'unreadable'} at ${row.place} (event ${id})`
          : `${row.type}, version ${row.version} of ${row.subscription}: ${row.disposition}${row.late ? ', late' : ''} (event ${id})`;
      const came: Moment = { at, what: row.disposition === 'DEAD_LETTERED' ? 'dead letter' : 'event', text, ...about };
      if (resolution === null || resolved === null) return [came];
      return [came, { at: resolved, what: 'operator', text: `Event ${id} was ${resolution}`, ...about }];
    }),
    ...withheld.map(({ event, at, type, reason, detail }): Moment => ({
      at,
      what: 'withheld',
      text: `${type}: ${reason}. ${detail} (event ${event})`,
      request: null,
      event,
    })),
    ...outcomes.map(({ event, at, action, outcome, published }): Moment => ({
      at,
      what: 'outcome',
      text: `Action ${action}: ${outcome}${published === null ? ', not published yet' : ''}`,
      request: null,
      event,
    })),
  ];
}

interface OperatorRow {
  readonly at: Date;
  readonly action: 'provider.pause' | 'provider.resume' | 'requests.process';
  readonly by: string;
  readonly request: number | null;
  readonly detail: string | null;
}

function operatorMoment({ at, action, by, request, detail }: OperatorRow): Moment {
  const did = {
    'provider.pause': `paused sending to the CAS: ${detail}`,
    'provider.resume': 'resumed sending to the CAS',
    'requests.process': `sent request ${request} before others`,
  }[action];
  return { at, what: 'operator', text: `${by} ${did}`, request, event: null };
}

const UNITS = [
  [86_400_000, 'd'],
  [3_600_000, 'h'],
  [60_000, 'min'],
  [1_000, 's'],
] as const;

function durationOf(from: Date, to: Date): string {
  const ms = Math.max(to.getTime() - from.getTime(), 0);
  const [size, unit] = UNITS.find(([unitMs]) => ms >= 2 * unitMs) ?? [1_000, 's'];
  return `${Math.ceil(ms / size)} ${unit}`;
}

/** Walks request_card, request_further_card's primary key and request_subscription backwards from a number. */
const REQUESTS = /* sql */ `
select r.number as id, r.submitted_at as at from (
  select n.number from unnest($1::text[]) own (card)
   cross join lateral (select number from request where cards[1] = own.card and number < $3::bigint
                        order by number desc limit $4::int) n
  union
  select n.number from unnest($1::text[]) own (card)
   cross join lateral (select number from request_further_card where card = own.card and number < $3::bigint
                        order by number desc limit $4::int) n
  union
  select n.number from unnest($2::text[]) own (number)
   cross join lateral (select number from request where subscription_number = own.number and number < $3::bigint
                        order by number desc limit $4::int) n
) found join request r on r.number = found.number
 order by r.number desc limit $4::int`;

/**
 * Walks inbox_version for the ids of a subscription's events, inbox_dead_letter_subscription backwards from an id, and
 * outbox_dead_letter_key for the messages that could not be read and have the subscription's number as key.
 */
const MESSAGES = /* sql */ `
with ${keyedLetters('$1', '$3')}
select i.id, i.received_at as at from (
  select n.id from unnest($1::text[]) own (number)
   cross join lateral (select id from inbox where subscription_number = own.number
                          and disposition in ('PLANNED', 'NOTHING_TO_DO', 'STALE') and id < $2::bigint
                        order by id desc limit $3::int) n
  union
  select n.id from unnest($1::text[]) own (number)
   cross join lateral (select id from inbox where disposition = 'DEAD_LETTERED' and subscription_number = own.number
                          and id < $2::bigint order by id desc limit $3::int) n
  union
  select id from keyed where id < $2::bigint
) found join inbox i on i.id = found.id
 order by i.id desc limit $3::int`;

/** Walks request's primary key, what PROGRESS_JOINS walks, attempt's primary key from both ends, and outbox_request. */
const REQUEST_ROWS = /* sql */ `
select r.number, r.command, r.life_cycle_state as state, r.submitted_at as submitted, r.executed_at as executed,
       r.error_code as code, r.error_description as description, r.process_name as process,
       r.created_by_user as "createdBy", r.updated_by_user as "updatedBy",
       (select a.started_at from attempt a where a.request_number = r.number order by a.attempt limit 1) as "firstTry",
       (select a.started_at from attempt a where a.request_number = r.number order by a.attempt desc limit 1) as "lastTry",
       (select concat_ws(': ', a.code, a.description) from attempt a
         where a.request_number = r.number and a.code is not null order by a.attempt desc limit 1) as error,
       outcome.published, outcome.published is not null or outcome.waits is not null as "hasOutcome",
       ${PROGRESS_COLUMNS}
  from request r ${PROGRESS_JOINS}
  left join lateral (select max(o.published_at) as published, max(o.id) filter (where o.published_at is null) as waits
                       from outbox o where o.request_number = r.number and o.kind = 'REQUEST_OUTCOME') outcome on true
 where r.number = any($1::bigint[])`;

/** Walks inbox's primary key. */
const MESSAGE_ROWS = /* sql */ `
select id, received_at as at, writer_type as type, subscription_version as version, subscription_number as subscription,
       disposition, late, dead_letter_reason as reason, topic || '[' || partition || ']@' || message_offset as place,
       resolution, resolved_at as resolved
  from inbox where id = any($1::bigint[])`;

/** Walks withheld's primary key and inbox's. */
const WITHHELD = /* sql */ `
select w.inbox_id as event, i.received_at as at, w.type, w.reason, w.detail
  from withheld w join inbox i on i.id = w.inbox_id where w.inbox_id = any($1::bigint[]) order by w.inbox_id, w.ordinal`;

/** Walks inbox's primary key and outbox_action. An outcome is shown once, with the last message of its action. */
const ACTION_OUTCOMES = /* sql */ `
select i.event, o.created_at as at, coalesce(o.record ->> 'actionNumber', i.action) as action,
       o.record ->> 'outcome' as outcome, o.published_at as published
  from (select max(id) as event, action_id as action, subscription_number as number
          from inbox where id = any($1::bigint[]) and action_id is not null group by 2, 3) i
  join outbox o on o.action_id = i.action and o.kind = 'ACTION_OUTCOME' and o.record ->> 'subscriptionNumber' = i.number`;

/** Walks operator_action_request. */
const OPERATORS = /* sql */ `
select at, action, by_user as by, request_number as request, detail
  from operator_action where request_number = any($1::bigint[])`;

/** Walks operator_action_all. */
const PAUSES = /* sql */ `
select at, action, by_user as by, request_number as request, detail
  from operator_action where request_number is null and at >= $1 and at < $2 order by at desc limit $3`;
