import { Command } from 'commander';
import { problemOfArchive } from '../operations/retention-archive.ts';
import { kindsToRemove, type RetentionDays } from '../operations/retention-kinds.ts';
import type { RowCounts } from '../operations/retention-rows.ts';
import { type RetentionPass, retentionPasses } from '../operations/retention-pass.ts';
import { countRetention, type RetentionProgress, runRetention } from '../operations/retention.ts';
import { indexWalking } from '../platform/planner-settings.ts';
import { readSettings, retentionDaysOf } from '../settings.ts';
import { withDatabase } from './database.ts';
import { UsageError } from './exit-codes.ts';
import { print, printJson, report } from './output.ts';
import { untilToldToStop } from './signals.ts';

/** `retention`: removes, and archives, what is older than its settings. */
export function retentionCommand(): Command {
  const retention = new Command('retention').description(
    'archives and removes rows that are older than the RETENTION_ settings (docs/retention.md)',
  );
  retention
    .command('run')
    .description('removes what is older than the settings, beside the service; goes on where it was broken off')
    .option('--dry-run', 'only counts what would go', false)
    .option('--archive <dir>', 'archives rows there first (default: RETENTION_ARCHIVE_DIR)')
    .option('--rest <times>', 'rests so many times as long as each batch took; 0: not at all', '9')
    .option('--json', 'print the counts as JSON')
    .action(run);
  retention
    .command('status')
    .description('the last pass over each kind of row, and what it has removed')
    .option('--json', 'print JSON')
    .action(async ({ json }: { json?: boolean }) => {
      const passes = await withDatabase(retentionPasses);
      await (json ? printJson(passes) : print(statusText(passes)));
    });
  return retention;
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
    throw new UsageError('Nothing is to be removed: set one of the RETENTION_…_DAYS (docs/settings.md)');
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
    const { state, removed } = await runRetention({ db, days, archive, rest, signal, onProgress: teller(days) });
    if (state === 'busy') {
      throw new Error(
        'Another instance runs retention, or one died a moment ago: see `retention status`, or try again in 10 s',
      );
    }
    await printCounts(removed, 'removed', json);
    if (state === 'stopped') throw new Error('Stopped before the end: the next run goes on from there');
  }, walking);
}

const PROGRESS_EVERY_MS = 2_000;

/** Tells of progress on standard error, now and then. */
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

function statusText(passes: readonly RetentionPass[]): string {
  if (passes.length === 0) return 'retention has not run yet\n';
  return passes
    .map(({ kind, beganAt, endedAt, position, removed }) => {
      const end = endedAt === null ? `not ended, at ${position}` : `ended ${endedAt.toISOString()}`;
      return `${kind.padEnd(8)}  began ${beganAt.toISOString()}, ${end}: ${countsText(removed)} removed\n`;
    })
    .join('');
}

/** What people call the tables; a row in the lists of requests comes and goes with its request. */
const WORDS = {
  request: 'requests',
  attempt: 'attempts',
  inbox: 'events',
  withheld: 'withheld commands',
  outbox: 'outcomes and dead letters',
  crm_action: 'actions',
  run: 'runs',
  run_target: 'targets of runs',
} as const;

/** `1,000 requests, 1,200 attempts` */
function countsText(counts: RowCounts): string {
  const parts = Object.entries(WORDS).flatMap(([table, word]) => {
    const count = counts[table] ?? 0;
    return count > 0 ? [`${count.toLocaleString('en')} ${word}`] : [];
  });
  return parts.length === 0 ? 'nothing' : parts.join(', ');
}
