import { z } from 'zod';
import { instant, type RowOf, shownRow } from '../../operations/fields.ts';
import { showRequest, shownRequest } from '../../operations/shown-request.ts';
import type { Queryable } from '../../platform/database.ts';
import { findRequest, type RequestIdentifier } from '../../requests/find.ts';

const event = z.strictObject({
  id: z.int(),
  event_id: z.string(),
  disposition: z.string(),
  late: z.boolean().describe('A newer version was applied before.'),
  remarks: z.array(z.string()),
  family: z.string(),
  type: z.string(),
  subscription_number: z.string(),
  version: z.int(),
  action_id: z.string(),
  occurred_date: instant(),
  received_date: instant(),
  topic: z.string(),
  partition: z.int(),
  offset: z.int(),
  event: z.unknown().describe('As it was decoded.'),
});
const withheld = z.strictObject({
  type: z.string(),
  reason: z.string().describe('docs/reasons.md'),
  smartcard_ca_id: z.string().nullable(),
  service_ca_id: z.string().nullable(),
  detail: z.string(),
});
const attempt = z.strictObject({
  attempt: z.int(),
  command: z.string().describe('Differs from the type of the request if a question was asked.'),
  operation: z.string(),
  url: z.string(),
  answer: z.string(),
  code: z.string().nullable(),
  description: z.string().nullable(),
  http_status: z.int().nullable(),
  started_date: instant(),
  duration_ms: z.number(),
  instance: z.string(),
  request_body: z.string().nullable().describe('The SOAP body that was sent, secrets masked.'),
  response_body: z.string().nullable(),
});
const outcome = z.strictObject({
  kind: z.string(),
  event_id: z.string().describe('`ce_id` of the message.'),
  created_date: instant(),
  published_date: instant().nullable(),
  parked_reason: z.string().nullable().describe('Why the broker will never take it.'),
  replay_id: z.int().nullable(),
  record: z.unknown(),
});

const causes = {
  action_id: z.string().nullable(),
  action_number: z.string().nullable(),
  causation_event_id: z.string().nullable().describe('The event that made it, also if it is no longer kept.'),
};
type Causes = Pick<RequestStory['request'], keyof typeof causes>;

/** Everything that is known of one provisioning request (promise P6). */
export const requestStory = z
  .strictObject({
    event: event.nullable().describe('What made the request; null if no event did, or if it is no longer kept.'),
    request: shownRequest.extend(causes),
    withheld: z.array(withheld).describe('Commands of the same event that were not sent, and why.'),
    attempts: z.array(attempt).describe('The oldest first.'),
    outcomes: z.array(outcome).describe('The outcomes of the request and of its action, published or waiting.'),
  })
  .meta({ id: 'RequestStory', description: 'Everything that is known of one provisioning request.' });
export type RequestStory = z.output<typeof requestStory>;

/** Reads a request's whole story; null if there is no such request. */
export async function readStory(db: Queryable, identifier: RequestIdentifier): Promise<RequestStory | null> {
  const request = await findRequest(db, identifier);
  if (request === null) return null;
  const { number, subscriptionNumber } = request;
  const [found] = await db.query<Causes & { inbox_id: number | null }>(SELECT_CAUSES, [number]);
  // Retention removed it since.
  if (found === undefined) return null;
  const { inbox_id: inboxId, ...actions } = found;
  const [events, commands, attempts, outcomes] = await Promise.all([
    db.query<RowOf<z.output<typeof event>>>(SELECT_EVENT, [inboxId]),
    db.query<z.output<typeof withheld>>(SELECT_WITHHELD, [inboxId]),
    db.query<RowOf<z.output<typeof attempt>>>(SELECT_ATTEMPTS, [number]),
    db.query<RowOf<z.output<typeof outcome>>>(SELECT_OUTCOMES, [number, actions.action_id, subscriptionNumber]),
  ]);
  return {
    event: events[0] === undefined ? null : shownRow(events[0]),
    request: { ...showRequest(request), ...actions },
    withheld: commands,
    attempts: attempts.map(shownRow),
    outcomes: outcomes.map(shownRow),
  };
}

/** Returns whether this number or a higher one was drawn: then its request was removed, or was never committed. */
export async function isPastNumber(db: Queryable, number: number): Promise<boolean> {
  const [row] = await db.query<{ past: boolean }>(
    'select is_called and last_value >= $1::bigint as past from request_number',
    [number],
  );
  return row?.past === true;
}

// Each statement walks a primary key, the last one outbox_request and outbox_action.
const SELECT_CAUSES = /* sql */ `
select action_id, action_number, causation_event_id, inbox_id from request where number = $1`;

const SELECT_EVENT = /* sql */ `
select id, event_id, disposition, late, remarks, family, writer_type as type, subscription_number,
  subscription_version as version, action_id, occurred_at as occurred_date, received_at as received_date,
  topic, partition, message_offset as "offset", event
from inbox where id = $1`;

const SELECT_WITHHELD = /* sql */ `
select type, reason, smartcard as smartcard_ca_id, service_ca_id, detail
from withheld where inbox_id = $1 order by ordinal`;

const SELECT_ATTEMPTS = /* sql */ `
select attempt, command, operation, url, answer, code, description, http_status, started_at as started_date, duration_ms,
  instance, request_body, response_body
from attempt where request_number = $1 order by attempt`;

const SELECT_OUTCOMES = /* sql */ `
select kind, event_id, created_at as created_date, published_at as published_date, parked_reason, replay_id, record
from outbox
where request_number = $1
  or (kind = 'ACTION_OUTCOME' and action_id = $2 and record ->> 'subscriptionNumber' = $3)
order by id`;
