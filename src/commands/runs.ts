import { Command } from 'commander';
import { localUser } from '../operations/actor.ts';
import { recordOutcomes } from '../outcomes/record.ts';
import { resumeRun, stopRun } from '../features/runs/control.ts';
import { fingerprintKind } from '../features/messages/fingerprint-kind.ts';
import { listTargets } from '../features/runs/list-targets.ts';
import { messageKind } from '../features/messages/message-kind.ts';
import { queueKind } from '../features/queue/kind.ts';
import { findRun, listRuns, type RunRow, runChanges } from '../features/runs/store.ts';
import { type RunView, runView, runViews } from '../features/runs/view.ts';
import type { Queryable } from '../platform/database.ts';
import type { Column } from '../platform/terminal-text.ts';
import { numeral } from '../http/input-kinds.ts';
import { withDatabase } from './database.ts';
import { NotFoundError, UsageError } from './exit-codes.ts';
import { fingerprintOptions } from '../features/messages/fingerprint-content.ts';
import { messageOptions } from '../features/messages/message-content.ts';
import { operated } from './operation.ts';
import { print, printJson, printList } from './output.ts';
import { followRun, progressText } from './run-progress.ts';
import { type SelectionArguments, SELECTION_OPTIONS, selectionOf, withSelection } from './run-selection.ts';
import { type StartArguments, startRun, withStart } from './run-start.ts';

const LIST_MAX = 1_000;
const CARDS_MAX = 10_000;

/** `runs`: messages and fingerprints to many cards, and what became of every kind of run. */
export function runsCommand(): Command {
  const runs = new Command('runs').description(
    'messages and fingerprints to many cards; shows, stops and resumes runs',
  );
  runs.addCommand(messageCommand());
  runs.addCommand(fingerprintCommand());
  runs.addCommand(
    withStart(new Command('queue').description('sends every message that waits in the communication queue')).action(
      (start: StartArguments) => startRun({ kind: queueKind, parameters: {}, selection: {}, options: {} }, start),
    ),
  );
  runs
    .command('list')
    .description('the newest runs first, with their counts by outcome')
    .option('--limit <n>', `how many, at most ${LIST_MAX}`, '20')
    .option('--before <run>', 'goes on behind this run: the last one of the page before')
    .option('--json', 'print JSON, one run a line')
    .action(async ({ limit, before, json }: { limit: string; before?: string; json?: boolean }) => {
      const page = { limit: whole('--limit', limit, LIST_MAX), after: before === undefined ? null : runId(before) };
      const listed = await withDatabase(async (db) => runViews(db, await listRuns(db, page)));
      await printList(listed, {
        columns: COLUMNS,
        nothing: 'There are no such runs.',
        json: json ? 'lines' : null,
        widest: 300,
      });
    });
  runs
    .command('show')
    .description('one run: what it is, how far it is, and who did what to it')
    .argument('<run>', "the run's number")
    .option('--follow', 'wait for its end')
    .option('--json', 'print JSON')
    .action(async (given: string, { follow, json }: { follow?: boolean; json?: boolean }) => {
      const id = runId(given);
      await withDatabase(async (db) => {
        const run = await existing(db, id);
        if (follow) return await followRun(db, id, json === true);
        const [view, changes] = [await runView(db, run), await runChanges(db, id)];
        await (json ? printJson({ ...view, changes }) : print(showText(view, changes)));
      });
    });
  runs
    .command('stop')
    .description('sends nothing more for it at once; what is being sent ends, and `runs resume` goes on with the rest')
    .argument('<run>', "the run's number")
    .option('--by <name>', 'who stops it', localUser())
    .action(async (given: string, { by }: { by: string }) => {
      const id = runId(given);
      const withdrawn = await operated({}, () =>
        withDatabase((db) => stopRun(db, id, { user: by, unit: null }, recordOutcomes)),
      );
      await print(`run ${id} is STOPPED; ${withdrawn} requests that nobody had begun to send were withdrawn`);
    });
  runs
    .command('resume')
    .description('starts a run that was held, or goes on with one that was stopped or failed')
    .argument('<run>', "the run's number")
    .option('--by <name>', 'who resumes it', localUser())
    .action(async (given: string, { by }: { by: string }) => {
      const id = runId(given);
      const state = await operated({}, () => withDatabase((db) => resumeRun(db, id, { user: by, unit: null })));
      await print(`run ${id} is ${state}`);
    });
  runs
    .command('cards')
    .description('its targets with their outcomes and requests, in the order of their names')
    .argument('<run>', "the run's number")
    .option('--outcome <code>', 'only those: COMPLETED, OUTCOME_UNKNOWN, WAITING, PENDING, or another code')
    .option('--limit <n>', `how many, at most ${CARDS_MAX}`, String(CARDS_MAX))
    .option('--after <target>', 'goes on behind this one: the last one of the page before', '')
    .option('--json', 'print JSON, one target a line')
    .action(async (given: string, { outcome, limit, after, json }: CardsArguments) => {
      const page = { outcome: outcome ?? null, after, limit: whole('--limit', limit, CARDS_MAX) };
      const id = runId(given);
      const listed = await withDatabase(async (db) => {
        await existing(db, id);
        return await listTargets(db, id, page);
      });
      await printList(listed, {
        columns: TARGET_COLUMNS,
        nothing: `Run ${id} has no such targets.`,
        json: json ? 'lines' : null,
      });
    });
  return runs;
}

interface CardsArguments {
  readonly outcome?: string;
  readonly limit: string;
  readonly after: string;
  readonly json?: boolean;
}

interface MessageArguments extends SelectionArguments, StartArguments {
  readonly type: string;
  readonly message: string;
  readonly start?: string;
  readonly duration?: string;
  readonly repetitions?: string;
  readonly interval?: string;
}

function messageCommand(): Command {
  const command = new Command('message')
    .description('shows a mail, bark or repeating bark on every card of a selection')
    .requiredOption('--type <type>', 'MAIL, BARK or REPEATING_BARK')
    .requiredOption('--message <text>', 'the text: at most 141 characters for a mail, 129 for a bark')
    .option('--start <date>', 'when it may be shown (UTC without an offset); default: now')
    .option('--duration <seconds>', 'how long a bark is shown; default: 20')
    .option('--repetitions <n>', 'how often a repeating bark is shown')
    .option('--interval <seconds>', 'between two showings: 10 to 2550 in steps of 10');
  return withStart(withSelection(command, 'cards')).action(async (given: MessageArguments) =>
    startRun(
      {
        kind: messageKind,
        parameters: {
          type: given.type,
          message: given.message,
          start_indication_date_time: given.start,
          display_duration: numeral(given.duration),
          repetition_count: numeral(given.repetitions),
          repetition_interval: numeral(given.interval),
        },
        selection: await selectionOf(given),
        options: { ...SELECTION_OPTIONS, ...dashed(messageOptions), type: '--type', message: '--message' },
      },
      given,
    ),
  );
}

interface FingerprintArguments extends SelectionArguments, StartArguments {
  readonly at?: string;
  readonly duration?: string;
  readonly x: string;
  readonly y: string;
  readonly height: string;
  readonly slot: string;
}

function fingerprintCommand(): Command {
  const command = new Command('fingerprint')
    .description('shows the fingerprint on every card of a selection')
    .requiredOption('--x <n>', 'where on the screen')
    .requiredOption('--y <n>', 'where on the screen')
    .requiredOption('--height <n>', 'how high it is')
    .requiredOption('--slot <n>', 'the fingerprint slot')
    .option('--at <date>', 'when it is shown (UTC without an offset); default: now')
    .option('--duration <seconds>', 'how long it is shown; default: 20');
  return withStart(withSelection(command, 'cards')).action(async (given: FingerprintArguments) =>
    startRun(
      {
        kind: fingerprintKind,
        parameters: {
          display_date_time: given.at,
          duration: numeral(given.duration),
          position_x: numeral(given.x),
          position_y: numeral(given.y),
          height: numeral(given.height),
          fingerprint_slot: numeral(given.slot),
        },
        selection: await selectionOf(given),
        options: { ...SELECTION_OPTIONS, ...dashed(fingerprintOptions) },
      },
      given,
    ),
  );
}

function dashed(options: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(options).map(([field, name]) => [field, `--${name}`]));
}

async function existing(db: Queryable, id: number): Promise<RunRow> {
  const run = await findRun(db, id);
  if (run !== null) return run;
  throw new NotFoundError(`There is no run ${id}: \`runs list\` has them`);
}

function runId(given: string): number {
  if (/^\d{1,15}$/.test(given)) return Number(given);
  throw new UsageError(`The run is ${JSON.stringify(given)}: give its number`);
}

function whole(option: string, given: string, max: number): number {
  const value = Number(given);
  if (/^\d{1,15}$/.test(given) && value >= 1 && value <= max) return value;
  throw new UsageError(`${option} is ${JSON.stringify(given)}: give a whole number from 1 to ${max}`);
}

const COLUMNS: readonly Column<RunView>[] = [
  ['created', (view) => view.created_date],
  ['kind', (view) => view.kind],
  ['by', (view) => view.created_by_user],
  ['run', progressText],
];

const TARGET_COLUMNS: readonly Column<Awaited<ReturnType<typeof listTargets>>[number]>[] = [
  ['target', ({ target }) => target],
  ['outcome', ({ outcome }) => outcome],
  ['subscription', (target) => target.subscription_number],
  ['requests', (target) => target.request_numbers.join(',')],
];

function showText(view: RunView, changes: Awaited<ReturnType<typeof runChanges>>): string {
  return [
    progressText(view),
    `kind        ${view.kind}`,
    `parameters  ${JSON.stringify(view.parameters)}`,
    `selection   ${JSON.stringify(view.selection)}`,
    ...changes.map(
      ({ at, event, user, detail }) =>
        `${at.toISOString()}  ${event}${user === null ? '' : ` by ${user}`}${detail === null ? '' : `: ${detail}`}`,
    ),
  ].join('\n');
}
