import type { Command } from 'commander';
import { awaitOutcome } from '../operations/outcome.ts';
import { processRequests } from '../operations/process-requests.ts';
import { UsageError } from './exit-codes.ts';
import { operated } from './operation.ts';
import { print, printJson } from './output.ts';
import { tellingWhy } from './sending-teller.ts';
import { casPatterns, judge, outcomeText, timeoutOf, type UtilityOptions, waiting, withOperations } from './utility.ts';

/** Adds `requests process`, which waits for the outcome. */
export function addProcess(requests: Command): void {
  waiting(requests.command('process'))
    .description(
      'sends a pending request, or those of a card that are due, now: before others, and without waiting for a back-off; what goes before them on their cards goes first',
    )
    .argument('[number]', "the request's number; it may be scheduled for later")
    .option('--card <ca id>', 'the due requests of this smart card')
    .action(async (number: string | undefined, options: UtilityOptions & { card?: string }) => {
      if ((number === undefined) === (options.card === undefined)) {
        throw new UsageError('Give the number of a request, or --card: exactly one of them');
      }
      const which =
        number === undefined ? { card: checkedCard(options.card ?? '') } : { number: checkedNumber(number) };
      const timeoutMs = timeoutOf(options);
      await withOperations(async (parts) => {
        const by = { user: options.by, unit: null };
        const numbers = await operated({}, () => processRequests(parts.db, which, by));
        const waits = options.wait !== false;
        const outcome = await tellingWhy(parts.db, waits && numbers.length > 0, () =>
          awaitOutcome(parts, numbers, waits ? timeoutMs : 0),
        );
        if (options.json) await printJson(outcome);
        else if (numbers.length > 0) await print(outcomeText(outcome));
        else await print(`card ${options.card} has no pending request that is due`);
        judge(outcome, waits);
      });
    });
}

function checkedCard(card: string): string {
  const { smartcard } = casPatterns();
  if (smartcard.test(card)) return card;
  throw new UsageError(`--card is ${JSON.stringify(card)}: give a smart card CA id, which fits ${smartcard.source}`);
}

function checkedNumber(number: string): number {
  if (/^\d{1,15}$/.test(number)) return Number(number);
  throw new UsageError(`The number is ${JSON.stringify(number)}: give digits only`);
}
