import { CLOCK_IS_TRUSTED } from '../platform/clock-watch.ts';
import type { Queryable } from '../platform/database.ts';
import type { Command } from '../planning/command.ts';
import { CLASS, NEW_RANKS, RANKS } from './request-class.ts';

/**
 * The doubt that an earlier try left about a pairing command (R8). Either its answer could not be read, or the CAS
 * refused it and was not yet asked about its present pairing.
 */
export type Doubt =
  | { readonly kind: 'unknown' }
  | { readonly kind: 'refused'; readonly code: string; readonly description: string; readonly review: boolean };

/** A request that this instance holds until its lease runs out. */
export interface ClaimedRequest {
  readonly number: number;
  readonly id: string;
  /** Identifies this claim. Every later write about the request repeats it, and does nothing if it has changed. */
  readonly token: string;
  readonly command: Command;
  readonly cards: readonly string[];
  /** Its class (request-class.ts); raised if others wait for it. */
  readonly class: number;
  /** How long it could have been claimed before, in milliseconds. */
  readonly readyForMs: number;
  /** When it was submitted, or its date came if that is later, by `performance.now()`. */
  readonly dueSince: number;
  /** SOAP calls stored so far, and how often the request was put off. */
  readonly attempts: number;
  readonly retries: number;
  /** Whether the last holder's lease ran out, so that nobody knows what it did. `doubt` keeps that for good. */
  readonly reclaimed: boolean;
  readonly doubt: Doubt | null;
  /** When a message or fingerprint was marked as leaving; set only if no result of that was stored. */
  readonly sentAt: Date | null;
  readonly sealedPin: Buffer | null;
  readonly subscriptionNumber: string | null;
  readonly actionId: string | null;
  /** W3C trace context of what made it; null if there is none. */
  readonly traceparent: string | null;
}

export interface ClaimOptions {
  /** The maximum number, 0-1,000. */
  readonly limit: number;
  /** A UUID only for this claim. */
  readonly token: string;
  readonly leaseMs: number;
  /** Claims although the breaker is open, for the one instance that holds its probe. */
  readonly probing?: boolean;
  /** Only requests of these classes (request-class.ts), from the first to the last; default: all. */
  readonly classes?: readonly [first: number, last: number];
  /** Numbers to leave to other instances; default: none. */
  readonly except?: readonly number[];
}

/**
 * Claims requests that may be sent now and that nobody is ahead of, class by class (R13). In each class due retries and
 * lapsed leases go before new requests, and the longest waiting first.
 *
 * Claims nothing while the provider is paused or its breaker is open, and no lapsed lease while the clock is not
 * trusted (clock-watch.ts). Never waits for a lock.
 */
export async function claimRequests(db: Queryable, options: ClaimOptions): Promise<ClaimedRequest[]> {
  const { limit, token, leaseMs, probing = false, classes = [CLASS.EXPRESS, CLASS.BULK], except = [] } = options;
  const [first, last] = classes;
  const rows = await db.query<Omit<ClaimedRequest, 'dueSince'> & { dueForMs: number }>(CLAIM, [
    limit,
    token,
    leaseMs,
    probing,
    first * 2,
    last * 2 + 1,
    except,
  ]);
  const claimedAt = performance.now();
  return rows.map(({ dueForMs, ...row }) => ({ ...row, dueSince: claimedAt - dueForMs }));
}

/** Selects from one rank what the ranks before it left of the limit. */
function pick(rank: number): string {
  const mayBeLeased = !NEW_RANKS.includes(rank);
  const taken = RANKS.filter((before) => before < rank).map((before) => ` - (select count(*) from rank${before})`);
  return `rank${rank} as (
  select number, token is not null as reclaimed, ready_at from work
   where waits = 0 and rank = ${rank} and ready_at <= now() and number <> all($7::bigint[])${mayBeLeased ? ' and (token is null or (select trusted from clock_now))' : ''}
   order by ready_at
   limit case when ${rank} between $5::int and $6::int then (select slots from open)${taken.join('')} else 0 end
     for update skip locked)`;
}

/**
 * Walks work_ready once per rank, from its oldest entry up to the limit. Blocked, scheduled, leased and finished
 * requests are outside the range, so the cost does not grow with the backlog. A rank whose limit is 0 is not scanned.
 * `any(array(...))` keeps the planner at the primary key, whatever it estimates for the limits.
 */
const CLAIM = /* sql */ `
with open as materialized (
  select case when exists (
           select from provider
            where name = 'conax' and not paused and (breaker_open_until is null or $4::boolean)
         ) then $1::int else 0 end as slots
), clock_now as materialized (
  select ${CLOCK_IS_TRUSTED} as trusted
), ${RANKS.map(pick).join(', ')},
picked as materialized (
  ${RANKS.map((rank) => `select number, reclaimed, ready_at from rank${rank}`).join(' union all ')}
), claimed as (
  update work w
     set token = $2::uuid, ready_at = now() + $3::float8 * interval '1 millisecond', rank = w.rank & ~1::smallint,
         doubt = case when w.token is null then w.doubt else coalesce(w.doubt, '{"kind":"unknown"}') end
   where w.number = any (array(select number from picked))
  returning w.number, w.rank, w.attempts, w.retries, w.doubt, w.sent_at, w.cards
)
select c.number, upper(replace(r.id::text, '-', '')) as id, $2::text as token, r.command, c.cards,
       c.rank >> 1 as class, (extract(epoch from now() - p.ready_at) * 1000)::float8 as "readyForMs",
       (extract(epoch from now() - greatest(r.submitted_at, r.scheduled_at)) * 1000)::float8 as "dueForMs", c.attempts, c.retries, p.reclaimed, c.doubt, c.sent_at as "sentAt",
       (select sealed from request_pin where request_number = c.number) as "sealedPin", r.subscription_number as "subscriptionNumber", r.action_id as "actionId",
       r.traceparent
  from claimed c
  cross join lateral (select * from request where number = c.number offset 0) r
  join picked p on p.number = c.number
 order by c.rank, c.number`;

/** A claim that its holder renews or writes about. */
export interface Held {
  readonly number: number;
  readonly token: string;
}

/** Returns a key of a claim. The same instance may claim a request again once its lease has run out. */
export function claimKey({ number, token }: Held): string {
  return `${number} ${token}`;
}

/**
 * Renews leases in one statement and returns the numbers still held. The others are final, or another instance has
 * them, and the caller must drop them. Walks work's primary key.
 */
export async function renewLeases(db: Queryable, held: readonly Held[], leaseMs: number): Promise<number[]> {
  if (held.length === 0) return [];
  const rows = await db.query<{ number: number }>(RENEW, [...heldColumns(held), leaseMs]);
  return rows.map(({ number }) => number);
}

const RENEW = /* sql */ `
update work w set ready_at = now() + $3::float8 * interval '1 millisecond'
  from unnest($1::bigint[], $2::uuid[]) held (number, token)
 where w.number = any (array[held.number]) and w.token = held.token
returning w.number`;

/** Returns the present classes of claimed requests; others may have raised them since. Walks work's primary key. */
export async function readClasses(db: Queryable, numbers: readonly number[]): Promise<Map<number, number>> {
  const rows = await db.query<{ number: number; class: number }>(
    'select number, rank >> 1 as class from work where number = any($1::bigint[])',
    [numbers],
  );
  return new Map(rows.map((row) => [row.number, row.class]));
}

/**
 * Marks messages and fingerprints as leaving before they are sent. A mark without an outcome means that the command may
 * have been shown. Returns the numbers still held; the caller must not send the others, and sends only after the
 * commit. Walks work's primary key.
 */
export async function markSent(db: Queryable, held: readonly Held[]): Promise<number[]> {
  const rows = await db.query<{ number: number }>(MARK_SENT, heldColumns(held));
  return rows.map(({ number }) => number);
}

const MARK_SENT = /* sql */ `
update work w set sent_at = now()
  from unnest($1::bigint[], $2::uuid[]) held (number, token)
 where w.number = any (array[held.number]) and w.token = held.token
returning w.number`;

/** Returns two columns for `unnest`, in the order in which rows are locked everywhere. */
export function heldColumns(held: readonly Held[]): [number[], string[]] {
  const sorted = held.toSorted((a, b) => a.number - b.number);
  return [sorted.map(({ number }) => number), sorted.map(({ token }) => token)];
}
