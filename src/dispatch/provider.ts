import type { Queryable } from '../platform/database.ts';
import { DISPATCH_CHANNEL } from '../requests/request-class.ts';

/** The present state of the CAS for the service. */
export interface ProviderStatus {
  readonly paused: boolean;
  readonly pausedReason: string | null;
  readonly pausedBy: string | null;
  /** When it was last paused or resumed. */
  readonly changedAt: Date;
  readonly breaker: 'closed' | 'open' | 'half-open';
  readonly failuresInARow: number;
  readonly breakerOpenUntil: Date | null;
  readonly instances: readonly InstanceStatus[];
}

export interface InstanceStatus {
  readonly id: string;
  /** How many calls may run at once. */
  readonly slots: number;
  readonly requestsPerSecond: number;
  readonly startedAt: Date;
  readonly expiresAt: Date;
}

/** Who decides; without a unit, a program or the service itself. */
interface Decision {
  readonly by: string;
  readonly unit?: string | null;
}

/**
 * Stops all sending on every instance: requests stay PENDING and in order, and running calls end normally. Returns
 * false if it was already paused; the first reason stays.
 */
export async function pauseProvider(
  db: Queryable,
  { reason, by, unit = null }: Decision & { reason: string },
): Promise<boolean> {
  const changed = await db.query(PAUSE, [reason, by, unit]);
  return changed.length > 0;
}

/** Resumes sending with the breaker closed. Returns false if it was not paused. */
export async function resumeProvider(db: Queryable, { by, unit = null }: Decision): Promise<boolean> {
  const changed = await db.query(RESUME, [by, unit]);
  return changed.length > 0;
}

export async function providerStatus(db: Queryable): Promise<ProviderStatus> {
  const [provider] = await db.query<Omit<ProviderStatus, 'instances'> & Record<string, unknown>>(SELECT_PROVIDER);
  if (!provider) throw new Error(`The table provider has no row 'conax': run "conax-provisioning migrate"`);
  const instances = await db.query<InstanceStatus & Record<string, unknown>>(SELECT_INSTANCES);
  return { ...provider, instances };
}

/** One time that sending was paused or resumed. */
export interface ProviderChange {
  readonly id: number;
  readonly at: Date;
  readonly change: 'PAUSED' | 'RESUMED';
  readonly by: string;
  readonly unit: string | null;
  /** Why it was paused. */
  readonly reason: string | null;
}

/**
 * Reads who paused and resumed sending, the newest first.
 * @param before an id: only changes before that one; null: from the newest.
 */
export async function providerHistory(
  db: Queryable,
  { before, limit }: { readonly before: number | null; readonly limit: number },
): Promise<ProviderChange[]> {
  return await db.query<ProviderChange>(SELECT_HISTORY, [before, limit]);
}

/** Walks operator_action_all from its end, and operator_action's primary key to where the page before ended. */
const SELECT_HISTORY = /* sql */ `
select id, at, case action when 'provider.pause' then 'PAUSED' else 'RESUMED' end as change, by_user as by,
       by_unit as unit, detail as reason
  from operator_action
 where request_number is null
   and at <= coalesce((select at from operator_action where id = $1::bigint), 'infinity') and id < coalesce($1::bigint, 9e18)
   and action in ('provider.pause', 'provider.resume')
 order by at desc, id desc limit $2::int`;

const NOTIFY = /* sql */ `select pg_notify('${DISPATCH_CHANNEL}', 'provider') from changed`;

const PAUSE = /* sql */ `
with changed as (
  update provider set paused = true, paused_reason = $1, paused_by = $2, changed_at = now()
   where name = 'conax' and not paused returning name
), kept as (
  insert into operator_action (action, by_user, by_unit, detail) select 'provider.pause', $2, $3, $1 from changed
) ${NOTIFY}`;

const RESUME = /* sql */ `
with changed as (
  update provider
     set paused = false, paused_reason = null, paused_by = $1, changed_at = now(), failures_in_a_row = 0,
         breaker_open_until = null, breaker_probe_until = null, breaker_openings = 0
   where name = 'conax' and paused returning name
), kept as (
  insert into operator_action (action, by_user, by_unit) select 'provider.resume', $1, $2 from changed
) ${NOTIFY}`;

const SELECT_PROVIDER = /* sql */ `
select paused, paused_reason as "pausedReason", paused_by as "pausedBy", changed_at as "changedAt",
       case when breaker_open_until is null then 'closed' when breaker_open_until > now() then 'open' else 'half-open' end
         as breaker,
       failures_in_a_row as "failuresInARow", breaker_open_until as "breakerOpenUntil"
  from provider where name = 'conax'`;

const SELECT_INSTANCES = /* sql */ `
select id, slots, requests_per_second as "requestsPerSecond", started_at as "startedAt", expires_at as "expiresAt"
  from dispatcher_instance where expires_at >= now() order by started_at, id`;
