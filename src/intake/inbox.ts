import type { ActionEvent } from '../events/action-event.ts';
import type { Queryable, Transaction } from '../platform/database.ts';
import { jsonColumn, jsonTexts } from '../platform/json-column.ts';
import { storable } from '../requests/storable.ts';
import type { Decision } from './fold.ts';
import { traceparentOf } from './message.ts';

/** Returns ids for as many inbox rows, ascending. */
export async function newInboxIds(tx: Transaction, count: number): Promise<number[]> {
  const rows = await tx.query<{ id: number }>(`select nextval('inbox_id_seq') as id from generate_series(1, $1::int)`, [
    count,
  ]);
  return rows.map(({ id }) => id).toSorted((a, b) => a - b);
}

/** Stores the decision about each message with its id. */
export function insertInbox(tx: Transaction, decisions: readonly (Decision & { readonly inboxId: number })[]): void {
  const rows = decisions.map(inboxRow);
  tx.send(
    `insert into inbox (id, event_id, disposition, late, remarks, family, type, writer_type, subscription_number,
       subscription_version, action_id, occurred_at, topic, partition, message_offset, message_timestamp, traceparent,
       dead_letter_reason, dead_letter_detail, event) overriding system value
     select id, event_id, disposition, late, remarks::text[], family, type, writer_type, subscription_number,
       subscription_version, action_id, occurred_at, topic, partition, message_offset, message_timestamp, traceparent,
       dead_letter_reason, dead_letter_detail, event
     from (select * from unnest($1::text[], $2::text[], $3::boolean[], $4::text[], $5::text[], $6::text[], $7::text[],
         $8::text[], $9::bigint[], $10::text[], $11::timestamptz[], $12::text[], $13::int[], $14::bigint[],
         $15::timestamptz[], $16::text[], $17::text[], $18::text[], ${jsonColumn('$19')}, $20::bigint[])
       as m (event_id, disposition, late, remarks, family, type, writer_type, subscription_number,
         subscription_version, action_id, occurred_at, topic, partition, message_offset, message_timestamp, traceparent,
         dead_letter_reason, dead_letter_detail, event, id) order by id) as ordered`,
    [
      rows.map((row) => row.eventId),
      rows.map((row) => row.disposition),
      rows.map((row) => row.late),
      rows.map((row) => row.remarks),
      rows.map((row) => row.family),
      rows.map((row) => row.type),
      rows.map((row) => row.writerType),
      rows.map((row) => row.subscriptionNumber),
      rows.map((row) => row.subscriptionVersion),
      rows.map((row) => row.actionId),
      rows.map((row) => row.occurredAt),
      rows.map((row) => row.message.topic),
      rows.map((row) => row.message.partition),
      rows.map((row) => row.message.offset),
      rows.map((row) => row.message.timestamp),
      rows.map((row) => row.traceparent),
      rows.map((row) => row.reason),
      rows.map((row) => row.detail),
      jsonTexts(rows.map((row) => row.event)),
      decisions.map(({ inboxId }) => inboxId),
    ],
  );
}

/**
 * Stores the decision about a dead letter that could be read after all; its row becomes that of the event. Walks the
 * primary key.
 */
export async function updateInbox(
  tx: Transaction,
  inboxId: number,
  decision: Decision,
  resolution: string,
): Promise<void> {
  const row = inboxRow(decision);
  await tx.query(
    `update inbox set event_id = $2, disposition = $3, late = $4, remarks = $5::text[], family = $6, type = $7,
       writer_type = $8, subscription_number = $9, subscription_version = $10, action_id = $11, occurred_at = $12,
       event = $13::jsonb, resolution = $14, resolved_at = now()
     where id = $1`,
    [
      inboxId,
      row.eventId,
      row.disposition,
      row.late,
      row.remarks,
      row.family,
      row.type,
      row.writerType,
      row.subscriptionNumber,
      row.subscriptionVersion,
      row.actionId,
      row.occurredAt,
      row.event,
      resolution,
    ],
  );
}

/** Makes the row. It keeps the event if it may be planned again (a release, a replay) or a person must read it. */
function inboxRow(decision: Decision) {
  const { message, event, cause, disposition } = decision;
  return {
    message,
    disposition,
    late: decision.late,
    remarks: `{${decision.remarks.join(',')}}`,
    eventId: event?.eventId ?? null,
    family: event?.family ?? null,
    type: event?.type ?? null,
    writerType: event?.writerType ?? null,
    subscriptionNumber: event?.subscription.number ?? null,
    subscriptionVersion: event?.subscription.version ?? null,
    actionId: event?.action.id ?? null,
    occurredAt: event === null ? null : new Date(event.occurredAt),
    traceparent: traceparentOf(message),
    reason: disposition === 'DEAD_LETTERED' ? (cause?.reason ?? null) : null,
    detail: disposition === 'DEAD_LETTERED' ? (cause?.detail ?? null) : null,
    event: event === null || disposition === 'DUPLICATE' ? null : jsonOf(event, disposition),
  };
}

/**
 * Returns the event's JSON. Of an event that was dead-lettered for U+0000, that character is replaced, so that its
 * action is known and the CRM gets an outcome. The dead letter has the original bytes. Everything else is unchanged.
 */
function jsonOf(event: ActionEvent, disposition: Decision['disposition']): string {
  if (disposition !== 'DEAD_LETTERED') return JSON.stringify(event);
  return JSON.stringify(event, (_name, value: unknown) => (typeof value === 'string' ? storable(value) : value));
}

/** Stores where reading continues, in a statement of its own. */
export async function storeOffset(
  db: Queryable,
  group: string,
  topic: string,
  partition: number,
  nextOffset: number,
): Promise<void> {
  await db.query(STORE_OFFSET, [group, topic, partition, nextOffset]);
}

const UPSERT_OFFSET = /* sql */ `
insert into consumer_offset (consumer_group, topic, partition, next_offset) values ($1, $2, $3, $4)
on conflict (consumer_group, topic, partition) do update set next_offset = `;

/** Where a consumer group continues with a partition of a topic. */
const STORE_OFFSET = `${UPSERT_OFFSET}excluded.next_offset`;

/**
 * The same after events were stored. An instance that the group removed meanwhile must not take back what another one
 * reached.
 */
export const ADVANCE_OFFSET = `${UPSERT_OFFSET}greatest(excluded.next_offset, consumer_offset.next_offset)`;
