import type { Queryable, Transaction } from '../platform/database.ts';
import { DISPATCH_CHANNEL } from '../requests/request-class.ts';

/**
 * The breaker that all instances share, in the provider's row.
 *
 * Closed, it counts calls in a row that did not reach the CAS or had no readable answer. At the threshold it opens, and
 * nothing is claimed. When its time is over it is half-open: one instance at a time holds the probe and sends one
 * request. A call that reaches the CAS closes it. A call that does not opens it again, each time for twice as long.
 */
export interface BreakerSettings {
  /** How many calls in a row may fail to reach the CAS before it opens. */
  readonly failures: number;
  readonly openMs: number;
  readonly maxOpenMs: number;
}

/** The breaker's part of the row after a change. */
export interface BreakerView {
  readonly failuresInARow: number;
  /** Null: closed. Otherwise the milliseconds until it may be probed. */
  readonly breakerOpenMs: number | null;
}

/** Closes the breaker, because a call reached the CAS. Needed only if it is not closed. */
export async function recordReached(db: Queryable): Promise<void> {
  await db.query(REACHED);
}

/** Counts `calls` in a row that did not reach the CAS; `since`: after one that did. Returns the new state. */
export async function recordNotReached(
  db: Queryable,
  calls: number,
  since: boolean,
  { failures, openMs, maxOpenMs }: BreakerSettings,
): Promise<BreakerView> {
  const [view] = await db.query<BreakerView & Record<string, unknown>>(NOT_REACHED, [
    calls,
    since,
    failures,
    openMs,
    maxOpenMs,
  ]);
  if (!view) throw new Error(`The table provider has no row 'conax': run "conax-provisioning migrate"`);
  return view;
}

/**
 * Takes the probe of the half-open breaker for `ttlMs`; false if another instance holds it, or the breaker is not
 * half-open.
 */
export async function takeProbe(db: Queryable, ttlMs: number): Promise<boolean> {
  const taken = await db.query(TAKE_PROBE, [ttlMs]);
  return taken.length > 0;
}

/** Releases the probe if there was nothing to send, or the answer did not show whether the CAS is reached. */
export async function releaseProbe(db: Queryable): Promise<void> {
  await db.query(RELEASE_PROBE);
}

/**
 * Shifts the breaker's wait back by `ms` after the database's clock went back; a probe ends at most `probeMs` from now.
 */
export async function shiftBreaker(tx: Transaction, ms: number, probeMs: number): Promise<void> {
  await tx.query(SHIFT, [ms, probeMs]);
}

const SHIFT = /* sql */ `
update provider
   set breaker_open_until = case when breaker_open_until > now()
         then breaker_open_until - $1::float8 * interval '1 millisecond' else breaker_open_until end,
       breaker_probe_until = least(breaker_probe_until, now() + $2::float8 * interval '1 millisecond')
 where name = 'conax' and (breaker_open_until > now() or breaker_probe_until > now())`;

const NOTIFY = /* sql */ `pg_notify('${DISPATCH_CHANNEL}', 'provider')`;

const REACHED = /* sql */ `
with changed as (
  update provider
     set failures_in_a_row = 0, breaker_open_until = null, breaker_probe_until = null, breaker_openings = 0
   where name = 'conax' and (failures_in_a_row > 0 or breaker_open_until is not null)
  returning name
) select ${NOTIFY} from changed`;

/** An open breaker keeps its end, because these calls started before it opened. */
const NOT_REACHED = /* sql */ `
with before as (
  select case when $2::boolean then 0 else failures_in_a_row end + $1::int as failures,
         case when breaker_open_until is null
              then case when $2::boolean then 0 else failures_in_a_row end + $1::int >= $3::int
              else breaker_open_until <= now() end as opens
    from provider where name = 'conax' for update
), changed as (
  update provider p
     set failures_in_a_row = before.failures,
         breaker_open_until = case when before.opens
           then now() + least($5::float8, $4::float8 * 2 ^ least(p.breaker_openings, 30)) * interval '1 millisecond'
           else p.breaker_open_until end,
         breaker_probe_until = case when before.opens then null else p.breaker_probe_until end,
         breaker_openings = p.breaker_openings + before.opens::int
    from before where p.name = 'conax'
  returning p.failures_in_a_row, p.breaker_open_until, before.opens
)
select failures_in_a_row as "failuresInARow",
       (extract(epoch from breaker_open_until - now()) * 1000)::float8 as "breakerOpenMs",
       case when opens then ${NOTIFY} end
  from changed`;

const TAKE_PROBE = /* sql */ `
update provider set breaker_probe_until = now() + $1::float8 * interval '1 millisecond'
 where name = 'conax' and not paused and breaker_open_until <= now()
   and (breaker_probe_until is null or breaker_probe_until < now())
returning name`;

const RELEASE_PROBE = /* sql */ `update provider set breaker_probe_until = null where name = 'conax'`;
