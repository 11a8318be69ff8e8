import { Command } from 'commander';
import { resyncKind } from '../features/resync/kind.ts';
import { type SelectionArguments, SELECTION_OPTIONS, selectionOf, withSelection } from './run-selection.ts';
import { type StartArguments, startRun, withStart } from './run-start.ts';

/** `resync`: what the newest snapshots entitle goes to the CAS again. */
export function resyncCommand(): Command {
  const command = new Command('resync')
    .description('sends again what the newest snapshots of subscriptions entitle, pairings first (docs/reconcile.md)')
    .option('--subscription <number>', 'this subscription; may be given several times', collected);
  return withStart(withSelection(command, 'subscriptions')).action(async (given: ResyncArguments) => {
    const { subscription } = given;
    const selection = {
      ...(await selectionOf(given)),
      ...(subscription === undefined ? {} : { subscriptions: subscription }),
    };
    const option = subscription === undefined ? '--subscriptions' : '--subscription';
    const options = { ...SELECTION_OPTIONS, selection: option, subscriptions: option };
    await startRun({ kind: resyncKind, parameters: {}, selection, options }, given);
  });
}

interface ResyncArguments extends SelectionArguments, StartArguments {
  readonly subscription?: string[];
}

function collected(value: string, before: string[] = []): string[] {
  return [...before, value];
}
