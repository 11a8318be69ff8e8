import { createWriteStream, rmSync, statSync, type WriteStream } from 'node:fs';
import { once } from 'node:events';
import { finished } from 'node:stream/promises';
import { Command } from 'commander';
import { audited } from '../features/audit/record.ts';
import { type ImportProgress, importSubscriptions, type Reject } from '../features/import/import.ts';
import { localUser } from '../operations/actor.ts';
import { messageOf } from '../platform/errors.ts';
import { FileError, fileError, readPieces } from '../platform/files.ts';
import { readSettings } from '../settings.ts';
import { withDatabase } from './database.ts';
import { UsageError } from './exit-codes.ts';
import { print, printJson, report } from './output.ts';
import { untilToldToStop } from './signals.ts';

/** `import`: brings existing customers into the snapshots. */
export function importCommand(): Command {
  return new Command('import')
    .description(
      'reads subscriptions as JSON lines into the snapshots, sends nothing, and may run twice and while the service runs (docs/import.md)',
    )
    .argument('<file>', 'one Subscription record of the contract as JSON on each line; - is standard input')
    .option(
      '--rejects <path>',
      'where lines that are not imported go, with what is wrong (default: <file>.rejects.jsonl)',
    )
    .option('--from-line <number>', 'starts with this line, counted from 1', '1')
    .option('--json', 'print the counts as JSON')
    .action(async (file: string, options: { rejects?: string; fromLine: string; json?: boolean }) => {
      if (!/^[1-9]\d{0,14}$/.test(options.fromLine)) {
        throw new UsageError(`--from-line is ${JSON.stringify(options.fromLine)}: give a number from 1 on`);
      }
      const rejectsFile = options.rejects ?? (file === '-' ? 'rejects.jsonl' : `${file}.rejects.jsonl`);
      await run(file, rejectsFile, Number(options.fromLine), options.json ?? false);
    });
}

async function run(file: string, rejectsFile: string, fromLine: number, json: boolean): Promise<void> {
  // Before the rejects of an earlier run are removed, and before standard input is read.
  readSettings(['database']);
  const bytesInAll = file === '-' ? null : sizeOf(file);
  const rejects = rejectsTo(rejectsFile, fromLine > 1);
  const startedAt = performance.now();
  const secondsSoFar = (): number => (performance.now() - startedAt) / 1_000;
  const stop = new AbortController();
  void untilToldToStop().then(() => stop.abort());
  let progress: ImportProgress = { lines: 0, bytes: 0, added: 0, updated: 0, known: 0, rejected: 0 };
  let shownAt = 0;
  try {
    const stream = file === '-' ? process.stdin : readPieces(file);
    const by = { user: localUser(), unit: null };
    const input = { file, from_line: fromLine };
    progress = await withDatabase((db) =>
      audited(db, { source: 'cli', operation: 'import', by, input }, () =>
        importSubscriptions(db, stream as AsyncIterable<Buffer>, {
          name: file === '-' ? 'standard input' : file,
          fromLine,
          signal: stop.signal,
          onReject: (reject) => rejects.add(reject),
          onProgress: (now) => {
            progress = now;
            if (secondsSoFar() - shownAt < PROGRESS_EVERY_SECONDS) return;
            shownAt = secondsSoFar();
            report(textOf(now, bytesInAll, shownAt, fromLine));
          },
        }),
      ),
    );
  } catch (error) {
    if (error instanceof FileError) throw error;
    throw new Error(`${messageOf(error)}\n${continueWith(progress)}`, { cause: error });
  } finally {
    await rejects.close();
  }
  const { lines, bytes: _, ...counts } = progress;
  const seconds = Math.round(secondsSoFar() * 10) / 10;
  if (json) await printJson({ lines, ...counts, seconds, rejects_file: rejectsFileOf() });
  else await print(textOf(progress, null, secondsSoFar(), fromLine));
  if (stop.signal.aborted) throw new Error(`Stopped before the end. ${continueWith(progress)}`);
  if (counts.rejected > 0) {
    throw new Error(
      `${counts.rejected} lines were not imported, all others were: ${rejectsFile} has each with what is wrong; correct them and import them separately`,
    );
  }

  function rejectsFileOf(): string | null {
    return progress.rejected > 0 ? rejectsFile : null;
  }
}

const PROGRESS_EVERY_SECONDS = 2;

function sizeOf(file: string): number {
  try {
    const found = statSync(file);
    if (found.isDirectory()) throw Object.assign(new Error(), { code: 'EISDIR' });
    return found.size;
  } catch (error) {
    throw fileError(file, 'read', error);
  }
}

function continueWith({ lines }: ImportProgress): string {
  return `The first ${lines} lines are done: continue with --from-line ${lines + 1}, or import the whole file again.`;
}

/** `400,000 lines (43 %): 398,000 added, 0 updated, 1,990 known, 10 rejected; 9,800 lines/s` */
function textOf(progress: ImportProgress, bytesInAll: number | null, seconds: number, fromLine: number): string {
  const [lines, added, updated, known, rejected, rate] = [
    progress.lines,
    progress.added,
    progress.updated,
    progress.known,
    progress.rejected,
    Math.max(0, progress.lines - fromLine + 1) / Math.max(seconds, 0.001),
  ].map((count) => Math.round(count).toLocaleString('en'));
  const part = bytesInAll ? ` (${Math.floor((100 * progress.bytes) / bytesInAll)} %)` : '';
  return `${lines} lines${part}: ${added} added, ${updated} updated, ${known} known, ${rejected} rejected; ${rate} lines/s`;
}

/** Writes rejected lines to a file, which is made with the first one. Only its owner may read it: it has customers in it. */
function rejectsTo(path: string, append: boolean): { add(reject: Reject): Promise<void>; close(): Promise<void> } {
  let stream: WriteStream | null = null;
  // Rejects of an earlier run would be taken for this one's.
  if (!append) rmSync(path, { force: true });
  return {
    async add(reject) {
      if (stream === null) {
        stream = createWriteStream(path, { flags: append ? 'a' : 'w', mode: 0o600 });
        await once(stream, 'open').catch((cause: unknown) => {
          const file = JSON.stringify(path);
          throw new Error(
            `Rejected lines cannot be written to ${file}: name another file with --rejects (${messageOf(cause)})`,
            { cause },
          );
        });
      }
      if (!stream.write(`${JSON.stringify(reject)}\n`)) await once(stream, 'drain');
    },
    async close() {
      if (stream === null) return;
      stream.end();
      await finished(stream);
    },
  };
}
