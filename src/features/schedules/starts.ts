import { z } from 'zod';
import { OperationError } from '../../http/operation-error.ts';
import type { Database, Transaction } from '../../platform/database.ts';
import { faultPoint } from '../../platform/fault-points.ts';
import type { Logger } from '../../platform/logging.ts';
import { problemText } from '../../http/problems.ts';
import type { KindContext } from '../runs/kind.ts';
import { kindOf } from '../runs/kinds.ts';
import type { RunState } from '../runs/life-cycle.ts';
import { createRun } from '../runs/store.ts';
import { nextTime } from './cron.ts';
import type { Schedule, ScheduleStart } from './store.ts';

/**
 * Starts a run for every schedule that is due. One transaction holds the schedule's row and writes the run and the next
 * time, so only one instance starts each. If several times passed while no instance ran, one run makes up for them.
 * @returns how many schedules were due.
 */
export async function startDueSchedules(db: Database, context: KindContext, logger: Logger): Promise<number> {
  for (let started = 0; ; started += 1) {
    const due = await db.transaction(async (tx) => {
      const [schedule] = await tx.query<DueSchedule>(LOCK_DUE);
      if (schedule === undefined) return null;
      const start = await startOf(tx, schedule, context);
      await tx.query(WRITE_START, [schedule.id, schedule.dueAt, start.outcome, start.runId, start.detail]);
      await tx.query(ADVANCE, [schedule.id, nextTime(schedule.cron, schedule.timeZone, schedule.now), start.runId]);
      faultPoint('schedule: before commit');
      return { ...start, schedule: schedule.name, dueAt: schedule.dueAt };
    });
    if (due === null) return started;
    faultPoint('schedule: after commit');
    if (due.outcome === 'REFUSED') logger.error(due, 'runs: a schedule was due and its run was refused: correct it');
    else logger.info(due, 'runs: a schedule was due');
  }
}

interface DueSchedule extends Omit<Schedule, 'enabled' | 'nextAt' | 'createdAt' | 'updatedByUser' | 'updatedAt'> {
  readonly dueAt: Date;
  readonly now: Date;
  readonly lastRunState: RunState | null;
}

type Start = Pick<ScheduleStart, 'outcome' | 'runId' | 'detail'>;

async function startOf(tx: Transaction, schedule: DueSchedule, context: KindContext): Promise<Start> {
  const { lastRunId, lastRunState } = schedule;
  if (lastRunState === 'PREPARING' || lastRunState === 'RUNNING') {
    return { outcome: 'SKIPPED', runId: null, detail: `run ${lastRunId} is still ${lastRunState}` };
  }
  const undo = tx.savepoint();
  try {
    const runId = await createRun(
      tx,
      {
        kind: kindOf(schedule.kind),
        parameters: schedule.parameters,
        selection: schedule.selection,
        hold: false,
        by: { user: schedule.createdByUser, unit: schedule.createdByUnit },
        scheduleId: schedule.id,
      },
      context,
    );
    await tx.settled();
    return { outcome: 'STARTED', runId, detail: null };
  } catch (error) {
    const problem = refusalOf(error);
    if (problem === null) throw error;
    await tx.settled();
    await undo();
    return { outcome: 'REFUSED', runId: null, detail: problem };
  }
}

/** Returns what was wrong with its parameters or selection; null for any other error. */
function refusalOf(error: unknown): string | null {
  if (error instanceof z.ZodError) return problemText(error);
  return error instanceof OperationError ? error.message : null;
}

/** Walks schedule_due. Skips rows that another instance has locked. */
const LOCK_DUE = /* sql */ `
select s.id, s.name, s.kind, s.parameters, s.selection, s.cron, s.time_zone as "timeZone", s.next_at as "dueAt",
       now() as now, s.created_by_user as "createdByUser", s.created_by_unit as "createdByUnit",
       s.last_run_id as "lastRunId", (select r.state from run r where r.id = s.last_run_id) as "lastRunState"
  from schedule s
 where s.enabled and s.next_at <= now()
 order by s.next_at limit 1 for update skip locked`;

const WRITE_START = /* sql */ `
insert into schedule_start (schedule_id, due_at, outcome, run_id, detail) values ($1, $2, $3, $4, $5)`;

/** Walks schedule's primary key. */
const ADVANCE = /* sql */ `
update schedule set next_at = $2, last_run_id = coalesce($3, last_run_id) where id = $1`;
