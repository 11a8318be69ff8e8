import { Registry } from '@prometheus-io/client';
import { expect, test } from 'vitest';
import { counter, gauge, histogram, lastReading, openMetricsText, plain } from '../../src/platform/metrics.ts';

const samplesOf = async (registry: Registry): Promise<string[]> =>
  (await registry.metrics()).split('\n').filter((line) => line !== '' && !line.startsWith('#'));

test('a counter and a histogram start at 0 for every combination of closed lists', async () => {
  const registry = new Registry();
  counter(registry, { name: 'a_total', help: 'A.', labels: { x: ['1', '2'], y: ['p', 'q'] } });
  histogram(registry, { name: 'b_seconds', help: 'B.', labels: { x: ['1', '2'] }, buckets: [1] });
  expect(await samplesOf(registry)).toEqual([
    'a_total{x="1",y="p"} 0',
    'a_total{x="1",y="q"} 0',
    'a_total{x="2",y="p"} 0',
    'a_total{x="2",y="q"} 0',
    ...['1', '2'].flatMap((x) => [
      `b_seconds_bucket{le="1",x="${x}"} 0`,
      `b_seconds_bucket{le="+Inf",x="${x}"} 0`,
      `b_seconds_sum{x="${x}"} 0`,
      `b_seconds_count{x="${x}"} 0`,
    ]),
  ]);
});

test('a counter with a label that has no closed list starts with what it is told, and else without series', async () => {
  const registry = new Registry();
  counter(registry, { name: 'a_total', help: 'A.', labels: { x: ['1', '2'], y: 'anything' } });
  counter(registry, {
    name: 'b_total',
    help: 'B.',
    labels: { x: ['1', '2'], y: 'anything' },
    start: [{ x: '2', y: '' }],
  });
  expect(await samplesOf(registry)).toEqual(['b_total{x="2",y=""} 0']);
});

test('a gauge that is read shows what is known now: what is gone disappears, and what is unknown has no value', async () => {
  const registry = new Registry();
  let places: readonly string[] = ['p', 'q'];
  let whole: number | null = 7;
  gauge(registry, { name: 'a', help: 'A.', labels: { x: 'places' }, read: () => places.map((x) => [{ x }, 1]) });
  gauge(registry, { name: 'b', help: 'B.', read: () => plain(whole) });
  expect(await samplesOf(registry)).toEqual(['a{x="p"} 1', 'a{x="q"} 1', 'b 7']);
  places = ['q'];
  whole = null;
  expect(await samplesOf(registry)).toEqual(['a{x="q"} 1']);
});

test('the last reading is unknown before the first one, and again when it is too old', () => {
  const reading = lastReading<number>(60_000);
  expect(reading.get()).toBeNull();
  reading.set(3);
  expect(reading.get()).toBe(3);
  const old = lastReading<number>(-1);
  old.set(3);
  expect(old.get()).toBeNull();
});

test('OpenMetrics text names the family of a counter without _total, has no empty lines, and ends', async () => {
  const registry = new Registry();
  counter(registry, { name: 'a_total', help: 'Counts a_total things.' }).inc(2);
  gauge(registry, { name: 'b_seconds', help: 'B.' }).set(1.5);
  expect(openMetricsText(await registry.metrics())).toBe(
    [
      '# HELP a Counts a_total things.',
      '# TYPE a counter',
      'a_total 2',
      '# HELP b_seconds B.',
      '# TYPE b_seconds gauge',
      'b_seconds 1.5',
      '# EOF',
      '',
    ].join('\n'),
  );
});
