import { once } from '../http/idempotency.ts';
import { awaitOutcome } from '../operations/outcome.ts';
import type { Actor } from '../operations/actor.ts';
import type { OperationContext } from '../operations/operation.ts';
import { createLogger } from '../platform/logging.ts';
import { createSeal } from '../platform/seal.ts';
import { createFinalWatch, type FinalWatch } from '../requests/await-final.ts';
import { ownTopics, planningRulesOf, readSettings } from '../settings.ts';
import { withDatabase } from './database.ts';
import { tellingWhy } from './sending-teller.ts';

/** What CA ids and PINs look like, by the settings. */
export function casPatterns(): OperationContext['patterns'] {
  const settings = readSettings(['rules']);
  return {
    smartcard: settings.SMARTCARD_CA_ID_PATTERN,
    setTopBox: settings.STB_CA_ID_PATTERN,
    pin: settings.PIN_PATTERN,
  };
}

/**
 * Runs an operation's handler on the database of the settings, and closes all of it. Every setting is read only if the
 * handler asks for it.
 */
export async function withContext<T>(
  by: Actor,
  timeoutMs: number,
  work: (context: OperationContext) => Promise<T>,
): Promise<T> {
  let watch: FinalWatch | null = null;
  return await withDatabase(async (db) => {
    const finalWatch = (): FinalWatch =>
      (watch ??= createFinalWatch({
        databaseUrl: readSettings(['database']).DATABASE_URL,
        db,
        logger: createLogger('silent'),
      }));
    try {
      return await work({
        db,
        by,
        traceparent: null,
        get rules() {
          return planningRulesOf(readSettings(['rules']));
        },
        get patterns() {
          return casPatterns();
        },
        get seal() {
          const { PIN_KEY } = readSettings(['rules']);
          return PIN_KEY === undefined ? null : createSeal(PIN_KEY);
        },
        get stalePolicy() {
          return readSettings(['rules']).STALE_POLICY;
        },
        get facetWaitMs() {
          return readSettings(['rules']).ACTION_FACET_WAIT_MS;
        },
        // Few handlers decode events, and what connects to the registry takes half as long to load as all the rest.
        findWriterSchema: async (id) =>
          (await import('../connections.ts')).registryOf(readSettings(['kafka'])).findWriterSchema(id),
        get ownTopics() {
          return ownTopics(readSettings(['kafka']));
        },
        once: (make, read) => once(db, null, make, read),
        awaitOutcome: (numbers, waits, waitMs = timeoutMs) =>
          tellingWhy(db, waits && numbers.length > 0, () =>
            awaitOutcome(
              { db, finalWatch: { awaitFinal: (...given) => finalWatch().awaitFinal(...given) } },
              numbers,
              waits ? waitMs : 0,
            ),
          ),
      });
    } finally {
      await watch?.stop();
    }
  });
}
