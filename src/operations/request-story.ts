import type { Queryable } from '../platform/database.ts';

/** Everything that is known of one provisioning request (promise P6). Times are ISO 8601, UTC. */
export interface RequestStory {
  /** The inbound event that made the request; null where a person or a run made it, or it is no longer kept. */
  readonly event: Record<string, unknown> | null;
  readonly request: Record<string, unknown>;
  /** Withheld commands of the same event: what was not sent beside it, and why. */
  readonly withheld: readonly Record<string, unknown>[];
  readonly attempts: readonly Record<string, unknown>[];
  /** What was, or waits to be, published: the request's own outcome and those of its action. */
  readonly outcomes: readonly Record<string, unknown>[];
}

/** Reads a request's whole story by its number or by its id (32 hexadecimal characters); null where there is none. */
export async function requestStory(db: Queryable, numberOrId: string): Promise<RequestStory | null> {
  const byId = /^[0-9A-Fa-f]{32}$/.test(numberOrId);
  const byNumber = /^\d{1,15}$/.test(numberOrId);
  if (!byId && !byNumber) return null;
  const [request] = await db.query<RequestRow>(
    `${SELECT_REQUEST} where ${byId ? 'r.id = $1::uuid' : 'r.number = $1::bigint'}`,
    [numberOrId],
  );
  if (!request) return null;
  const { inbox_id: inboxId, ...shown } = request;
  const [events, withheld, attempts, outcomes] = await Promise.all([
    db.query(SELECT_EVENT, [inboxId]),
    db.query(SELECT_WITHHELD, [inboxId]),
    db.query(SELECT_ATTEMPTS, [request.number]),
    db.query(SELECT_OUTCOMES, [request.number, request.action_id, request.subscription_number]),
  ]);
  return { event: events[0] ?? null, request: shown, withheld, attempts, outcomes };
}

/** Whether requests with this number or higher ones were made: then it is gone, or its transaction was. */
export async function isPastNumber(db: Queryable, number: string): Promise<boolean> {
  if (!/^[1-9]\d{0,14}$/.test(number)) return false;
  const [row] = await db.query<{ past: boolean }>(
    'select is_called and last_value >= $1::bigint as past from request_number',
    [number],
  );
  return row?.past === true;
}

interface RequestRow extends Record<string, unknown> {
  number: number;
  inbox_id: number | null;
  action_id: string | null;
  subscription_number: string | null;
}

// Each statement walks a primary key or one of request_id, outbox_request, outbox_action.
const SELECT_REQUEST = /* sql */ `
select r.number, upper(replace(r.id::text, '-', '')) as id, r.type, r.life_cycle_state, r.priority, r.sequence_number,
  r.command, r.cards, r.subscription_number, r.subscription_id, r.scheduled_at, r.submitted_at, r.executed_at,
  r.attempts, r.reference_number, r.error_code, r.error_description, r.answer, r.process_name, r.process_id,
  r.action_id, r.action_number, r.causation_event_id, r.created_by_user, r.created_by_unit, r.updated_by_user, r.updated_by_unit, r.inbox_id
from request r`;

const SELECT_EVENT = /* sql */ `
select event_id, disposition, late, remarks, family, writer_type as type, subscription_number, subscription_version,
  action_id, occurred_at, received_at, topic, partition, message_offset as "offset", event
from inbox where id = $1`;

const SELECT_WITHHELD = /* sql */ `
select type, reason, smartcard, service_ca_id, detail from withheld where inbox_id = $1 order by ordinal`;

const SELECT_ATTEMPTS = /* sql */ `
select attempt, command, operation, url, answer, code, description, http_status, started_at, duration_ms, instance,
  request_body, response_body
from attempt where request_number = $1 order by attempt`;

const SELECT_OUTCOMES = /* sql */ `
select o.kind, o.event_id, o.created_at, o.published_at, o.parked_reason, o.replay_id, o.record
from outbox o
where o.request_number = $1
  or (o.kind = 'ACTION_OUTCOME' and o.action_id = $2 and o.record ->> 'subscriptionNumber' = $3)
order by o.id`;
