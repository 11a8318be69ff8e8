import { Counter, Gauge, Histogram, type LabelValues, type Registry } from '@prometheus-io/client';

/** The values that a label can have: a closed list, or what bounds them, in words that follow "values:". */
export type PossibleValues = readonly string[] | string;

type Labels<L extends string> = Readonly<Record<L, PossibleValues>>;

interface Described<L extends string> {
  readonly name: string;
  /** What it means, for docs/monitoring.md too. Without double quotes, which OpenMetrics wants escaped. */
  readonly help: string;
  readonly labels?: Labels<L>;
}

const labelsByMetric = new WeakMap<object, Labels<string>>();

/** Returns the labels of a metric with the values that they can have. */
export function labelsOf(metric: object): Labels<string> {
  return labelsByMetric.get(metric) ?? {};
}

/**
 * Creates a counter. If each label has a closed list, every combination starts at 0; else those of `start` do. Prometheus
 * sees no increase in a series that first appears with 1, so no alert would fire.
 */
export function counter<L extends string = never>(
  registry: Registry,
  { start, ...described }: Described<L> & { readonly start?: readonly LabelValues<L>[] },
): Counter<L> {
  const metric = new Counter<L>(configOf(registry, described));
  labelsByMetric.set(metric, described.labels ?? {});
  for (const labels of start ?? combinations(described.labels)) metric.inc(labels, 0);
  return metric;
}

/** Creates a histogram. If each label has a closed list, every combination starts at 0. */
export function histogram<L extends string = never>(
  registry: Registry,
  { buckets, ...described }: Described<L> & { readonly buckets: number[] },
): Histogram<L> {
  const metric = new Histogram<L>({ ...configOf(registry, described), buckets });
  labelsByMetric.set(metric, described.labels ?? {});
  for (const labels of combinations(described.labels)) metric.zero(labels);
  return metric;
}

/** One value of a gauge, with its labels. */
export type Reading<L extends string> = readonly [labels: LabelValues<L>, value: number];

/**
 * Creates a gauge. With `read` it shows exactly what `read` returns whenever metrics are read: what is not known has no
 * value, and what is gone disappears.
 */
export function gauge<L extends string = never>(
  registry: Registry,
  { read, ...described }: Described<L> & { readonly read?: () => Iterable<Reading<L>> },
): Gauge<L> {
  const metric: Gauge<L> = new Gauge<L>({
    ...configOf(registry, described),
    ...(read === undefined ? {} : { collect: () => show(metric, read()) }),
  });
  labelsByMetric.set(metric, described.labels ?? {});
  return metric;
}

/** Returns the reading of a gauge without labels; null: it is not known. */
export function plain(value: number | null | undefined): Reading<never>[] {
  return value === null || value === undefined ? [] : [[{} as never, value]];
}

function show<L extends string>(metric: Gauge<L>, readings: Iterable<Reading<L>>): void {
  metric.reset();
  // A gauge without labels is reset to 0, which is a value.
  if (Object.keys(labelsOf(metric)).length === 0) metric.remove();
  for (const [labels, value] of readings) metric.set(labels, value);
}

/** Buckets for how long a customer waits, in seconds: from an answer at once to an hour. */
export const WAIT_BUCKETS_S: number[] = [
  0.005, 0.01, 0.02, 0.035, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.5, 0.75, 1, 1.5, 2, 3, 5, 10, 20, 30, 60, 120, 300, 600,
  1_800, 3_600,
];

/** Figures of the database that are older than this are not shown. */
const KNOWN_MS = 60_000;

/**
 * Keeps the last reading of something that may be away. It counts as unknown after `maxAgeMs`, so that metrics do not
 * show old figures as if they were new.
 */
export function lastReading<T>(maxAgeMs = KNOWN_MS): {
  readonly set: (value: T) => void;
  readonly get: () => T | null;
} {
  let last: { readonly value: T; readonly at: number } | null = null;
  return {
    set: (value) => (last = { value, at: performance.now() }),
    get: () => (last !== null && performance.now() - last.at <= maxAgeMs ? last.value : null),
  };
}

function configOf<L extends string>(registry: Registry, { name, help, labels }: Described<L>) {
  return { name, help, labelNames: Object.keys(labels ?? {}) as L[], registers: [registry] };
}

/** Returns every combination of the values; none if there are no labels, or one has no closed list. */
function combinations<L extends string>(labels: Labels<L> | undefined): LabelValues<L>[] {
  const lists = Object.entries<PossibleValues>(labels ?? {});
  if (lists.length === 0) return [];
  return lists.reduce<LabelValues<L>[]>(
    (some, [name, values]) =>
      some.flatMap((one) => (typeof values === 'string' ? [] : values.map((value) => ({ ...one, [name]: value })))),
    [{} as LabelValues<L>],
  );
}

/** The content type of OpenMetrics 1.0. */
export const OPEN_METRICS = 'application/openmetrics-text; version=1.0.0; charset=utf-8';

/**
 * Returns Prometheus text as OpenMetrics text: the family of a counter has no _total, and the end is marked. The client
 * library could do it too, but would rename its counters for good with the first answer.
 */
export function openMetricsText(prometheusText: string): string {
  const families = prometheusText.replaceAll(/^(# (?:HELP|TYPE) \w+)_total /gm, '$1 ');
  return `${families.replaceAll(/\n{2,}/g, '\n')}# EOF\n`;
}
