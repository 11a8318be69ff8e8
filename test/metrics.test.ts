import { afterAll, beforeAll, expect, test } from 'vitest';
import { type DocumentedMetric, documentedMetrics } from '../dev/generators/monitoring-doc.ts';
import { freePort } from '../dev/stack/ports.ts';
import { conaxCodes } from '../src/conax/codes.ts';
import { DISPATCH_ERROR_CODES } from '../src/dispatch/error-codes.ts';
import { webApiCodes } from '../src/http/codes.ts';
import { createLogger } from '../src/platform/logging.ts';
import { startService } from '../src/service.ts';
import { action, eventually, household, metricsOf, outcomeOf, send } from './support/scene.ts';
import { startWorld, type World } from './support/world.ts';

let world: World;
beforeAll(async () => {
  world = await startWorld({ BUILD_REVISION: 'abc123' });
});
afterAll(() => world.close());

interface Sample {
  readonly family: string;
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: string;
}

interface Family {
  readonly type: string;
  readonly help: string;
}

const SUFFIXES: Readonly<Record<string, RegExp>> = {
  counter: /^_total$/,
  gauge: /^$/,
  histogram: /^_(bucket|sum|count)$/,
};

/** Reads OpenMetrics text as its specification has it, as far as the service uses it. @throws Error naming the line. */
function readOpenMetrics(text: string): { families: Map<string, Family>; samples: Sample[] } {
  const lines = text.split('\n');
  if (lines.pop() !== '' || lines.pop() !== '# EOF') throw new Error('The text must end with "# EOF" and a line feed');
  const families = new Map<string, Family>();
  const samples: Sample[] = [];
  const seen = new Set<string>();
  let help: { family: string; text: string } | null = null;
  let current = '';
  for (const line of lines) {
    const [, ofHelp = '', helpText = ''] = /^# HELP ([a-z][a-z0-9_]*) ([^"\\]+)$/.exec(line) ?? [];
    const [, ofType = '', type = ''] = /^# TYPE ([a-z][a-z0-9_]*) (counter|gauge|histogram)$/.exec(line) ?? [];
    const [, name = '', labels = '', value = ''] = /^([a-z][a-z0-9_]*)(?:\{(.*)\})? (\S+)$/.exec(line) ?? [];
    if (ofHelp !== '') {
      if (families.has(ofHelp)) throw new Error(`${line}: the family comes twice`);
      help = { family: ofHelp, text: helpText };
    } else if (ofType !== '') {
      if (help?.family !== ofType) throw new Error(`${line}: HELP must stand before it`);
      if (ofType.endsWith('_total')) throw new Error(`${line}: the name of a family ends with _total`);
      families.set(ofType, { type, help: help.text });
      current = ofType;
    } else if (name !== '') {
      const suffix = name.startsWith(current) ? name.slice(current.length) : 'another family';
      if (SUFFIXES[families.get(current)?.type ?? '']?.test(suffix) !== true)
        throw new Error(`${line}: not of ${current}`);
      if (!/^-?\d+(\.\d+)?(e[-+]?\d+)?$/.test(value)) throw new Error(`${line}: not a number`);
      const pairs = [...labels.matchAll(/([a-z_]+)="([^"\\\n]*)"(?:,|$)/g)];
      if (pairs.map(([pair]) => pair).join('') !== labels) throw new Error(`${line}: labels that cannot be read`);
      const key = `${name}{${pairs
        .map(([, label, of]) => `${label}=${of}`)
        .toSorted()
        .join()}}`;
      if (seen.has(key)) throw new Error(`${line}: comes twice`);
      seen.add(key);
      samples.push({
        family: current,
        name,
        labels: Object.fromEntries(pairs.map(([, label, of]) => [label, of])),
        value,
      });
    } else throw new Error(`${line}: neither HELP, TYPE nor a sample`);
  }
  return { families, samples };
}

async function scraped(): Promise<ReturnType<typeof readOpenMetrics>> {
  const answer = await fetch(`${world.service.url}/metrics`, {
    headers: { accept: 'application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.2,*/*;q=0.1' },
  });
  expect(answer.headers.get('content-type')).toBe('application/openmetrics-text; version=1.0.0; charset=utf-8');
  return readOpenMetrics(await answer.text());
}

const familyOf = ({ name, type }: DocumentedMetric): string =>
  type === 'counter' ? name.replace(/_total$/, '') : name;

test('the families of a running service are those of docs/monitoring.md, with their types and meanings', async () => {
  const { families } = await scraped();
  const documented = documentedMetrics().map((metric) => [familyOf(metric), metric.type, metric.help]);
  expect([...families].map(([family, { type, help }]) => [family, type, help])).toEqual(documented);
});

test('names have base units, and _total marks counters and nothing else', () => {
  const wrong = documentedMetrics().filter(
    ({ name, type }) =>
      !/^(conax|process|nodejs)_/.test(name) ||
      name.endsWith('_total') !== (type === 'counter') ||
      /_(ms|milliseconds|minutes|hours|kb|mb|percent)\b|_(ms|milliseconds)_/.test(name),
  );
  expect(wrong).toEqual([]);
});

test('every series has the labels of the table, with values that it allows, after events good, bad and unknown', async () => {
  const first = action(household('S1', '10000000001', ['1001']), { action: 'S:BECOME_SUBSCRIBER' });
  await send(world, first.events);
  await outcomeOf(world, first);
  await world.wire.send([{ key: 'k', message: { kind: 'bytes', key: 'k', value: Buffer.from('no event') } }]);
  await fetch(`${world.service.url}/nowhere`);
  await eventually(
    async () =>
      (await metricsOf(world.service)).get('conax_intake_dead_letters_total{reason="NOT_AVRO"}') === 1 || undefined,
    'the dead letter',
  );
  const document = (await (await fetch(`${world.service.url}/openapi.json`)).json()) as {
    paths: Record<string, Record<string, { operationId?: string }>>;
  };
  const routes = new Set(
    Object.values(document.paths).flatMap((path) => Object.values(path).map(({ operationId }) => operationId)),
  );
  const open: Readonly<Record<string, (value: string) => boolean>> = {
    version: (value) => value === '0.1.0',
    revision: (value) => value === 'abc123',
    node: (value) => value === process.versions.node,
    topic: (value) => world.settings.CRM_TOPICS.includes(value),
    partition: (value) => /^\d$/.test(value),
    route: (value) => value === 'other' || routes.has(value),
    code: (value) =>
      ['', 'OK', 'other', ...conaxCodes, ...DISPATCH_ERROR_CODES.map(({ code }) => code)].includes(value) ||
      value in webApiCodes,
    type: (value) => /^[A-Z_]+$/.test(value),
    table: (value) => /^[a-z_]+$/.test(value),
  };
  const labelsOf = new Map(documentedMetrics().map((metric) => [familyOf(metric), metric.labels]));
  const { samples } = await scraped();
  const wrong = samples.filter(({ family, labels: { le: _le, ...labels } }) => {
    const allowed = labelsOf.get(family) ?? {};
    const names = Object.keys(labels);
    if (names.length !== Object.keys(allowed).length) return true;
    return names.some((label) => {
      const values = allowed[label];
      const value = labels[label] ?? '';
      return typeof values === 'string' ? open[label]?.(value) !== true : values?.includes(value) !== true;
    });
  });
  expect(wrong).toEqual([]);
  expect(samples.length).toBeLessThan(1_500);
});

test('what read PostgreSQL, Kafka and the CAS has figures, and pools, process and build are shown', async () => {
  const shown = await eventually(async () => {
    const metrics = await metricsOf(world.service);
    return (metrics.get('conax_waiting_items{kind="held_event"}') ?? -1) >= 0 &&
      metrics.has('conax_dispatch_oldest_pending_seconds{class="bulk"}')
      ? metrics
      : undefined;
  }, 'the figures of the database');
  const value = (name: string): number => shown.get(name) ?? NaN;
  expect(value(`conax_build_info{version="0.1.0",revision="abc123",node="${process.versions.node}"}`)).toBe(1);
  expect(['intake', 'dispatch', 'outcomes', 'cas'].map((part) => value(`conax_part_ready{part="${part}"}`))).toEqual([
    1, 1, 1, 1,
  ]);
  expect(value('conax_database_connections_limit{pool="web-api"}')).toBeGreaterThan(0);
  expect(value('conax_database_connections{pool="dispatch",state="idle"}')).toBeGreaterThan(0);
  expect(value('conax_outcome_seconds_count{kind="REQUEST_OUTCOME"}')).toBeGreaterThan(0);
  expect(value('conax_outcome_seconds_sum{kind="REQUEST_OUTCOME"}')).toBeLessThan(60);
  expect(value('conax_intake_message_age_seconds_count')).toBeGreaterThan(0);
  expect(value('process_resident_memory_bytes')).toBeGreaterThan(50_000_000);
  expect(value('nodejs_heap_size_used_bytes')).toBeGreaterThan(10_000_000);
  expect(value('nodejs_eventloop_lag_p99_seconds')).toBeGreaterThan(0);
});

test('a client that does not know OpenMetrics gets the Prometheus text', async () => {
  const answer = await fetch(`${world.service.url}/metrics`, { headers: { accept: 'text/plain' } });
  expect(answer.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8');
  expect(await answer.text()).toMatch(/^# TYPE conax_intake_late_total counter$/m);
});

test('while the service waits for its database, what it will count is there with 0, and what is not known is not', async () => {
  const port = await freePort();
  const url = `postgres://nobody@127.0.0.1:${port}/nothing`;
  const service = await startService({ ...world.settings, DATABASE_URL: url }, createLogger('silent'));
  try {
    const shown = await metricsOf(service);
    const of = (...names: string[]) => names.map((name) => shown.get(name));
    expect(
      of(
        'conax_intake_dead_letters_total{reason="NOT_AVRO"}',
        'conax_dispatch_finished_total{command="ADD_SUBSCRIPTIONS",outcome="REJECTED",code="CLIENT_NOT_FOUND"}',
        'conax_outbox_parked_total{kind="DEAD_LETTER"}',
        'conax_web_api_refusals_total{code="INTERNAL_ERROR"}',
        'conax_clock_jumps_total{clock="database",direction="back"}',
        'conax_intake_reading',
        'conax_part_ready{part="intake"}',
      ),
    ).toEqual([0, 0, 0, 0, 0, 0, 0]);
    expect(
      of(
        'conax_waiting_items{kind="dead_letter"}',
        'conax_dispatch_ready_requests{class="giving",older_than="0s"}',
        'conax_dispatch_breaker_open',
        'conax_intake_stalled_partitions',
      ),
    ).toEqual([undefined, undefined, undefined, undefined]);
  } finally {
    await service.stop();
  }
});
