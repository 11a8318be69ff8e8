import { createReadStream, existsSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Command } from 'commander';
import { kafkaOf, registryOf } from '../connections.ts';
import { createEventDecoder } from '../events/decode.ts';
import { eventOfJson } from '../events/json-event.ts';
import type { ReadMessage } from '../intake/message.ts';
import { read, readMessages } from '../intake/read.ts';
import { linesOf } from '../operations/import-lines.ts';
import type { Database } from '../platform/database.ts';
import { createLogger } from '../platform/logging.ts';
import { type PartitionRange, partitionRanges, readRanges } from '../replay/kafka-range.ts';
import {
  countInbox,
  type EventSelection,
  FAMILY_LETTERS,
  type GroupPage,
  inboxPages,
} from '../replay/select-events.ts';
import { createSpool, type Spool } from '../replay/spool.ts';
import { readSettings } from '../settings.ts';
import { UsageError } from './exit-codes.ts';
import { oneOf, textOf, timeOf, wholeNumberOf } from './options.ts';

export interface SelectionArguments {
  readonly from?: string;
  readonly to?: string;
  readonly disposition?: string;
  readonly topic?: string;
  readonly partition?: string;
  readonly fromOffset?: string;
  readonly toOffset?: string;
  readonly file?: string;
  readonly subscription?: string;
  readonly action?: string;
  readonly type?: string;
}

/** What a replay of events keeps in `replay.selection`: the very messages that it was begun with. */
export type StoredSelection = EventSelection & {
  readonly ranges: readonly PartitionRange[] | null;
  readonly fingerprint: string | null;
  readonly again: boolean;
};

/** The options that say which events. */
export function withSelection(command: Command): Command {
  return command
    .option('--from <time>', 'events received from this time on; of a topic, messages with this time or a later one')
    .option('--to <time>', 'events received before this time; of a topic, messages with an earlier one')
    .option('--disposition <disposition>', 'PLANNED, NOTHING_TO_DO or STALE')
    .option('--topic <name>', 'from this Kafka topic instead of the inbox')
    .option('--partition <number>', 'one partition of it')
    .option('--from-offset <offset>', 'from this offset of the partition on')
    .option('--to-offset <offset>', 'up to the message before this offset')
    .option('--file <path>', 'from this file instead of the inbox: one event as JSON on each line')
    .option('--subscription <number>', 'of one subscription')
    .option('--action <id>', "of one CRM action, by the CRM's id of it")
    .option('--type <type>', 'of one action type, for instance "V: ADD_SERVICE"');
}

/** The selection that the options ask for. @throws UsageError */
export function selectionOf(given: SelectionArguments): EventSelection {
  const { topic, file, type, partition } = given;
  const from = given.from === undefined ? null : timeOf('--from', given.from);
  const to = given.to === undefined ? null : timeOf('--to', given.to);
  const offsets = [given.fromOffset, given.toOffset].some((one) => one !== undefined);
  if (topic !== undefined && file !== undefined) throw new UsageError('Give one of --topic and --file');
  if (topic === undefined && (partition !== undefined || offsets)) {
    throw new UsageError('--partition, --from-offset and --to-offset belong to --topic');
  }
  if (offsets && partition === undefined) throw new UsageError('--from-offset and --to-offset need --partition');
  if ((topic !== undefined || file !== undefined) && given.disposition !== undefined) {
    throw new UsageError('--disposition is for events of the inbox');
  }
  if (file !== undefined && (from !== null || to !== null)) throw new UsageError('--from and --to are not for files');
  if (type !== undefined && !/^[SVI]: [A-Z_]{1,60}$/.test(type)) {
    const letters = Object.keys(FAMILY_LETTERS).join(', ');
    throw new UsageError(
      `--type is ${JSON.stringify(type)}: give ${letters}, a colon, a blank and the type: "V: ADD_SERVICE"`,
    );
  }
  const number = (option: string, text: string | undefined): number | null =>
    text === undefined ? null : wholeNumberOf(option, text, 0, Number.MAX_SAFE_INTEGER);
  const filter = {
    subscription: given.subscription === undefined ? null : textOf('--subscription', given.subscription),
    action: given.action === undefined ? null : textOf('--action', given.action),
    type: type ?? null,
  };
  if (file !== undefined) {
    if (!existsSync(file)) throw new UsageError(`--file is ${JSON.stringify(file)}: there is no such file`);
    return { ...filter, source: { kind: 'file', path: resolve(file) } };
  }
  if (topic === undefined) {
    const dispositions = ['PLANNED', 'NOTHING_TO_DO', 'STALE'] as const;
    const disposition =
      given.disposition === undefined ? null : oneOf('--disposition', given.disposition, dispositions);
    return { ...filter, source: { kind: 'inbox', from, to, disposition } };
  }
  const range = {
    partition: number('--partition', partition),
    fromOffset: number('--from-offset', given.fromOffset),
    toOffset: number('--to-offset', given.toOffset),
  };
  return { ...filter, source: { kind: 'kafka', topic, ...range, from, to } };
}

/** The events of a selection, ready to be gone through. */
export interface OpenedEvents {
  /** What a resumed replay needs to find the same events. */
  readonly pinned: Pick<StoredSelection, 'ranges' | 'fingerprint'>;
  /** About how many there are; null where nobody knows. */
  readonly events: number | null;
  /** Messages that cannot be read, by reason. */
  readonly unreadable: Readonly<Record<string, number>>;
  pages(behind: string | null): AsyncIterable<GroupPage>;
}

/** Reads a file or a part of a topic into temporary files, by subscription; the inbox is read as it goes. */
export async function withEvents<T>(
  db: Database,
  selection: EventSelection,
  ranges: readonly PartitionRange[] | null,
  onRead: (events: number) => void,
  use: (events: OpenedEvents) => Promise<T>,
): Promise<T> {
  const { source } = selection;
  if (source.kind === 'inbox') {
    return use({
      pinned: { ranges: null, fingerprint: null },
      events: await countInbox(db, source),
      unreadable: {},
      pages: (behind) => inboxPages(db, { ...selection, source }, behind),
    });
  }
  const spool = createSpool(selection);
  try {
    const pinned = source.kind === 'file' ? await fromFile(spool, source.path, onRead) : await fromKafka();
    return await use({
      pinned: { ranges: pinned, fingerprint: spool.fingerprint() },
      events: spool.events,
      unreadable: spool.unreadable,
      pages: (behind) => spool.pages(behind),
    });
  } finally {
    spool.remove();
  }

  async function fromKafka(): Promise<readonly PartitionRange[]> {
    if (source.kind !== 'kafka') return [];
    const settings = readSettings(['kafka']);
    const kafka = kafkaOf(settings, createLogger('silent'));
    const registry = registryOf(settings);
    const decoder = createEventDecoder((id) => registry.findWriterSchema(id));
    const found = ranges ?? (await partitionRanges(kafka, source));
    await readRanges(kafka, source.topic, found, async (messages) => {
      spool.add(await readMessages(decoder, messages));
      onRead(spool.events);
    });
    return found;
  }
}

const LINE_BYTES_MAX = 8 * 1024 * 1024;

async function fromFile(spool: Spool, path: string, onRead: (events: number) => void): Promise<null> {
  const stream = createReadStream(path, { highWaterMark: 1 << 20 }) as AsyncIterable<Buffer>;
  for await (const { number, text } of linesOf(stream, LINE_BYTES_MAX)) {
    if (text?.trim() === '') continue;
    spool.add([lineOf(path, number, text)]);
    onRead(spool.events);
  }
  return null;
}

function lineOf(path: string, number: number, text: string | null): ReadMessage {
  const decoded =
    text === null
      ? ({ ok: false, reason: 'UNREADABLE', detail: `the line has more than ${LINE_BYTES_MAX} bytes` } as const)
      : eventOfJson(text);
  const key = decoded.ok ? Buffer.from(decoded.event.subscription.number) : null;
  const timestamp = new Date(decoded.ok ? decoded.event.occurredAt : 0);
  return read(
    { topic: `file:${path}`, partition: 0, offset: number, timestamp, key, value: null, headers: {} },
    decoded,
  );
}
