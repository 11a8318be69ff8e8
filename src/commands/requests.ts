import { userInfo } from 'node:os';
import { Command } from 'commander';
import { requestStory } from '../operations/request-story.ts';
import { storyText } from '../operations/story-text.ts';
import { recordOutcomes } from '../outcomes/record.ts';
import { withdrawRequest } from '../requests/withdraw.ts';
import { withDatabase } from './database.ts';
import { NotFoundError, UsageError } from './exit-codes.ts';

/** `requests`: what became of provisioning requests. */
export function requestsCommand(): Command {
  const requests = new Command('requests').description('reads provisioning requests, and withdraws pending ones');
  requests
    .command('show')
    .description("one request's whole story: event, disposition, request, attempts with the SOAP bodies, outcomes")
    .argument('<number>', "the request's number, or its id")
    .option('--json', 'print JSON')
    .action(async (numberOrId: string, { json }: { json?: boolean }) => {
      const story = await withDatabase((db) => requestStory(db, numberOrId));
      if (!story) throw new NotFoundError(`There is no provisioning request ${numberOrId}: give its number or its id`);
      process.stdout.write(json ? `${JSON.stringify(story, null, 2)}\n` : storyText(story));
    });
  requests
    .command('withdraw')
    .description(
      'rejects a pending request (code WITHDRAWN), so that it is not sent; its cards go on with their next requests',
    )
    .argument('<number>', "the request's number")
    .option('--by <name>', 'who withdraws it', userInfo().username)
    .action(async (number: string, { by }: { by: string }) => {
      if (!/^\d{1,15}$/.test(number)) throw new UsageError(`The number is ${JSON.stringify(number)}: give digits only`);
      const result = await withDatabase((db) =>
        db.transaction((tx) => withdrawRequest(tx, Number(number), by, recordOutcomes)),
      );
      if (result.withdrawn) console.log(`request ${number} is withdrawn`);
      else throw result.reason === 'NOT_FOUND' ? new NotFoundError(result.detail) : new Error(result.detail);
    });
  return requests;
}
