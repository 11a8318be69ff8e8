import { randomUUID } from 'node:crypto';
import type { HeldCard } from '../../identifiers/holders.ts';
import type { Database, Transaction } from '../../platform/database.ts';
import type { Command } from '../../planning/command.ts';
import type { NewRequest, ProcessName } from '../../requests/new-request.ts';
import { submitRequests } from '../../requests/submit.ts';
import { type IdempotentCall, noLongerKept, once } from '../../http/idempotency.ts';
import type { Actor } from '../../operations/actor.ts';
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
  let leftOut: readonly LeftOut[] = [];
  const make = async (tx: Transaction): Promise<number> => {
    const planned = await plan(tx);
    const stored = await submitRequests(
      tx,
      planned.requests.map(({ command, subscription, sealedPin = null }, index): NewRequest => ({
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
    if (first === undefined) throw new Error(`A call of ${process} came to no request`);
    leftOut = planned.leftOut;
    return first.number;
  };
  return once(db, idempotent, make, async (tx, first) => ({ ...(await readSubmitted(tx, first)), leftOut }));
}

/** The requests of the call whose first request this is. */
async function readSubmitted(tx: Transaction, first: number): Promise<Omit<Submitted, 'leftOut'>> {
  const made = await tx.query<{ number: number; process: string }>(FIND_MADE, [first]);
  const [request] = made;
  if (request === undefined) throw noLongerKept(first);
  return { processId: request.process, numbers: made.map(({ number }) => number) };
}

/** Walks request's primary key, then request_process. */
const FIND_MADE = /* sql */ `
select r.number, r.process_id as process
  from request r
 where (r.process_name, r.process_id) = (select process_name, process_id from request where number = $1)
 order by r.number`;
