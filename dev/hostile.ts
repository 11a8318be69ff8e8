/**
 * Sends 200,000 hostile records between good ones to a service of its own, on servers of its own:
 * `node dev/hostile.ts [--records 200000] [--seed N]`. Prints what it saw. Exit code 0 only if each record got exactly
 * one disposition, every good event was processed, nothing that was rolled back was read, no partition stood still for
 * more than 5 s, `/health/live` answered within 1 s throughout, and memory stayed flat.
 */
import { randomInt } from 'node:crypto';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { startNeighbours } from '../test/outages/whole-service.ts';
import { floodInThread } from '../test/hostile/flood-thread.ts';
import { brokenDispositions, untilRead, watch } from '../test/hostile/watch.ts';
import { type InstanceLook, newInstance } from './soak/instance.ts';

const { values } = parseArgs({
  options: { records: { type: 'string', default: '200000' }, seed: { type: 'string' } },
});
const seed = Number(values.seed ?? randomInt(2 ** 31));
const records = Number(values.records);
const LIVE_MS_MAX = 1_000;
const STANDS_STILL_MS_MAX = 5_000;
const BEHIND_MAX = 5_000;
/** A look makes the service collect all its garbage, which takes it a tenth of a second and more. */
const LOOK_EVERY_MS = 20_000;
/** Live heap, after the caches are full: the second half of the run against the first. */
const HEAP_GROWTH_MB_MAX = 16;
const RESIDENT_MB_MAX = 1_024;
const BOMBS_MB = [64, 128, 256, 400, 600, 700, 256, 64];

const log = join(mkdtempSync(join(tmpdir(), 'conax-hostile-')), 'service.log');
console.log(`${records} hostile records, seed ${seed}; the service's log is ${log}`);
const neighbours = await startNeighbours(seed);
const { db, stack, settings } = neighbours;
// Past the proxies: they run in this thread, and would slow the service down.
const { env } = await neighbours.surroundings();
const instance = await newInstance('hostile', env, log);
try {
  await instance.start();
  const topic = settings.CRM_TOPICS[0] ?? '';
  const watching = watch({ db, url: instance.url, topic, brokers: stack.kafkaBrokers });
  const looks: InstanceLook[] = [];
  const over = new AbortController();
  const sampling = (async () => {
    while (!over.signal.aborted) {
      const look = await instance.look();
      if (look !== null) looks.push(look);
      await pause(LOOK_EVERY_MS, undefined, { signal: over.signal }).catch(() => {});
    }
  })();
  const startedAt = performance.now();
  const flooded = await floodInThread({
    brokers: stack.kafkaBrokers,
    registryUrl: stack.schemaRegistryUrl,
    topic,
    partitions: settings.TOPIC_PARTITIONS,
    seed,
    records,
    bombsMb: BOMBS_MB,
    async onPace() {
      while ((await watching.behind()) > BEHIND_MAX) await pause(100);
    },
  });
  await untilRead(db, watching, 600_000);
  const seconds = (performance.now() - startedAt) / 1_000;
  over.abort();
  await sampling;
  const { liveMsMax, stoodStill } = await watching.stop();
  const broken = await brokenDispositions(db, topic, flooded);
  const dispositions = await db.query<{ disposition: string; reason: string | null; count: number }>(
    `select disposition, dead_letter_reason as reason, count(*) as count from inbox group by 1, 2 order by 3 desc`,
  );
  const ended = await instance.end('SIGTERM');

  const half = Math.floor(looks.length / 2);
  const heapMb = (some: readonly InstanceLook[]): number => Math.max(...some.map((look) => look.heapMb));
  const heapGrowthMb = heapMb(looks.slice(half)) - heapMb(looks.slice(0, half));
  const residentMb = Math.max(...looks.map(({ rssMb }) => rssMb));
  for (const { disposition, reason, count } of dispositions) console.log(`  ${disposition} ${reason ?? ''} ${count}`);
  const checks: readonly (readonly [string, boolean, string])[] = [
    [
      'each record has exactly one disposition, each good event is processed',
      broken.length === 0,
      broken.slice(0, 10).join('\n    '),
    ],
    [`/health/live answers within ${LIVE_MS_MAX} ms`, liveMsMax <= LIVE_MS_MAX, `${liveMsMax} ms at most`],
    [
      `no partition stands still for ${STANDS_STILL_MS_MAX} ms`,
      stoodStill.ms <= STANDS_STILL_MS_MAX,
      `${stoodStill.ms} ms at most, ${stoodStill.where}`,
    ],
    [
      'the live heap is flat',
      heapGrowthMb <= HEAP_GROWTH_MB_MAX,
      `${heapMb(looks).toFixed(0)} MB at most, ${heapGrowthMb.toFixed(1)} MB more in the second half`,
    ],
    [
      `resident memory stays under ${RESIDENT_MB_MAX} MB`,
      residentMb <= RESIDENT_MB_MAX,
      `${residentMb.toFixed(0)} MB at most`,
    ],
    [
      'the service never fell over, and ends with 0',
      instance.falls.length === 0 && ended === '0',
      `ended with ${ended}; ${instance.falls.join(', ')}`,
    ],
  ];
  console.log(
    `${flooded.committed.size} records (${flooded.good.size} good) and ${flooded.aborted.size} rolled back, in ${seconds.toFixed(0)} s`,
  );
  for (const [what, right, seen] of checks) console.log(`${right ? 'PASS' : 'FAIL'} ${what}: ${seen}`);
  process.exitCode = checks.every(([, right]) => right) ? 0 : 1;
} finally {
  await instance.end('SIGKILL');
  await neighbours.close();
}
