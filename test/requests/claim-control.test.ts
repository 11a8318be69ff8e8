import { expect, test, vi } from 'vitest';
import { playHistory } from './claim-history.ts';
import { openTestRequests } from './support.ts';

vi.mock('../../src/requests/locks.ts', () => ({ lockCards: () => Promise.resolve() }));

test('the same history without the lock on the cards breaks the order or leaves requests stuck', async () => {
  const seed = Math.floor(Math.random() * 2 ** 31);
  console.log(`claim history without locks: seed ${seed}`);
  const requests = await openTestRequests(20);
  try {
    const report = await playHistory(requests.db, {
      seed,
      durationMs: 20_000,
      workers: 8,
      submitters: 3,
      cards: 25,
      enough: ({ auditProblems }) => auditProblems.length > 20,
    });
    console.log(
      `without locks: ${report.orderViolations.length} order violations, ${report.overlaps.length} overlaps, ${report.stuck} stuck`,
    );
    expect(report.orderViolations.length + report.overlaps.length + report.stuck).toBeGreaterThan(0);
  } finally {
    await requests.close();
  }
});
