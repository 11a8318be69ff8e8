import { Readable } from 'node:stream';
import { importSubscriptions } from '../../src/features/import/import.ts';
import type { Database } from '../../src/platform/database.ts';
import { type CrmSubscription, newSubscription, setServices } from '../demo/crm.ts';
import { subscribed } from '../demo/journeys/household.ts';

/** Imports households of one card, one STB and two services; all services are in this state, and the cards are numbered from the first. */
export async function importHouseholds(
  db: Database,
  count: number,
  state: 'EFFECTIVE' | 'NOT_EFFECTIVE' = 'EFFECTIVE',
  first = 0,
): Promise<CrmSubscription[]> {
  const subscriptions = Array.from({ length: count }, (_, at) => {
    const index = first + at;
    const one = newSubscription(`S${String(index).padStart(10, '0')}`);
    const card = String(20_000_000_000 + index);
    subscribed(one, card, `STB-${card}`, ['1001', '1002']);
    setServices(one, state);
    one.version = 1;
    return one;
  });
  const lines = function* (): Generator<Buffer> {
    for (const one of subscriptions) yield Buffer.from(`${JSON.stringify({ id: `id-${one.number}`, ...one })}\n`);
  };
  const { added } = await importSubscriptions(db, Readable.from(lines()), {
    fromLine: 1,
    onReject: ({ line, problems }) => {
      throw new Error(`Line ${line}: ${JSON.stringify(problems)}`);
    },
    onProgress: () => {},
  });
  if (added !== count) throw new Error(`${added} of ${count} subscriptions were imported`);
  return subscriptions;
}
