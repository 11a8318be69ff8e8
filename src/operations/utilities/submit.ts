import { randomUUID } from 'node:crypto';
import type { HeldCard } from '../../identifiers/holders.ts';
import type { Database, Transaction } from '../../platform/database.ts';
import type { Command } from '../../requests/command.ts';
import type { NewRequest, ProcessName } from '../../requests/new-request.ts';
import { submitRequests } from '../../requests/submit.ts';
import { findEarlier, type IdempotentCall, rememberRequest } from '../../http/idempotency.ts';
import type { Actor } from '../actor.ts';
import { OperationError } from '../../http/operation-error.ts';
import { type SendingInput, waits } from './inputs.ts';
import type { LeftOut } from './targets.ts';

export interface PlannedRequest {
  readonly command: Command;
  readonly subscription: HeldCard['subscription'];
  /** Only for UPDATE_CA_PIN_TO_GIVEN_VALUE. */
  readonly sealedPin?: Buffer;
}

/** What a call of a utility comes to. */
export interface Planned {
  readonly requests: readonly PlannedRequest[];
  readonly leftOut: readonly LeftOut[];
}

/** What a call of a utility made. */
export interface Submitted {
  /** A UUID: `process_id` of all its requests. */
  readonly processId: string;
  readonly numbers: readonly number[];
  /** Empty where the call was made earlier: it is not kept. */
  readonly leftOut: readonly LeftOut[];
  /** Made by an earlier call with the same Idempotency-Key. */
  readonly earlier: boolean;
}

/** Who calls a utility. */
export interface Caller {
  readonly by: Actor;
  /** The same call, sent again, makes no further requests; null where it cannot be told. */
  readonly idempotent: IdempotentCall | null;
}

/**
 * Makes the requests of one call of a utility in one transaction, so that all of them exist or none: `plan` resolves what
 * is meant with the subscriptions locked, then they take their places in their cards' order. EXPRESS where somebody waits
 * for them, else REGULAR. A call that was made earlier gives what it made then.
 */
export function submitUtility(
  db: Database,
  process: ProcessName,
  { by, idempotent, sending }: Caller & { readonly sending: SendingInput },
  plan: (tx: Transaction) => Promise<Planned>,
): Promise<Submitted> {
  const processId = randomUUID();
  const awaited = waits(sending);
  return db.transaction(async (tx) => {
    const earlier = idempotent === null ? null : await findEarlier(tx, idempotent);
    if (earlier !== null) return await madeEarlier(tx, earlier);
    const { requests, leftOut } = await plan(tx);
    const stored = await submitRequests(
      tx,
      requests.map(({ command, subscription, sealedPin = null }, index): NewRequest => ({
        command,
        sequenceNumber: index + 1,
        subscription: subscription === null ? null : { id: subscription.id, number: subscription.number },
        // In its card's order all the same: EXPRESS is about other cards.
        priority: awaited ? 'EXPRESS' : 'REGULAR',
        scheduledAt: sending.scheduled_date ?? null,
        process: { name: process, id: processId },
        createdBy: by,
        sealedPin,
        awaited,
      })),
    );
    const [first] = stored;
    if (idempotent !== null && first !== undefined) await rememberRequest(tx, idempotent, first.number);
    return { processId, numbers: stored.map(({ number }) => number), leftOut, earlier: false };
  });
}

/** What the call made whose first request this was. */
async function madeEarlier(tx: Transaction, first: number): Promise<Submitted> {
  const made = await tx.query<{ number: number; process: string }>(FIND_MADE, [first]);
  const [request] = made;
  if (request === undefined) {
    throw new OperationError(
      'PROVISIONING_REQUEST_NOT_FOUND',
      null,
      `request ${first}, which this call made, is no longer kept: use a new Idempotency-Key`,
    );
  }
  return { processId: request.process, numbers: made.map(({ number }) => number), leftOut: [], earlier: true };
}

/** Walks request's primary key, then request_process. */
const FIND_MADE = /* sql */ `
select r.number, r.process_id as process
  from request one join request r on r.process_name = one.process_name and r.process_id = one.process_id
 where one.number = $1 order by r.number`;
