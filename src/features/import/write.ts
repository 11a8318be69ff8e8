import { lockCurrent } from '../../intake/read-facts.ts';
import { createSubscriptionFold } from '../../intake/subscription-fold.ts';
import { writeConsequences } from '../../intake/write.ts';
import { readPendingPairings, readStays, writePairings } from '../../pairings/store.ts';
import { snapshotCards } from '../../planning/snapshot.ts';
import type { Database } from '../../platform/database.ts';
import { lockCards, lockSubscriptions } from '../../requests/locks.ts';
import type { ImportedSubscription } from './record.ts';

/** How many subscriptions were new, newer than the known version, or known already. */
export interface Written {
  readonly added: number;
  readonly updated: number;
  readonly known: number;
}

/**
 * Writes subscriptions as if the newest event of each had brought its snapshot, but sends nothing. Cards that are gone
 * leave, with their known pairings. A snapshot of the same version or a newer one stays.
 *
 * One transaction takes the locks of intake in intake's order, so a running service never reads half of it. Pairings are
 * taken only from new subscriptions: for others the service knows better, from its own requests.
 */
export function writeImported(db: Database, imported: readonly ImportedSubscription[]): Promise<Written> {
  return db.transaction(async (tx) => {
    const newest = newestByNumber(imported);
    lockSubscriptions(tx, [...newest.keys()]);
    const current = await lockCurrent(tx, [...newest.keys()]);
    const news = [...newest.values()].filter(
      ({ snapshot }) => snapshot.version > (current.get(snapshot.number)?.version ?? -Infinity),
    );
    if (news.length === 0) return { added: 0, updated: 0, known: imported.length };
    const added = news.filter(({ snapshot }) => !current.has(snapshot.number));
    const replaced = news.flatMap(({ snapshot }) => current.get(snapshot.number)?.snapshot ?? []);
    lockCards(tx, [
      ...new Set([...news.map(({ snapshot }) => snapshot), ...replaced].flatMap((snapshot) => snapshotCards(snapshot))),
    ]);
    const numbers = replaced.map(({ number }) => number);
    const facts = {
      current,
      stays: await readStays(tx, numbers),
      pendingPairings: await readPendingPairings(tx, numbers),
    };
    const subscriptions = new Map(
      news.map(({ snapshot }) => {
        const fold = createSubscriptionFold(snapshot.number, facts);
        fold.apply(snapshot, 0);
        return [snapshot.number, fold];
      }),
    );
    await writeConsequences(tx, { subscriptions }, [], { facetWaitMs: 0 });
    writePairings(
      tx,
      added.flatMap(({ snapshot: { number }, pairings }) =>
        pairings.flatMap((pairing) => pairing.smartcards.map((card) => ({ number, card, pairing }))),
      ),
    );
    return { added: added.length, updated: replaced.length, known: imported.length - news.length };
  });
}

/** Returns the line with the highest version of each subscription; of several, the first. */
function newestByNumber(imported: readonly ImportedSubscription[]): Map<string, ImportedSubscription> {
  const newest = new Map<string, ImportedSubscription>();
  for (const one of imported) {
    const { number, version } = one.snapshot;
    if (version > (newest.get(number)?.snapshot.version ?? -Infinity)) newest.set(number, one);
  }
  return newest;
}
