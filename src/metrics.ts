import type { Registry } from '@prometheus-io/client';
import packageJson from '../package.json' with { type: 'json' };
import { surplusCounter } from './connections.ts';
import { dispatchMetrics } from './dispatch/metrics.ts';
import { backlogMetrics } from './features/overview/backlog.ts';
import { holderMetrics } from './features/overview/vacuum-holders.ts';
import { replayMetrics } from './features/replay/host.ts';
import { retentionMetrics } from './features/retention/service.ts';
import { runMetrics } from './features/runs/worker.ts';
import { WORKING_PARTS } from './health.ts';
import { webApiMetrics } from './http/metrics.ts';
import { intakeMetrics } from './intake/metrics.ts';
import { outcomeMetrics } from './outcomes/metrics.ts';
import { clockMetrics } from './platform/clock-watch.ts';
import type { PartState } from './platform/http.ts';
import { refusedCounter } from './platform/http-connections.ts';
import { gauge } from './platform/metrics.ts';
import { traceMetrics } from './platform/trace-metrics.ts';
import { addBuildInfo, addPoolMetrics, addProcessMetrics, type Pools } from './platform/process-metrics.ts';

/** What the metrics ask whenever they are read. */
export interface MetricSources {
  readonly revision: string;
  /** Null: they are not open. */
  readonly pools: () => Pools | null;
  readonly parts: () => readonly PartState[];
}

export type ServiceMetrics = ReturnType<typeof serviceMetrics>;

/**
 * Creates every metric of the service in a registry, once, and before anything is waited for: a counter that starts later
 * than the service would hide what it counts first. docs/monitoring.md is made of them.
 */
export function serviceMetrics(registry: Registry, { revision, pools, parts }: MetricSources) {
  addBuildInfo(registry, { version: packageJson.version, revision });
  gauge(registry, {
    name: 'conax_part_ready',
    help: 'Whether a part of this instance does its work, as in `/health/ready`: 1 or 0. While `cas` is 0 the service is ready nevertheless.',
    labels: { part: WORKING_PARTS },
    read: () => parts().map(({ part, ready }) => [{ part }, ready ? 1 : 0]),
  });
  const metrics = {
    intake: intakeMetrics(registry),
    dispatch: dispatchMetrics(registry),
    outcomes: outcomeMetrics(registry),
    backlog: backlogMetrics(registry),
    holders: holderMetrics(registry),
    runs: runMetrics(registry),
    replays: replayMetrics(registry),
    retention: retentionMetrics(registry),
    clock: clockMetrics(registry),
    traces: traceMetrics(registry),
    surplus: surplusCounter(registry),
    webApi: webApiMetrics(registry),
    refused: refusedCounter(registry),
  };
  addPoolMetrics(registry, pools);
  addProcessMetrics(registry);
  return metrics;
}
