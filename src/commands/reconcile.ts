import { Command } from 'commander';
import type { Difference } from '../planning/reconcile.ts';
import type { Database } from '../platform/database.ts';
import { reconcileFixKind } from '../features/reconcile/fix-kind.ts';
import { reconcileKind } from '../features/reconcile/kind.ts';
import {
  type CardFinding,
  countDifferences,
  findingsOf,
  type FixPreview,
  previewFixes,
  reconcileOutcomes,
} from '../features/reconcile/report.ts';
import { mustBeReconciled, reconcileRun } from '../features/reconcile/fix-source.ts';
import { runView } from '../features/runs/view.ts';
import { type Column, table, visibleLine } from '../platform/terminal-text.ts';
import { numeral } from '../http/input-kinds.ts';
import { withDatabase } from './database.ts';
import { UsageError } from './exit-codes.ts';
import { operated } from './operation.ts';
import { print, printJson, report } from './output.ts';
import { progressText } from './run-progress.ts';
import { type SelectionArguments, SELECTION_OPTIONS, selectionOf, withSelection } from './run-selection.ts';
import { kindContext, type StartArguments, startRun, withStart } from './run-start.ts';

/** Cards of one look at the database. */
const PAGE = 500;
const SHOWN = '100';

/** `reconcile`: what the CAS has against what the newest snapshots entitle. */
export function reconcileCommand(): Command {
  const reconcile = new Command('reconcile').description(
    'compares what is active in the CAS with what the newest snapshots entitle, and mends it when told (docs/reconcile.md)',
  );
  reconcile.addCommand(runCommand());
  reconcile.addCommand(showCommand());
  reconcile.addCommand(fixCommand());
  return reconcile;
}

function runCommand(): Command {
  const command = new Command('run').description(
    'asks the CAS about every card of a selection, and reports what differs; changes nothing',
  );
  return withStart(withSelection(command, 'cards')).action(async (given: SelectionArguments & StartArguments) => {
    const selection = await selectionOf(given);
    await startRun({ kind: reconcileKind, parameters: {}, selection, options: SELECTION_OPTIONS }, given);
  });
}

function showCommand(): Command {
  return new Command('show')
    .description('what a reconcile found: counts, and the cards that are not EQUAL')
    .argument('<run>', "the run's number")
    .option('--outcome <outcome>', `only cards that are ${reconcileOutcomes.join(', ')}`)
    .option('--limit <n>', 'how many cards', SHOWN)
    .option('--after <card>', 'goes on behind this card: the last one of the page before', '')
    .option('--json', 'print JSON')
    .action(async (given: string, { outcome, limit, after, json }: ShowArguments) => {
      const id = runNumber(given);
      const outcomes = reconcileOutcomes.filter((one) => (outcome === undefined ? one !== 'EQUAL' : one === outcome));
      if (outcomes.length === 0) {
        throw new UsageError(`--outcome is ${JSON.stringify(outcome)}: give one of ${reconcileOutcomes.join(', ')}`);
      }
      const page = { outcomes, after, limit: whole('--limit', limit) };
      await withDatabase(async (db) => {
        const view = await runView(db, await operated({ run: '<run>' }, () => reconcileRun(db, id)));
        const [differences, cards] = [await countDifferences(db, id), await findingsOf(db, id, page)];
        if (json) await printJson({ ...view, differences, cards });
        else {
          const counted = differences.map((one) => `${one.services} ${one.finding} on ${one.cards} cards`);
          await print([progressText(view), ...counted, table(COLUMNS, cards, 200) || NO_CARDS].join('\n'));
        }
      });
    });
}

interface ShowArguments {
  readonly outcome?: string;
  readonly limit: string;
  readonly after: string;
  readonly json?: boolean;
}

const ONLY: Readonly<Record<string, Difference['finding']>> = {
  missing: 'MISSING_IN_CAS',
  'too-much': 'TOO_MUCH_IN_CAS',
};

function fixCommand(): Command {
  const command = new Command('fix')
    .description('shows what would mend what a reconcile found, by the snapshots of now; sends it only with --send')
    .argument('<run>', 'the number of the reconcile run')
    .option('--only <what>', `only what is ${Object.keys(ONLY).join(' or ')}`)
    .option('--send', 'start a run that sends it, each card planned anew when its turn comes');
  return withStart(command).action(async (given: string, start: FixArguments) => {
    const id = runNumber(given);
    const only = start.only === undefined ? null : ONLY[start.only];
    if (only === undefined) {
      throw new UsageError(`--only is ${JSON.stringify(start.only)}: give ${Object.keys(ONLY).join(' or ')}`);
    }
    // Of the two outputs JSON is the one of the run that is started.
    if (start.send !== true || start.json !== true) await withDatabase((db) => preview(db, id, only, start));
    if (start.send !== true) return;
    const parameters = only === null ? {} : { only };
    await startRun({ kind: reconcileFixKind, parameters, selection: { run: id }, options: { run: '<run>' } }, start);
  });
}

interface FixArguments extends StartArguments {
  readonly only?: string;
  readonly send?: boolean;
}

async function preview(
  db: Database,
  id: number,
  only: Difference['finding'] | null,
  { json, send }: FixArguments,
): Promise<void> {
  await operated({ run: '<run>' }, () => mustBeReconciled(db, id));
  const { rules } = kindContext();
  let [after, cards, commands, withheld] = ['', 0, 0, 0];
  for (;;) {
    const page = await previewFixes(db, id, { after, limit: PAGE, only }, rules);
    for (const one of page) {
      commands += one.fixes.length;
      withheld += one.withheld.length;
      if (one.fixes.length > 0) cards += 1;
      await (json ? printJson(one, 'line') : print(fixLines(one).map(visibleLine).join('\n')));
    }
    after = page.at(-1)?.card ?? after;
    if (page.length < PAGE) break;
  }
  report(
    `${commands} commands for ${cards} cards, ${withheld} withheld${send ? '' : '; nothing was sent: --send does'}`,
  );
}

/** `CANCEL_SUBSCRIPTIONS 00000000001 777 of S1`, and what is withheld with its reason. */
function fixLines({ card, fixes, withheld }: FixPreview): string[] {
  return [
    ...fixes.map(
      ({ command, subscription }) =>
        `${command.type} ${card} ${command.service.caId}${subscription === null ? '' : ` of ${subscription.number}`}`,
    ),
    ...withheld.map(
      ({ type, reason, serviceCaId, detail }) =>
        `  withheld ${type} ${card} ${serviceCaId ?? '-'}: ${reason}. ${detail}`,
    ),
  ];
}

const NO_CARDS = 'no such cards';
const COLUMNS: readonly Column<CardFinding>[] = [
  ['card', ({ card }) => card],
  ['outcome', ({ outcome }) => outcome],
  [
    'differences',
    ({ differences, code, description }) =>
      differences.map(({ finding, serviceCaId }) => `${finding} ${serviceCaId}`).join(', ') ||
      [code, description].filter((one) => one !== null).join(': '),
  ],
];

function runNumber(given: string): number {
  return whole('<run>', given);
}

function whole(option: string, given: string): number {
  const value = numeral(given);
  if (typeof value === 'number' && value > 0) return value;
  throw new UsageError(`${option} is ${JSON.stringify(given)}: give a whole number from 1 on`);
}
