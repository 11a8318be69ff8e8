import { z } from 'zod';
import { knownNumbers } from '../../identifiers/subscription.ts';
import type { Actor } from '../../operations/actor.ts';
import { checkMessage, type MessageContent, messageFields } from '../messages/message-content.ts';
import { OperationError } from '../../http/operation-error.ts';
import type { Database, Queryable, Transaction } from '../../platform/database.ts';
import { because, text } from '../../http/input-kinds.ts';
import type { KindContext } from '../runs/kind.ts';

/** The states of the CRM's communication queue, with the domain's names. */
export const QUEUE_STATES = ['PENDING', 'REJECTED', 'COMPLETED', 'COMPLETED_AND_REMOVED'] as const;
export type QueueState = (typeof QUEUE_STATES)[number];

/** The schema of a new entry in JSON: a message, and one card or all cards of one subscription. */
export const queueEntryInput = z
  .strictObject({
    ...messageFields,
    smartcard_ca_id: text(40).optional().describe('For this smart card.'),
    subscription_number: text(200).min(1).optional().describe('For all smart cards that it has when a run takes it.'),
  })
  .superRefine((given, context) => {
    checkMessage(given, context);
    if ((given.smartcard_ca_id === undefined) !== (given.subscription_number === undefined)) return;
    context.addIssue({
      code: 'custom',
      message: 'give exactly one of {smartcard_ca_id} and {subscription_number}',
      params: because('PARAMETERS_CONFLICT', true),
    });
  });
export type QueueEntryInput = z.output<typeof queueEntryInput>;

export interface QueueEntry {
  readonly number: number;
  readonly state: QueueState;
  readonly message: MessageContent;
  readonly card: string | null;
  readonly subscriptionNumber: string | null;
  readonly runId: number | null;
  /** Only requests that are final. */
  readonly requestNumbers: readonly number[];
  readonly detail: string | null;
  readonly createdByUser: string;
  readonly createdByUnit: string | null;
  readonly createdAt: Date;
  readonly updatedByUser: string;
  readonly updatedAt: Date;
}

/**
 * Adds a message to the queue, where it waits for a run.
 * @throws OperationError for a malformed card or an unknown subscription.
 */
export async function addToQueue(
  db: Queryable,
  input: QueueEntryInput,
  by: Actor,
  { rules }: KindContext,
): Promise<QueueEntry> {
  const { smartcard_ca_id: card = null, subscription_number: subscription = null, ...message } = input;
  if (card !== null && !rules.smartcardPattern.test(card)) {
    const problem = `${JSON.stringify(card)} does not fit ${rules.smartcardPattern.source}: give a smart card CA id`;
    throw new OperationError('CA_ID_INVALID', 'smartcard_ca_id', problem);
  }
  if (subscription !== null && !(await knownNumbers(db, [subscription])).has(subscription)) {
    const problem = `no subscription ${JSON.stringify(subscription)} is known: check the number`;
    throw new OperationError('SUBSCRIPTION_NOT_FOUND', 'subscription_number', problem);
  }
  const [entry] = await db.query<QueueEntry>(INSERT, [JSON.stringify(message), card, subscription, by.user, by.unit]);
  if (entry) return entry;
  throw new Error('Adding an entry to the queue returned no row');
}

/** Lists entries after the number `after`, the oldest first; of one state, or of all. */
export function listQueue(
  db: Queryable,
  options: { readonly state: QueueState | null; readonly after: number; readonly limit: number },
): Promise<QueueEntry[]> {
  return options.state === null
    ? db.query<QueueEntry>(LIST_ALL, [options.after, options.limit])
    : db.query<QueueEntry>(LIST_STATE, [options.state, options.after, options.limit]);
}

/**
 * Reads one entry.
 * @throws OperationError if there is no such entry.
 */
export async function findQueueEntry(db: Queryable, number: number): Promise<QueueEntry> {
  const [entry] = await db.query<QueueEntry>(FIND, [number]);
  if (entry) return entry;
  throw new OperationError('QUEUE_ENTRY_NOT_FOUND', null, `there is no entry ${number} in the communication queue`);
}

/**
 * Removes an entry. A completed one becomes COMPLETED_AND_REMOVED and stays stored. A pending one becomes REJECTED, and
 * what was not sent yet is not sent.
 * @throws OperationError if there is no such entry, or it is in another state.
 */
export async function removeFromQueue(db: Database, number: number, by: Actor): Promise<QueueEntry> {
  return await db.transaction(async (tx: Transaction) => {
    await tx.query(LOCK, [number]);
    const entry = await findQueueEntry(tx, number);
    if (entry.state !== 'COMPLETED' && entry.state !== 'PENDING') {
      throw new OperationError(
        'STATE_CONFLICT',
        null,
        `entry ${number} is ${entry.state}: only a completed or pending one is removed`,
      );
    }
    const detail =
      entry.runId === null ? 'Removed before a run took it.' : `Removed while run ${entry.runId} was at it.`;
    await tx.query(WRITE_STATE, [
      number,
      entry.state === 'COMPLETED' ? 'COMPLETED_AND_REMOVED' : 'REJECTED',
      entry.state === 'COMPLETED' ? entry.detail : detail,
      by.user,
    ]);
    return await findQueueEntry(tx, number);
  });
}

const COLUMNS = /* sql */ `
number, state, message, card, subscription_number as "subscriptionNumber", run_id as "runId",
to_jsonb(request_numbers) as "requestNumbers", detail, created_by_user as "createdByUser", created_by_unit as "createdByUnit",
created_at as "createdAt", updated_by_user as "updatedByUser", updated_at as "updatedAt"`;

// Every statement walks a primary key, except LIST_STATE: communication_queue_state.
const INSERT = /* sql */ `
insert into communication_queue (message, card, subscription_number, created_by_user, created_by_unit, updated_by_user)
values ($1::jsonb, $2, $3, $4, $5, $4) returning ${COLUMNS}`;
const LIST_ALL = /* sql */ `
select ${COLUMNS} from communication_queue where number > $1 order by number limit $2`;
const LIST_STATE = /* sql */ `
select ${COLUMNS} from communication_queue where state = $1 and number > $2 order by number limit $3`;
const FIND = /* sql */ `select ${COLUMNS} from communication_queue where number = $1`;
const LOCK = /* sql */ `select from communication_queue where number = $1 for update`;
const WRITE_STATE = /* sql */ `
update communication_queue set state = $2, detail = $3, updated_by_user = $4, updated_at = now() where number = $1`;
