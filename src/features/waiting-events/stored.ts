import { z } from 'zod';
import type { ActionEvent } from '../../events/action-event.ts';
import { dispositions } from '../../intake/fold.ts';
import type { IncomingMessage } from '../../intake/message.ts';
import { instant, type RowOf, shownRow } from '../../operations/fields.ts';
import { type DeadLetterHeader, OUTBOX } from '../../outcomes/outbox.ts';
import type { Queryable } from '../../platform/database.ts';
import { idRange } from '../../platform/id-range.ts';

/** A message of the CRM in the inbox. */
export const storedEvent = z
  .strictObject({
    id: z.int(),
    disposition: z.enum(dispositions),
    received_date: instant(),
    topic: z.string(),
    partition: z.int(),
    offset: z.int(),
    message_date: instant().describe('The time of the Kafka message.'),
    event_id: z.string().nullable(),
    subscription_number: z.string().nullable(),
    version: z.int().nullable(),
    family: z.string().nullable(),
    type: z.string().nullable().describe('As the CRM wrote it.'),
    action_id: z.string().nullable(),
    reason: z.string().nullable().describe('Why it is a dead letter: docs/errors-intake.md'),
    detail: z.string().nullable(),
    resolution: z.string().nullable().describe('What a person decided.'),
    resolved_date: instant().nullable(),
  })
  .meta({ id: 'StoredEvent', description: 'A message of the CRM as the inbox has it.' });
export type StoredEvent = z.output<typeof storedEvent>;

/**
 * Reads one message and its event, which is null if it could not be decoded. Null if there is no such row. Walks the
 * primary key.
 */
export async function readEvent(
  db: Queryable,
  id: number,
): Promise<(StoredEvent & { readonly event: ActionEvent | null }) | null> {
  const [row] = await db.query<RowOf<StoredEvent> & { event: ActionEvent | null }>(
    `select ${EVENT_COLUMNS}, i.event from inbox i where i.id = $1`,
    [id],
  );
  return row === undefined ? null : { ...shownRow<StoredEvent>(row), event: row.event };
}

/** A page of the messages that wait for a person, the oldest first. */
export interface WaitingPage {
  /** Starts after this id. */
  readonly after: number;
  readonly limit: number;
  /** Also dead letters that somebody decided about. */
  readonly all?: boolean;
  readonly subscription?: string | undefined;
  /** A card that its event names, or that its subscription holds or held. */
  readonly card?: string | undefined;
  /** The reason of a dead letter. */
  readonly code?: string | undefined;
  /** When it was received. */
  readonly since?: Date | undefined;
  readonly until?: Date | undefined;
}

/** Lists dead letters or held events. */
export async function listWaiting(
  db: Queryable,
  disposition: 'DEAD_LETTERED' | 'STALE',
  { after, limit, all = false, subscription, card, code, since, until }: WaitingPage,
): Promise<StoredEvent[]> {
  const values = [after, limit, all, subscription ?? null, card ?? null, code ?? null, since ?? null, until ?? null];
  const rows = await db.query<RowOf<StoredEvent>>(LISTS[disposition], values);
  return rows.map((row) => shownRow<StoredEvent>(row));
}

/**
 * Reads the original message of a dead letter from the outbox; null if that row is gone. Walks outbox's primary key.
 */
export async function messageOfDeadLetter(db: Queryable, letter: StoredEvent): Promise<IncomingMessage | null> {
  const { topic, partition, offset, message_date: timestamp } = letter;
  const received = new Date(letter.received_date);
  // One transaction wrote both rows, so both have its time, to the microsecond.
  const range = await idRange(db, OUTBOX, { from: received, to: received });
  const place = [
    ['dead-letter-topic', base64(topic)],
    ['dead-letter-partition', base64(String(partition))],
    ['dead-letter-offset', base64(String(offset))],
    ['dead-letter-timestamp', base64(timestamp)],
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
  return { topic, partition, offset, timestamp: new Date(timestamp), key: row.key, value: row.body, headers };
}

function base64(text: string): string {
  return Buffer.from(text).toString('base64');
}

/** The columns of a `StoredEvent`. */
export const EVENT_COLUMNS = /* sql */ `
i.id, i.disposition, i.received_at as received_date, i.topic, i.partition, i.message_offset as "offset",
i.message_timestamp as message_date, i.event_id, i.subscription_number, i.subscription_version as version, i.family,
i.writer_type as type, i.action_id, i.dead_letter_reason as reason, i.dead_letter_detail as detail, i.resolution,
i.resolved_at as resolved_date`;

/** Few messages wait: filters look at all of them, which inbox_dead_letter or inbox_held has. */
const list = (disposition: string) => /* sql */ `
select ${EVENT_COLUMNS} from inbox i
 where disposition = '${disposition}' and id > $1 and ($3 or resolved_at is null)
   and ($4::text is null or subscription_number = $4)
   and ($5::text is null
        or subscription_number in (select c.subscription_number from subscription_card c where c.card = $5
                                   union all select p.subscription_number from past_card p where p.card = $5)
        or jsonb_path_exists(event, '$.**.installedItems[*].caId ? (@ == $card)', jsonb_build_object('card', $5::text)))
   and ($6::text is null or dead_letter_reason = $6)
   and ($7::timestamptz is null or received_at >= $7)
   and ($8::timestamptz is null or received_at < $8)
 order by id limit $2`;
const LISTS = { DEAD_LETTERED: list('DEAD_LETTERED'), STALE: list('STALE') };
