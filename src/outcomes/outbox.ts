import type { Queryable, Transaction } from '../platform/database.ts';
import { jsonColumn, jsonTexts } from '../platform/json-column.ts';
import type { CrmActionOutcome, ProvisioningRequestOutcome } from './outcome.generated.ts';

/** CloudEvents attributes that the record does not contain. */
export interface OutcomeHeaders {
  readonly ce_time: string;
  readonly ce_subject: string;
  readonly ce_correlationid?: string;
  readonly ce_causationid?: string;
  readonly traceparent?: string;
}

/** The outbox for `idRange`. */
export const OUTBOX = { table: 'outbox', id: 'id', time: 'created_at' };

/** A header's name and value in base64; null if the header had no value. */
export type DeadLetterHeader = readonly [name: string, valueBase64: string | null];

/** A message to publish after the commit. */
export type NewOutboxMessage =
  | {
      readonly kind: 'REQUEST_OUTCOME';
      readonly key: string;
      readonly record: ProvisioningRequestOutcome;
      readonly headers: OutcomeHeaders;
    }
  | {
      readonly kind: 'ACTION_OUTCOME';
      readonly key: string;
      readonly record: CrmActionOutcome;
      readonly headers: OutcomeHeaders;
    }
  | {
      readonly kind: 'DEAD_LETTER';
      /** A random UUID: dead letters have no ce_id of ours. */
      readonly eventId: string;
      /** The original key and value. */
      readonly key: Buffer | null;
      readonly body: Buffer | null;
      readonly headers: readonly DeadLetterHeader[];
    };

/** Stores messages for the relay in their order. */
export function addToOutbox(tx: Transaction, messages: readonly NewOutboxMessage[]): void {
  if (messages.length === 0) return;
  const rows = messages.map(outboxRow);
  tx.send(
    `insert into outbox (kind, event_id, message_key, record, body, headers, request_number, action_id)
     select kind, event_id, message_key, record, body, headers, request_number, action_id
     from unnest($1::text[], $2::uuid[], $3::bytea[], ${jsonColumn('$4')}, $5::bytea[], ${jsonColumn('$6')}, $7::bigint[], $8::text[])
       with ordinality as m (kind, event_id, message_key, record, body, headers, request_number, action_id, position)
     order by position`,
    [
      rows.map((row) => row.kind),
      rows.map((row) => row.eventId),
      rows.map((row) => row.key),
      jsonTexts(rows.map((row) => row.record)),
      rows.map((row) => row.body),
      jsonTexts(rows.map((row) => row.headers)),
      rows.map((row) => row.requestNumber),
      rows.map((row) => row.actionId),
    ],
  );
}

function outboxRow(message: NewOutboxMessage) {
  if (message.kind === 'DEAD_LETTER') {
    const { kind, eventId, key, body } = message;
    return {
      kind,
      eventId,
      key,
      body,
      headers: JSON.stringify(message.headers),
      record: null,
      requestNumber: null,
      actionId: null,
    };
  }
  const { kind, record } = message;
  return {
    kind,
    eventId: record.eventId,
    key: Buffer.from(message.key, 'utf8'),
    record: JSON.stringify(record),
    body: null,
    headers: JSON.stringify(message.headers),
    requestNumber: message.kind === 'REQUEST_OUTCOME' ? message.record.requestNumber : null,
    actionId: record.actionId,
  };
}

/** A stored message, ready to be encoded. */
export interface OutboxMessage {
  readonly id: number;
  readonly kind: NewOutboxMessage['kind'];
  readonly event_id: string;
  readonly message_key: Buffer | null;
  readonly record: ProvisioningRequestOutcome | CrmActionOutcome | null;
  readonly body: Buffer | null;
  readonly headers: OutcomeHeaders | readonly DeadLetterHeader[];
}

/** A message that waits to be published, with its ages when it was read, by the database's clock. */
export interface UnpublishedMessage extends OutboxMessage {
  /** Milliseconds since it was stored. */
  readonly storedMs: number;
  /**
   * Milliseconds since what it is the outcome of: a request came or was due, or the first event of an action came. Null
   * for dead letters and replayed outcomes.
   */
  readonly outcomeMs: number | null;
}

/**
 * Reads the oldest waiting messages in publishing order. It never uses "id > last", because transactions do not commit
 * in the order of their ids. Walks outbox_unpublished.
 */
export function unpublishedMessages(db: Queryable, limit: number): Promise<UnpublishedMessage[]> {
  return db.query<UnpublishedMessage>(
    `select id, kind, event_id, message_key, record, body, headers,
       ${age('extract(epoch from created_at) * 1000')} as "storedMs",
       case when replay_id is null and record is not null then ${age(
         `greatest((record ->> 'submittedAt')::float8, (record ->> 'scheduledAt')::float8, (record ->> 'receivedAt')::float8)`,
       )} end as "outcomeMs"
     from outbox where published_at is null and parked_reason is null order by id limit $1`,
    [limit],
  );
}

/** SQL: how many milliseconds ago a time was, which is in epoch milliseconds. */
function age(at: string): string {
  return `greatest(extract(epoch from clock_timestamp()) * 1000 - (${at}), 0)::float8`;
}

/** Marks messages as published. Walks the primary key. */
export async function markPublished(db: Queryable, ids: readonly number[]): Promise<void> {
  await db.query('update outbox set published_at = now() where id = any($1::bigint[])', [ids]);
}

/** Parks a message that the broker will never accept, so that later ones can go out. */
export async function parkMessage(db: Queryable, id: number, reason: string): Promise<void> {
  await db.query('update outbox set parked_reason = $2 where id = $1', [id, reason]);
}

/** Counts the messages that wait, no further than `max`. Walks outbox_unpublished. */
export async function countUnpublished(db: Queryable, max: number): Promise<number> {
  const [row] = await db.query<{ messages: number }>(
    `select count(*) as messages
     from (select from outbox where published_at is null and parked_reason is null order by id limit $1) waiting`,
    [max],
  );
  return row?.messages ?? 0;
}
