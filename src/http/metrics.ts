import { Counter, Gauge, Histogram, type Registry } from '@prometheus-io/client';

/** The Web API's metrics; every name starts with `conax_web_api_`. */
export interface WebApiMetrics {
  readonly calls: Counter<'route' | 'code'>;
  readonly callSeconds: Histogram<'route'>;
  readonly waiting: Gauge;
}

/** Creates them in a registry; once per registry. Routes are names of calls, so callers cannot make up new ones. */
export function webApiMetrics(registry: Registry): WebApiMetrics {
  const registers = [registry];
  const p = 'conax_web_api_';
  return {
    calls: new Counter({
      name: `${p}calls_total`,
      help: 'Calls of the Web API and the operations API by call (`other`: no address of them) and by the code of the envelope.',
      labelNames: ['route', 'code'],
      registers,
    }),
    callSeconds: new Histogram({
      name: `${p}call_seconds`,
      help: 'Duration of the calls in seconds, that of process_immediately included.',
      labelNames: ['route'],
      buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30],
      registers,
    }),
    waiting: new Gauge({
      name: `${p}calls_under_way`,
      help: 'Calls under way now.',
      registers,
    }),
  };
}
