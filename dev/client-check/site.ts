import { randomBytes, randomInt } from 'node:crypto';
import { Readable } from 'node:stream';
import { importSubscriptions } from '../../src/features/import/import.ts';
import { openDatabase } from '../../src/platform/database.ts';
import { addUser } from '../../src/users/changes.ts';
import { newSubscription } from '../demo/crm.ts';
import { subscribed } from '../demo/journeys/household.ts';

/** What the client has to know to make its calls. */
export interface Site {
  readonly username: string;
  readonly password: string;
  readonly organisation: string;
  /** A household with the card, the STB `STB-<card>` and the product P1001. */
  readonly subscription: string;
  readonly card: string;
  readonly imported: number;
}

const SUBSCRIPTIONS = 3;

/** Adds an operator and imports a few households, under names that a database which is used again does not have yet. */
export async function prepareSite(databaseUrl: string): Promise<Site> {
  const run = randomBytes(4).toString('hex');
  const user = { username: `client-${run}`, organisation: 'acme', password: randomBytes(12).toString('hex') };
  // Eleven digits; the households' cards follow each other.
  const firstCard = randomInt(30_000_000_000, 39_999_999_000);
  const lines = Array.from({ length: SUBSCRIPTIONS }, (_, index) => {
    const subscription = newSubscription(`S-${run}-${index}`);
    const card = String(firstCard + index);
    subscribed(subscription, card, `STB-${card}`, ['1001', '1002']);
    return `${JSON.stringify({ id: `id-${run}-${index}`, ...subscription })}\n`;
  });
  const db = openDatabase({ url: databaseUrl, maxConnections: 2, applicationName: 'client-check' });
  try {
    await addUser(db, { ...user, role: 'operator', unit: 'Nicosia', by: 'client-check' });
    const { added } = await importSubscriptions(db, Readable.from([Buffer.from(lines.join(''))]), {
      fromLine: 1,
      onReject: ({ line, problems }) => {
        throw new Error(`line ${line} of the import is refused: ${JSON.stringify(problems)}`);
      },
      onProgress: () => {},
    });
    return { ...user, subscription: `S-${run}-0`, card: String(firstCard), imported: added };
  } finally {
    await db.close();
  }
}
