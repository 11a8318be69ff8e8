import { z } from 'zod';
import {
  addToQueue,
  findQueueEntry,
  listQueue,
  QUEUE_STATES,
  type QueueEntry,
  queueEntryInput,
  removeFromQueue,
} from '../runs/queue.ts';
import { type Call, call } from '../http/calls.ts';
import { formatDate } from '../http/dates.ts';
import { success, successSchema } from '../http/envelope.ts';
import { integer } from '../http/input-kinds.ts';
import { actorOf } from './actor.ts';
import type { OperationsParts } from './parts.ts';
import { ID_MAX, nothingAsked, shownDate } from './shapes.ts';

const entry = z
  .strictObject({
    number: z.int(),
    state: z.enum(QUEUE_STATES),
    message: z.unknown(),
    smartcard_ca_id: z.string().nullable(),
    subscription_number: z.string().nullable(),
    run_id: z.int().nullable().describe('The run that took it.'),
    request_numbers: z.array(z.int()).describe('Those that are final.'),
    detail: z.string().nullable(),
    created_by_user: z.string(),
    created_by_unit: z.string().nullable(),
    created_date: shownDate(),
    updated_by_user: z.string(),
    updated_date: shownDate(),
  })
  .meta({ id: 'QueueEntry', description: 'An entry of the communication queue.' });

const numbered = z.strictObject({ number: integer(1, ID_MAX) });

/** The communication queue in the operations API. */
export function queueCalls({ db, rules }: Pick<OperationsParts, 'db' | 'rules'>): Call[] {
  const common = { tag: 'queue', output: successSchema(entry) };
  return [
    call({
      ...common,
      name: 'addToQueue',
      method: 'POST',
      paths: ['/queue'],
      access: 'writer',
      summary: 'Put a message into the communication queue',
      description: 'It waits until a run of the kind QUEUE sends it.',
      input: queueEntryInput,
      async handle(asked) {
        return success(viewOf(await addToQueue(db, asked.input, actorOf(asked), { rules })));
      },
    }),
    call({
      ...common,
      name: 'listQueue',
      method: 'GET',
      paths: ['/queue'],
      access: 'reader',
      summary: 'Entries of the communication queue',
      description: 'The oldest first.',
      input: z.strictObject({
        state: z.enum(QUEUE_STATES, `give one of ${QUEUE_STATES.join(', ')}`).optional(),
        after: integer(1, ID_MAX).optional().describe('Goes on behind this entry.'),
        number_of_results: integer(1, 1_000).optional().describe('Default 50.'),
      }),
      output: successSchema(
        z.strictObject({ entries: z.array(entry) }).meta({ id: 'QueueEntries', description: 'A page of entries.' }),
      ),
      async handle({ input: { state = null, after = 0, number_of_results: limit = 50 } }) {
        return success({ entries: (await listQueue(db, { state, after, limit })).map(viewOf) });
      },
    }),
    call({
      ...common,
      name: 'showQueueEntry',
      method: 'GET',
      paths: ['/queue/:number'],
      access: 'reader',
      summary: 'One entry of the communication queue',
      description: 'With all that is known of it.',
      input: nothingAsked,
      params: numbered,
      handle: async ({ params }) => success(viewOf(await findQueueEntry(db, params.number))),
    }),
    call({
      ...common,
      name: 'removeFromQueue',
      method: 'POST',
      paths: ['/queue/:number/remove'],
      access: 'writer',
      summary: 'Take an entry off the list',
      description:
        'A completed one becomes COMPLETED_AND_REMOVED and stays for the record; a pending one becomes REJECTED and is not sent.',
      input: nothingAsked,
      params: numbered,
      handle: async (asked) => success(viewOf(await removeFromQueue(db, asked.params.number, actorOf(asked)))),
    }),
  ];
}

function viewOf(one: QueueEntry): z.output<typeof entry> {
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
    created_date: formatDate(one.createdAt),
    updated_by_user: one.updatedByUser,
    updated_date: formatDate(one.updatedAt),
  };
}
