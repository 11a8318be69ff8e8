import type { Queryable } from '../platform/database.ts';
import type { Command, CommandType } from '../planning/command.ts';
import type { RequestAnswer } from './finish.ts';
import { PHASE, type Phase } from './life-cycle.ts';
import type { Priority, ProcessName } from './new-request.ts';
import { classNames } from './request-class.ts';

export const lifeCycleStates = ['PENDING', 'COMPLETED', 'REJECTED'] as const;
export type LifeCycleState = (typeof lifeCycleStates)[number];

/** The classes of request-class.ts as people see them. */
export const urgencies = classNames.map((name) => name.toUpperCase() as Uppercase<typeof name>);
export type Urgency = (typeof urgencies)[number];

/** How far a request is, and what it waits for. */
export interface RequestProgress {
  /** PAUSED replaces IN_LINE and RETRYING while sending to the CAS is paused. */
  readonly phase: Phase | 'PAUSED';
  /** How urgent it is among ready requests (R13); null if it is final. */
  readonly urgency: Urgency | null;
  /** The request that goes first on one of its cards; null unless the phase is WAITING_BEHIND. */
  readonly behind: number | null;
  /** When it may be sent: its date, or the end of its back-off; null if it waits for neither. */
  readonly nextTryAt: Date | null;
  /** What the last attempt of an unfinished request brought; null if it was not tried, or was accepted. */
  readonly lastCode: string | null;
  readonly lastDescription: string | null;
  /** How often something was sent for it: the command, or a question about it. */
  readonly attempts: number;
}

/** A provisioning request with everything in its complete view (domain: "Complete provisioning request"). */
export interface ProvisioningRequest extends RequestProgress {
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

/** The columns of a `RequestProgress`, from a `request r` with PROGRESS_JOINS. */
export const PROGRESS_COLUMNS = /* sql */ `
case when w.waits = 0 and w.token is null and (select paused from provider where name = 'conax') then 'PAUSED'
     else ${PHASE} end as phase,
(array[${urgencies.map((name) => `'${name}'`).join(', ')}])[(w.rank >> 1) + 1] as urgency, first.number as behind,
case when w.token is null and w.waits <= 0 and w.ready_at > now() then w.ready_at end as "nextTryAt",
last.code as "lastCode", last.description as "lastDescription", coalesce(w.attempts, r.attempts) as attempts`;

/**
 * Walks the primary keys of work, attempt (backwards from the last one), lane_pin and lane; of a final request only
 * work's. An unfinished request's attempts are counted in its work row. A card's turn belongs to the request in
 * lane_pin, else to the first one in its lane.
 */
export const PROGRESS_JOINS = /* sql */ `
  left join work w on w.number = any (array[r.number])
  left join lateral (select a.code, a.description from attempt a
                      where w.number is not null and a.request_number = r.number
                      order by a.attempt desc limit 1) last on true
  left join lateral (select min(turn.number) as number
                       from unnest(w.cards) own (card)
                      cross join lateral (
                        select coalesce((select p.number from lane_pin p where p.card = own.card),
                                        (select l.number from lane l where l.card = own.card order by l.number limit 1))
                          as number) turn
                      where w.waits > 0 and turn.number <> r.number) first on true`;

/** The columns of a `ProvisioningRequest`, from a `request r` with REQUEST_JOINS. */
export const REQUEST_COLUMNS = /* sql */ `
r.number, upper(replace(r.id::text, '-', '')) as id, r.type, r.command, r.sequence_number as "sequenceNumber", r.priority,
r.life_cycle_state as "lifeCycleState", r.scheduled_at as "scheduledAt", r.executed_at as "executedAt",
try.request_body as request, try.response_body as response, r.reference_number as "referenceNumber",
r.error_code as "errorCode", r.error_description as "errorDescription", r.answer, r.process_name as "processName",
r.process_id as "processId", r.subscription_number as "subscriptionNumber", r.subscription_id as "subscriptionId",
r.user_defined as "userDefined", r.submitted_at as "createdAt", r.created_by_user as "createdByUser",
r.created_by_unit as "createdByUnit", r.updated_at as "updatedAt", r.updated_by_user as "updatedByUser",
r.updated_by_unit as "updatedByUnit", ${PROGRESS_COLUMNS}`;

/**
 * Walks attempt's primary key backwards to the last try of the command itself, and what PROGRESS_JOINS walks. The SQL
 * condition `wanted` decides whether the bodies are read.
 */
export function requestJoins(wanted: string): string {
  return /* sql */ `${PROGRESS_JOINS}
  left join lateral (select a.request_body, a.response_body from attempt a
                      where ${wanted} and a.request_number = r.number and a.command = r.type
                      order by a.attempt desc limit 1) try on true`;
}

/** Walks request_id. */
const FIND_BY_ID = /* sql */ `select ${REQUEST_COLUMNS} from request r ${requestJoins('true')} where r.id = $1::uuid`;

/** Walks request's primary key. */
const FIND_BY_NUMBER = /* sql */ `
select ${REQUEST_COLUMNS} from request r ${requestJoins('true')} where r.number = $1::bigint`;

/** Walks request's primary key. */
const FIND_ALL = /* sql */ `
select ${REQUEST_COLUMNS} from request r ${requestJoins('true')} where r.number = any($1::bigint[]) order by r.number`;
