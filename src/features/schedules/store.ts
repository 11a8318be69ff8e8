import type { Actor } from '../../operations/actor.ts';
import { OperationError } from '../../http/operation-error.ts';
import { type Database, type Queryable, type Transaction } from '../../platform/database.ts';
import { sqlState } from '../../platform/database-errors.ts';
import type { AnyKind, KindContext } from '../runs/kind.ts';
import { readRunInput } from '../runs/store.ts';
import { nextTime } from './cron.ts';

export interface Schedule {
  readonly id: number;
  readonly name: string;
  readonly kind: string;
  readonly parameters: unknown;
  readonly selection: unknown;
  readonly cron: string;
  readonly timeZone: string;
  readonly enabled: boolean;
  /** Null while it is disabled. */
  readonly nextAt: Date | null;
  readonly lastRunId: number | null;
  readonly createdByUser: string;
  readonly createdByUnit: string | null;
  readonly createdAt: Date;
  readonly updatedByUser: string;
  readonly updatedAt: Date;
}

export interface NewSchedule {
  readonly name: string;
  readonly cron: string;
  readonly time_zone: string;
  readonly kind: AnyKind;
  readonly parameters: unknown;
  readonly selection: unknown;
  readonly by: Actor;
}

/**
 * Stores a new schedule, enabled. Parameters and selection are checked now like those of a run, and again at each
 * start.
 * @throws ZodError if parameters or selection do not fit; OperationError if the selection or the name is refused.
 */
export async function addSchedule(db: Database, schedule: NewSchedule, context: KindContext): Promise<Schedule> {
  const { parameters, selection } = readRunInput(schedule);
  await schedule.kind.source.estimate(db, selection, context);
  const nextAt = nextTime(schedule.cron, schedule.time_zone, new Date());
  try {
    const [row] = await db.query<Schedule>(INSERT, [
      schedule.name,
      schedule.kind.name,
      JSON.stringify(parameters),
      JSON.stringify(selection),
      schedule.cron,
      schedule.time_zone,
      nextAt,
      schedule.by.user,
      schedule.by.unit,
    ]);
    if (row) return row;
  } catch (error) {
    if (sqlState(error) !== UNIQUE_VIOLATION) throw error;
    throw new OperationError(
      'NAME_TAKEN',
      'name',
      `there is a schedule ${JSON.stringify(schedule.name)}: take another name`,
    );
  }
  throw new Error('Adding a schedule returned no row');
}

const UNIQUE_VIOLATION = '23505';

/** Lists all schedules by name. */
export function listSchedules(db: Queryable): Promise<Schedule[]> {
  return db.query<Schedule>(LIST);
}

/**
 * Enables or disables a schedule. Times that passed while it was disabled are not made up for.
 * @throws OperationError if there is no schedule of that name.
 */
export async function enableSchedule(db: Database, name: string, enabled: boolean, by: Actor): Promise<Schedule> {
  return await db.transaction(async (tx) => {
    const found = await existing(tx, name);
    const nextAt = enabled ? (found.enabled ? found.nextAt : await nextNewTime(tx, found)) : null;
    const [row] = await tx.query<Schedule>(ENABLE, [found.id, enabled, nextAt, by.user]);
    return row ?? found;
  });
}

/** Returns the next time for which the schedule was not yet due, as the clock may have gone back. */
async function nextNewTime(tx: Transaction, { id, cron, timeZone }: Schedule): Promise<Date | null> {
  const rows = await tx.query<{ dueAt: Date }>(LATER_STARTS, [id]);
  const were = new Set(rows.map(({ dueAt }) => dueAt.getTime()));
  let next = nextTime(cron, timeZone, new Date());
  while (next !== null && were.has(next.getTime())) next = nextTime(cron, timeZone, next);
  return next;
}

/**
 * Recomputes the next time of each enabled schedule after the database's clock went back. The old one comes from the
 * wrong clock and may be too late by the clock's error. A time that was already due does not come again.
 */
export async function resetSchedules(tx: Transaction): Promise<void> {
  for (const schedule of await tx.query<Schedule>(LOCK_WAITING)) {
    await tx.query(SET_NEXT, [schedule.id, await nextNewTime(tx, schedule)]);
  }
}

/**
 * Deletes a schedule and its history; its runs stay.
 * @throws OperationError if there is no schedule of that name.
 */
export async function removeSchedule(db: Database, name: string): Promise<void> {
  await db.transaction(async (tx) => {
    const { id } = await existing(tx, name);
    await tx.query(REMOVE, [id]);
  });
}

/** What happened at a due time. */
export interface ScheduleStart {
  readonly dueAt: Date;
  readonly outcome: 'STARTED' | 'SKIPPED' | 'REFUSED';
  readonly runId: number | null;
  /** The run's present state. */
  readonly runState: string | null;
  readonly detail: string | null;
  readonly at: Date;
}

/**
 * Lists at most `limit` starts, the newest first.
 * @throws OperationError if there is no schedule of that name.
 */
export async function scheduleHistory(db: Queryable, name: string, limit: number): Promise<ScheduleStart[]> {
  const [found] = await db.query<{ id: number }>(FIND_ID, [name]);
  if (found === undefined) throw missing(name);
  return await db.query<ScheduleStart>(HISTORY, [found.id, limit]);
}

async function existing(tx: Transaction, name: string): Promise<Schedule> {
  const [found] = await tx.query<Schedule>(LOCK, [name]);
  if (found === undefined) throw missing(name);
  return found;
}

function missing(name: string): OperationError {
  return new OperationError('SCHEDULE_NOT_FOUND', null, `there is no schedule ${JSON.stringify(name)}`);
}

const COLUMNS = /* sql */ `
id, name, kind, parameters, selection, cron, time_zone as "timeZone", enabled, next_at as "nextAt",
last_run_id as "lastRunId", created_by_user as "createdByUser", created_by_unit as "createdByUnit",
created_at as "createdAt", updated_by_user as "updatedByUser", updated_at as "updatedAt"`;

// There are few schedules. Statements find them by schedule_name_key, and their starts by schedule_start's primary key.
const INSERT = /* sql */ `
insert into schedule (name, kind, parameters, selection, cron, time_zone, next_at, created_by_user, created_by_unit,
                      updated_by_user)
values ($1, $2, $3::jsonb, $4::jsonb, $5, $6, $7, $8, $9, $8) returning ${COLUMNS}`;
const LIST = /* sql */ `select ${COLUMNS} from schedule order by name`;
const LOCK = /* sql */ `select ${COLUMNS} from schedule where name = $1 for update`;
const FIND_ID = /* sql */ `select id from schedule where name = $1`;
const ENABLE = /* sql */ `
update schedule set enabled = $2, next_at = $3, updated_by_user = $4, updated_at = now() where id = $1
returning ${COLUMNS}`;
const LOCK_WAITING = /* sql */ `select ${COLUMNS} from schedule where enabled and next_at > now() order by id for update`;
const SET_NEXT = /* sql */ `update schedule set next_at = $2 where id = $1`;
const LATER_STARTS = /* sql */ `select due_at as "dueAt" from schedule_start where schedule_id = $1 and due_at > now()`;
const REMOVE = /* sql */ `delete from schedule where id = $1`;
const HISTORY = /* sql */ `
select s.due_at as "dueAt", s.outcome, s.run_id as "runId", r.state as "runState", s.detail, s.at
  from schedule_start s left join run r on r.id = s.run_id
 where s.schedule_id = $1 order by s.due_at desc limit $2`;
