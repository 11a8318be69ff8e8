import type { Queryable } from '../platform/database.ts';
import type { Command, CommandType } from '../planning/command.ts';
import type { RequestAnswer } from './finish.ts';
import type { Priority, ProcessName } from './new-request.ts';

export const lifeCycleStates = ['PENDING', 'COMPLETED', 'REJECTED'] as const;
export type LifeCycleState = (typeof lifeCycleStates)[number];

/** A provisioning request with everything in its complete view (domain: "Complete provisioning request"). */
export interface ProvisioningRequest {
  readonly number: number;
  /** 32 upper-case hexadecimal characters. */
  readonly id: string;
  readonly type: CommandType;
  /** The parameters. A PIN is never among them. */
  readonly command: Command;
  readonly sequenceNumber: number;
  readonly priority: Priority;
  readonly lifeCycleState: LifeCycleState;
  readonly scheduledAt: Date;
  /** When it became final; null while it is PENDING. */
  readonly executedAt: Date | null;
  /**
   * The SOAP bodies of the last try of the command itself, secrets masked. Questions about it are only in its attempts.
   * Null if there was no try, none was readable, or bodies were not requested.
   */
  readonly request: string | null;
  readonly response: string | null;
  readonly referenceNumber: string | null;
  readonly errorCode: string | null;
  /** A COMPLETED request may have one too. */
  readonly errorDescription: string | null;
  readonly answer: RequestAnswer | null;
  readonly processName: ProcessName;
  readonly processId: string | null;
  readonly subscriptionNumber: string | null;
  readonly subscriptionId: string | null;
  /** The user-defined fields (`udf_string_1` and so on) as given; null if there are none. */
  readonly userDefined: Readonly<Record<string, string | number>> | null;
  /** How often something was sent for it: the command, or a question about it. */
  readonly attempts: number;
  readonly createdAt: Date;
  readonly createdByUser: string | null;
  readonly createdByUnit: string | null;
  readonly updatedAt: Date;
  readonly updatedByUser: string | null;
  readonly updatedByUnit: string | null;
}

/** Identifies one request by its id (32 hexadecimal characters in either case) or its number. */
export type RequestIdentifier = { readonly id: string } | { readonly number: number };

/** Reads one request; null if there is none, or if the id is not an id. */
export async function findRequest(db: Queryable, identifier: RequestIdentifier): Promise<ProvisioningRequest | null> {
  if ('id' in identifier && !/^[0-9A-Fa-f]{32}$/.test(identifier.id)) return null;
  if ('number' in identifier && !Number.isSafeInteger(identifier.number)) return null;
  const [found] =
    'id' in identifier
      ? await db.query<ProvisioningRequest>(FIND_BY_ID, [identifier.id])
      : await db.query<ProvisioningRequest>(FIND_BY_NUMBER, [identifier.number]);
  return found ?? null;
}

/** Reads those of these requests that exist, ordered by number. */
export async function findRequests(db: Queryable, numbers: readonly number[]): Promise<ProvisioningRequest[]> {
  return numbers.length === 0 ? [] : await db.query<ProvisioningRequest & Record<string, unknown>>(FIND_ALL, [numbers]);
}

/**
 * The columns of a `ProvisioningRequest`: a `request r` whose last try is joined as `try` (lastTry). The attempts of an
 * unfinished request are not counted on it: walks attempt's primary key backwards from the last one.
 */
export const REQUEST_COLUMNS = /* sql */ `
r.number, upper(replace(r.id::text, '-', '')) as id, r.type, r.command, r.sequence_number as "sequenceNumber", r.priority,
r.life_cycle_state as "lifeCycleState", r.scheduled_at as "scheduledAt", r.executed_at as "executedAt",
try.request_body as request, try.response_body as response, r.reference_number as "referenceNumber",
r.error_code as "errorCode", r.error_description as "errorDescription", r.answer, r.process_name as "processName",
r.process_id as "processId", r.subscription_number as "subscriptionNumber", r.subscription_id as "subscriptionId",
r.user_defined as "userDefined", r.submitted_at as "createdAt", r.created_by_user as "createdByUser",
r.created_by_unit as "createdByUnit", r.updated_at as "updatedAt", r.updated_by_user as "updatedByUser",
r.updated_by_unit as "updatedByUnit",
case r.life_cycle_state when 'PENDING'
     then coalesce((select a.attempt from attempt a where a.request_number = r.number order by a.attempt desc limit 1), 0)
     else r.attempts end as attempts`;

/**
 * Walks attempt's primary key backwards from the request's last attempt. The SQL condition `wanted` decides whether
 * bodies are read; if it is false, no attempt is read.
 */
export function lastTry(wanted: string): string {
  return /* sql */ `
  left join lateral (select a.request_body, a.response_body from attempt a
                      where ${wanted} and a.request_number = r.number and a.command = r.type
                      order by a.attempt desc limit 1) try on true`;
}

/** Walks request_id. */
const FIND_BY_ID = /* sql */ `select ${REQUEST_COLUMNS} from request r ${lastTry('true')} where r.id = $1::uuid`;

/** Walks request's primary key. */
const FIND_BY_NUMBER = /* sql */ `select ${REQUEST_COLUMNS} from request r ${lastTry('true')} where r.number = $1::bigint`;

/** Walks request's primary key. */
const FIND_ALL = /* sql */ `
select ${REQUEST_COLUMNS} from request r ${lastTry('true')} where r.number = any($1::bigint[]) order by r.number`;
