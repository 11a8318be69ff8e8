import { z } from 'zod';
import { instant, limit, wholeNumber } from '../../operations/fields.ts';
import { type Feature, operation } from '../../operations/operation.ts';
import { type Column, table } from '../../platform/terminal-text.ts';
import { messageOptions } from '../messages/message-content.ts';
import {
  addToQueue,
  findQueueEntry,
  listQueue,
  QUEUE_STATES,
  type QueueEntry,
  queueEntryInput,
  removeFromQueue,
} from './store.ts';

const entry = z
  .strictObject({
    number: z.int(),
    state: z.enum(QUEUE_STATES),
    message: z.looseObject({ type: z.string(), message: z.string() }),
    smartcard_ca_id: z.string().nullable(),
    subscription_number: z.string().nullable(),
    run_id: z.int().nullable().describe('The run that took it.'),
    request_numbers: z.array(z.int()).describe('Those that are final.'),
    detail: z.string().nullable(),
    created_by_user: z.string(),
    created_by_unit: z.string().nullable(),
    created_date: instant(),
    updated_by_user: z.string(),
    updated_date: instant(),
  })
  .meta({ id: 'QueueEntry', description: 'An entry of the communication queue.' });
type EntryView = z.output<typeof entry>;

const NUMBER_MAX = 999_999_999_999_999;
const numbered = z.strictObject({ number: wholeNumber(1, NUMBER_MAX, 'The number of the entry') });

/** `queue`: messages that wait until a run of the kind QUEUE sends them. */
export const queue: Feature = {
  name: 'queue',
  summary: 'Keeps messages in the communication queue until `runs queue`, or a schedule, sends them.',
  operations: [
    operation({
      name: 'queue.add',
      summary: 'Put a message into the communication queue',
      description:
        'It waits until a run of the kind QUEUE sends it. If you do not know whether a call arrived, repeat it with the same Idempotency-Key.',
      role: 'operator',
      route: 'POST /queue',
      input: queueEntryInput,
      output: entry,
      example: { type: 'MAIL', message: 'Your new package is on', smartcard_ca_id: '20000000329' },
      takesIdempotencyKey: true,
      cli: {
        options: { ...messageOptions, smartcard_ca_id: 'card', subscription_number: 'subscription' },
        text: lineOf,
      },
      handle: ({ by, rules, once }, input) =>
        once(
          async (tx) => (await addToQueue(tx, input, by, { rules })).number,
          async (tx, number) => viewOf(await findQueueEntry(tx, number)),
        ),
    }),
    operation({
      name: 'queue.list',
      summary: 'List entries of the communication queue',
      description: 'The oldest first.',
      role: 'viewer',
      route: 'GET /queue',
      input: z.strictObject({
        state: z
          .enum(QUEUE_STATES, `give one of ${QUEUE_STATES.join(', ')}`)
          .optional()
          .describe('Only entries in this state.'),
        after: wholeNumber(0, NUMBER_MAX, 'Starts after this number, the last one of the page before').default(0),
        limit: limit(),
      }),
      output: z
        .strictObject({ entries: z.array(entry) })
        .meta({ id: 'QueueEntries', description: 'A page of entries.' }),
      example: { state: 'PENDING' },
      cli: {
        empty: 'There are no such entries in the queue.',
        text: ({ entries }) => table(COLUMNS, entries, 160),
      },
      async handle({ db }, { state = null, ...page }) {
        return { entries: (await listQueue(db, { state, ...page })).map(viewOf) };
      },
    }),
    operation({
      name: 'queue.show',
      summary: 'Show one entry of the communication queue',
      description: 'Shows all that is known of it.',
      role: 'viewer',
      route: 'GET /queue/{number}',
      input: numbered,
      output: entry,
      example: { number: 17 },
      cli: { arguments: ['number'] },
      handle: async ({ db }, { number }) => viewOf(await findQueueEntry(db, number)),
    }),
    operation({
      name: 'queue.remove',
      summary: 'Take an entry off the list',
      description:
        'A completed one becomes COMPLETED_AND_REMOVED and stays stored. A pending one becomes REJECTED and is not sent.',
      role: 'operator',
      route: 'POST /queue/{number}/remove',
      input: numbered,
      output: entry,
      example: { number: 17 },
      cli: { arguments: ['number'], text: lineOf },
      handle: async ({ db, by }, { number }) => viewOf(await removeFromQueue(db, number, by)),
    }),
  ],
};

function viewOf(one: QueueEntry): EntryView {
  return {
    number: one.number,
    state: one.state,
    message: one.message,
    smartcard_ca_id: one.card,
    subscription_number: one.subscriptionNumber,
    run_id: one.runId,
    request_numbers: [...one.requestNumbers],
    detail: one.detail,
    created_by_user: one.createdByUser,
    created_by_unit: one.createdByUnit,
    created_date: one.createdAt.toISOString(),
    updated_by_user: one.updatedByUser,
    updated_date: one.updatedAt.toISOString(),
  };
}

function lineOf(shown: EntryView): string {
  const { number, state, message, run_id: runId, detail } = shown;
  const run = runId === null ? '' : `  run ${runId}`;
  return `${number}  ${state}  ${message.type} to ${receiverOf(shown)}: ${message.message}${run}${detail === null ? '' : `  (${detail})`}`;
}

function receiverOf({ smartcard_ca_id: card, subscription_number: subscription }: EntryView): string {
  return card ?? `subscription ${subscription}`;
}

const COLUMNS: readonly Column<EntryView>[] = [
  ['number', ({ number }) => number],
  ['state', ({ state }) => state],
  ['type', ({ message }) => message.type],
  ['to', receiverOf],
  ['run', ({ run_id: run }) => run],
  ['message', ({ message }) => message.message],
  ['detail', ({ detail }) => detail],
];
