import { OperationError } from '../../http/operation-error.ts';
import {
  DeadLetterError,
  discardDeadLetter,
  previewDeadLetter,
  releaseDeadLetter,
} from '../../intake/release-dead-letter.ts';
import { discardStale, NotHeldError, previewStale, releaseStale } from '../../intake/stale.ts';
import type { OperationContext } from '../../operations/operation.ts';
import { plan } from '../../planning/plan.ts';
import type { Plan } from '../../planning/types.ts';
import type { Queryable } from '../../platform/database.ts';
import { SchemaRegistryUnavailableError } from '../../platform/schema-registry.ts';
import { notWaiting, readDeadLetterAgain } from './show.ts';
import { readEvent, type StoredEvent } from './stored.ts';

/**
 * Plans a held event, or a dead letter whose cause is fixed, after all. It undoes nothing that is newer.
 * @param given.schemaId the schema of the registry that a dead letter is read with instead of the one that it names.
 * @throws OperationError if there is no such event, or it does not wait, or the registry does not answer.
 */
export async function releaseEvent(
  { db, by, rules, facetWaitMs, findWriterSchema }: OperationContext,
  given: { readonly id: number; readonly reason: string | null; readonly schemaId: number | null },
): Promise<StoredEvent> {
  const { id, reason, schemaId } = given;
  const options = { plan, rules, facetWaitMs };
  const why = reason === null ? '' : `: ${reason}`;
  const stored = await existing(db, id);
  await inCodes(async () => {
    if (stored.disposition === 'DEAD_LETTERED') {
      const read = await readDeadLetterAgain(db, stored, findWriterSchema, schemaId);
      const schema = schemaId === null ? '' : ` with schema ${schemaId}`;
      return await releaseDeadLetter(db, { inboxId: id, ...read }, `released by ${by.user}${schema}${why}`, options);
    }
    if (schemaId !== null) throw notWaiting(`event ${id} is no dead letter: leave the schema out`);
    return await releaseStale(db, { inboxId: id, by: `${by.user}${why}` }, options);
  });
  return await existing(db, id);
}

/**
 * Returns what `releaseEvent` would make of the event now: its commands, and those that rules withhold.
 * @throws OperationError as `releaseEvent`.
 */
export async function previewRelease(
  { db, rules, facetWaitMs, findWriterSchema }: OperationContext,
  { id, schemaId }: { readonly id: number; readonly schemaId: number | null },
): Promise<Pick<Plan, 'commands' | 'withheld'>> {
  const options = { plan, rules, facetWaitMs };
  const stored = await existing(db, id);
  const planned = await inCodes(async () => {
    if (stored.disposition !== 'DEAD_LETTERED') return await previewStale(db, id, options);
    const read = await readDeadLetterAgain(db, stored, findWriterSchema, schemaId);
    return await previewDeadLetter(db, { inboxId: id, ...read }, options);
  });
  return planned ?? { commands: [], withheld: [] };
}

/**
 * Discards a held event or a dead letter: nothing is sent for it.
 * @throws OperationError if there is no such event, or it does not wait.
 */
export async function discardEvent(
  { db, by: { user }, facetWaitMs }: OperationContext,
  { id, reason }: { readonly id: number; readonly reason: string },
): Promise<StoredEvent> {
  const { disposition } = await existing(db, id);
  await inCodes(() =>
    disposition === 'DEAD_LETTERED'
      ? discardDeadLetter(db, id, `discarded by ${user}: ${reason}`)
      : discardStale(db, { inboxId: id, by: user, reason }, { facetWaitMs }),
  );
  return await existing(db, id);
}

/** Runs work on an event. @throws OperationError for what prevents it. */
export async function inCodes<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof NotHeldError || error instanceof DeadLetterError) throw notWaiting(error.message);
    if (!(error instanceof SchemaRegistryUnavailableError)) throw error;
    throw new OperationError('SCHEMA_REGISTRY_UNAVAILABLE', null, error.message);
  }
}

async function existing(db: Queryable, id: number): Promise<StoredEvent> {
  const found = await readEvent(db, id);
  if (found === null) throw noEvent(id);
  const { event: _event, ...stored } = found;
  return stored;
}

/** The error for an id that no message has. */
export function noEvent(id: number): OperationError {
  return new OperationError('EVENT_NOT_FOUND', null, `there is no event ${id}: check the id`);
}
