import type { Command } from 'commander';
import { audited } from '../features/audit/record.ts';
import { problemOfArchive } from '../features/retention/archive.ts';
import { kindsToRemove, type RetentionDays } from '../features/retention/kinds.ts';
import { countRetention, type RetentionProgress, runRetention } from '../features/retention/remove.ts';
import { countsText } from '../features/retention/retention.ts';
import type { RowCounts } from '../features/retention/rows.ts';
import { localUser } from '../operations/actor.ts';
import { indexWalking } from '../platform/planner-settings.ts';
import { readSettings, retentionDaysOf } from '../settings.ts';
import { withDatabase } from './database.ts';
import { UsageError } from './exit-codes.ts';
import { print, printJson, report } from './output.ts';
import { untilToldToStop } from './signals.ts';

/** Adds the command `retention run`, which removes, and archives, what is older than its settings. */
export function addRetentionRun(retention: Command): void {
  retention
    .command('run')
    .description('removes what is older than the settings, also while the service runs; continues where it stopped')
    .option('--dry-run', 'only counts what would go', false)
    .option('--archive <dir>', 'archives rows there first (default: RETENTION_ARCHIVE_DIR)')
    .option('--rest <times>', 'rests this number of times as long as each batch took; 0: not at all', '9')
    .option('--json', 'print the counts as JSON')
    .action(run);
}

interface RunArguments {
  readonly dryRun: boolean;
  readonly archive?: string;
  readonly rest: string;
  readonly json?: boolean;
}

async function run({ dryRun, archive: given, rest: times, json }: RunArguments): Promise<void> {
  const settings = readSettings(['database', 'retention']);
  const days = retentionDaysOf(settings);
  const archive = given ?? settings.RETENTION_ARCHIVE_DIR ?? null;
  const rest = Number(times);
  if (!/^\d{1,3}(\.\d+)?$/.test(times)) {
    throw new UsageError(`--rest is ${JSON.stringify(times)}: give a number from 0 to 999`);
  }
  if (kindsToRemove(days).length === 0) {
    throw new UsageError('There is nothing to remove: set one of the RETENTION_…_DAYS (docs/settings.md)');
  }
  const problem = dryRun || archive === null ? null : await problemOfArchive(archive);
  if (problem !== null) throw new UsageError(problem);

  const stop = new AbortController();
  void untilToldToStop().then(() => stop.abort());
  const { signal } = stop;
  const walking = {
    settings: indexWalking({ joinByIndex: true }),
    maxConnections: 2,
    applicationName: 'conax-provisioning retention',
    prepared: true,
  };
  await withDatabase(async (db) => {
    if (dryRun) {
      const counts = await countRetention({ db, days, rest, signal });
      if (signal.aborted) throw new Error('Stopped before everything was counted');
      return printCounts(counts, 'would go', json);
    }
    const by = { user: localUser(), unit: null };
    const { state, removed } = await audited(
      db,
      { source: 'cli', operation: 'retention.run', by, input: { days, archive, rest } },
      () => runRetention({ db, days, archive, rest, signal, onProgress: teller(days) }),
    );
    if (state === 'busy') {
      throw new Error(
        'Another instance runs retention, or one died a moment ago: see `retention status`, or try again in 10 s',
      );
    }
    await printCounts(removed, 'removed', json);
    if (state === 'stopped') throw new Error('Stopped before the end: the next run continues from there');
  }, walking);
}

const PROGRESS_EVERY_MS = 2_000;

/** Reports progress on standard error every two seconds. */
function teller(days: RetentionDays): (progress: RetentionProgress) => void {
  const kinds = kindsToRemove(days);
  let toldAt = performance.now();
  return ({ kind, position, removed }) => {
    if (performance.now() - toldAt < PROGRESS_EVERY_MS) return;
    toldAt = performance.now();
    report(
      `${kind} (${kinds.indexOf(kind) + 1} of ${kinds.length}), up to ${position}: ${countsText(removed)} removed`,
    );
  };
}

function printCounts(counts: RowCounts, what: string, json: boolean | undefined): Promise<void> {
  return json ? printJson(counts) : print(`${countsText(counts)} ${what}`);
}
