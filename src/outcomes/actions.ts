import { CLOCK_STEP_MAX_MS } from '../platform/clock-watch.ts';
import type { Transaction } from '../platform/database.ts';
import type { ActionFacts, FacetFact, RequestFact, WithheldFact } from './action-outcome.ts';
import type { FinishedRequest } from './request-outcome.ts';

/** A locked action whose outcome must be written now. */
export interface DueAction {
  readonly subscriptionNumber: string;
  readonly id: string;
  readonly number: string;
  /** Epoch milliseconds. */
  readonly receivedAt: number;
  /** Which of its outcomes this is, from 1. */
  readonly revision: number;
}

/**
 * SQL: whether the outcome of an action `a` waits for no more facets. An action received in what is now the future does
 * not wait either. The clock went back since, and nobody knows how much of the wait is over.
 */
const IS_DUE = /* sql */ `
a.outcome_due_at is not null
and (a.outcome_due_at <= now() or a.received_at > now() + interval '${CLOCK_STEP_MAX_MS} milliseconds')`;

/** SQL: counts one more outcome of an action `a`, of which no more is due, if the condition holds. */
function countOutcome(due: string): string {
  return `revision = a.revision + (${due})::int, outcome_due_at = case when ${due} then null else a.outcome_due_at end`;
}

/** SQL: counts one more outcome of each action in `locked`. */
const COUNT_OUTCOMES = /* sql */ `
     update crm_action a set ${countOutcome('true')}
     from locked l where a.subscription_number = any (array[l.subscription_number]) and a.id = any (array[l.id])
     returning ${dueActionColumns('a')}`;

/** Reads those of the requests that are final, ordered by number. Walks the primary key. */
export function finishedRequests(tx: Transaction, numbers: readonly number[]): Promise<FinishedRequest[]> {
  return tx.query<FinishedRequest>(
    `select number, id, life_cycle_state as "lifeCycleState", priority, command,
       subscription_number as "subscriptionNumber", ${milliseconds('scheduled_at')} as "scheduledAt",
       ${milliseconds('submitted_at')} as "submittedAt", ${milliseconds('coalesce(executed_at, now())')} as "executedAt",
       attempts, reference_number as "referenceNumber", error_code as "errorCode",
       error_description as "errorDescription", answer, process_name as "processName", action_id as "actionId",
       action_number as "actionNumber", causation_event_id as "causationEventId", traceparent
     from request where number = any($1::bigint[]) and life_cycle_state <> 'PENDING' order by number`,
    [numbers],
  );
}

/**
 * Counts finished requests off their actions. Returns the actions that are due now, with one more outcome counted: the
 * caller must write it. Locks the actions in the order of their keys. Walks the primary keys.
 */
export async function countFinished(tx: Transaction, numbers: readonly number[]): Promise<DueAction[]> {
  const rows = await tx.query<DueAction & { due: boolean }>(
    `with done as (
       select subscription_number, action_id as id, count(*)::int as requests
       from (select subscription_number, action_id from request
             where number = any($1::bigint[]) and life_cycle_state <> 'PENDING' offset 0) as final
       where action_id is not null and subscription_number is not null group by 1, 2
     ), locked as (
       select a.subscription_number, a.id, done.requests, (a.unfinished = done.requests and ${IS_DUE}) is true as due
       from crm_action a
       join done on a.subscription_number = any (array[done.subscription_number]) and a.id = any (array[done.id])
       order by done.subscription_number, done.id for update of a
     )
     update crm_action a set unfinished = a.unfinished - l.requests, ${countOutcome('l.due')}
     from locked l where a.subscription_number = any (array[l.subscription_number]) and a.id = any (array[l.id])
     returning ${dueActionColumns('a')}, l.due`,
    [numbers],
  );
  return rows.filter(({ due }) => due);
}

/**
 * Shifts the waits for facets back by `ms` after the database's clock went back. Leaves actions with unfinished
 * requests alone, because IS_DUE looks at when they were received. Walks crm_action_due; `|| ''` keeps it off the primary
 * key (planner-settings.ts).
 */
export async function shiftFacetWaits(tx: Transaction, ms: number): Promise<void> {
  await tx.query(SHIFT, [ms]);
}

const SHIFT = /* sql */ `
with locked as (
  select subscription_number, id from crm_action
   where outcome_due_at is not null and unfinished = 0 and outcome_due_at > now()
   order by subscription_number || '', id for update
)
update crm_action a set outcome_due_at = outcome_due_at - $1::float8 * interval '1 millisecond'
  from locked l where a.subscription_number = any (array[l.subscription_number]) and a.id = any (array[l.id])`;

/**
 * Locks up to `limit` actions whose wait for facets is over; skips locked ones. Counts one more outcome of each: the caller
 * must write it. Walks crm_action_due.
 */
export function overdueActions(tx: Transaction, limit: number): Promise<DueAction[]> {
  return tx.query<DueAction>(
    `with locked as (
     select a.subscription_number, a.id from crm_action a
     where a.outcome_due_at is not null and a.unfinished = 0 and a.outcome_due_at <= now()
     order by a.outcome_due_at limit $1 for update skip locked
     )
     ${COUNT_OUTCOMES}`,
    [limit],
  );
}

/** What is known about an action, with the cause for its outcome event: the newest facet that counts. */
export type KnownFacts = ActionFacts & {
  readonly causationEventId: string | null;
  readonly traceparent: string | null;
};

type Owned<T> = T & { readonly subscription: string; readonly action: string };
interface Cause {
  readonly eventId: string | null;
  readonly traceparent: string | null;
}

/** Returns what is known about an action. */
export type FactsOf = (action: DueAction) => KnownFacts;

type Rows = [facets: Owned<FacetFact & Cause>[], requests: Owned<RequestFact>[], withheld: Owned<WithheldFact>[]];

/** Reads the facts of these actions, which are locked. */
export async function factsOfActions(tx: Transaction, actions: readonly DueAction[]): Promise<FactsOf> {
  const keys = [actions.map((action) => action.subscriptionNumber), actions.map((action) => action.id)];
  const rows: Promise<Rows> = Promise.all([
    tx.query<Owned<FacetFact & Cause>>(FACETS_OF_ACTIONS, keys),
    tx.query<Owned<RequestFact>>(REQUESTS_OF_ACTIONS, keys),
    tx.query<Owned<WithheldFact>>(WITHHELD_OF_ACTIONS, keys),
  ]);
  return byAction(...(await rows));
}

/**
 * Reads the facts of the actions that have nothing unfinished after these requests. Send it after `countFinished`, which
 * locks them: it needs none of its answer.
 */
export async function factsOfFinished(tx: Transaction, numbers: readonly number[]): Promise<FactsOf> {
  const rows: Promise<Rows> = Promise.all([
    tx.query<Owned<FacetFact & Cause>>(FACETS_OF_FINISHED, [numbers]),
    tx.query<Owned<RequestFact>>(REQUESTS_OF_FINISHED, [numbers]),
    tx.query<Owned<WithheldFact>>(WITHHELD_OF_FINISHED, [numbers]),
  ]);
  return byAction(...(await rows));
}

function byAction(...rows: Rows): FactsOf {
  const group = <T>(owned: readonly Owned<T>[]): Map<string, Owned<T>[]> =>
    Map.groupBy(owned, ({ subscription, action }) => JSON.stringify([subscription, action]));
  const [facets, requests, withheld] = [group(rows[0]), group(rows[1]), group(rows[2])];
  return ({ subscriptionNumber, id }) => {
    const key = JSON.stringify([subscriptionNumber, id]);
    const mine = facets.get(key) ?? [];
    const cause = mine.at(-1);
    return {
      facets: mine,
      requests: requests.get(key) ?? [],
      withheld: withheld.get(key) ?? [],
      causationEventId: cause?.eventId ?? null,
      traceparent: cause?.traceparent ?? null,
    };
  };
}

/** SQL: actions with these keys. */
const WITH_KEYS = 'unnest($1::text[], $2::text[])';

/** SQL: the actions of these requests that have nothing unfinished. Walks the primary keys. */
const OF_FINISHED = /* sql */ `(
    select r.subscription_number, r.action_id
      from (select distinct subscription_number, action_id
              from (select subscription_number, action_id from request
                     where number = any($1::bigint[]) and action_id is not null offset 0) each_request) r
     cross join lateral (
       select from crm_action where subscription_number = r.subscription_number and id = r.action_id and unfinished = 0
       offset 0) a)`;

/** SQL: the actions, each with the rows `t` of a table that belong to it. */
const owned = (members: string, table: string, actions: string): string => /* sql */ `
select k.subscription_number as subscription, k.action_id as action, ${members}
  from ${actions} as k (subscription_number, action_id)
  cross join lateral (
    select * from ${table} where action_id = k.action_id and subscription_number = k.subscription_number offset 0) t`;

const facetsOf = (actions: string): string =>
  `${owned('t.family, coalesce(t.writer_type, t.type) as type, t.disposition, t.event_id as "eventId", t.traceparent', 'inbox', actions)}
 where t.disposition <> 'DUPLICATE' order by t.id`;
const requestsOf = (actions: string): string =>
  `${owned('t.number, t.life_cycle_state as "lifeCycleState", t.error_code as "errorCode", t.command, t.command_key as "commandKey"', 'request', actions)}
 order by t.number`;
const withheldOf = (actions: string): string =>
  `${owned('t.type, t.reason, t.smartcard, t.service_ca_id as "serviceCaId"', 'withheld', actions)} order by t.inbox_id, t.ordinal`;

/** Walks inbox_action. */
const FACETS_OF_ACTIONS = facetsOf(WITH_KEYS);
/** Walks request_action. */
const REQUESTS_OF_ACTIONS = requestsOf(WITH_KEYS);
/** Walks withheld_action. */
const WITHHELD_OF_ACTIONS = withheldOf(WITH_KEYS);

/** Walks the primary keys of request and crm_action, then inbox_action. */
const FACETS_OF_FINISHED = facetsOf(OF_FINISHED);
/** Walks the primary keys of request and crm_action, then request_action. */
const REQUESTS_OF_FINISHED = requestsOf(OF_FINISHED);
/** Walks the primary keys of request and crm_action, then withheld_action. */
const WITHHELD_OF_FINISHED = withheldOf(OF_FINISHED);

/** SQL: the columns of `DueAction` of an action. */
export function dueActionColumns(alias: string): string {
  return `${alias}.subscription_number as "subscriptionNumber", ${alias}.id, ${alias}.number,
    ${milliseconds(`${alias}.received_at`)} as "receivedAt", ${alias}.revision`;
}

function milliseconds(column: string): string {
  return `floor(extract(epoch from ${column}) * 1000)::bigint`;
}
