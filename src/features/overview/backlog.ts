import type { Registry } from '@prometheus-io/client';
import type { Queryable } from '../../platform/database.ts';
import { messageOf } from '../../platform/errors.ts';
import type { Logger } from '../../platform/logging.ts';
import { gauge, lastReading, plain, type Reading } from '../../platform/metrics.ts';
import { type Repeated, repeat } from '../../platform/repeat.ts';
import { type RunState, runStates } from '../runs/life-cycle.ts';
import { readWaiting, type WaitingFact } from './facts.ts';

/** What waits in the database, for metrics. */
export interface Backlog extends WaitingFact {
  readonly now: Date;
  readonly runs: readonly { readonly state: RunState; readonly runs: number; readonly failing: number }[];
  readonly replays: number;
}

export interface BacklogMetrics {
  /** Takes what was read last, which counts as unknown a minute later. */
  readonly set: (backlog: Backlog) => void;
}

const READ_MS = 10_000;

/** Reads what waits every ten seconds, for the metrics. While the database is away they lose their values. */
export function watchBacklog(options: {
  readonly db: Queryable;
  readonly metrics: BacklogMetrics;
  readonly logger: Logger;
  /** Done after each reading: what else needs a look at the database that often. */
  readonly andThen?: () => Promise<void>;
  /** Default 10,000. */
  readonly everyMs?: number;
}): Repeated {
  const { db, metrics, logger, andThen, everyMs = READ_MS } = options;
  return repeat(
    everyMs,
    async () => {
      metrics.set(await readBacklog(db));
      await andThen?.();
    },
    (error) => logger.debug({ reason: messageOf(error) }, 'what waits is read later'),
  );
}

async function readBacklog(db: Queryable): Promise<Backlog> {
  const waiting = await readWaiting(db);
  const runs = await db.query<Backlog['runs'][number]>(RUNS);
  const [replays] = await db.query<{ running: number }>(REPLAYS);
  return { ...waiting, runs, replays: replays?.running ?? 0 };
}

/** Reads the few rows of the runs. */
const RUNS = /* sql */ `
select state, count(*)::int as runs, (count(*) filter (where failures > 0))::int as failing
  from run where state <> 'COMPLETED' group by state`;

/** Reads the few rows of the replays. */
const REPLAYS = /* sql */ `select count(*)::int as running from replay where state = 'RUNNING'`;

/** Of what waits: what it is, how many there are, and since when the oldest waits. */
const WAITING = {
  dead_letter: ({ deadLetters, oldestDeadLetter }) => [deadLetters, oldestDeadLetter],
  held_event: ({ heldEvents, oldestHeldEvent }) => [heldEvents, oldestHeldEvent],
  parked_message: ({ parked, oldestParked }) => [parked, oldestParked],
  unpublished_message: ({ unpublished, oldestUnpublished }) => [unpublished, oldestUnpublished],
  retrying_request: ({ retrying }) => [retrying],
  scheduled_request: ({ scheduled }) => [scheduled],
} as const satisfies Record<string, (backlog: Backlog) => readonly [count: number, oldest?: Date | null]>;

const AGED = ['dead_letter', 'held_event', 'parked_message', 'unpublished_message'] as const;
/** The states of runs that are not over. */
const OPEN_STATES = runStates.filter((state) => state !== 'COMPLETED');

/** Creates the metrics of what waits in the database; once per registry. */
export function backlogMetrics(registry: Registry): BacklogMetrics {
  const last = lastReading<Backlog>();
  const read = <L extends string>(readings: (backlog: Backlog) => Reading<L>[]): (() => Reading<L>[]) => {
    return () => {
      const backlog = last.get();
      return backlog === null ? [] : readings(backlog);
    };
  };
  gauge(registry, {
    name: 'conax_waiting_items',
    help: 'What waits in the database, counted up to 5001: dead letters and held events about which a person must decide, messages that Kafka will never accept or has not accepted yet, and requests that are tried again later or whose date has not come. All instances show the same.',
    labels: { kind: Object.keys(WAITING) },
    read: read((backlog) => Object.entries(WAITING).map(([kind, of]) => [{ kind }, of(backlog)[0]])),
  });
  gauge(registry, {
    name: 'conax_waiting_oldest_seconds',
    help: 'How long the oldest of these waits, 0 if there is none. All instances show the same.',
    labels: { kind: AGED },
    read: read((backlog) => AGED.map((kind) => [{ kind }, secondsSince(WAITING[kind](backlog)[1], backlog.now)])),
  });
  gauge(registry, {
    name: 'conax_runs',
    help: 'Runs that are not completed, by state. All instances show the same.',
    labels: { state: OPEN_STATES },
    read: read(({ runs }) =>
      OPEN_STATES.map((state) => [{ state }, runs.find((one) => one.state === state)?.runs ?? 0]),
    ),
  });
  gauge(registry, {
    name: 'conax_runs_failing',
    help: 'Runs under way whose last step failed; after five failures a run is FAILED. All instances show the same.',
    read: read(({ runs }) =>
      plain(
        runs
          .filter(({ state }) => state === 'PREPARING' || state === 'RUNNING')
          .reduce((sum, { failing }) => sum + failing, 0),
      ),
    ),
  });
  gauge(registry, {
    name: 'conax_replays_running',
    help: 'Replays and plans of replays that are under way or wait for an instance. All instances show the same.',
    read: read(({ replays }) => plain(replays)),
  });
  return last;
}

function secondsSince(at: Date | null, now: Date): number {
  return at === null ? 0 : Math.max(now.getTime() - at.getTime(), 0) / 1000;
}
