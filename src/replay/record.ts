import { CLOCK_IS_TRUSTED } from '../platform/clock-watch.ts';
import type { Queryable, Transaction } from '../platform/database.ts';

/**
 * PLAN: what a replay of events would come to, worked out by the service; it changes nothing. EVENTS: CRM events are
 * processed again. OUTCOMES: outcomes are published again.
 */
export type ReplayKind = 'PLAN' | 'EVENTS' | 'OUTCOMES';
/**
 * RUNNING also where nobody works on it: a hosted one waits for an instance of the service, and of any other the process
 * died, and whoever resumes it takes it over once the lease has ended.
 */
export type ReplayState = 'RUNNING' | 'STOPPED' | 'COMPLETED';

/** Who asks for something. */
export interface Actor {
  readonly user: string;
  readonly unit: string | null;
}

/** One replay, as it is recorded. */
export interface Replay {
  readonly id: number;
  readonly kind: ReplayKind;
  readonly state: ReplayState;
  /** What it takes and how, as its kind understands it. */
  readonly selection: unknown;
  readonly reason: string;
  readonly createdBy: Actor;
  readonly startedAt: Date;
  readonly endedAt: Date | null;
  /** What is done with; null at the beginning. */
  readonly cursor: string | null;
  readonly counts: Readonly<Record<string, number>>;
  readonly stopRequestedBy: string | null;
  /** The service works on it, whichever instance has time, rather than the command that began it. */
  readonly hosted: boolean;
  /** Why the service gave it up; while it is RUNNING: the outage that it waits out. */
  readonly failure: string | null;
  /** The summary of a plan that is COMPLETED. */
  readonly result: unknown;
}

/** There is no such replay. */
export class ReplayNotFoundError extends Error {
  override readonly name = 'ReplayNotFoundError';
  constructor(id: number) {
    super(`There is no replay ${id}: "replay list" shows them`);
  }
}

/** The replay cannot be worked on, or not any more: it is completed, or another process has it. */
export class ReplayTakenError extends Error {
  override readonly name = 'ReplayTakenError';
}

/** Without a sign of life for so long, a replay's process counts as dead. */
const LEASE_MS = 30_000;

/** Records a new replay, which `owner` works on; null: the service does. */
export async function createReplay(
  db: Queryable,
  asked: { readonly kind: ReplayKind; readonly selection: object; readonly reason: string; readonly by: Actor },
  owner: string | null,
): Promise<Replay> {
  const { kind, selection, reason, by } = asked;
  const hosted = owner === null;
  const [row] = await db.query<Replay>(
    `insert into replay (kind, selection, reason, created_by_user, created_by_unit, owner, hosted, lease_until)
     values ($1, $2, $3, $4, $5, $6, $7, now() + $8::float8 * interval '1 millisecond') returning ${COLUMNS}`,
    [kind, JSON.stringify(selection), reason, by.user, by.unit, owner, hosted, hosted ? 0 : LEASE_MS],
  );
  if (!row) throw new Error('The replay was not stored');
  return row;
}

/**
 * Lets `owner` work on a replay that was stopped, or whose process died; null: the service does.
 * @throws ReplayNotFoundError; ReplayTakenError where it is completed or another process works on it.
 */
export async function resumeReplay(db: Queryable, id: number, owner: string | null): Promise<Replay> {
  const hosted = owner === null;
  const [taken] = await db.query<Replay>(
    `update replay set state = 'RUNNING', ended_at = null, stop_requested_by = null, failure = null, owner = $2,
       hosted = $3, lease_until = now() + $4::float8 * interval '1 millisecond'
     where id = $1 and (state = 'STOPPED' or (state = 'RUNNING' and lease_until < now())) returning ${COLUMNS}`,
    [id, owner, hosted, hosted ? 0 : LEASE_MS],
  );
  if (taken) return taken;
  // Where no service runs to correct it, a lease may last for as long as the clock went back.
  await cutReplayLeases(db);
  const found = await findReplay(db, id);
  if (!found) throw new ReplayNotFoundError(id);
  throw new ReplayTakenError(
    found.state === 'COMPLETED'
      ? `Replay ${id} is completed: begin a new one`
      : `Replay ${id} is under way: stop it first, or wait ${LEASE_MS / 1000} seconds where its process died`,
  );
}

/**
 * Notes how far the replay came, in the transaction of what that stands for; without `done` only a sign of life.
 * @returns whether somebody asked to stop it.
 * @throws ReplayTakenError where another process has it: the transaction must not be committed.
 */
export async function advanceReplay(
  tx: Queryable | Transaction,
  id: number,
  owner: string,
  done: { readonly cursor: string | null; readonly counts: Readonly<Record<string, number>> } | null,
): Promise<boolean> {
  const [row] = await tx.query<{ stop: boolean }>(
    `update replay set cursor = coalesce($3, cursor), counts = coalesce($4::jsonb, counts),
       lease_until = now() + $5::float8 * interval '1 millisecond'
     where id = $1 and owner = $2 and state = 'RUNNING' returning stop_requested_by is not null as stop`,
    [id, owner, done?.cursor ?? null, done === null ? null : JSON.stringify(done.counts), LEASE_MS],
  );
  if (!row) throw new ReplayTakenError(`Another process has taken replay ${id} over`);
  return row.stop;
}

/** Cuts the leases of replays to their length after the clock of the database went back; who works on one renews it. */
export async function cutReplayLeases(tx: Queryable): Promise<void> {
  await tx.query(CUT_LEASES, [LEASE_MS]);
}

/** Lets the leases of replays last for their whole length from now after the clock went forward. */
export async function extendReplayLeases(tx: Queryable): Promise<void> {
  await tx.query(
    `update replay set lease_until = now() + $1::float8 * interval '1 millisecond'
     where state = 'RUNNING' and owner is not null and lease_until < now() + $1::float8 * interval '1 millisecond'`,
    [LEASE_MS],
  );
}

const CUT_LEASES = /* sql */ `
update replay set lease_until = now() + $1::float8 * interval '1 millisecond'
 where state = 'RUNNING' and lease_until > now() + $1::float8 * interval '1 millisecond'`;

/** Takes the oldest hosted replay that nobody works on, for `owner`, who has `taken` already; null where there is none. */
export async function takeHosted(db: Queryable, owner: string, taken: readonly number[]): Promise<Replay | null> {
  const [row] = await db.query<Replay>(
    `update replay set owner = $1, failure = null, lease_until = now() + $2::float8 * interval '1 millisecond'
     where id = (select id from replay
                 where hosted and state = 'RUNNING' and id <> all($3::bigint[])
                   and (owner is null or lease_until <= now() and ${CLOCK_IS_TRUSTED})
                 order by id limit 1 for update skip locked)
     returning ${COLUMNS}`,
    [owner, LEASE_MS, taken],
  );
  return row ?? null;
}

/** Notes the outage that a hosted replay waits out; it is taken again once its lease is over. */
export async function noteOutage(db: Queryable, id: number, owner: string, problem: string): Promise<void> {
  await db.query('update replay set failure = $3 where id = $1 and owner = $2', [id, owner, problem]);
}

/** Keeps the messages that a replay was begun with, so that whoever goes on with it finds the same. */
export async function pinSelection(db: Queryable, id: number, owner: string, selection: object): Promise<void> {
  await db.query('update replay set selection = $3 where id = $1 and owner = $2', [
    id,
    owner,
    JSON.stringify(selection),
  ]);
}

/**
 * The owner's work on the replay is over: STOPPED, to be resumed, or COMPLETED; RUNNING: another instance of the service
 * may go on with it.
 */
export async function endReplay(
  db: Queryable,
  id: number,
  owner: string,
  state: ReplayState,
  told: { readonly failure?: string; readonly result?: object } = {},
): Promise<void> {
  await db.query(
    `update replay set state = $3, owner = null, failure = $4, result = $5,
       ended_at = case $3 when 'RUNNING' then null else now() end,
       lease_until = case $3 when 'RUNNING' then now() end
     where id = $1 and owner = $2`,
    [id, owner, state, told.failure ?? null, told.result === undefined ? null : JSON.stringify(told.result)],
  );
}

/** The reason of a signal that ends the work on a replay because the service stops: another instance may go on. */
export const HANDED_BACK = 'the service stops';

/** How a replay ends that is interrupted. */
export function interruptedBy(signal: AbortSignal): 'STOPPED' | 'RUNNING' {
  return signal.aborted && signal.reason === HANDED_BACK ? 'RUNNING' : 'STOPPED';
}

/**
 * Asks the process that works on a replay to stop; it does so behind what it has in hand. A hosted one that nobody works
 * on is STOPPED at once. False: it is not RUNNING.
 */
export async function askToStop(db: Queryable, id: number, by: string): Promise<boolean> {
  const rows = await db.query(
    `update replay set stop_requested_by = coalesce(stop_requested_by, $2),
       state = case when hosted and owner is null then 'STOPPED' else state end,
       ended_at = case when hosted and owner is null then now() end,
       lease_until = case when hosted and owner is null then null else lease_until end
     where id = $1 and state = 'RUNNING' returning id`,
    [id, by],
  );
  if (rows.length === 0 && !(await findReplay(db, id))) throw new ReplayNotFoundError(id);
  return rows.length > 0;
}

/** One replay; null where there is none. */
export async function findReplay(db: Queryable, id: number): Promise<Replay | null> {
  const [row] = await db.query<Replay>(`select ${COLUMNS} from replay where id = $1`, [id]);
  return row ?? null;
}

/** The replays, the newest first. */
export function listReplays(db: Queryable, limit: number): Promise<Replay[]> {
  return db.query<Replay>(`select ${COLUMNS} from replay order by id desc limit $1`, [limit]);
}

const COLUMNS = `id, kind, state, selection, reason,
  jsonb_build_object('user', created_by_user, 'unit', created_by_unit) as "createdBy", started_at as "startedAt",
  ended_at as "endedAt", cursor, counts, stop_requested_by as "stopRequestedBy", hosted, failure, result`;
