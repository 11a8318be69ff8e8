import type { Transaction } from '../../platform/database.ts';
import { jsonColumn, jsonTexts } from '../../platform/json-column.ts';
import type { FinalRequest, Json, NewTarget, RunTarget, SettledTarget } from './kind.ts';

/** Adds targets to a run; those already there stay unchanged. Returns how many were new. */
export async function addTargets(tx: Transaction, runId: number, targets: readonly NewTarget[]): Promise<number> {
  if (targets.length === 0) return 0;
  const [added] = await tx.query<{ count: number }>(ADD_TARGETS, [
    runId,
    targets.map(({ target }) => target),
    targets.map(({ card }) => card),
    targets.map(({ subscription }) => subscription),
    jsonTexts(targets.map(({ data }) => (data === undefined ? null : JSON.stringify(data)))),
  ]);
  return added?.count ?? 0;
}

/** Reads the next waiting targets, ordered by name. */
export function waitingTargets(tx: Transaction, runId: number, limit: number): Promise<RunTarget[]> {
  return tx.query<RunTarget>(WAITING, [runId, limit]);
}

/** Counts the requests of the run that may be unfinished: those of unsettled targets. */
export async function unsettledRequests(tx: Transaction, runId: number): Promise<number> {
  const [row] = await tx.query<{ count: number }>(UNSETTLED, [runId]);
  return row?.count ?? 0;
}

/** Reads up to `limit` targets whose requests are all final, with these requests. */
export async function settledTargets(tx: Transaction, runId: number, limit: number): Promise<SettledTarget[]> {
  const rows = await tx.query<RunTarget & FinalRequest>(SETTLED, [runId, limit]);
  const found = new Map<string, RunTarget & { requests: FinalRequest[] }>();
  for (const row of rows) {
    const { target, card, subscription, data, tries, result, ...request } = row;
    const known = found.get(target);
    if (known) known.requests.push(request);
    else found.set(target, { target, card, subscription, data, tries, result, requests: [request] });
  }
  return [...found.values()];
}

/** The new state of a target. */
export type TargetChange =
  | { readonly target: string; readonly to: 'SENT'; readonly requests: readonly number[]; readonly result?: Json }
  | { readonly target: string; readonly to: 'DONE'; readonly outcome: string; readonly result?: Json }
  | { readonly target: string; readonly to: 'WAITING'; readonly result?: Json };

/**
 * Writes the new states of targets. Request numbers are added to those of the target; a result replaces the former one.
 */
export async function changeTargets(tx: Transaction, runId: number, changes: readonly TargetChange[]): Promise<void> {
  if (changes.length === 0) return;
  await tx.query(CHANGE, [
    runId,
    changes.map(({ target }) => target),
    changes.map(({ to }) => to),
    changes.map((change) => `{${change.to === 'SENT' ? change.requests.join(',') : ''}}`),
    changes.map((change) => (change.to === 'DONE' ? change.outcome : null)),
    jsonTexts(changes.map(({ result }) => (result === undefined ? null : JSON.stringify(result)))),
  ]);
}

/** Removes requests that a stop withdrew from their targets, which then wait again. */
export async function takeBack(tx: Transaction, runId: number, withdrawn: readonly number[]): Promise<void> {
  if (withdrawn.length > 0) await tx.query(TAKE_BACK, [runId, withdrawn]);
}

const ADD_TARGETS = /* sql */ `
with added as (
  insert into run_target (run_id, target, card, subscription_number, data)
  select $1::bigint, n.target, n.card, n.subscription, n.data
    from unnest($2::text[], $3::text[], $4::text[], ${jsonColumn('$5')}) n (target, card, subscription, data)
  on conflict do nothing
  returning 1
)
select count(*) as count from added`;

const COLUMNS = /* sql */ `t.target, t.card, t.subscription_number as subscription, t.data, t.tries, t.result`;

/** Walks run_target_waiting from its start. */
const WAITING = /* sql */ `
select ${COLUMNS} from run_target t where t.run_id = $1::bigint and t.state = 'WAITING' order by t.target limit $2::int`;

/** Walks run_target_sent: at most as many rows as the window has requests. */
const UNSETTLED = /* sql */ `
select coalesce(sum(cardinality(requests)), 0)::int as count
  from run_target where run_id = $1::bigint and state = 'SENT'`;

/**
 * Walks run_target_sent, and work's primary key for each request: a final one has no row there. Then walks request's
 * primary key. It does not join run_target again. While PostgreSQL had no statistics of the table, such a join read the
 * whole run for each target: 43 ms for 45 targets of 6,000.
 */
const SETTLED = /* sql */ `
with settled as materialized (
  select t.* from run_target t
   where t.run_id = $1::bigint and t.state = 'SENT'
     and not exists (select from unnest(t.requests) own (number)
                      cross join lateral (select from work where number = own.number offset 0) open)
   order by t.target limit $2::int
)
select ${COLUMNS}, r.number, r.life_cycle_state as state, r.error_code as "errorCode",
       r.error_description as "errorDescription", r.answer, r.command
  from settled t
 cross join unnest(t.requests) own (number)
  join request r on r.number = any (array[own.number])
 order by t.target, r.number`;

/** Walks run_target's primary key. Without the array it would read the whole run for each change, as above. */
const CHANGE = /* sql */ `
update run_target t
   set state = c.state, outcome = c.outcome, requests = t.requests || c.requests::bigint[],
       tries = t.tries + case when c.state = 'SENT' then 1 else 0 end, result = coalesce(c.result, t.result)
  from unnest($2::text[], $3::text[], $4::text[], $5::text[], ${jsonColumn('$6')})
    as c (target, state, requests, outcome, result)
 where t.run_id = $1::bigint and t.target = any (array[c.target])`;

/** Walks run_target_sent. */
const TAKE_BACK = /* sql */ `
update run_target t
   set state = 'WAITING', tries = t.tries - 1,
       requests = array(select number from unnest(t.requests) own (number) where number <> all ($2::bigint[]))
 where t.run_id = $1::bigint and t.state = 'SENT' and t.requests && $2::bigint[]`;
