import type { ActionEvent } from '../../events/action-event.ts';
import type { IncomingMessage } from '../../intake/message.ts';
import type { DeadLetterHeader } from '../../outcomes/outbox.ts';
import type { Queryable } from '../../platform/database.ts';
import { idRange } from '../replay/id-range.ts';

/** A message of the CRM in the inbox. */
export interface StoredEvent {
  readonly id: number;
  readonly disposition: 'PLANNED' | 'NOTHING_TO_DO' | 'DUPLICATE' | 'STALE' | 'DEAD_LETTERED';
  readonly receivedAt: Date;
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  readonly timestamp: Date;
  readonly eventId: string | null;
  readonly subscriptionNumber: string | null;
  readonly version: number | null;
  readonly family: string | null;
  /** The action type as the CRM wrote it. */
  readonly type: string | null;
  readonly actionId: string | null;
  readonly reason: string | null;
  readonly detail: string | null;
  /** What a person decided about it. */
  readonly resolution: string | null;
  readonly resolvedAt: Date | null;
}

/**
 * Reads one message and its event, which is null if it could not be decoded. Null if there is no such row. Walks the
 * primary key.
 */
export async function storedEvent(
  db: Queryable,
  id: number,
): Promise<(StoredEvent & { readonly event: ActionEvent | null }) | null> {
  const [row] = await db.query<StoredEvent & { event: ActionEvent | null }>(
    `select ${COLUMNS}, event from inbox where id = $1`,
    [id],
  );
  return row ?? null;
}

/** Lists dead letters, the oldest first: those that wait for a person, or all. Walks inbox_dead_letter. */
export function deadLetters(
  db: Queryable,
  options: { readonly all: boolean; readonly after: number; readonly limit: number },
): Promise<StoredEvent[]> {
  return db.query<StoredEvent>(
    `select ${COLUMNS} from inbox
     where disposition = 'DEAD_LETTERED' and id > $1 and ($2 or resolved_at is null) order by id limit $3`,
    [options.after, options.all, options.limit],
  );
}

/**
 * Reads the original message of a dead letter from the outbox; null if that row is gone. Walks outbox's primary key.
 */
export async function messageOfDeadLetter(db: Queryable, letter: StoredEvent): Promise<IncomingMessage | null> {
  const { receivedAt, topic, partition, offset, timestamp } = letter;
  // One transaction wrote both rows, so both have its time, to the microsecond.
  const range = await idRange(db, 'outbox', { from: receivedAt, to: receivedAt });
  const place = [
    ['dead-letter-topic', base64(topic)],
    ['dead-letter-partition', base64(String(partition))],
    ['dead-letter-offset', base64(String(offset))],
    ['dead-letter-timestamp', base64(timestamp.toISOString())],
  ];
  const [row] = await db.query<{ key: Buffer | null; body: Buffer | null; headers: DeadLetterHeader[] }>(
    `select o.message_key as key, o.body, o.headers from outbox o join inbox i on i.id = $1
     where o.id between $2 and $3 and o.kind = 'DEAD_LETTER' and o.created_at = i.received_at and o.headers @> $4::jsonb`,
    [letter.id, range.first, range.last, JSON.stringify(place)],
  );
  if (!row) return null;
  // No prototype: a header may be named "constructor".
  const headers = Object.create(null) as Record<string, Buffer[]>;
  for (const [name, value] of row.headers) {
    if (!name.startsWith('dead-letter-')) (headers[name] ??= []).push(Buffer.from(value ?? '', 'base64'));
  }
  return { topic, partition, offset, timestamp, key: row.key, value: row.body, headers };
}

function base64(text: string): string {
  return Buffer.from(text).toString('base64');
}

const COLUMNS = `id, disposition, received_at as "receivedAt", topic, partition, message_offset as "offset",
  message_timestamp as timestamp, event_id as "eventId", subscription_number as "subscriptionNumber",
  subscription_version as version, family, writer_type as type, action_id as "actionId",
  dead_letter_reason as reason, dead_letter_detail as detail, resolution, resolved_at as "resolvedAt"`;
