import type { ActionEvent } from '../events/action-event.ts';
import type { Database, Transaction } from '../platform/database.ts';
import { lockSubscriptions } from '../requests/locks.ts';
import type { Plan } from '../planning/types.ts';
import type { ApplyOptions } from './apply.ts';
import { type Decision, foldChunk, type Folded } from './fold.ts';
import type { IncomingMessage, ReadMessage } from './message.ts';
import { readFacts } from './read-facts.ts';
import { writeConsequences } from './write.ts';

/** A person's decision about a held event. */
export interface StaleDecision {
  /** The inbox row. */
  readonly inboxId: number;
  /** Who decided, for the audit trail. */
  readonly by: string;
}

/** The event is not held: it never was, or somebody already decided. */
export class NotHeldError extends Error {
  override readonly name = 'NotHeldError';
  constructor(inboxId: number) {
    super(`Event ${inboxId} is not held: only an event with disposition STALE can be released or discarded, once`);
  }
}

/** The options for planning after a person's decision about a stored event. */
export type ReleaseOptions = Omit<ApplyOptions, 'database' | 'consumerGroup' | 'stalePolicy'>;

/**
 * Plans a held event as a late one, against the newest snapshot (contract: STALE).
 * @returns its new disposition, PLANNED or NOTHING_TO_DO.
 * @throws NotHeldError; what planning throws.
 */
export function releaseStale(
  database: Database,
  { inboxId, by }: StaleDecision,
  options: ReleaseOptions,
): Promise<'PLANNED' | 'NOTHING_TO_DO'> {
  return database.transaction(async (tx) => {
    const held = await lockHeld(tx, inboxId);
    // Its eventId was seen already, when it was held.
    const { folded, decision } = await planAlone(tx, held, options, { seen: false });
    if (decision.disposition !== 'PLANNED' && decision.disposition !== 'NOTHING_TO_DO') {
      throw new Error(`Event ${inboxId} was held and is now ${decision.disposition}`);
    }
    await resolve(tx, inboxId, decision.disposition, `released by ${by}`);
    await writeConsequences(tx, folded, [{ ...decision, inboxId }], {
      facetWaitMs: options.facetWaitMs,
    });
    return decision.disposition;
  });
}

/**
 * Returns what `releaseStale` would make of a held event now. Writes nothing; locks what a release locks, for as long as
 * planning takes.
 * @throws NotHeldError; what planning throws.
 */
export function previewStale(database: Database, inboxId: number, options: ReleaseOptions): Promise<Plan | null> {
  return database.transaction(async (tx) => {
    const held = await lockHeld(tx, inboxId);
    return (await planAlone(tx, held, options, { seen: false })).decision.plan;
  });
}

/**
 * Discards a held event: nothing is sent for it, and its action's outcome shows that.
 * @throws NotHeldError
 */
export function discardStale(
  database: Database,
  { inboxId, by, reason }: StaleDecision & { readonly reason: string },
  options: Pick<ApplyOptions, 'facetWaitMs'>,
): Promise<void> {
  return database.transaction(async (tx) => {
    const held = await lockHeld(tx, inboxId);
    await resolve(tx, inboxId, 'NOTHING_TO_DO', `discarded by ${by}: ${reason}`);
    const decision = {
      ...held,
      inboxId,
      disposition: 'NOTHING_TO_DO' as const,
      late: true,
      remarks: [],
      plan: null,
    };
    const untouched = { subscriptions: new Map() };
    await writeConsequences(tx, untouched, [decision], { facetWaitMs: options.facetWaitMs });
  });
}

type HeldMessage = ReadMessage & { readonly event: ActionEvent };

/**
 * Decides about one event that a person releases, as intake would now, whatever STALE_POLICY is. Its subscription must
 * be locked. Locks its cards, and writes nothing.
 * @param given.seen false: its own eventId does not make it a duplicate.
 */
export async function planAlone(
  tx: Transaction,
  read: HeldMessage,
  options: ReleaseOptions,
  given: { readonly seen: boolean },
): Promise<{ readonly folded: Folded; readonly decision: Decision }> {
  const facts = await readFacts(tx, [read], 'plan');
  const seenEventIds = given.seen ? facts.seenEventIds : new Set<string>();
  const folded = foldChunk([read], { ...facts, seenEventIds }, { ...options, stalePolicy: 'plan' });
  const [decision] = folded.decisions;
  if (!decision) throw new Error('Folding one message returned no decision');
  return { folded, decision };
}

/** Locks the subscription, then the row, as the order of locks requires. */
async function lockHeld(tx: Transaction, inboxId: number): Promise<HeldMessage> {
  const [found] = await tx.query<{ number: string }>(
    `select subscription_number as number from inbox where id = $1 and disposition = 'STALE'`,
    [inboxId],
  );
  if (!found) throw new NotHeldError(inboxId);
  lockSubscriptions(tx, [found.number]);
  const [row] = await tx.query<HeldRow>(
    `select topic, partition, message_offset, message_timestamp, traceparent, event
     from inbox where id = $1 and disposition = 'STALE' for update`,
    [inboxId],
  );
  if (!row) throw new NotHeldError(inboxId);
  const message: IncomingMessage = {
    topic: row.topic,
    partition: row.partition,
    offset: row.message_offset,
    timestamp: row.message_timestamp,
    key: Buffer.from(found.number),
    value: null,
    headers: row.traceparent === null ? {} : { traceparent: row.traceparent },
  };
  return { message, event: row.event, cause: null };
}

interface HeldRow {
  readonly topic: string;
  readonly partition: number;
  readonly message_offset: number;
  readonly message_timestamp: Date;
  readonly traceparent: string | null;
  readonly event: ActionEvent;
}

async function resolve(tx: Transaction, inboxId: number, disposition: string, resolution: string): Promise<void> {
  await tx.query('update inbox set disposition = $2, resolution = $3, resolved_at = now() where id = $1', [
    inboxId,
    disposition,
    resolution,
  ]);
}
