import { Command } from 'commander';
import { requestStory } from '../operations/request-story.ts';
import { storyText } from '../operations/story-text.ts';
import { withDatabase } from './database.ts';
import { NotFoundError } from './exit-codes.ts';

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
  return requests;
}
