import { randomUUID } from 'node:crypto';
import type { Database, Transaction } from '../../platform/database.ts';
import type { Command } from '../../requests/command.ts';
import type { NewRequest, ProcessName } from '../../requests/new-request.ts';
import { submitRequests } from '../../requests/submit.ts';
import type { Actor } from '../actor.ts';
import { type SendingInput, waits } from './inputs.ts';
import type { LeftOut, SubscriptionName } from './targets.ts';

export interface PlannedRequest {
  readonly command: Command;
  readonly subscription: SubscriptionName | null;
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
  readonly leftOut: readonly LeftOut[];
}

/**
 * Makes the requests of one call of a utility in one transaction, so that all of them exist or none: `plan` resolves what
 * is meant with the subscriptions locked, then they take their places in their cards' order. EXPRESS where somebody waits
 * for them, else REGULAR.
 */
export function submitUtility(
  db: Database,
  process: ProcessName,
  { by, sending }: { readonly by: Actor; readonly sending: SendingInput },
  plan: (tx: Transaction) => Promise<Planned>,
): Promise<Submitted> {
  const processId = randomUUID();
  const awaited = waits(sending);
  return db.transaction(async (tx) => {
    const { requests, leftOut } = await plan(tx);
    const stored = await submitRequests(
      tx,
      requests.map(({ command, subscription, sealedPin = null }, index): NewRequest => ({
        command,
        commandKey: null,
        sequenceNumber: index + 1,
        subscription: subscription === null ? null : { id: subscription.id, number: subscription.number },
        // In its card's order all the same: EXPRESS is about other cards.
        priority: awaited ? 'EXPRESS' : 'REGULAR',
        bulk: false,
        scheduledAt: sending.scheduled_date ?? null,
        process: { name: process, id: processId },
        action: null,
        inboxId: null,
        causationEventId: null,
        traceparent: null,
        userDefined: null,
        createdBy: by,
        sealedPin,
        awaited,
      })),
    );
    return { processId, numbers: stored.map(({ number }) => number), leftOut };
  });
}
