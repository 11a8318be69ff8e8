import { createReadStream } from 'node:fs';
import type { Kafka } from 'kafkajs';
import { createEventDecoder, type FindWriterSchema } from '../events/decode.ts';
import { eventOfJson } from '../events/json-event.ts';
import type { ReadMessage } from '../intake/message.ts';
import { read, readMessages } from '../intake/read.ts';
import { linesOf } from '../operations/import-lines.ts';
import type { Database } from '../platform/database.ts';
import { type PartitionRange, partitionRanges, readRanges } from './kafka-range.ts';
import { countInbox, type EventSelection, type GroupPage, inboxPages } from './select-events.ts';
import { createSpool, type Spool } from './spool.ts';

/** What a replay of events keeps in `replay.selection`: the very messages that it was begun with. */
export type StoredSelection = EventSelection & {
  /** Null where they are not known yet: of a hosted replay until its topic was read once. */
  readonly ranges: readonly PartitionRange[] | null;
  readonly fingerprint: string | null;
  readonly again: boolean;
  readonly limits?: ReplayLimits;
  /** Messages that could not be read, by reason. */
  readonly unreadable?: Readonly<Record<string, number>>;
};

/** How fast a replay of events goes; see RunOptions. */
export interface ReplayLimits {
  readonly window: number;
  readonly perSecond: number | null;
}

export const DEFAULT_LIMITS: ReplayLimits = { window: 500, perSecond: null };

/** Where events of a topic come from. */
export interface TopicReading {
  readonly kafka: Kafka;
  readonly findWriterSchema: FindWriterSchema;
}

/** The events of a selection, ready to be gone through. */
export interface OpenedEvents {
  /** What a resumed replay needs to find the same events. */
  readonly pinned: Required<Pick<StoredSelection, 'ranges' | 'fingerprint' | 'unreadable'>>;
  /** About how many there are; null where nobody knows. */
  readonly events: number | null;
  pages(behind: string | null): AsyncIterable<GroupPage>;
}

export interface OpenOptions {
  readonly db: Database;
  /** Asked for where the events are those of a topic. */
  readonly reading: () => TopicReading;
  /** Of a replay that was begun before: the messages that it was begun with. */
  readonly ranges: readonly PartitionRange[] | null;
  readonly onRead: (events: number) => void;
}

/** Reads a file or a part of a topic into temporary files, by subscription; the inbox is read as it goes. */
export async function withEvents<T>(
  selection: EventSelection,
  { db, reading, ranges, onRead }: OpenOptions,
  use: (events: OpenedEvents) => Promise<T>,
): Promise<T> {
  const { source } = selection;
  if (source.kind === 'inbox') {
    return use({
      pinned: { ranges: null, fingerprint: null, unreadable: {} },
      events: await countInbox(db, source),
      pages: (behind) => inboxPages(db, { ...selection, source }, behind),
    });
  }
  const spool = createSpool(selection);
  try {
    const pinned = source.kind === 'file' ? await fromFile(spool, source.path, onRead) : await fromKafka();
    return await use({
      pinned: { ranges: pinned, fingerprint: spool.fingerprint(), unreadable: spool.unreadable },
      events: spool.events,
      pages: (behind) => spool.pages(behind),
    });
  } finally {
    spool.remove();
  }

  async function fromKafka(): Promise<readonly PartitionRange[]> {
    if (source.kind !== 'kafka') return [];
    const { kafka, findWriterSchema } = reading();
    const decoder = createEventDecoder(findWriterSchema);
    const found = ranges ?? (await partitionRanges(kafka, source));
    await readRanges(kafka, source.topic, found, async (messages) => {
      spool.add(await readMessages(decoder, messages));
      onRead(spool.events);
    });
    return found;
  }
}

/**
 * The selection as a replay keeps it from now on, with the messages that were found.
 * @throws Error where it was begun with others.
 */
export function pinnedTo(id: number, selection: StoredSelection, { pinned }: OpenedEvents): StoredSelection {
  if (selection.fingerprint !== null && selection.fingerprint !== pinned.fingerprint) {
    throw new Error(`The events are not those that replay ${id} was begun with: begin a new one`);
  }
  return { ...selection, ...pinned };
}

const LINE_BYTES_MAX = 8 * 1024 * 1024;

async function fromFile(spool: Spool, path: string, onRead: (events: number) => void): Promise<null> {
  const stream = createReadStream(path, { highWaterMark: 1 << 20 }) as AsyncIterable<Buffer>;
  for await (const { number, text, problem } of linesOf(stream, LINE_BYTES_MAX, path)) {
    if (text?.trim() === '') continue;
    spool.add([lineOf(path, number, text, problem)]);
    onRead(spool.events);
  }
  return null;
}

function lineOf(path: string, number: number, text: string | null, problem: string | null): ReadMessage {
  const decoded =
    text === null ? ({ ok: false, reason: 'UNREADABLE', detail: `the line ${problem}` } as const) : eventOfJson(text);
  const key = decoded.ok ? Buffer.from(decoded.event.subscription.number) : null;
  const timestamp = new Date(decoded.ok ? decoded.event.occurredAt : 0);
  return read(
    { topic: `file:${path}`, partition: 0, offset: number, timestamp, key, value: null, headers: {} },
    decoded,
  );
}
