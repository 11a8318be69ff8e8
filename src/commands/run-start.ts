import { createInterface } from 'node:readline/promises';
import type { Command } from 'commander';
import { localUser } from '../operations/actor.ts';
import type { Database } from '../platform/database.ts';
import type { AnyKind, Estimate, KindContext } from '../features/runs/kind.ts';
import { createRun } from '../features/runs/store.ts';
import { planningRulesOf, readSettings } from '../settings.ts';
import { visibleLine } from '../platform/terminal-text.ts';
import { withDatabase } from './database.ts';
import { NotFoundError, UsageError } from './exit-codes.ts';
import { inputOf, operated, type OptionNames } from './operation.ts';
import { print, printJson, report } from './output.ts';
import { followRun } from './run-progress.ts';

/** What every command that starts a run is given. */
export interface StartArguments {
  readonly yes?: boolean;
  readonly hold?: boolean;
  readonly wait: boolean;
  readonly by: string;
  readonly json?: boolean;
}

/** Adds the options of a command that starts a run. */
export function withStart(command: Command): Command {
  return command
    .option('--yes', 'do not ask before it starts')
    .option('--hold', 'collect and count the targets, and wait until `runs resume`')
    .option('--no-wait', 'do not wait for its end')
    .option('--by <name>', 'who starts it', localUser())
    .option('--json', 'print JSON');
}

/** The parameters and the selection of a run as they come in JSON, and the options behind their fields. */
export interface GivenRun {
  readonly kind: AnyKind;
  readonly parameters: unknown;
  readonly selection: unknown;
  readonly options: OptionNames;
}

/**
 * Shows how many targets there are and some of them, asks, creates the run, and follows it to its end.
 * @throws UsageError for wrong options, NotFoundError where nothing is selected, Error where not all was done.
 */
export async function startRun(given: GivenRun, start: StartArguments): Promise<void> {
  const { kind, options } = given;
  const parameters: unknown = inputOf(kind.parameters, given.parameters, options);
  const selection: unknown = inputOf(kind.source.schema, given.selection, options);
  const context = kindContext();
  await withDatabase(async (db) => {
    const estimate = await operated(options, () => kind.source.estimate(db, selection as never, context));
    report(visibleLine(estimateText(estimate)));
    if (estimate.targets === 0) throw new NotFoundError('Nothing is selected: no run was started');
    if (start.yes !== true) await askBeforeStart(kind);
    const by = { user: start.by, unit: null };
    const run = { kind, parameters, selection, hold: start.hold === true, by };
    const id = await operated(options, () => create(db, run, context));
    if (start.wait) return await followRun(db, id, start.json === true);
    await (start.json === true
      ? printJson({ id }, 'line')
      : print(`run ${id} is created; \`runs show ${id}\` shows how far it is`));
  });
}

/** What kinds know of the service, from the settings. */
export function kindContext(): KindContext {
  return { rules: planningRulesOf(readSettings(['rules'])) };
}

function create(db: Database, run: Parameters<typeof createRun>[1], context: KindContext): Promise<number> {
  return db.transaction((tx) => createRun(tx, run, context));
}

function estimateText({ targets, exact, sample }: Estimate): string {
  const shown = sample.map(({ target, subscription }) =>
    subscription === null ? target : `${target} of ${subscription}`,
  );
  const more = targets > sample.length ? ', …' : '';
  return `${exact ? '' : 'about '}${targets.toLocaleString('en')} targets${shown.length > 0 ? `: ${shown.join(', ')}${more}` : ''}`;
}

async function askBeforeStart(kind: AnyKind): Promise<void> {
  if (!process.stdin.isTTY) throw new UsageError('Nobody can be asked whether to start: add --yes');
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  const answer = await terminal.question(`Start ${kind.description}? [y/N] `);
  terminal.close();
  if (!/^y(es)?$/i.test(answer.trim())) throw new Error('Nothing was started');
}
