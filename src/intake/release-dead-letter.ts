import type { ActionEvent } from '../events/action-event.ts';
import type { Database } from '../platform/database.ts';
import { lockSubscriptions } from '../requests/locks.ts';
import { updateInbox } from './inbox.ts';
import type { IncomingMessage } from './message.ts';
import { planAlone, type ReleaseOptions } from './stale.ts';
import { writeConsequences } from './write.ts';

/** The dead letter cannot be released or discarded now; the message has the reason and the remedy. */
export class DeadLetterError extends Error {
  override readonly name = 'DeadLetterError';
}

/**
 * Processes a dead letter whose message could be read after all, as intake would now: a late one never undoes anything
 * newer. Its inbox row becomes that of the event, and its action's outcome follows.
 * @param resolution for the audit trail: who released it, and how.
 * @returns its new disposition.
 * @throws DeadLetterError if somebody already decided, or its eventId was processed meanwhile; what planning throws.
 */
export function releaseDeadLetter(
  database: Database,
  letter: { readonly inboxId: number; readonly message: IncomingMessage; readonly event: ActionEvent },
  resolution: string,
  options: ReleaseOptions,
): Promise<'PLANNED' | 'NOTHING_TO_DO'> {
  const { inboxId, message, event } = letter;
  return database.transaction(async (tx) => {
    lockSubscriptions(tx, [event.subscription.number]);
    const open = await tx.query(`${SELECT_OPEN} for update`, [inboxId]);
    if (open.length === 0) throw notOpen(inboxId);
    const read = { message, event, cause: null };
    const { folded, decision } = await planAlone(tx, read, options, { seen: true });
    if (decision.disposition !== 'PLANNED' && decision.disposition !== 'NOTHING_TO_DO') {
      throw new DeadLetterError(
        `The event ${event.eventId} of dead letter ${inboxId} was processed meanwhile, from another message: discard this one`,
      );
    }
    await updateInbox(tx, inboxId, decision, resolution);
    await writeConsequences(tx, folded, [{ ...decision, inboxId }], { facetWaitMs: options.facetWaitMs });
    return decision.disposition;
  });
}

/**
 * Discards a dead letter. It stays a dead letter, so that its action's outcome still counts it and the same message is
 * not recorded twice.
 * @throws DeadLetterError if somebody already decided.
 */
export async function discardDeadLetter(database: Database, inboxId: number, resolution: string): Promise<void> {
  const rows = await database.query(
    `update inbox set resolution = $2, resolved_at = now() where id in (${SELECT_OPEN}) returning id`,
    [inboxId, resolution],
  );
  if (rows.length === 0) throw notOpen(inboxId);
}

function notOpen(inboxId: number): DeadLetterError {
  return new DeadLetterError(`Event ${inboxId} is no dead letter, or somebody decided about it already`);
}

/** Walks the primary key. */
const SELECT_OPEN = /* sql */ `select id from inbox where id = $1 and disposition = 'DEAD_LETTERED' and resolved_at is null`;
