import { randomInt } from 'node:crypto';
import { tmpdir } from 'node:os';
import { mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { newInstance, type Instance } from '../../dev/soak/instance.ts';
import { openSurroundings, type Surroundings } from '../support/world.ts';
import { flood, type Flooded } from './flood.ts';
import { brokenDispositions, untilRead, watch } from './watch.ts';

const seed = Number(process.env['HOSTILE_SEED'] ?? randomInt(2 ** 31));
const RECORDS = 3_000;
const PARTITIONS = 3;

/** `node dev/hostile.ts` does the same with 200,000 records. */
describe(`hostile records between good ones (HOSTILE_SEED=${seed})`, () => {
  let around: Surroundings;
  let instance: Instance;
  beforeAll(async () => {
    around = await openSurroundings({ TOPIC_PARTITIONS: String(PARTITIONS) });
    instance = await newInstance('hostile', around.env, join(mkdtempSync(join(tmpdir(), 'conax-hostile-')), 'log'));
    await instance.start();
  });
  afterAll(async () => {
    await instance.end('SIGKILL');
    await around.close();
  });

  test('each gets exactly one disposition, every good event is processed, and nothing that was rolled back is read', async () => {
    const { db, env } = around;
    const topic = env['CRM_TOPICS'] ?? '';
    const brokers = env['KAFKA_BROKERS'] ?? '';
    const watching = watch({ db, url: instance.url, topic, brokers });
    let flooded: Flooded;
    let seen: Awaited<ReturnType<typeof watching.stop>>;
    try {
      flooded = await flood({
        brokers,
        registryUrl: env['SCHEMA_REGISTRY_URL'] ?? '',
        topic,
        partitions: PARTITIONS,
        seed,
        records: RECORDS,
        bombsMb: [200],
        onPace: () => Promise.resolve(),
      });
      await untilRead(db, watching, 120_000);
    } finally {
      seen = await watching.stop();
    }
    expect(await brokenDispositions(db, topic, flooded)).toEqual([]);
    expect(flooded.good.size).toBeGreaterThan(100);
    // The machine may be busy with other tests: dev/hostile.ts holds it to one second.
    expect(seen.liveMsMax).toBeLessThan(5_000);
    expect([instance.starts, instance.falls]).toEqual([1, []]);
  }, 240_000);
});
