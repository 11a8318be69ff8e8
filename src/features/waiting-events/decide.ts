import type { FindWriterSchema } from '../../events/decode.ts';
import { DeadLetterError, discardDeadLetter, releaseDeadLetter } from '../../intake/release-dead-letter.ts';
import { discardStale, type ReleaseOptions, releaseStale } from '../../intake/stale.ts';
import type { Database } from '../../platform/database.ts';
import { readDeadLetterAgain } from './show.ts';
import { storedEvent } from './stored.ts';

/** What a person decides about an event that waits: a late one that is held, or a dead letter. */
export interface EventDecision {
  /** The inbox row. */
  readonly inboxId: number;
  /** Who decides, as the trail shows it. */
  readonly by: string;
  readonly reason: string;
}

export interface WaitingEventsOptions extends ReleaseOptions {
  readonly findWriterSchema: FindWriterSchema;
}

/**
 * Plans a held event, or a dead letter whose cause is mended, after all; it undoes nothing that is newer.
 * @param decision `schemaId`: the schema of the registry that a dead letter is read with instead of the one it names.
 * @throws NotHeldError, DeadLetterError; SchemaRegistryUnavailableError where the schema cannot be asked for.
 */
export async function releaseEvent(
  db: Database,
  decision: EventDecision & { readonly schemaId: number | null },
  options: WaitingEventsOptions,
): Promise<'PLANNED' | 'NOTHING_TO_DO'> {
  const { inboxId, by, reason, schemaId } = decision;
  const why = reason === '' ? '' : `: ${reason}`;
  const stored = await storedEvent(db, inboxId);
  if (stored?.disposition !== 'DEAD_LETTERED') {
    if (schemaId !== null) throw new DeadLetterError(`Event ${inboxId} is no dead letter: leave the schema out`);
    return releaseStale(db, { inboxId, by: `${by}${why}` }, options);
  }
  const read = await readDeadLetterAgain(db, stored, options.findWriterSchema, schemaId);
  const schema = schemaId === null ? '' : ` with schema ${schemaId}`;
  return releaseDeadLetter(db, { inboxId, ...read }, `released by ${by}${schema}${why}`, options);
}

/** Gives up a held event or a dead letter: nothing is sent for it. @throws NotHeldError, DeadLetterError */
export async function discardEvent(
  db: Database,
  { inboxId, by, reason }: EventDecision,
  options: Pick<ReleaseOptions, 'facetWaitMs'>,
): Promise<void> {
  const stored = await storedEvent(db, inboxId);
  if (stored?.disposition !== 'DEAD_LETTERED') return discardStale(db, { inboxId, by, reason }, options);
  return discardDeadLetter(db, inboxId, `discarded by ${by}: ${reason}`);
}
