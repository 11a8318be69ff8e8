import type { Database } from '../platform/database.ts';
import { idRange } from '../platform/id-range.ts';
import type { CommandType } from '../planning/command.ts';
import { REFERENCE_KEY_CHARACTERS } from './finish.ts';
import { storable } from './storable.ts';
import { type LifeCycleState, type ProvisioningRequest, REQUEST_COLUMNS, requestJoins } from './find.ts';

/** The maximum size of a page, and the maximum offset from where counting starts. */
export const LIST_LIMITS = { limit: 1_000, offset: 100_000 } as const;

/** A page that takes longer is cancelled; on a healthy database none takes a tenth of it. */
const STATEMENT_TIMEOUT_MS = 5_000;

/** Which requests: those that fit all of it. */
export interface ListFilter {
  readonly type?: CommandType | undefined;
  readonly lifeCycleState?: LifeCycleState | undefined;
  readonly referenceNumber?: string | undefined;
  readonly subscription?: string | undefined;
  /** A smart card that the command touches. */
  readonly card?: string | undefined;
  /** The error code of a REJECTED request. */
  readonly code?: string | undefined;
  /** When it was submitted. */
  readonly since?: Date | undefined;
  readonly until?: Date | undefined;
}

export interface ListOptions {
  readonly filter: ListFilter;
  /** 1 to `LIST_LIMITS.limit`. */
  readonly limit: number;
  /** How many requests to skip first, 0 to `LIST_LIMITS.offset`; default 0. Each of them is read. */
  readonly offset?: number;
  /** Starts after this number, the last one of the previous page. Any depth takes the same time. */
  readonly after?: number | null;
  /**
   * Default `oldest`: ascending by number, which is the order of submission. New requests do not change these pages.
   */
  readonly first?: 'oldest' | 'newest';
  /** Whether to read the SOAP bodies, which may have 128 Ki characters per request; default true. */
  readonly bodies?: boolean;
}

/**
 * Lists a page of requests. One part of the filter has an index that is walked from the start of the page; the other
 * parts are compared with what it finds. With one part, the time depends on the page, not on the table.
 * @throws RangeError if limit, offset or after is out of range.
 */
export async function listRequests(db: Database, options: ListOptions): Promise<ProvisioningRequest[]> {
  const { filter, limit, offset = 0, after = null, first = 'oldest', bodies = true } = options;
  inRange('limit', limit, 1, LIST_LIMITS.limit);
  inRange('offset', offset, 0, LIST_LIMITS.offset);
  if (after !== null) inRange('after', after, 0, Number.MAX_SAFE_INTEGER);
  const newest = first === 'newest';
  const { walk, value, rest } = walkOf(filter);
  const { since = null, until = null } = filter;
  const times = { from: since, to: until };
  const within = since === null && until === null ? EVERYTHING : await idRange(db, REQUEST_TIMES, times);
  const beyond = after ?? (newest ? Number.MAX_SAFE_INTEGER : 0);
  const from = newest ? Math.min(beyond, within.last + 1) : Math.max(beyond, within.first - 1);
  const others = [rest.type, rest.lifeCycleState, rest.subscription, rest.code, since, until, rest.card].map(
    (one) => one ?? null,
  );
  return await db.transaction(async (tx) => {
    await tx.query(`set local statement_timeout = ${STATEMENT_TIMEOUT_MS}`);
    return await tx.query<ProvisioningRequest>(PAGES[walk][newest ? 'newest' : 'oldest'], [
      from,
      limit,
      offset,
      bodies,
      value,
      newest ? within.first : within.last,
      others.some((one) => one !== null),
      ...others,
    ]);
  });
}

/** How numbers and times of requests belong together. */
export const REQUEST_TIMES = { table: 'request', id: 'number', time: 'submitted_at' };
const EVERYTHING = { first: 0, last: Number.MAX_SAFE_INTEGER - 1 };

function inRange(name: string, value: number, min: number, max: number): void {
  if (Number.isInteger(value) && value >= min && value <= max) return;
  const remedy = name === 'offset' ? '; further on, give the last number of the page before as after' : '';
  throw new RangeError(`${name} is ${value}: it has to be a whole number from ${min} to ${max}${remedy}`);
}

type Walk = 'card' | 'subscription' | 'type' | 'pending' | 'final' | 'reference' | 'longReference' | 'all';

/** Returns the most selective part that has an index, and the other parts. */
function walkOf(filter: ListFilter): { walk: Walk; value: string | null; rest: ListFilter } {
  const { referenceNumber, card, subscription, code, type, lifeCycleState: state } = filter;
  if (referenceNumber !== undefined) {
    const whole = Array.from(referenceNumber).length < REFERENCE_KEY_CHARACTERS;
    return { walk: whole ? 'reference' : 'longReference', value: storable(referenceNumber), rest: filter };
  }
  if (card !== undefined) return { walk: 'card', value: card, rest: { ...filter, card: undefined } };
  if (subscription !== undefined) {
    return { walk: 'subscription', value: subscription, rest: { ...filter, subscription: undefined } };
  }
  const withoutState = { ...filter, lifeCycleState: undefined };
  if (state === 'PENDING') return { walk: 'pending', value: null, rest: withoutState };
  // Nothing else has a code.
  if (state === 'REJECTED' || (state === undefined && code !== undefined)) {
    return { walk: 'final', value: 'REJECTED', rest: withoutState };
  }
  if (type !== undefined) return { walk: 'type', value: type, rest: { ...filter, type: undefined } };
  if (state !== undefined) return { walk: 'final', value: state, rest: withoutState };
  return { walk: 'all', value: null, rest: filter };
}

/** The sources of the numbers; each walks one index from the start of the page. */
const WALKS = {
  /** request_card, merged with request_further_card's primary key */
  card: {
    from: `(select cards[1] as card, number from request
            union all
            select card, number from request_further_card) p`,
    where: 'p.card = $5::text',
  },
  /** request_subscription */
  subscription: { from: 'request p', where: 'p.subscription_number = $5::text' },
  /** request_type */
  type: { from: 'request p', where: 'p.type = $5::text' },
  /** work's primary key: exactly one row per unfinished request */
  pending: { from: 'work p', where: '$5::text is null' },
  /** request_final's primary key */
  final: { from: 'request_final p', where: 'p.state = $5::text' },
  /** request_final_reference */
  reference: { from: 'request_final p', where: 'p.reference_key = $5::text' },
  /** The same; the rest of a long number is compared on the request. */
  longReference: {
    from: 'request_final p join request whole on whole.number = p.number',
    where: `p.reference_key = left($5::text, ${REFERENCE_KEY_CHARACTERS}) and whole.reference_number = $5::text`,
  },
  /** request's primary key */
  all: { from: 'request p', where: '$5::text is null' },
} as const satisfies Record<Walk, { from: string; where: string }>;

/**
 * The other parts of the filter are compared by request's primary key, if there are any. It is no EXISTS, which PostgreSQL
 * may answer from a hash of the whole table.
 */
function page({ from, where }: { from: string; where: string }, newest: boolean): string {
  const [beyond, order, within] = newest ? ['<', 'desc', '>='] : ['>', 'asc', '<='];
  return /* sql */ `
with page as materialized (
  select p.number from ${from}
   where ${where} and p.number ${beyond} $1::bigint and p.number ${within} $6::bigint
     and (not $7::boolean or (
       select ($8::text is null or e.type = $8) and ($9::text is null or e.life_cycle_state = $9)
          and ($10::text is null or e.subscription_number = $10) and ($11::text is null or e.error_code = $11)
          and ($12::timestamptz is null or e.submitted_at >= $12) and ($13::timestamptz is null or e.submitted_at < $13)
          and ($14::text is null or e.cards @> array[$14])
         from request e where e.number = p.number))
   order by p.number ${order} limit $2::int offset $3::int
)
select ${REQUEST_COLUMNS}
  from page join request r on r.number = page.number ${requestJoins('$4::boolean')}
 order by page.number ${order}`;
}

const PAGES = Object.fromEntries(
  Object.entries(WALKS).map(([walk, parts]) => [walk, { oldest: page(parts, false), newest: page(parts, true) }]),
) as Record<Walk, Record<'oldest' | 'newest', string>>;
