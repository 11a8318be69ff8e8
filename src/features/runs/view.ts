import type { Queryable } from '../../platform/database.ts';
import { formatDate } from '../../http/dates.ts';
import { countTargets, type RunCounts } from './counts.ts';
import type { RunRow } from './store.ts';

/** A run as the API and `--json` show it. */
export interface RunView {
  readonly id: number;
  readonly kind: string;
  readonly state: string;
  readonly parameters: unknown;
  readonly selection: unknown;
  /** How many targets are in each state. */
  readonly counts: RunCounts;
  readonly failure: string | null;
  readonly schedule_id: number | null;
  readonly created_by_user: string;
  readonly created_by_unit: string | null;
  readonly created_date: string;
  readonly prepared_date: string | null;
  readonly started_date: string | null;
  readonly ended_date: string | null;
}

/** Returns the views of these runs with present counts; completed runs have stored counts. */
export async function runViews(db: Queryable, runs: readonly RunRow[]): Promise<RunView[]> {
  const views: RunView[] = [];
  for (const run of runs) views.push(await runView(db, run));
  return views;
}

export async function runView(db: Queryable, run: RunRow): Promise<RunView> {
  return {
    id: run.id,
    kind: run.kind,
    state: run.state,
    parameters: run.parameters,
    selection: run.selection,
    counts: run.counts === null ? await countTargets(db, run.id) : keptCounts(run.counts),
    failure: run.failure,
    schedule_id: run.scheduleId,
    created_by_user: run.createdByUser,
    created_by_unit: run.createdByUnit,
    created_date: formatDate(run.createdAt),
    prepared_date: dateOrNull(run.preparedAt),
    started_date: dateOrNull(run.startedAt),
    ended_date: dateOrNull(run.endedAt),
  };
}

function keptCounts(outcomes: Readonly<Record<string, number>>): RunCounts {
  const targets = Object.values(outcomes).reduce((sum, count) => sum + count, 0);
  return { targets, waiting: 0, pending: 0, outcomes };
}

function dateOrNull(date: Date | null): string | null {
  return date === null ? null : formatDate(date);
}
