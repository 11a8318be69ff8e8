import { Command } from 'commander';
import { localUser } from '../operations/actor.ts';
import { awaitOutcome } from '../operations/outcome.ts';
import { processRequests } from '../operations/process-requests.ts';
import { isPastNumber, requestStory } from '../operations/request-story.ts';
import { requestTable, showRequest } from '../operations/shown-request.ts';
import { storyText } from '../operations/story-text.ts';
import { recordOutcomes } from '../outcomes/record.ts';
import { commandTypes } from '../planning/command.ts';
import { lifeCycleStates } from '../requests/find.ts';
import { LIST_LIMITS, type ListFilter, type ListOptions, listRequests } from '../requests/list.ts';
import { withdrawRequest } from '../requests/withdraw.ts';
import { withDatabase } from './database.ts';
import { NotFoundError, UsageError } from './exit-codes.ts';
import { operated } from './operation.ts';
import { print, printJson, report } from './output.ts';
import { tellingWhy } from './sending-teller.ts';
import { casPatterns, judge, outcomeText, timeoutOf, type UtilityOptions, waiting, withOperations } from './utility.ts';

/** `requests`: what became of provisioning requests. */
export function requestsCommand(): Command {
  const requests = new Command('requests').description('reads provisioning requests, and withdraws pending ones');
  requests
    .command('show')
    .description("one request's whole story: event, disposition, request, attempts with the SOAP bodies, outcomes")
    .argument('<number>', "the request's number, or its id")
    .option('--json', 'print JSON')
    .action(async (numberOrId: string, { json }: { json?: boolean }) => {
      const story = await withDatabase(
        async (db) => (await requestStory(db, numberOrId)) ?? (await isPastNumber(db, numberOrId)),
      );
      if (story === true) {
        throw new NotFoundError(
          `Provisioning request ${numberOrId} is not kept any more (docs/retention.md), or its number was never used`,
        );
      }
      if (story === false) {
        throw new NotFoundError(`There is no provisioning request ${numberOrId}: give its number or its id`);
      }
      await (json ? printJson(story) : print(storyText(story)));
    });
  requests
    .command('list')
    .description('requests of one type, in one state, or with one reference number, in the order of submission')
    .option('--type <type>', 'a command, for instance ADD_SUBSCRIPTIONS')
    .option('--state <state>', 'PENDING, COMPLETED or REJECTED')
    .option('--reference <number>', 'the reference number that the CAS gave')
    .option('--newest', 'the newest first', false)
    .option('--limit <n>', `how many, at most ${LIST_LIMITS.limit}`, '50')
    .option('--after <number>', 'goes on behind this request: the last one of the page before')
    .option('--json', 'print JSON, one request a line, with the SOAP bodies')
    .action(async (options: ListArguments) => {
      const listed = await withDatabase((db) => listRequests(db, listOptionsOf(options)));
      if (options.json) for (const one of listed) await printJson(one, 'line');
      else if (listed.length === 0) report('There are no such requests.');
      else await print(requestTable(listed.map(showRequest)));
    });
  requests
    .command('withdraw')
    .description(
      'rejects a pending request (code WITHDRAWN), so that it is not sent; its cards go on with their next requests',
    )
    .argument('<number>', "the request's number")
    .option('--by <name>', 'who withdraws it', localUser())
    .action(async (number: string, { by }: { by: string }) => {
      const checked = checkedNumber(number);
      const result = await withDatabase((db) =>
        db.transaction((tx) => withdrawRequest(tx, checked, by, recordOutcomes)),
      );
      if (result.withdrawn) await print(`request ${number} is withdrawn`);
      else throw result.reason === 'NOT_FOUND' ? new NotFoundError(result.detail) : new Error(result.detail);
    });
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
  return requests;
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

interface ListArguments {
  readonly type?: string;
  readonly state?: string;
  readonly reference?: string;
  readonly newest: boolean;
  readonly limit: string;
  readonly after?: string;
  readonly json?: boolean;
}

function listOptionsOf({ limit, after, newest, json, ...filters }: ListArguments): ListOptions {
  return {
    filter: filterOf(filters),
    limit: wholeNumber('--limit', limit, 1, LIST_LIMITS.limit),
    after: after === undefined ? null : wholeNumber('--after', after, 0, Number.MAX_SAFE_INTEGER),
    first: newest ? 'newest' : 'oldest',
    bodies: json === true,
  };
}

function filterOf({ type, state, reference }: Pick<ListArguments, 'type' | 'state' | 'reference'>): ListFilter {
  const given = [type, state, reference].filter((one) => one !== undefined);
  if (given.length !== 1) throw new UsageError('Give exactly one of --type, --state and --reference');
  if (reference !== undefined) return { referenceNumber: reference };
  if (type !== undefined) return { type: oneOf('--type', type, commandTypes) };
  return { lifeCycleState: oneOf('--state', state ?? '', lifeCycleStates) };
}

function oneOf<T extends string>(option: string, value: string, known: readonly T[]): T {
  const found = known.find((one) => one === value);
  if (found === undefined) {
    throw new UsageError(`${option} is ${JSON.stringify(value)}: give one of ${known.join(', ')}`);
  }
  return found;
}

function wholeNumber(option: string, text: string, min: number, max: number): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= min && value <= max) return value;
  throw new UsageError(`${option} is ${JSON.stringify(text)}: give a whole number from ${min} to ${max}`);
}
