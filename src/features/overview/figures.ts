import type { Counter, Histogram, Registry } from '@prometheus-io/client';
import type { MinuteFigures } from './minutes.ts';

/**
 * Returns a function that reads what this process did since it was last called, from the metrics that it counts anyway.
 * So the minutes of the overview cost nothing while events and requests are processed.
 */
export function figuresOf(registry: Registry): () => Promise<MinuteFigures> {
  let before = new Map<string, number>();
  return async () => {
    const [messages, finished, calls, putOff, seconds] = await Promise.all([
      valuesOf(registry, 'conax_intake_messages_total'),
      valuesOf(registry, 'conax_dispatch_finished_total'),
      valuesOf(registry, 'conax_dispatch_calls_total'),
      valuesOf(registry, 'conax_dispatch_put_off_total'),
      valuesOf(registry, 'conax_dispatch_finish_seconds'),
    ]);
    const outcome = (wanted: string): number => sum(finished.filter(({ labels }) => labels['outcome'] === wanted));
    const bounds = seconds.filter(({ labels }) => labels['le'] !== undefined && labels['class'] !== 'bulk');
    const cumulative = Map.groupBy(bounds, ({ labels }) => Number(String(labels['le']).replace('+Inf', 'Infinity')));
    const now = new Map<string, number>([
      ['events', sum(messages)],
      ['completed', outcome('COMPLETED')],
      ['rejected', outcome('REJECTED')],
      ['calls', sum(calls)],
      ['retries', sum(putOff)],
      ...[...cumulative].map(([bound, values]) => [`${bound}`, sum(values)] as const),
    ]);
    const grown = (name: string): number => (now.get(name) ?? 0) - (before.get(name) ?? 0);
    const latency: Record<string, number> = {};
    let below = 0;
    for (const bound of [...cumulative.keys()].toSorted((one, other) => one - other)) {
      const count = grown(`${bound}`) - below;
      below += count;
      if (count > 0) latency[Number.isFinite(bound) ? Math.round(bound * 1000) : 'Infinity'] = count;
    }
    const figures = {
      events: grown('events'),
      completed: grown('completed'),
      rejected: grown('rejected'),
      calls: grown('calls'),
      retries: grown('retries'),
      latency,
    };
    before = now;
    return figures;
  };
}

interface Value {
  readonly value: number;
  readonly labels: Readonly<Partial<Record<string, string | number>>>;
}

/** @throws Error if there is no such metric: its name was changed. */
async function valuesOf(registry: Registry, name: string): Promise<readonly Value[]> {
  const metric = registry.getSingleMetric(name) as Counter<string> | Histogram<string> | undefined;
  if (metric === undefined) throw new Error(`There is no metric ${name}`);
  return (await metric.get()).values;
}

function sum(values: readonly Value[]): number {
  return values.reduce((total, { value }) => total + value, 0);
}
