import type { Database, Queryable } from '../../platform/database.ts';
import { jsonColumn, jsonTexts } from '../../platform/json-column.ts';
import type { EvaluateOptions } from './evaluate.ts';
import type { OpenedEvents, StoredSelection } from './open-events.ts';
import { isDifference, planEvents, type PlanSummary } from './plan-events.ts';
import type { PlanRow } from './plan-rows.ts';
import { endReplay, interruptedBy, type Replay, type ReplayState } from './record.ts';
import { progressReporter } from './progress.ts';

/** What is stored of a plan. `rowsLeftOut` counts the differences beyond the stored rows. */
export interface PlanResult extends PlanSummary {
  readonly unreadable: Readonly<Record<string, number>>;
  readonly rowsLeftOut: number;
}

/** What the host provides for a plan. */
export interface PlanWork {
  readonly db: Database;
  readonly evaluation: Omit<EvaluateOptions, 'again' | 'decided'>;
  /** The name of the host, which holds the replay's lease. */
  readonly owner: string;
  /** Aborted when the host must stop the work. */
  readonly signal: AbortSignal;
}

/** For more rows use the command line, which stores none. */
const ROWS_MAX = 100_000;
/** Rows are kept for this many of the newest plans; older plans keep only their summary. */
const PLANS_KEPT = 20;
const ROWS_AT_ONCE = 500;

/**
 * Makes a plan and stores its summary and the rows that differ, in the order of the subscriptions. If another instance
 * had started the plan, it starts again from the first event; this is safe because a plan changes nothing else.
 */
export async function writePlan(
  replay: Replay,
  events: OpenedEvents,
  { again }: StoredSelection,
  { db, evaluation, owner, signal }: PlanWork,
): Promise<ReplayState> {
  await clearRows(db, replay.id, owner);
  const progress = progressReporter(replay, db, owner);
  let waiting: PlanRow[] = [];
  let written = 0;
  let leftOut = 0;
  const write = async (): Promise<void> => {
    await writeRows(db, { id: replay.id, owner }, written, waiting);
    written += waiting.length;
    waiting = [];
  };
  const summary = await planEvents(
    db,
    events.pages(null),
    { ...evaluation, again },
    {
      signal,
      progress: (done, subscriptions) => progress.report({ events: done, subscriptions }),
      row: async (row) => {
        if (!isDifference(row) && row.effects.length === 0) return;
        if (written + waiting.length >= ROWS_MAX) leftOut += 1;
        else waiting.push(row);
        if (waiting.length >= ROWS_AT_ONCE) await write();
      },
    },
  );
  await progress.settled();
  const state = signal.aborted ? interruptedBy(signal) : 'COMPLETED';
  if (state === 'COMPLETED') await write();
  const result: PlanResult = { ...summary, unreadable: events.pinned.unreadable, rowsLeftOut: leftOut };
  await endReplay(db, replay.id, owner, state, state === 'COMPLETED' ? { result } : {});
  return state;
}

/** Reads the rows of a plan after a position, in order. */
export function planRowsAfter(
  db: Queryable,
  id: number,
  after: number,
  limit: number,
): Promise<{ position: number; content: PlanRow }[]> {
  return db.query(
    'select position, content from replay_plan_row where replay_id = $1 and position > $2::bigint order by position limit $3',
    [id, after, limit],
  );
}

/** Writes rows, unless another instance has taken the plan over meanwhile. */
async function writeRows(
  db: Queryable,
  { id, owner }: { readonly id: number; readonly owner: string },
  written: number,
  rows: readonly PlanRow[],
): Promise<void> {
  if (rows.length === 0) return;
  await db.query(
    `insert into replay_plan_row (replay_id, position, content)
     select $1, $3::int + n::int, content from unnest(${jsonColumn('$4')}) with ordinality as row (content, n)
     where exists (select from replay where id = $1 and owner = $2)`,
    [id, owner, written, jsonTexts(rows.map((row) => JSON.stringify(row)))],
  );
}

/**
 * Deletes the rows of an earlier attempt at this plan, unless another instance has it now, and the rows of old plans.
 */
async function clearRows(db: Queryable, id: number, owner: string): Promise<void> {
  await db.query(
    `delete from replay_plan_row
      where replay_id = (select id from replay where id = $1 and owner = $2)
         or replay_id in (select id from replay where kind = 'PLAN' order by id desc offset ${PLANS_KEPT})`,
    [id, owner],
  );
}
