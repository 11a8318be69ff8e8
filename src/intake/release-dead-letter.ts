import type { ActionEvent } from '../events/action-event.ts';
import type { Plan } from '../planning/types.ts';
import type { Database, Transaction } from '../platform/database.ts';
import { lockSubscriptions } from '../requests/locks.ts';
import { updateInbox } from './inbox.ts';
import type { IncomingMessage } from './message.ts';
import { planAlone, type ReleaseOptions } from './stale.ts';
import { writeConsequences } from './write.ts';

/** The dead letter cannot be released or discarded now; the message has the reason and the remedy. */
export class DeadLetterError extends Error {
  override readonly name = 'DeadLetterError';
}

/** A dead letter that could be read. */
export interface DeadLetter {
  readonly inboxId: number;
  readonly message: IncomingMessage;
  readonly event: ActionEvent;
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
  letter: DeadLetter,
  resolution: string,
  options: ReleaseOptions,
): Promise<'PLANNED' | 'NOTHING_TO_DO'> {
  const { inboxId } = letter;
  return database.transaction(async (tx) => {
    const { folded, decision, disposition } = await planOpen(tx, letter, options);
    await updateInbox(tx, inboxId, decision, resolution);
    await writeConsequences(tx, folded, [{ ...decision, inboxId }], { facetWaitMs: options.facetWaitMs });
    return disposition;
  });
}

/**
 * Returns what `releaseDeadLetter` would make of it now. Writes nothing; locks what a release locks, for as long as
 * planning takes.
 * @throws as `releaseDeadLetter`.
 */
export function previewDeadLetter(
  database: Database,
  letter: DeadLetter,
  options: ReleaseOptions,
): Promise<Plan | null> {
  return database.transaction(async (tx) => (await planOpen(tx, letter, options)).decision.plan);
}

async function planOpen(tx: Transaction, { inboxId, message, event }: DeadLetter, options: ReleaseOptions) {
  lockSubscriptions(tx, [event.subscription.number]);
  const open = await tx.query(`${SELECT_OPEN} for update`, [inboxId]);
  if (open.length === 0) throw notOpen(inboxId);
  const planned = await planAlone(tx, { message, event, cause: null }, options, { seen: true });
  const { disposition } = planned.decision;
  if (disposition === 'PLANNED' || disposition === 'NOTHING_TO_DO') return { ...planned, disposition };
  throw new DeadLetterError(
    `The event ${event.eventId} of dead letter ${inboxId} was processed meanwhile, from another message: discard this one`,
  );
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
