import { expect, test } from 'vitest';
import { playHistory } from './claim-history.ts';
import { openTestRequests } from './support.ts';

test('under a random history of 8 workers the order per card holds, nothing is finished twice, and nothing is stuck', async () => {
  const seed = Number(process.env['CLAIM_SEED'] ?? Math.floor(Math.random() * 2 ** 31));
  const durationMs = Number(process.env['CLAIM_MS'] ?? 12_000);
  console.log(`claim history: CLAIM_SEED=${seed} CLAIM_MS=${durationMs}`);
  const requests = await openTestRequests(20);
  try {
    const report = await playHistory(requests.db, { seed, durationMs, workers: 8, submitters: 3, cards: 25 });
    console.log(
      `claim history: ${report.finished} of ${report.submitted} requests final, ${report.audits} audits, ${report.deadlocks} deadlocks`,
    );
    expect(report).toEqual({
      submitted: report.submitted,
      finished: report.submitted,
      audits: report.audits,
      deadlocks: report.deadlocks,
      orderViolations: [],
      overlaps: [],
      wrongEndings: [],
      auditProblems: [],
      stuck: 0,
      errors: [],
    });
    expect(report.finished).toBeGreaterThan(200);
  } finally {
    await requests.close();
  }
});
