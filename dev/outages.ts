/**
 * Outages of Kafka, registry, PostgreSQL and CAS under load, one after the other, on a service and servers of their own:
 * `node dev/outages.ts [--seconds 20] [--rate 60] [--only kafka,postgres:stall] [--log FILE]`. Prints what was seen.
 * Exit code 0 when nothing was lost or done twice, and the service was back within ten seconds each time.
 */
import { writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { FAULTS, RESUMES_WITHIN_MS, underOutages } from '../test/outages/under-outages.ts';
import { NEIGHBOURS } from '../test/outages/whole-service.ts';

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '20' },
    rate: { type: 'string', default: '60' },
    seed: { type: 'string', default: '1' },
    only: { type: 'string' },
    log: { type: 'string' },
  },
});
const only = values.only?.split(',');
const chosen = NEIGHBOURS.flatMap((neighbour) => FAULTS.map((fault) => ({ neighbour, fault }))).filter(
  ({ neighbour, fault }) => only?.some((one) => one === neighbour || one === `${neighbour}:${fault}`) ?? true,
);
const scene = await underOutages(Number(values.seed), Number(values.rate));
let late = 0;
try {
  for (const { neighbour, fault } of chosen) {
    const seen = await scene.outage(neighbour, fault, Number(values.seconds), true);
    const resumed = Math.max(seen.processedMs, seen.sentMs, seen.publishedMs);
    if (resumed > RESUMES_WITHIN_MS) late += 1;
    console.log(
      `${neighbour} ${fault}: told after ${seen.toldAfterMs ?? '-'} ms (${seen.told ?? 'nothing'}), not live ${seen.notLive}; ` +
        `back: event ${seen.processedMs}, call ${seen.sentMs}, outcome ${seen.publishedMs}, ready ${seen.readyMs}, caught up ${seen.caughtUpMs} ms`,
    );
  }
  const broken = await scene.brokenPromises();
  console.log(JSON.stringify(broken, null, 1));
  process.exitCode = late > 0 || Object.values(broken).some((problems) => problems.length > 0) ? 1 : 0;
} finally {
  const { stdout, stderr } = await scene.close();
  if (values.log !== undefined) await writeFile(values.log, stdout + stderr);
}
