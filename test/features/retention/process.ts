/**
 * Retention in a process that a test may stop anywhere: `node process.ts URL ARCHIVE [POINT PASS]` kills itself
 * with SIGKILL when the named fault point is passed for the PASSth time.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { runRetention } from '../../../src/features/retention/remove.ts';
import { openDatabase } from '../../../src/platform/database.ts';
import { onFaultPoint } from '../../../src/platform/fault-points.ts';

const [url = '', archive = '', point, pass] = process.argv.slice(2);
if (point !== undefined) {
  let left = Number(pass);
  onFaultPoint((passed) => {
    if (passed === point && (left -= 1) === 0) process.kill(process.pid, 'SIGKILL');
  });
}
const db = openDatabase({ url, maxConnections: 2, applicationName: 'test-retention' });
for (;;) {
  const { state } = await runRetention({
    db,
    days: { requests: 60, events: 40, outcomes: 20, runs: 0, audit: 0 },
    archive,
    rest: 0,
    signal: new AbortController().signal,
    batchKeys: 20,
    volumeKeys: 60,
    leaseMs: 300,
  });
  if (state === 'done') break;
  // The lease of the one that was killed.
  await pause(50);
}
await db.close();
