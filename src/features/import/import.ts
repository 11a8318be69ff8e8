import { snapshotCards } from '../../planning/snapshot.ts';
import { type Database } from '../../platform/database.ts';
import { isDatabaseOutage, sqlState } from '../../platform/database-errors.ts';
import { messageOf } from '../../platform/errors.ts';
import { linesOf } from '../../platform/lines.ts';
import { type ImportedSubscription, type LineProblem, readRecord } from './record.ts';
import { writeImported } from './write.ts';

/** How far an import came. */
export interface ImportProgress {
  /** Lines from the start of the file that are committed or rejected. */
  readonly lines: number;
  readonly bytes: number;
  /** Subscriptions that were new. */
  readonly added: number;
  /** Subscriptions that had an older version. */
  readonly updated: number;
  /** Lines that brought nothing new: the version, or a newer one, was there. */
  readonly known: number;
  readonly rejected: number;
}

/** A line that was not imported. */
export interface Reject {
  readonly line: number;
  readonly problems: readonly LineProblem[];
  /** The line as it was; null if it is too long to be kept, or not UTF-8. */
  readonly text: string | null;
}

export interface ImportOptions {
  /** The first line to import, from 1 on; lines before it are skipped. */
  readonly fromLine: number;
  /** Called and awaited for every line that is not imported, in order. */
  readonly onReject: (reject: Reject) => Promise<void> | void;
  /** Called after every batch. */
  readonly onProgress: (progress: ImportProgress) => void;
  /** The import ends after the batch under way. */
  readonly signal?: AbortSignal;
  /** What errors call the stream. */
  readonly name?: string;
}

/** How many subscriptions and smart cards a transaction takes; a single subscription may have more cards. */
const BATCH_LINES_MAX = 500;
const BATCH_CARDS_MAX = 500;
/** Longest line. */
const LINE_BYTES_MAX = 8 * 1024 * 1024;
/** A batch of long lines ends earlier. */
const BATCH_BYTES_MAX = 4 * 1024 * 1024;

interface Entry {
  readonly line: number;
  readonly text: string;
  readonly imported: ImportedSubscription;
}

/**
 * Reads subscriptions as JSON lines into the snapshots, in small transactions, while the service may run. A line is
 * written only if it is newer, so the same file may be imported again, from any line.
 * @returns the counts of the lines: of all, unless `signal` ended the import.
 * @throws errors that are not about a line, such as an outage; the last progress shows how far it came.
 */
export async function importSubscriptions(
  db: Database,
  stream: AsyncIterable<Buffer>,
  { fromLine, onReject, onProgress, signal, name }: ImportOptions,
): Promise<ImportProgress> {
  let progress: ImportProgress = { lines: 0, bytes: 0, added: 0, updated: 0, known: 0, rejected: 0 };
  let batch: Entry[] = [];
  let rejects: Reject[] = [];
  let cards = 0;
  let bytes = 0;
  let last = { number: 0, endOffset: 0 };
  for await (const { number, text, problem, endOffset } of linesOf(stream, LINE_BYTES_MAX, name)) {
    last = { number, endOffset };
    if (number < fromLine || text?.trim() === '') continue;
    const read = text === null ? unusable(problem) : readRecord(text);
    if (text === null || !('snapshot' in read)) rejects.push({ line: number, problems: read as LineProblem[], text });
    else {
      batch.push({ line: number, text, imported: read });
      cards += snapshotCards(read.snapshot).length;
    }
    bytes += text?.length ?? 0;
    if (batch.length + rejects.length >= BATCH_LINES_MAX || cards >= BATCH_CARDS_MAX || bytes >= BATCH_BYTES_MAX) {
      await flush();
      if (signal?.aborted) return progress;
    }
  }
  await flush();
  return progress;

  async function flush(): Promise<void> {
    const written = await write(db, batch);
    const refused = [...rejects, ...written.refused].toSorted((one, other) => one.line - other.line);
    for (const reject of refused) await onReject(reject);
    progress = {
      lines: last.number,
      bytes: last.endOffset,
      added: progress.added + written.added,
      updated: progress.updated + written.updated,
      known: progress.known + written.known,
      rejected: progress.rejected + refused.length,
    };
    batch = [];
    rejects = [];
    cards = 0;
    bytes = 0;
    onProgress(progress);
  }
}

function unusable(problem: string | null): readonly LineProblem[] {
  const remedy = 'write one JSON object on each line, in UTF-8 and of the size that a subscription needs';
  return [{ field: '', problem: problem ?? 'cannot be read', remedy }];
}

type Outcome = Pick<ImportProgress, 'added' | 'updated' | 'known'> & { readonly refused: readonly Reject[] };

/** Writes a batch. If PostgreSQL refuses a value in it, the batch is halved until the culprit is alone. */
async function write(db: Database, batch: readonly Entry[]): Promise<Outcome> {
  if (batch.length === 0) return { added: 0, updated: 0, known: 0, refused: [] };
  try {
    return {
      ...(await writeImported(
        db,
        batch.map(({ imported }) => imported),
      )),
      refused: [],
    };
  } catch (error) {
    if (isDatabaseOutage(error) || !/^(22|23|54)/.test(sqlState(error) ?? '')) throw error;
    const [first] = batch;
    if (batch.length === 1 && first) {
      const problem = `cannot be stored: ${messageOf(error)}`;
      const problems = [{ field: '', problem, remedy: 'correct the value that the database names' }];
      return { added: 0, updated: 0, known: 0, refused: [{ line: first.line, problems, text: first.text }] };
    }
    const half = Math.ceil(batch.length / 2);
    const one = await write(db, batch.slice(0, half));
    const other = await write(db, batch.slice(half));
    return {
      added: one.added + other.added,
      updated: one.updated + other.updated,
      known: one.known + other.known,
      refused: [...one.refused, ...other.refused],
    };
  }
}
