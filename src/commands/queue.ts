import { Command } from 'commander';
import { localUser } from '../operations/actor.ts';
import {
  addToQueue,
  findQueueEntry,
  listQueue,
  QUEUE_STATES,
  type QueueEntry,
  queueEntryInput,
  type QueueState,
  removeFromQueue,
} from '../runs/queue.ts';
import type { Column } from '../platform/terminal-text.ts';
import { numeral } from '../http/input-kinds.ts';
import { withDatabase } from './database.ts';
import { UsageError } from './exit-codes.ts';
import { inputOf, operated, type OptionNames } from './operation.ts';
import { print, printJson, printList } from './output.ts';
import { kindContext } from './run-start.ts';

const OPTIONS: OptionNames = {
  type: '--type',
  message: '--message',
  smartcard_ca_id: '--card',
  subscription_number: '--subscription',
  start_indication_date_time: '--start',
  display_duration: '--duration',
  repetition_count: '--repetitions',
  repetition_interval: '--interval',
};
const LIST_MAX = 1_000;

/** `queue`: messages that wait until `runs queue` sends them. */
export function queueCommand(): Command {
  const queue = new Command('queue').description(
    'messages that wait until `runs queue`, or a schedule of it, sends them',
  );
  queue
    .command('add')
    .description('puts a message for a card or a subscription into the communication queue')
    .requiredOption('--type <type>', 'MAIL, BARK or REPEATING_BARK')
    .requiredOption('--message <text>', 'the text: at most 141 characters for a mail, 129 for a bark')
    .option('--card <ca-id>', 'for this smart card')
    .option('--subscription <number>', 'for all smart cards that it has when a run takes it')
    .option('--start <date>', 'when it may be shown (UTC without an offset); default: when it is sent')
    .option('--duration <seconds>', 'how long a bark is shown; default: 20')
    .option('--repetitions <n>', 'how often a repeating bark is shown')
    .option('--interval <seconds>', 'between two showings: 10 to 2550 in steps of 10')
    .option('--by <name>', 'who adds it', localUser())
    .option('--json', 'print JSON')
    .action(async (given: AddArguments) => {
      const input = inputOf(queueEntryInput, fieldsOf(given), OPTIONS);
      const added = await operated(OPTIONS, () =>
        withDatabase((db) => addToQueue(db, input, { user: given.by, unit: null }, kindContext())),
      );
      await (given.json ? printJson(added, 'line') : print(lineOf(added)));
    });
  queue
    .command('list')
    .description('its entries, the oldest first')
    .option('--state <state>', QUEUE_STATES.join(', '))
    .option('--after <number>', 'goes on behind this entry: the last one of the page before', '0')
    .option('--limit <n>', `how many, at most ${LIST_MAX}`, '50')
    .option('--json', 'print JSON, one entry a line')
    .action(async ({ state, after, limit, json }: { state?: string; after: string; limit: string; json?: boolean }) => {
      const page = {
        state: stateOf(state),
        after: whole('--after', after, 0),
        limit: whole('--limit', limit, 1, LIST_MAX),
      };
      const listed = await withDatabase((db) => listQueue(db, page));
      await printList(listed, {
        columns: COLUMNS,
        nothing: 'There are no such entries in the queue.',
        json: json ? 'lines' : null,
        widest: 160,
      });
    });
  queue
    .command('show')
    .description('one entry with all that is known of it')
    .argument('<number>')
    .action(async (number: string) => {
      const found = await operated(OPTIONS, () =>
        withDatabase((db) => findQueueEntry(db, whole('The number', number, 1))),
      );
      await printJson(found);
    });
  queue
    .command('remove')
    .description('takes a completed entry off the list (it stays for the record), or gives up a pending one')
    .argument('<number>')
    .option('--by <name>', 'who removes it', localUser())
    .action(async (number: string, { by }: { by: string }) => {
      const removed = await operated(OPTIONS, () =>
        withDatabase((db) => removeFromQueue(db, whole('The number', number, 1), { user: by, unit: null })),
      );
      await print(lineOf(removed));
    });
  return queue;
}

interface AddArguments {
  readonly type: string;
  readonly message: string;
  readonly card?: string;
  readonly subscription?: string;
  readonly start?: string;
  readonly duration?: string;
  readonly repetitions?: string;
  readonly interval?: string;
  readonly by: string;
  readonly json?: boolean;
}

function fieldsOf(given: AddArguments): Record<string, unknown> {
  return {
    type: given.type,
    message: given.message,
    smartcard_ca_id: given.card,
    subscription_number: given.subscription,
    start_indication_date_time: given.start,
    display_duration: numeral(given.duration),
    repetition_count: numeral(given.repetitions),
    repetition_interval: numeral(given.interval),
  };
}

function stateOf(given: string | undefined): QueueState | null {
  if (given === undefined) return null;
  const found = QUEUE_STATES.find((state) => state === given);
  if (found !== undefined) return found;
  throw new UsageError(`--state is ${JSON.stringify(given)}: give one of ${QUEUE_STATES.join(', ')}`);
}

function whole(option: string, given: string, min: number, max = Number.MAX_SAFE_INTEGER): number {
  const value = Number(given);
  if (/^\d{1,15}$/.test(given) && value >= min && value <= max) return value;
  throw new UsageError(`${option} is ${JSON.stringify(given)}: give a whole number from ${min} to ${max}`);
}

function lineOf(entry: QueueEntry): string {
  const { number, state, message, runId, detail } = entry;
  const run = runId === null ? '' : `  run ${runId}`;
  return `${number}  ${state}  ${message.type} to ${receiverOf(entry)}: ${message.message}${run}${detail === null ? '' : `  (${detail})`}`;
}

function receiverOf({ card, subscriptionNumber }: QueueEntry): string {
  return card ?? `subscription ${subscriptionNumber}`;
}

const COLUMNS: readonly Column<QueueEntry>[] = [
  ['number', ({ number }) => number],
  ['state', ({ state }) => state],
  ['type', ({ message }) => message.type],
  ['to', receiverOf],
  ['run', ({ runId }) => runId],
  ['message', ({ message }) => message.message],
  ['detail', ({ detail }) => detail],
];
