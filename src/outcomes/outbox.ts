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

/**
 * Reads the oldest waiting messages in publishing order. It never uses "id > last", because transactions do not commit
 * in the order of their ids. Walks outbox_unpublished.
 */
export function unpublishedMessages(db: Queryable, limit: number): Promise<OutboxMessage[]> {
  return db.query<OutboxMessage>(
    `select id, kind, event_id, message_key, record, body, headers
     from outbox where published_at is null and parked_reason is null order by id limit $1`,
    [limit],
  );
}

/** Marks messages as published. Walks the primary key. */
export async function markPublished(db: Queryable, ids: readonly number[]): Promise<void> {
  await db.query('update outbox set published_at = now() where id = any($1::bigint[])', [ids]);
}

/** Parks a message that the broker will never accept, so that later ones can go out. */
export async function parkMessage(db: Queryable, id: number, reason: string): Promise<void> {
  await db.query('update outbox set parked_reason = $2 where id = $1', [id, reason]);
}

/** Measures what waits, for metrics. Walks outbox_unpublished. */
export async function outboxBacklog(db: Queryable): Promise<{ messages: number; oldestAgeMs: number }> {
  const [row] = await db.query<{ messages: number; age_ms: number | null }>(
    `select count(*) as messages, (extract(epoch from greatest(now() - min(created_at), '0')) * 1000)::float8 as age_ms
     from outbox where published_at is null and parked_reason is null`,
  );
  return { messages: row?.messages ?? 0, oldestAgeMs: row?.age_ms ?? 0 };
}
