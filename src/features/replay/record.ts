import { CLOCK_IS_TRUSTED } from '../../platform/clock-watch.ts';
import type { Actor } from '../../operations/actor.ts';
import type { Queryable, Transaction } from '../../platform/database.ts';

/**
 * PLAN: the service works out what a replay of events would do, and changes nothing. EVENTS: CRM events are processed
 * again. OUTCOMES: outcomes are published again.
 */
export type ReplayKind = 'PLAN' | 'EVENTS' | 'OUTCOMES';
/**
 * RUNNING does not mean that a process works on it now. A hosted replay may wait for an instance of the service. The
 * process of any other may have died; the next resume takes it over once its lease has ended.
 */
export type ReplayState = 'RUNNING' | 'STOPPED' | 'COMPLETED';

/** One stored replay. */
export interface Replay {
  readonly id: number;
  readonly kind: ReplayKind;
  readonly state: ReplayState;
  /** What is replayed and how; the shape depends on the kind. */
  readonly selection: unknown;
  readonly reason: string;
  readonly createdBy: Actor;
  readonly startedAt: Date;
  readonly endedAt: Date | null;
  /** How far the replay has come; null at the start. */
  readonly cursor: string | null;
  readonly counts: Readonly<Record<string, number>>;
  readonly stopRequestedBy: string | null;
  /** Any instance of the service works on it, instead of the command that started it. */
  readonly hosted: boolean;
  /** Why it failed; while it is RUNNING, the outage that it waits for. */
  readonly failure: string | null;
  /** The summary of a plan that is COMPLETED. */
  readonly result: unknown;
}

/** No replay has this id. */
export class ReplayNotFoundError extends Error {
  override readonly name = 'ReplayNotFoundError';
  constructor(id: number) {
    super(`There is no replay ${id}: "replay list" shows them`);
  }
}

/** The replay is completed, or another process has it. */
export class ReplayTakenError extends Error {
  override readonly name = 'ReplayTakenError';
}

/** A replay's process counts as dead after this time without a sign of life. */
const LEASE_MS = 30_000;

/** Stores a new replay for `owner` to work on; null means the service. */
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
 * Takes a replay that was stopped, or whose process died, for `owner`; null means the service.
 * @throws ReplayNotFoundError; ReplayTakenError if it is completed or another process works on it.
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
  // If the clock went back and no service runs to correct the lease, the lease could last too long.
  await cutReplayLeases(db);
  const found = await findReplay(db, id);
  if (!found) throw new ReplayNotFoundError(id);
  throw new ReplayTakenError(
    found.state === 'COMPLETED'
      ? `Replay ${id} is completed: start a new one`
      : `Replay ${id} is running: stop it first, or wait ${LEASE_MS / 1000} seconds if its process died`,
  );
}

/**
 * Stores how far the replay has come, in the same transaction as the work. Without `done` it only renews the lease.
 * @returns whether somebody asked to stop it.
 * @throws ReplayTakenError if another process has it: then the transaction must not be committed.
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
  if (!row) throw new ReplayTakenError(`Another process has taken over replay ${id}`);
  return row.stop;
}

/**
 * Shortens the leases of replays to their normal length after the database's clock went back. Live owners renew them.
 */
export async function cutReplayLeases(tx: Queryable): Promise<void> {
  await tx.query(CUT_LEASES, [LEASE_MS]);
}

/** Extends the leases of replays to their full length from now after the clock went forward. */
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

/** Takes the oldest hosted replay without an owner for `owner`, who already has `taken`; null if there is none. */
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

/** Stores the outage that a hosted replay waits for. It is taken again once its lease has ended. */
export async function noteOutage(db: Queryable, id: number, owner: string, problem: string): Promise<void> {
  await db.query('update replay set failure = $3 where id = $1 and owner = $2', [id, owner, problem]);
}

/** Stores which messages a replay was started with, so that another instance finds the same ones. */
export async function pinSelection(db: Queryable, id: number, owner: string, selection: object): Promise<void> {
  await db.query('update replay set selection = $3 where id = $1 and owner = $2', [
    id,
    owner,
    JSON.stringify(selection),
  ]);
}

/**
 * Ends the owner's work on the replay. STOPPED can be resumed; COMPLETED is final; RUNNING lets another instance
 * continue.
 */
export async function endReplay(
  db: Queryable,
  id: number,
  owner: string,
  state: ReplayState,
  ending: { readonly failure?: string; readonly result?: object } = {},
): Promise<void> {
  await db.query(
    `update replay set state = $3, owner = null, failure = $4, result = $5,
       ended_at = case $3 when 'RUNNING' then null else now() end,
       lease_until = case $3 when 'RUNNING' then now() end
     where id = $1 and owner = $2`,
    [id, owner, state, ending.failure ?? null, ending.result === undefined ? null : JSON.stringify(ending.result)],
  );
}

/** The abort reason when the service stops: another instance may continue. */
export const HANDED_BACK = 'the service stops';

/** Returns the state of an interrupted replay. */
export function interruptedBy(signal: AbortSignal): 'STOPPED' | 'RUNNING' {
  return signal.aborted && signal.reason === HANDED_BACK ? 'RUNNING' : 'STOPPED';
}

/**
 * Asks the process that works on a replay to stop after its current step. A hosted one without an owner is STOPPED at
 * once.
 * @returns false if it is not RUNNING.
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

/** Reads one replay; null if there is none. */
export async function findReplay(db: Queryable, id: number): Promise<Replay | null> {
  const [row] = await db.query<Replay>(`select ${COLUMNS} from replay where id = $1`, [id]);
  return row ?? null;
}

/** Lists the replays, the newest first. */
export function listReplays(db: Queryable, limit: number): Promise<Replay[]> {
  return db.query<Replay>(`select ${COLUMNS} from replay order by id desc limit $1`, [limit]);
}

const COLUMNS = `id, kind, state, selection, reason,
  jsonb_build_object('user', created_by_user, 'unit', created_by_unit) as "createdBy", started_at as "startedAt",
  ended_at as "endedAt", cursor, counts, stop_requested_by as "stopRequestedBy", hosted, failure, result`;
