import type { Queryable } from '../../platform/database.ts';

/** How many targets of a run wait, have unfinished requests, or are done, by outcome. */
export interface RunCounts {
  readonly targets: number;
  readonly waiting: number;
  readonly pending: number;
  /** Targets by outcome: COMPLETED, an error code, or an outcome of the kind. */
  readonly outcomes: Readonly<Record<string, number>>;
}

/** Counts the stored targets in one statement, so the counts cannot drift. */
export async function countTargets(db: Queryable, runId: number): Promise<RunCounts> {
  const rows = await db.query<{ state: string; outcome: string | null; count: number }>(COUNT, [runId]);
  const inState = (state: string): number =>
    rows.filter((row) => row.state === state).reduce((sum, { count }) => sum + count, 0);
  return {
    targets: rows.reduce((sum, { count }) => sum + count, 0),
    waiting: inState('WAITING'),
    pending: inState('SENT'),
    outcomes: Object.fromEntries(
      rows.flatMap(({ outcome, count }) => (outcome === null ? [] : [[outcome, count] as const])),
    ),
  };
}

/** Walks the run's part of run_target's primary key: about 50 ms for 100,000 targets. */
const COUNT = /* sql */ `
select state, outcome, count(*) as count from run_target where run_id = $1::bigint
 group by state, outcome order by count(*) desc, outcome`;
