import { Counter, type Registry } from '@prometheus-io/client';

/** The metrics of runs; every name starts with `conax_runs_`. */
export interface RunMetrics {
  readonly errors: Counter<'part'>;
}

/** Creates the metrics in a registry; call it once per registry. */
export function runMetrics(registry: Registry): RunMetrics {
  return {
    errors: new Counter({
      name: 'conax_runs_errors_total',
      help: 'Failures of the runs’ worker, by part (step: of one run; round: of all); each is tried again.',
      labelNames: ['part'],
      registers: [registry],
    }),
  };
}
