import type { Kafka } from 'kafkajs';
import { createEventDecoder, type FindWriterSchema } from '../../events/decode.ts';
import { eventOfJson } from '../../events/json-event.ts';
import type { ReadMessage } from '../../intake/message.ts';
import { read, readMessages } from '../../intake/read.ts';
import { linesOf } from '../../platform/lines.ts';
import type { Database } from '../../platform/database.ts';
import { readPieces } from '../../platform/files.ts';
import { type PartitionRange, partitionRanges, readRanges } from './kafka-range.ts';
import { countInbox, type EventSelection, type GroupPage, inboxPages } from './select-events.ts';
import { createSpool, type Spool } from './spool.ts';

/**
 * What a replay of events stores in `replay.selection`: the selection, and exactly which messages it found at the
 * start.
 */
export type StoredSelection = EventSelection & {
  /** Null if not known yet: a hosted replay has not read its topic once. */
  readonly ranges: readonly PartitionRange[] | null;
  readonly fingerprint: string | null;
  readonly again: boolean;
  readonly limits?: ReplayLimits;
  /** Messages that could not be read, by reason. */
  readonly unreadable?: Readonly<Record<string, number>>;
};

/** How fast a replay of events runs; see RunOptions. */
export interface ReplayLimits {
  readonly window: number;
  readonly perSecond: number | null;
}

export const DEFAULT_LIMITS: ReplayLimits = { window: 500, perSecond: null };

/** What is needed to read events from a topic. */
export interface TopicReading {
  readonly kafka: Kafka;
  readonly findWriterSchema: FindWriterSchema;
}

/** The events of a selection, ready to read. */
export interface OpenedEvents {
  /** What a resumed replay needs to find the same events. */
  readonly pinned: Required<Pick<StoredSelection, 'ranges' | 'fingerprint' | 'unreadable'>>;
  /** About how many events there are; null if unknown. */
  readonly events: number | null;
  pages(after: string | null): AsyncIterable<GroupPage>;
}

export interface OpenOptions {
  readonly db: Database;
  /** Called only if the events come from a topic. */
  readonly reading: () => TopicReading;
  /** For a resumed replay: the messages that it was started with. */
  readonly ranges: readonly PartitionRange[] | null;
  readonly onRead: (events: number) => void;
}

/**
 * Opens the selected events. A file or a part of a topic is read into temporary files by subscription; the inbox is
 * read page by page.
 */
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
      pages: (after) => inboxPages(db, { ...selection, source }, after),
    });
  }
  const spool = createSpool(selection);
  try {
    const pinned = source.kind === 'file' ? await fromFile(spool, source.path, onRead) : await fromKafka();
    return await use({
      pinned: { ranges: pinned, fingerprint: spool.fingerprint(), unreadable: spool.unreadable },
      events: spool.events,
      pages: (after) => spool.pages(after),
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
 * Returns the selection together with the messages that were found, for the replay to store.
 * @throws Error if the replay was started with other messages.
 */
export function pinnedTo(id: number, selection: StoredSelection, { pinned }: OpenedEvents): StoredSelection {
  if (selection.fingerprint !== null && selection.fingerprint !== pinned.fingerprint) {
    throw new Error(`The events are not those that replay ${id} was started with: start a new one`);
  }
  return { ...selection, ...pinned };
}

const LINE_BYTES_MAX = 8 * 1024 * 1024;

async function fromFile(spool: Spool, path: string, onRead: (events: number) => void): Promise<null> {
  for await (const { number, text, problem } of linesOf(readPieces(path), LINE_BYTES_MAX, path)) {
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
