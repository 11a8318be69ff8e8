import type { Database } from '../platform/database.ts';
import type { CommandType } from '../planning/command.ts';
import { REFERENCE_KEY_CHARACTERS } from './finish.ts';
import { storable } from './storable.ts';
import { type LifeCycleState, lastTry, type ProvisioningRequest, REQUEST_COLUMNS } from './find.ts';

/** The maximum size of a page, and the maximum offset from where counting starts. */
export const LIST_LIMITS = { limit: 1_000, offset: 100_000 } as const;

/** A page that takes longer is cancelled; on a healthy database none takes a tenth of it. */
const STATEMENT_TIMEOUT_MS = 5_000;

export type ListFilter =
  | { readonly type: CommandType }
  | { readonly lifeCycleState: LifeCycleState }
  | { readonly referenceNumber: string };

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
 * Lists a page of the requests of a type, in a life cycle state, or with a reference number. The time depends on the
 * page, not on the table.
 * @throws RangeError if limit, offset or after is out of range.
 */
export async function listRequests(db: Database, options: ListOptions): Promise<ProvisioningRequest[]> {
  const { filter, limit, offset = 0, after = null, first = 'oldest', bodies = true } = options;
  inRange('limit', limit, 1, LIST_LIMITS.limit);
  inRange('offset', offset, 0, LIST_LIMITS.offset);
  if (after !== null) inRange('after', after, 0, Number.MAX_SAFE_INTEGER);
  const newest = first === 'newest';
  const from = after ?? (newest ? Number.MAX_SAFE_INTEGER : 0);
  const { walk, value } = walkOf(filter);
  return await db.transaction(async (tx) => {
    await tx.query(`set local statement_timeout = ${STATEMENT_TIMEOUT_MS}`);
    return await tx.query<ProvisioningRequest>(PAGES[walk][newest ? 'newest' : 'oldest'], [
      from,
      limit,
      offset,
      bodies,
      ...value,
    ]);
  });
}

function inRange(name: string, value: number, min: number, max: number): void {
  if (Number.isInteger(value) && value >= min && value <= max) return;
  const remedy = name === 'offset' ? '; further on, give the last number of the page before as after' : '';
  throw new RangeError(`${name} is ${value}: it has to be a whole number from ${min} to ${max}${remedy}`);
}

type Walk = 'type' | 'pending' | 'final' | 'reference' | 'longReference';

function walkOf(filter: ListFilter): { walk: Walk; value: string[] } {
  if ('type' in filter) return { walk: 'type', value: [filter.type] };
  if ('referenceNumber' in filter) {
    const whole = Array.from(filter.referenceNumber).length < REFERENCE_KEY_CHARACTERS;
    return { walk: whole ? 'reference' : 'longReference', value: [storable(filter.referenceNumber)] };
  }
  return filter.lifeCycleState === 'PENDING'
    ? { walk: 'pending', value: [] }
    : { walk: 'final', value: [filter.lifeCycleState] };
}

/** The sources of the numbers; each walks one index from the start of the page. */
const WALKS = {
  /** request_type */
  type: { from: 'request p', where: 'p.type = $5::text' },
  /** work's primary key: exactly one row per unfinished request */
  pending: { from: 'work p', where: 'true' },
  /** request_final's primary key */
  final: { from: 'request_final p', where: 'p.state = $5::text' },
  /** request_final_reference */
  reference: { from: 'request_final p', where: 'p.reference_key = $5::text' },
  /** The same; the rest of a long number is compared on the request. */
  longReference: {
    from: 'request_final p join request whole on whole.number = p.number',
    where: `p.reference_key = left($5::text, ${REFERENCE_KEY_CHARACTERS}) and whole.reference_number = $5::text`,
  },
} as const satisfies Record<Walk, { from: string; where: string }>;

function page({ from, where }: { from: string; where: string }, newest: boolean): string {
  const [beyond, order] = newest ? ['<', 'desc'] : ['>', 'asc'];
  return /* sql */ `
with page as materialized (
  select p.number from ${from} where ${where} and p.number ${beyond} $1::bigint
   order by p.number ${order} limit $2::int offset $3::int
)
select ${REQUEST_COLUMNS}
  from page join request r on r.number = page.number ${lastTry('$4::boolean')}
 order by page.number ${order}`;
}

const PAGES = Object.fromEntries(
  Object.entries(WALKS).map(([walk, parts]) => [walk, { oldest: page(parts, false), newest: page(parts, true) }]),
) as Record<Walk, Record<'oldest' | 'newest', string>>;
