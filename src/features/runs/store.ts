import { z } from 'zod';
import { readInput } from '../../http/problems.ts';
import type { Queryable, Transaction } from '../../platform/database.ts';
import type { Actor } from '../../operations/actor.ts';
import type { AnyKind, Json, KindContext } from './kind.ts';
import { mayGo, type RunEvent, type RunState } from './life-cycle.ts';

/** A run's row. */
export interface RunRow {
  readonly id: number;
  readonly kind: string;
  readonly state: RunState;
  readonly open: boolean;
  readonly hold: boolean;
  readonly parameters: unknown;
  /** The stored part of the selection. */
  readonly selection: Json;
  readonly cursor: Json | null;
  readonly createdByUser: string;
  readonly createdByUnit: string | null;
  readonly createdAt: Date;
  readonly preparedAt: Date | null;
  readonly startedAt: Date | null;
  readonly endedAt: Date | null;
  readonly lastSequence: number;
  /** Whether its rate allows more requests now. */
  readonly due: boolean;
  readonly failures: number;
  readonly failure: string | null;
  readonly scheduleId: number | null;
  readonly counts: Readonly<Record<string, number>> | null;
}

const COLUMNS = /* sql */ `
id, kind, state, open, hold, parameters, selection, cursor, created_by_user as "createdByUser",
created_by_unit as "createdByUnit", created_at as "createdAt", prepared_at as "preparedAt", started_at as "startedAt",
ended_at as "endedAt", last_sequence as "lastSequence", next_at <= now() as due, failures, failure, schedule_id as "scheduleId", counts`;

export interface NewRun {
  readonly kind: AnyKind;
  /** The parameters in JSON. */
  readonly parameters: unknown;
  readonly selection: unknown;
  /** Whether the run waits for a person once its targets are counted. */
  readonly hold: boolean;
  readonly by: Actor;
  readonly scheduleId?: number | null;
}

/**
 * Creates a run; workers see it after the commit.
 * @returns its id.
 * @throws ZodError, with paths that start with `parameters` or `selection`, if these do not fit the kind's schemas.
 * @throws OperationError if the kind refuses the selection.
 */
export async function createRun(tx: Transaction, run: NewRun, context: KindContext): Promise<number> {
  const { parameters, selection } = readRunInput(run);
  const [row] = await tx.query<{ id: number }>(INSERT, [
    run.kind.name,
    run.hold,
    JSON.stringify(parameters),
    run.by.user,
    run.by.unit,
    run.scheduleId ?? null,
  ]);
  if (!row) throw new Error('A run was created and has no id');
  const begun = await run.kind.source.begin(tx, row.id, selection, context);
  await tx.query(WRITE_BEGUN, [row.id, JSON.stringify(begun.kept), stringified(begun.cursor)]);
  await writeChange(tx, row.id, 'created', 'PREPARING', run.by, null);
  return row.id;
}

/** Returns the JSON schema of a run's parameters and selection for a kind. */
export function runInput(kind: AnyKind) {
  return z.strictObject({ parameters: kind.parameters, selection: kind.source.schema });
}

/**
 * Checks the parameters and the selection of a run or a schedule by the schemas of its kind.
 * @throws ZodError that `problemText` puts into words; its paths start with `parameters` or `selection`.
 */
export function readRunInput({ kind, parameters, selection }: Pick<NewRun, 'kind' | 'parameters' | 'selection'>) {
  const read = readInput(runInput(kind), { parameters, selection });
  if (read.success) return read.data;
  throw read.error;
}

/** Reads a run; null if there is none. */
export async function findRun(db: Queryable, id: number): Promise<RunRow | null> {
  const [row] = await db.query<RunRow>(FIND, [id]);
  return row ?? null;
}

/** Locks a run's row until the end of the transaction, and waits if it is locked; null if there is none. */
export async function lockRun(tx: Transaction, id: number): Promise<RunRow | null> {
  const [row] = await tx.query<RunRow>(LOCK, [id]);
  return row ?? null;
}

/** Locks an open run's row without waiting; null if it is locked, or no longer open. */
export async function tryLockOpenRun(tx: Transaction, id: number): Promise<RunRow | null> {
  const [row] = await tx.query<RunRow>(TRY_LOCK_OPEN, [id]);
  return row ?? null;
}

/** Returns the runs that need the worker, the oldest first. */
export async function openRuns(db: Queryable): Promise<number[]> {
  const rows = await db.query<{ id: number }>(OPEN);
  return rows.map(({ id }) => id);
}

/** Lists runs older than `after` (an id), the newest first. */
export function listRuns(
  db: Queryable,
  options: { readonly limit: number; readonly after: number | null; readonly kind: string | null },
): Promise<RunRow[]> {
  return db.query<RunRow>(LIST, [options.after ?? Number.MAX_SAFE_INTEGER, options.limit, options.kind]);
}

export interface RunMove {
  readonly to: RunState;
  readonly event: RunEvent;
  /** Null: the worker. */
  readonly by: Actor | null;
  readonly detail?: string | null;
}

/**
 * Moves a run to another state, and records who did it. The caller holds the lock on the run's row.
 * @throws Error if the life cycle has no such transition.
 */
export async function moveRun(tx: Transaction, run: Pick<RunRow, 'id' | 'state'>, move: RunMove): Promise<void> {
  if (!mayGo(run.state, move.to, move.event)) {
    throw new Error(`Run ${run.id} is ${run.state}: "${move.event}" does not make it ${move.to}`);
  }
  await tx.query(MOVE, [run.id, move.to]);
  await writeChange(tx, run.id, move.event, move.to, move.by, move.detail ?? null);
}

/** Writes the worker's columns; omitted ones keep their values. */
export async function writeProgress(
  tx: Transaction,
  id: number,
  progress: {
    readonly cursor?: Json | null;
    readonly lastSequence?: number;
    /** How long after its last due time it is due again. */
    readonly dueInMs?: number;
    readonly open?: boolean;
  },
): Promise<void> {
  await tx.query(WRITE_PROGRESS, [
    id,
    progress.cursor !== undefined,
    stringified(progress.cursor ?? null),
    progress.lastSequence ?? null,
    progress.open ?? null,
    progress.dueInMs ?? null,
  ]);
}

/** Stores the counts of a run that is COMPLETED. */
export async function keepCounts(tx: Transaction, id: number, counts: Readonly<Record<string, number>>): Promise<void> {
  await tx.query(KEEP_COUNTS, [id, JSON.stringify(counts)]);
}

/** Counts a failure of the worker; null resets the count. Returns how many failures there were in a row. */
export async function writeFailure(db: Queryable, id: number, failure: string | null): Promise<number> {
  const [row] = await db.query<{ failures: number }>(WRITE_FAILURE, [id, failure]);
  return row?.failures ?? 0;
}

/** Moves the next due times of open runs back by `ms` after the database's clock went back. */
export async function shiftRunRates(tx: Transaction, ms: number): Promise<void> {
  await tx.query(SHIFT_RATES, [ms]);
}

export interface RunChange {
  readonly event: RunEvent;
  readonly state: RunState;
  readonly detail: string | null;
  readonly user: string | null;
  readonly unit: string | null;
  readonly at: Date;
}

/** Lists who did what to the run, the oldest first. */
export function runChanges(db: Queryable, id: number): Promise<RunChange[]> {
  return db.query<RunChange>(CHANGES, [id]);
}

async function writeChange(
  tx: Transaction,
  id: number,
  event: RunEvent,
  state: RunState,
  by: Actor | null,
  detail: string | null,
): Promise<void> {
  await tx.query(WRITE_CHANGE, [id, event, state, detail, by?.user ?? null, by?.unit ?? null]);
}

function stringified(value: Json | null): string | null {
  return value === null ? null : JSON.stringify(value);
}

// A late worker makes up for at most 200 ms of a run's rate. Every statement walks run's primary key, except OPEN and
// SHIFT_RATES (run_open) and CHANGES (run_change's primary key).
const INSERT = /* sql */ `
insert into run (kind, state, hold, parameters, selection, created_by_user, created_by_unit, schedule_id)
values ($1, 'PREPARING', $2, $3::jsonb, '{}', $4, $5, $6) returning id`;
const WRITE_BEGUN = /* sql */ `update run set selection = $2::jsonb, cursor = $3::jsonb where id = $1`;
const FIND = /* sql */ `select ${COLUMNS} from run where id = $1`;
const LOCK = /* sql */ `select ${COLUMNS} from run where id = $1 for no key update`;
const TRY_LOCK_OPEN = /* sql */ `select ${COLUMNS} from run where id = $1 and open for no key update skip locked`;
const OPEN = /* sql */ `select id from run where open order by id`;
const LIST = /* sql */ `
select ${COLUMNS} from run where id < $1 and ($3::text is null or kind = $3) order by id desc limit $2`;
const MOVE = /* sql */ `
update run
   set state = $2, open = case when $2 = 'FAILED' or $2 = 'COMPLETED' or $2 = 'READY' then false else true end,
       prepared_at = case when state = 'PREPARING' and $2 in ('READY', 'RUNNING') then now() else prepared_at end,
       started_at = case when $2 = 'RUNNING' then coalesce(started_at, now()) else started_at end,
       ended_at = case when $2 = 'COMPLETED' then now() end,
       failures = 0, failure = case when $2 in ('PREPARING', 'RUNNING') then null else failure end
 where id = $1`;
const WRITE_PROGRESS = /* sql */ `
update run
   set cursor = case when $2::boolean then $3::jsonb else cursor end, last_sequence = coalesce($4::int, last_sequence),
       open = coalesce($5::boolean, open),
       next_at = case when $6::float8 is null then next_at
                      else greatest(next_at, now() - interval '200 milliseconds') + $6::float8 * interval '1 millisecond' end
 where id = $1`;
const SHIFT_RATES = /* sql */ `
with locked as (select id from run where open and next_at > now() order by id for update)
update run set next_at = next_at - $1::float8 * interval '1 millisecond' from locked where run.id = locked.id`;
const KEEP_COUNTS = /* sql */ `update run set counts = $2::jsonb where id = $1`;
const WRITE_FAILURE = /* sql */ `
update run set failures = case when $2::text is null then 0 else failures + 1 end, failure = coalesce($2::text, failure)
 where id = $1 returning failures`;
const WRITE_CHANGE = /* sql */ `
insert into run_change (run_id, event, state, detail, by_user, by_unit) values ($1, $2, $3, $4, $5, $6)`;
const CHANGES = /* sql */ `
select event, state, detail, by_user as user, by_unit as unit, at from run_change where run_id = $1 order by id`;
