import { Registry } from '@prometheus-io/client';
import { afterEach, expect, test } from 'vitest';
import { intakeMetrics } from '../../src/intake/metrics.ts';
import { watchProgress } from '../../src/intake/progress.ts';
import { eventually, type Ground, logger, openGround } from '../outcomes/support.ts';

const closers: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close();
});

async function open(partitions: number): Promise<Ground> {
  const ground = await openGround('lag', { partitions });
  closers.push(() => ground.close());
  return ground;
}

/** The lag by partition, as `/metrics` shows it. */
async function lagsOf(registry: Registry): Promise<Record<string, number>> {
  const lines = (await registry.metrics()).matchAll(/^conax_intake_lag_messages\{.*partition="(\d+)"\} (\d+)$/gm);
  return Object.fromEntries([...lines].map(([, partition, lag]) => [partition, Number(lag)]));
}

test('the lag is there after a start with waiting messages, although the database is away', async () => {
  const ground = await open(1);
  for (const value of ['one', 'two', 'three']) await ground.sendRaw({ value: Buffer.from(value) });
  let away = true;
  const gone = () => Promise.reject(new Error('away'));
  ground.intake({
    database: {
      ...ground.db,
      query: (text, values) => (away ? gone() : ground.db.query(text, values)),
      transaction: (work) => (away ? gone() : ground.db.transaction(work)),
    },
  });
  const until = (lag: number) =>
    eventually(async () => ((await lagsOf(ground.metrics))['0'] === lag ? true : undefined), `lag ${lag}`);
  await until(3);
  await ground.sendRaw({ value: Buffer.from('four') });
  await until(4);
  away = false;
  await until(0);
  expect(await lagsOf(ground.metrics)).toEqual({ 0: 0 });
});

test('after a rebalance each instance shows its partitions and no other, before any message came', async () => {
  const ground = await open(2);
  ground.intake();
  await eventually(async () => (Object.keys(await lagsOf(ground.metrics)).length === 2 ? true : undefined), 'both');
  const other = new Registry();
  const joining = ground.intake({ metrics: intakeMetrics(other) });
  const seen: number[] = [];
  const [kept, got] = await eventually(async () => {
    const [one, two] = [await lagsOf(ground.metrics), await lagsOf(other)].map((lags) => Object.keys(lags));
    seen.push(one?.length ?? 0);
    return one?.length === 1 && two?.length === 1 ? [one[0], two[0]] : undefined;
  }, 'one partition each');
  expect(new Set([kept, got])).toEqual(new Set(['0', '1']));
  await joining.stop();
  await eventually(
    async () => (Object.keys(await lagsOf(ground.metrics)).length === 2 ? true : undefined),
    'both again',
  );
  expect(await lagsOf(other)).toEqual({});
  // What stays with an instance does not disappear meanwhile.
  expect(seen.every((count) => count > 0)).toBe(true);
});

test('a partition that is assigned again keeps what was unread until that is known anew, and one that is gone does not', () => {
  const lost: string[] = [];
  const progress = watchProgress({
    stalledMs: 60_000,
    logger,
    metrics: { assigned: (places) => lost.push(places.map(({ partition }) => partition).join()), lost: () => {} },
  });
  closers.push(async () => progress.close());
  const [kept, gone] = [0, 1].map((partition) => ({ topic: 'crm', partition }));
  if (kept === undefined || gone === undefined) throw new Error('There are two partitions');
  const unread = () => progress.places().map((place) => [place.partition, place.unread, place.behindMs !== null]);
  progress.assigned([kept, gone]);
  expect(unread()).toEqual([
    [0, null, false],
    [1, null, false],
  ]);
  for (const place of [kept, gone]) {
    progress.ends(place, 10, null);
    progress.reached(place, 4);
  }
  progress.assigned([kept]);
  expect(unread()).toEqual([[0, 6, true]]);
  progress.estimated(kept, 8);
  expect(unread()).toEqual([[0, 8, true]]);
  progress.ends(kept, 12, null);
  progress.reached(kept, 12);
  expect(unread()).toEqual([[0, 0, false]]);
  // Kafka's own position is older news by now.
  progress.estimated(kept, 8);
  expect(unread()).toEqual([[0, 0, false]]);
  expect(lost).toEqual(['0,1', '0']);
});
