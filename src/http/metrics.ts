import type { Counter, Gauge, Histogram, Registry } from '@prometheus-io/client';
import { counter, gauge, histogram } from '../platform/metrics.ts';
import { webApiCodes } from './codes.ts';

/** The Web API's metrics; every name starts with `conax_web_api_`. */
export interface WebApiMetrics {
  readonly calls: Counter<'route' | 'code'>;
  readonly refusals: Counter<'code'>;
  readonly callSeconds: Histogram<'route'>;
  readonly waiting: Gauge;
}

const ROUTES = 'the names of the calls in `/openapi.json`, and `other`';

/** Creates them in a registry; once per registry. Routes are names of calls, so callers cannot make up new ones. */
export function webApiMetrics(registry: Registry): WebApiMetrics {
  const p = 'conax_web_api_';
  return {
    calls: counter(registry, {
      name: `${p}calls_total`,
      help: 'Calls of the Web API and the operations API by call (`other`: no address of them) and by the code of the envelope. Series appear with their first call.',
      labels: { route: ROUTES, code: '`OK`, or a code of [errors-web-api.md](errors-web-api.md)' },
    }),
    refusals: counter(registry, {
      name: `${p}refusals_total`,
      help: 'Calls whose answer was not OK, by the code of the envelope.',
      labels: { code: Object.keys(webApiCodes) },
    }),
    callSeconds: histogram(registry, {
      name: `${p}call_seconds`,
      help: 'Duration of the calls, that of process_immediately included.',
      labels: { route: ROUTES },
      buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30],
    }),
    waiting: gauge(registry, { name: `${p}calls_under_way`, help: 'Calls under way now.' }),
  };
}
