/**
 * Steady load with random faults all the time, on two instances of the service and servers of their own:
 * `node dev/soak.ts [--minutes 60] [--rate 40] [--seed 1] [--log FILE]`. Prints what was seen as a table.
 * Exit code 0 when every promise was kept, no instance fell over, and memory, connections and sizes stayed flat.
 * With `--log`, every trouble and every sample goes to FILE as JSON lines, and what the instances wrote beside it; so do
 * two snapshots of the steady instance's heap, after half of the time and at the end, and what grew between them.
 */
import { appendFileSync, mkdtempSync, writeFileSync } from 'node:fs';
import { cpus, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { setFlagsFromString } from 'node:v8';
import { messageOf } from '../src/platform/errors.ts';
import { brokenPromises } from '../test/crash/promises.ts';
import { untilSettled } from '../test/crash/workload.ts';
import { startLoad } from '../test/outages/load.ts';
import { startNeighbours } from '../test/outages/whole-service.ts';
import { heapGrowth } from './soak/heap.ts';
import { newInstance } from './soak/instance.ts';
import { brokenPoison, untilOutcomesArrived } from './soak/outcome.ts';
import { report } from './soak/report.ts';
import { look, type Sample } from './soak/samples.ts';
import { makeTroubles } from './soak/troubles.ts';

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '60' },
    rate: { type: 'string', default: '40' },
    seed: { type: 'string', default: '1' },
    log: { type: 'string' },
  },
});
const minutes = Number(values.minutes);
const seed = Number(values.seed);
const log = values.log ?? join(mkdtempSync(join(tmpdir(), 'conax-soak-')), 'soak.jsonl');
const SAMPLE_EVERY_MS = 10_000;
const SETTLES_WITHIN_MS = 180_000;
/** As many as the service keeps (`schemasMax`). */
const SCHEMAS_KEPT = 32;

// The check at the end holds every outcome and every call at once.
setFlagsFromString('--max-old-space-size=8192');
writeFileSync(log, '');
const beganAt = performance.now();
const tell = (what: object): void =>
  appendFileSync(log, `${JSON.stringify({ at: Math.round((performance.now() - beganAt) / 1_000), ...what })}\n`);
tell({ minutes, rate: Number(values.rate), seed, cores: cpus().length, load: loadavg() });
console.log(`${minutes} minutes, ${values.rate} events/s, seed ${seed}; details in ${log}`);

const closers: (() => Promise<unknown>)[] = [];
try {
  const neighbours = await startNeighbours(seed);
  closers.push(() => neighbours.close());
  const steady = await newInstance('steady', neighbours.env, `${log}.steady`);
  const victim = await newInstance('victim', neighbours.env, `${log}.victim`);
  for (const instance of [steady, victim]) closers.push(() => instance.end('SIGKILL'));
  await steady.start();
  const load = await startLoad({
    brokers: neighbours.stack.kafkaBrokers,
    registryUrl: neighbours.stack.schemaRegistryUrl,
    topic: neighbours.settings.CRM_TOPICS[0] ?? '',
    seed,
    eventsPerSecond: Number(values.rate),
    careless: true,
  });
  closers.push(() => load.abandon());
  // Every outage of the registry brings one more: what is kept of schemas is to be full before memory is looked at.
  for (let schemas = 0; schemas < SCHEMAS_KEPT; schemas += 1) {
    await load.newSchema();
    await load.nextSent(Number(values.rate));
  }
  await victim.start();

  const over = AbortSignal.timeout(minutes * 60_000);
  const samples: Sample[] = [];
  const heaps = [`${log}.half.heapsnapshot`, `${log}.end.heapsnapshot`] as const;
  const halfTime = setTimeout(() => void steady.writeHeap(heaps[0]), minutes * 30_000);
  closers.push(() => Promise.resolve(clearTimeout(halfTime)));
  const sampling = (async () => {
    while (!over.aborted) {
      const sample = await look({ neighbours, load, steady, victim }, beganAt);
      samples.push(sample);
      tell({ sample });
      await pause(SAMPLE_EVERY_MS);
    }
  })();
  const [troubles] = await Promise.all([makeTroubles({ neighbours, load, victim }, { seed, over, tell }), sampling]);
  await neighbours.simulator('DELETE', 'faults');

  await load.finish();
  const world = await neighbours.surroundings();
  const settlingFrom = performance.now();
  await untilSettled(world, load.sent, SETTLES_WITHIN_MS);
  const settledMs = performance.now() - settlingFrom;
  await untilOutcomesArrived(world);
  if (await steady.writeHeap(heaps[1])) tell({ heapGrew: await heapGrowth(...heaps, 40).catch(messageOf) });
  const broken = { ...(await brokenPromises(world, load)), poison: await brokenPoison(world, troubles.poisoned) };
  const ends = await Promise.all([steady, victim].map((instance) => instance.end('SIGTERM')));
  const { text, good } = await report({ world, samples, troubles, load, steady, victim, settledMs, ends, broken });
  tell({ report: text });
  console.log(text);
  process.exitCode = good ? 0 : 1;
} finally {
  for (const close of closers.toReversed()) await close();
}
