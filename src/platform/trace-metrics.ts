import type { Registry } from '@prometheus-io/client';
import { counter } from './metrics.ts';

export type TraceMetrics = ReturnType<typeof traceMetrics>;

/** The metrics of tracing; all stay 0 without OTEL_EXPORTER_OTLP_ENDPOINT. */
export function traceMetrics(registry: Registry) {
  return {
    spans: counter(registry, {
      name: 'conax_trace_spans_total',
      help: 'Spans by what became of them: exported; failed, because the collector did not take them; dropped, because too many waited.',
      labels: { result: ['exported', 'failed', 'dropped'] },
    }),
  };
}
