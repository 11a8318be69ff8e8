import type { Current, Facts } from '../intake/facts.ts';
import { lockCurrent, readPendingPairings, readStays } from '../intake/read-facts.ts';
import { createSubscriptionFold } from '../intake/subscription-fold.ts';
import { writeConsequences } from '../intake/write.ts';
import type { Subscription } from '../events/crm.generated.ts';
import { snapshotCards } from '../planning/snapshot.ts';
import type { Database, Transaction } from '../platform/database.ts';
import { lockCards } from '../requests/lock-cards.ts';
import { lockSubscriptions } from '../requests/lock-subscriptions.ts';
import type { ImportedSubscription } from './import-record.ts';

/** What became of subscriptions: new to the service, newer than what it had, or no news to it. */
export interface Written {
  readonly added: number;
  readonly updated: number;
  readonly known: number;
}

/**
 * Writes subscriptions as if the newest event of each had brought its snapshot, but sends nothing: cards that are no
 * longer there leave, and their known pairings with them. A snapshot of the same version or a newer one stays as it is.
 * One transaction, with the locks of intake in intake's order, so that a running service never reads half of it.
 * Pairings are taken from subscriptions that are new; of others the service knows better, by its own requests.
 */
export function writeImported(db: Database, imported: readonly ImportedSubscription[]): Promise<Written> {
  return db.transaction(async (tx) => {
    const newest = newestByNumber(imported);
    await lockSubscriptions(tx, [...newest.keys()]);
    const current = await lockCurrent(tx, [...newest.keys()]);
    const news = [...newest.values()].filter(
      ({ snapshot }) => snapshot.version > (current.get(snapshot.number)?.version ?? -Infinity),
    );
    if (news.length === 0) return { added: 0, updated: 0, known: imported.length };
    const added = news.filter(({ snapshot }) => !current.has(snapshot.number));
    const replaced = news.flatMap(({ snapshot }) => current.get(snapshot.number)?.snapshot ?? []);
    await lockCards(tx, [
      ...new Set([...news.map(({ snapshot }) => snapshot), ...replaced].flatMap((snapshot) => snapshotCards(snapshot))),
    ]);
    const facts = await factsOf(tx, current, replaced);
    const subscriptions = new Map(
      news.map(({ snapshot }) => {
        const fold = createSubscriptionFold(snapshot.number, facts);
        fold.apply(snapshot, 0);
        return [snapshot.number, fold];
      }),
    );
    await writeConsequences(tx, { subscriptions }, [], { facetWaitMs: 0 });
    await writePairings(tx, added);
    return { added: added.length, updated: replaced.length, known: imported.length - news.length };
  });
}

/** Of several lines for one subscription the one with the highest version, the first of those. */
function newestByNumber(imported: readonly ImportedSubscription[]): Map<string, ImportedSubscription> {
  const newest = new Map<string, ImportedSubscription>();
  for (const one of imported) {
    const { number, version } = one.snapshot;
    if (version > (newest.get(number)?.snapshot.version ?? -Infinity)) newest.set(number, one);
  }
  return newest;
}

/** What the fold of a subscription needs; of new ones nothing is known. */
async function factsOf(
  tx: Transaction,
  current: ReadonlyMap<string, Current>,
  replaced: readonly Subscription[],
): Promise<Facts> {
  const numbers = replaced.map(({ number }) => number);
  const none = numbers.length === 0;
  return {
    current,
    stays: none ? new Map() : await readStays(tx, numbers),
    pendingPairings: none ? new Map() : await readPendingPairings(tx, numbers),
    seenEventIds: new Set(),
    recordedDeadLetters: new Set(),
    history: new Map(),
    plannedActions: new Set(),
    others: new Map(),
    earlier: new Map(),
  };
}

/** Walks subscription_card's primary key. The arrays come as JSON: they have different lengths. */
async function writePairings(tx: Transaction, added: readonly ImportedSubscription[]): Promise<void> {
  const rows = added.flatMap(({ snapshot, pairings }) =>
    pairings.flatMap((pairing) => pairing.smartcards.map((card) => ({ number: snapshot.number, card, pairing }))),
  );
  if (rows.length === 0) return;
  await tx.query(
    `update subscription_card c
     set pairing_smartcards = array(select jsonb_array_elements_text(p.smartcards)),
       pairing_set_top_boxes = array(select jsonb_array_elements_text(p.set_top_boxes))
     from unnest($1::text[], $2::text[], $3::jsonb[], $4::jsonb[]) as p (subscription_number, card, smartcards, set_top_boxes)
     where c.card = p.card and c.subscription_number = p.subscription_number`,
    [
      rows.map(({ number }) => number),
      rows.map(({ card }) => card),
      rows.map(({ pairing }) => JSON.stringify(pairing.smartcards)),
      rows.map(({ pairing }) => JSON.stringify(pairing.setTopBoxes)),
    ],
  );
}
