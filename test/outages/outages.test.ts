import { randomInt } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { NOTHING_BROKEN } from '../crash/promises.ts';
import type { Seen } from './outage.ts';
import type { Fault } from './rough-proxy.ts';
import { RESUMES_WITHIN_MS, type UnderOutages, underOutages } from './under-outages.ts';
import { NEIGHBOURS, type Neighbour } from './whole-service.ts';

/** `node dev/outages.ts` does the same with longer outages. */
const SECONDS: Readonly<Record<Fault, number>> = { stop: 5, stall: 5, reset: 2, slow: 1 };
const EVENTS_PER_SECOND = 40;
const TOLD_WITHIN_MS = 4_500;
const seed = Number(process.env['OUTAGES_SEED'] ?? randomInt(2 ** 31));

/** What the metrics say of an outage at its end, each by its name. */
const TRUTHS: readonly (readonly [Neighbour, Fault, string, (metric: (name: string) => number) => boolean])[] = [
  ['kafka', 'stop', 'reading waits', (m) => m('conax_intake_reading') === 0],
  ['kafka', 'stall', 'reading waits', (m) => m('conax_intake_reading') === 0],
  ['kafka', 'stall', 'Kafka is silent', (m) => m('conax_intake_kafka_silent_seconds') > 3],
  ['postgres', 'stop', 'reading waits', (m) => m('conax_intake_reading') === 0],
  ['registry', 'stop', 'partitions pause', (m) => m('conax_intake_paused_partitions') > 0],
  ['registry', 'stall', 'partitions pause', (m) => m('conax_intake_paused_partitions') > 0],
  ['postgres', 'stop', 'the heartbeat fails', (m) => m('conax_dispatch_errors_total{part="heartbeat"}') > 0],
  ['cas', 'stop', 'the breaker is open', (m) => m('conax_dispatch_breaker_open') === 1],
  ['cas', 'stall', 'calls hang', (m) => m('conax_dispatch_calls_under_way') > 0],
];

describe(`a service under load (OUTAGES_SEED=${seed})`, () => {
  let scene: UnderOutages;
  beforeAll(async () => {
    scene = await underOutages(seed, EVENTS_PER_SECOND);
  });
  afterAll(() => scene.close());

  /** What has to hold after every outage, as one value. */
  const kept = ({ processedMs, sentMs, publishedMs, notLive }: Seen): unknown => ({
    resumedTooLate: Object.entries({ processedMs, sentMs, publishedMs }).filter(([, ms]) => ms >= RESUMES_WITHIN_MS),
    notLive,
  });
  const KEPT = { resumedTooLate: [], notLive: 0 };

  describe.each(NEIGHBOURS)('with an outage of %s', (neighbour) => {
    test.each(['stop', 'stall'] as const)('(%s) says so in time, and resumes by itself', async (fault) => {
      const seen = await scene.outage(neighbour, fault, SECONDS[fault], false);
      expect(kept(seen)).toEqual(KEPT);
      expect(seen.toldAfterMs ?? Infinity).toBeLessThan(TOLD_WITHIN_MS);
      const metric = (name: string): number => seen.metrics.get(name) ?? NaN;
      const lies = TRUTHS.filter(([where, which, , holds]) => where === neighbour && which === fault && !holds(metric));
      expect(lies.map(([, , what]) => what)).toEqual([]);
    });
    test.each(['reset', 'slow'] as const)('(%s) goes on', async (fault) => {
      expect(kept(await scene.outage(neighbour, fault, SECONDS[fault], false))).toEqual(KEPT);
    });
  });

  test('loses nothing, does nothing twice in effect, keeps every order, and dead-letters nothing', async () => {
    expect(await scene.brokenPromises()).toEqual(NOTHING_BROKEN);
    const [row] = await scene.service.db.query<{ events: number; letters: number }>(`
      select count(*) as events, count(*) filter (where disposition = 'DEAD_LETTERED') as letters from inbox`);
    expect(row).toMatchObject({ letters: 0 });
    expect(row?.events).toBeGreaterThan(1_000);
  }, 120_000);

  test('stops when it is told to, and its process ends', async () => {
    const { exitCode, stdout } = await scene.close();
    expect([exitCode, stdout.trim().split('\n').at(-1)]).toEqual([0, expect.stringContaining('"msg":"stopped"')]);
  });
});
