import { Registry } from '@prometheus-io/client';
import { afterEach, expect, test } from 'vitest';
import { type OtlpTracingOptions, startTracing } from '../../src/platform/otlp-tracing.ts';
import { traceMetrics } from '../../src/platform/trace-metrics.ts';
import type { Logger } from '../../src/platform/logging.ts';
import type { Tracing } from '../../src/platform/tracing.ts';
import { type Collector, startCollector } from './collector.ts';

const PARENT = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
const UNSAMPLED = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00';

const closers: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close();
});

interface Opened {
  readonly collector: Collector;
  readonly tracing: Tracing;
  readonly lines: string[];
  count(result: string): Promise<number>;
}

async function open(statuses: number[] = [], more: Partial<OtlpTracingOptions> = {}): Promise<Opened> {
  const collector = await startCollector(statuses);
  closers.push(() => collector.close());
  const registry = new Registry();
  const lines: string[] = [];
  const line = (_fields: object, text: string): void => void lines.push(text);
  const tracing = startTracing({
    endpoint: collector.url,
    headers: {},
    serviceName: 'test',
    resourceAttributes: {},
    sampler: 'parentbased_always_on',
    ratio: 1,
    metrics: traceMetrics(registry),
    logger: { info: line, warn: line } as unknown as Logger,
    exportEveryMs: 20,
    ...more,
  });
  closers.push(() => tracing.close(0));
  return {
    collector,
    tracing,
    lines,
    async count(result) {
      const found = new RegExp(`^conax_trace_spans_total\\{result="${result}"\\} (\\d+)$`, 'm').exec(
        await registry.metrics(),
      );
      return Number(found?.[1]);
    },
  };
}

function step({ tracing }: Opened, parent: string | null = PARENT, name = 'step'): string {
  const span = tracing.start(name, { kind: 'INTERNAL', parent });
  span.end();
  return span.traceparent;
}

test('a span has the trace, the parent and the times that it was given', async () => {
  const opened = await open([], {
    resourceAttributes: { 'service.instance.id': 'one' },
    headers: { 'x-key': 's3cret' },
  });
  const startedAt = performance.now() - 5_000;
  const span = opened.tracing.start('step', {
    kind: 'CLIENT',
    parent: PARENT,
    startedAt,
    attributes: { a: 1 },
    links: [UNSAMPLED],
  });
  span.end({ endedAt: startedAt + 1_500.25, attributes: { b: 'x' }, error: 'refused' });
  const [seen] = await opened.collector.until((spans) => (spans.length > 0 ? spans : undefined), 'the span');
  expect(seen).toMatchObject({
    traceId: '0af7651916cd43dd8448eb211c80319c',
    parentSpanId: 'b7ad6b7169203331',
    kind: 'CLIENT',
    attributes: { a: 1, b: 'x' },
    links: ['b7ad6b7169203331'],
    error: 'refused',
    instance: 'one',
  });
  expect(span.traceparent).toBe(`00-${seen?.traceId}-${seen?.spanId}-01`);
  expect((seen?.endMs ?? 0) - (seen?.startMs ?? 0)).toBeCloseTo(1_500.25, 1);
  expect(Math.abs((seen?.startMs ?? 0) - (Date.now() - 5_000))).toBeLessThan(2_000);
  expect(opened.collector.calls[0]).toMatchObject({ path: '/v1/traces', headers: { 'x-key': 's3cret' } });
});

test('what a caller does not sample is not exported, and says so to those that follow', async () => {
  const opened = await open();
  expect(step(opened, UNSAMPLED)).toMatch(/^00-0af7651916cd43dd8448eb211c80319c-[\da-f]{16}-00$/);
  step(opened, PARENT, 'sampled');
  await opened.collector.until((spans) => (spans.length > 0 ? true : undefined), 'the sampled span');
  expect(opened.collector.spans.map(({ name }) => name)).toEqual(['sampled']);
});

test.each([
  ['parentbased_traceidratio', 0, PARENT, '01'],
  ['parentbased_traceidratio', 0, null, '00'],
  ['parentbased_traceidratio', 1, null, '01'],
  ['parentbased_always_off', 1, null, '00'],
  ['parentbased_always_on', 0, null, '01'],
  ['traceidratio', 0, PARENT, '00'],
  ['always_off', 1, PARENT, '00'],
  ['always_on', 0, UNSAMPLED, '01'],
] as const)('the sampler %s with %d, and the parent %s, gives %s', async (sampler, ratio, parent, flags) => {
  const opened = await open([], { sampler, ratio });
  expect(step(opened, parent).slice(-2)).toBe(flags);
});

test('a parent with an id of zeros is none', async () => {
  const opened = await open();
  expect(step(opened, `00-${'0'.repeat(32)}-b7ad6b7169203331-01`)).not.toContain('0'.repeat(32));
});

test('a collector that refuses is logged once, and once when it takes traces again', async () => {
  const opened = await open([400, 401]);
  for (const round of [1, 2, 3, 4]) {
    step(opened);
    await opened.collector.until(() => (opened.collector.calls.length >= round ? true : undefined), `call ${round}`);
  }
  await opened.tracing.close(1_000);
  expect(opened.lines).toEqual([
    'the collector takes no traces: they are lost until it does',
    'the collector takes traces again',
  ]);
  expect([await opened.count('exported'), await opened.count('failed'), await opened.count('dropped')]).toEqual([
    2, 2, 0,
  ]);
});

test('a collector that asks to come later gets the same spans again', async () => {
  const opened = await open([503]);
  step(opened);
  await opened.collector.until((spans) => (spans.length > 0 ? true : undefined), 'the span after all');
  expect(opened.collector.calls[0]?.body).toEqual(opened.collector.calls[1]?.body);
  await opened.tracing.close(1_000);
  expect([opened.lines, await opened.count('exported')]).toEqual([[], 1]);
});

test('a collector that hangs keeps nobody waiting: spans are dropped, and a stop ends within its limit', async () => {
  const opened = await open(Array.from({ length: 100 }, () => 0));
  const before = performance.now();
  for (let made = 0; made < 10_000; made += 1) step(opened);
  expect(performance.now() - before).toBeLessThan(5_000);
  await opened.collector.until(() => (opened.collector.calls.length > 0 ? true : undefined), 'a call');
  expect(await opened.count('dropped')).toBe(10_000 - 8_192);
  const stoppedAt = performance.now();
  await opened.tracing.close(200);
  expect(performance.now() - stoppedAt).toBeLessThan(2_000);
  expect(await opened.count('failed')).toBe(8_192);
});

test('a stop exports what has ended', async () => {
  const opened = await open([], { exportEveryMs: 60_000 });
  step(opened);
  await opened.tracing.close(5_000);
  expect(opened.collector.spans).toHaveLength(1);
});
