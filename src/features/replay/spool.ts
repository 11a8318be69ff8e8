import { createHash, randomBytes } from 'node:crypto';
import { appendFileSync, existsSync, mkdtempSync, rmSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ActionEvent } from '../../events/action-event.ts';
import type { IncomingMessage, ReadMessage } from '../../intake/message.ts';
import { traceparentOf } from '../../intake/message.ts';
import { messageOf as problemOf } from '../../platform/errors.ts';
import type { Group } from './evaluate.ts';
import { type EventFilter, type GroupPage, isMeant } from './select-events.ts';

/** Groups the messages of a stream by subscription on disk, so that memory does not grow with their number. */
export interface Spool {
  /** Adds messages in the order of the stream; drops those that the filter leaves out. */
  add(reads: readonly ReadMessage[]): void;
  /** The number of events added. */
  readonly events: number;
  /** Messages that could not be read, by reason. */
  readonly unreadable: Readonly<Record<string, number>>;
  /**
   * Returns a fingerprint of the messages. The same messages have the same fingerprint in whatever order they are
   * added.
   */
  fingerprint(): string;
  /** Reads all events after a cursor: each subscription's in version order, each eventId once. */
  pages(after: string | null): AsyncGenerator<GroupPage>;
  /** Deletes the files. */
  remove(): void;
}

/** Of a million events of 2 KB, each file has 2 MB. It is read as a whole, which live work must tolerate. */
const BUCKETS = 1_024;
const BUFFER_CHARS = 16 * 1024;
const PAGE_SUBSCRIPTIONS = 100;
const PAGE_EVENTS = 1_000;

interface Line {
  readonly event: ActionEvent;
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  readonly timestamp: number;
  readonly key: string | null;
  readonly traceparent: string | null;
}

/**
 * Starts an empty spool in the directory for temporary files (TMPDIR, default /tmp), readable by this user alone.
 * @throws Error with the remedy if nothing can be written there, as in a container whose root is read-only.
 */
export function createSpool(filter: EventFilter): Spool {
  const directory = temporaryDirectory();
  const remove = (): void => {
    process.off('exit', remove);
    rmSync(directory, { recursive: true, force: true });
  };
  process.once('exit', remove);
  const buffers = Array.from({ length: BUCKETS }, () => '');
  const unreadable: Record<string, number> = {};
  // A sum over all messages, because Kafka keeps no order between the partitions of a topic.
  let sum = 0n;
  let events = 0;

  return {
    add,
    get events() {
      return events;
    },
    unreadable,
    fingerprint: () => `${events} ${sum.toString(16)}`,
    pages,
    remove,
  };

  function add(reads: readonly ReadMessage[]): void {
    for (const { message, event, cause } of reads) {
      if (event === null || cause !== null) {
        const reason = cause?.reason ?? 'UNREADABLE';
        unreadable[reason] = (unreadable[reason] ?? 0) + 1;
      } else if (isMeant(event, filter)) take(message, event);
    }
  }

  function take(message: IncomingMessage, event: ActionEvent): void {
    const { topic, partition, offset, timestamp, key } = message;
    const line: Line = {
      event,
      topic,
      partition,
      offset,
      timestamp: timestamp.getTime(),
      key: key?.toString() ?? null,
      traceparent: traceparentOf(message),
    };
    const bucket = bucketOf(event.subscription.number);
    buffers[bucket] += `${JSON.stringify(line)}\n`;
    if ((buffers[bucket]?.length ?? 0) > BUFFER_CHARS) flush(bucket);
    const identity = createHash('sha256').update(`${partition} ${offset} ${event.eventId}`).digest();
    sum = BigInt.asUintN(64, sum + identity.readBigUInt64BE(0));
    events += 1;
  }

  function flush(bucket: number): void {
    const text = buffers[bucket] ?? '';
    if (text !== '') appendFileSync(fileOf(bucket), text, { mode: 0o600 });
    buffers[bucket] = '';
  }

  function fileOf(bucket: number): string {
    return join(directory, `${bucket}.jsonl`);
  }

  async function* pages(after: string | null): AsyncGenerator<GroupPage> {
    const slash = after?.indexOf('/') ?? -1;
    const first = after === null ? 0 : Number(after.slice(0, slash));
    const last = after === null ? '' : after.slice(slash + 1);
    for (let bucket = first; bucket < BUCKETS; bucket += 1) {
      flush(bucket);
      if (!existsSync(fileOf(bucket))) continue;
      const groups = groupsOf(bucket, await readFile(fileOf(bucket), 'utf8'));
      const left = bucket === first && after !== null ? groups.filter(({ number }) => number > last) : groups;
      yield* pagesOf(left);
    }
  }
}

function temporaryDirectory(): string {
  try {
    return mkdtempSync(join(tmpdir(), `conax-replay-${randomBytes(4).toString('hex')}-`));
  } catch (cause) {
    throw new Error(
      `A replay of a topic or a file needs a directory for temporary files, and ${JSON.stringify(tmpdir())} cannot be ` +
        `written: set TMPDIR to a directory that can, or mount one there (${problemOf(cause)})`,
      { cause },
    );
  }
}

function bucketOf(number: string): number {
  return createHash('sha256').update(number).digest().readUInt16BE(0) % BUCKETS;
}

function groupsOf(bucket: number, text: string): Group[] {
  const bySubscription = new Map<string, Map<string, Line>>();
  for (const json of text.split('\n')) {
    if (json === '') continue;
    const line = JSON.parse(json) as Line;
    const { number } = line.event.subscription;
    const lines = bySubscription.get(number) ?? new Map<string, Line>();
    bySubscription.set(number, lines);
    if (!lines.has(line.event.eventId)) lines.set(line.event.eventId, line);
  }
  return [...bySubscription]
    .toSorted(([one], [other]) => (one < other ? -1 : 1))
    .map(([number, lines]) => ({
      number,
      cursor: `${bucket}/${number}`,
      inboxIds: [],
      messages: [...lines.values()]
        .toSorted((one, other) => one.event.subscription.version - other.event.subscription.version)
        .map(messageOf),
    }));
}

function messageOf({ event, timestamp, key, traceparent, ...place }: Line): Group['messages'][number] {
  const message = {
    ...place,
    timestamp: new Date(timestamp),
    key: key === null ? null : Buffer.from(key),
    value: null,
    headers: traceparent === null ? {} : { traceparent },
  };
  return { message, event, cause: null };
}

function* pagesOf(groups: readonly Group[]): Generator<GroupPage> {
  let page: Group[] = [];
  let events = 0;
  for (const group of groups) {
    if (page.length > 0 && (page.length >= PAGE_SUBSCRIPTIONS || events + group.messages.length > PAGE_EVENTS)) {
      yield page;
      page = [];
      events = 0;
    }
    page.push(group);
    events += group.messages.length;
  }
  if (page.length > 0) yield page;
}
