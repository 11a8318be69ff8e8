import { collectDefaultMetrics, Registry } from '@prometheus-io/client';
import type { Database } from './database.ts';
import { gauge, type Reading } from './metrics.ts';

/**
 * What is shown of the client library's metrics of the process, by the usual names: its type, and what it means. Left
 * out: counts by names of Node's internals, and gauges that are named like counters.
 */
export const PROCESS_METRICS: Readonly<
  Record<
    string,
    readonly [
      type: 'counter' | 'gauge' | 'histogram',
      help: string,
      labels?: Readonly<Record<string, readonly string[]>>,
    ]
  >
> = {
  process_cpu_user_seconds_total: ['counter', 'CPU time in user code.'],
  process_cpu_system_seconds_total: ['counter', 'CPU time in the kernel.'],
  process_cpu_seconds_total: [
    'counter',
    'CPU time in all; one thread does most of the work, so 1 s per second is the limit.',
  ],
  process_start_time_seconds: ['gauge', 'When the process started, as Unix time.'],
  process_resident_memory_bytes: ['gauge', 'Resident memory.'],
  process_virtual_memory_bytes: ['gauge', 'Virtual memory (Linux).'],
  process_heap_bytes: ['gauge', 'Data segment of the process (Linux).'],
  process_open_fds: ['gauge', 'Open file descriptors (Linux).'],
  process_max_fds: ['gauge', 'Most file descriptors that may be open (Linux).'],
  nodejs_eventloop_lag_seconds: [
    'gauge',
    'How late the event loop was for one task, when the metrics were last read before.',
  ],
  nodejs_eventloop_lag_max_seconds: [
    'gauge',
    'Longest time between two looks at the event loop since the metrics were last read by anybody. The looks are 0.01 s apart: that much is no lag.',
  ],
  nodejs_eventloop_lag_p50_seconds: ['gauge', 'The median of these times.'],
  nodejs_eventloop_lag_p90_seconds: ['gauge', 'The 90th percentile of these times.'],
  nodejs_eventloop_lag_p99_seconds: ['gauge', 'The 99th percentile of these times.'],
  nodejs_heap_size_total_bytes: ['gauge', 'Size of the JavaScript heap.'],
  nodejs_heap_size_used_bytes: ['gauge', 'Used part of the JavaScript heap.'],
  nodejs_external_memory_bytes: ['gauge', 'Memory outside the heap that JavaScript objects hold, such as buffers.'],
  nodejs_gc_duration_seconds: [
    'histogram',
    'Pauses for garbage collection, by kind.',
    { kind: ['major', 'minor', 'incremental', 'weakcb'] },
  ],
};

/** Measured once per process, however many registries show it. */
let ofProcess: Registry | undefined;

/** Adds the metrics of the process to a registry; those that this platform lacks are missing. */
export function addProcessMetrics(registry: Registry): void {
  if (ofProcess === undefined) {
    ofProcess = new Registry();
    // The utilization of the event loop is not shown: its timer must not wake an idle process ten times a second.
    collectDefaultMetrics({ register: ofProcess, eventLoopUtilizationTimeout: 2 ** 31 - 1 });
  }
  for (const [name, [, help]] of Object.entries(PROCESS_METRICS)) {
    const metric = ofProcess.getSingleMetric(name);
    if (metric !== undefined) registry.registerMetric(Object.assign(metric, { help }));
  }
}

/** What runs: version and revision of the service, and the version of Node. */
export interface Build {
  readonly version: string;
  readonly revision: string;
}

/** Adds conax_build_info, which is 1. */
export function addBuildInfo(registry: Registry, { version, revision }: Build): void {
  gauge(registry, {
    name: 'conax_build_info',
    help: 'Always 1: version and revision of the service, and the version of Node, are in the labels.',
    labels: {
      version: 'the one of package.json',
      revision: 'the setting BUILD_REVISION, which the image sets',
      node: 'the one that runs',
    },
    read: () => [[{ version, revision, node: process.versions.node }, 1]],
  });
}

/** The connection pools of the service. */
export const POOLS = ['main', 'dispatch', 'web-api', 'replays'] as const;
export type Pools = Readonly<Record<(typeof POOLS)[number], Pick<Database, 'stats'>>>;

/** Creates the metrics of the pools; `pools` is asked whenever metrics are read. */
export function addPoolMetrics(registry: Registry, pools: () => Pools | null): void {
  type Stats = ReturnType<Database['stats']>;
  const each = <L extends string>(readings: (pool: string, stats: Stats) => Reading<L>[]): Reading<L>[] =>
    Object.entries(pools() ?? {}).flatMap(([pool, one]) => readings(pool, one.stats()));
  gauge(registry, {
    name: 'conax_database_connections',
    help: 'Open connections to PostgreSQL, by pool and by whether somebody uses them.',
    labels: { pool: POOLS, state: ['busy', 'idle'] },
    read: () =>
      each((pool, { total, idle }) => [
        [{ pool, state: 'busy' }, total - idle],
        [{ pool, state: 'idle' }, idle],
      ]),
  });
  gauge(registry, {
    name: 'conax_database_connections_limit',
    help: 'Most connections that each pool may open: its share of DATABASE_MAX_CONNECTIONS.',
    labels: { pool: POOLS },
    read: () => each((pool, { max }) => [[{ pool }, max]]),
  });
  gauge(registry, {
    name: 'conax_database_waiting_callers',
    help: 'Callers that wait for a connection of the pool: it is too small if this stays above 0.',
    labels: { pool: POOLS },
    read: () => each((pool, { waiting }) => [[{ pool }, waiting]]),
  });
}
