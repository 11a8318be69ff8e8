import type { Actor } from '../../operations/actor.ts';
import { OperationError } from '../../http/operation-error.ts';
import type { Database, Transaction } from '../../platform/database.ts';
import type { RecordOutcomes } from '../../requests/finish.ts';
import { withdrawUnclaimed } from '../../requests/withdraw.ts';
import { mayGo, type RunState } from './life-cycle.ts';
import { lockRun, moveRun, type RunRow } from './store.ts';
import { takeBack } from './targets.ts';

/**
 * The most requests and cards of one withdrawing transaction. It holds their locks, for which triggers wait, and
 * PostgreSQL's lock table is limited (ordered-claim.md).
 */
const AT_ONCE = { requests: 100, cards: 1_000 };

/**
 * Stops a run. After the first commit no more requests are made for it. Then unclaimed requests are withdrawn, some in
 * each transaction, and their targets wait for a resume. Claimed requests finish normally. If the caller dies, the
 * worker withdraws the rest, and so does stopping the run again.
 * @returns how many requests this call withdrew.
 * @throws OperationError if there is no such run, or it can no longer be stopped.
 */
export async function stopRun(db: Database, id: number, by: Actor, recordOutcomes: RecordOutcomes): Promise<number> {
  await db.transaction(async (tx) => {
    const run = await existing(tx, id);
    if (run.state !== 'STOPPED') await move(tx, run, 'STOPPED', 'stopped', by);
  });
  for (let withdrawn = 0; ;) {
    const some = await db.transaction(async (tx) => {
      const run = await lockRun(tx, id);
      return run?.state === 'STOPPED' ? await withdrawSome(tx, id, by.user, recordOutcomes) : 0;
    });
    if (some === 0) return withdrawn;
    withdrawn += some;
  }
}

/**
 * Starts a held run, or resumes one that was stopped or failed.
 * @returns its new state.
 * @throws OperationError if there is no such run, or it cannot be resumed.
 */
export async function resumeRun(db: Database, id: number, by: Actor): Promise<RunState> {
  return await db.transaction(async (tx) => {
    const run = await existing(tx, id);
    const to = run.preparedAt === null ? 'PREPARING' : 'RUNNING';
    await move(tx, run, to, 'resumed', by);
    return to;
  });
}

async function existing(tx: Transaction, id: number): Promise<RunRow> {
  const run = await lockRun(tx, id);
  if (run !== null) return run;
  throw new OperationError('RUN_NOT_FOUND', null, `there is no run ${id}`);
}

async function move(
  tx: Transaction,
  run: RunRow,
  to: RunState,
  event: 'stopped' | 'resumed',
  by: Actor,
): Promise<void> {
  if (!mayGo(run.state, to, event)) {
    throw new OperationError('STATE_CONFLICT', null, `run ${run.id} is ${run.state}: it cannot be ${event}`);
  }
  await moveRun(tx, run, { to, event, by });
}

/**
 * Withdraws some unclaimed requests of a stopped run. The caller holds the lock on the run's row.
 * @param by null: the worker, for the person who stopped the run.
 * @returns how many it withdrew; 0 if none is left.
 */
export async function withdrawSome(
  tx: Transaction,
  id: number,
  by: string | null,
  recordOutcomes: RecordOutcomes,
): Promise<number> {
  const unclaimed = await tx.query<{ number: number; cards: number }>(UNCLAIMED, [id, AT_ONCE.requests]);
  let cards = 0;
  const beyond = unclaimed.findIndex((request) => (cards += request.cards) > AT_ONCE.cards);
  const some = beyond === -1 ? unclaimed : unclaimed.slice(0, Math.max(1, beyond));
  const why = `Withdrawn: run ${id} was stopped before it was sent.`;
  const numbers = some.map(({ number }) => number);
  const withdrawn = await withdrawUnclaimed(tx, numbers, { by, why }, recordOutcomes);
  await takeBack(tx, id, withdrawn);
  return withdrawn.length;
}

/**
 * Walks run_target_sent, at most as many rows as the window has requests, and work's primary key. Takes the last ones
 * first, because dispatchers claim the first ones.
 */
const UNCLAIMED = /* sql */ `
select w.number, cardinality(w.cards) as cards
  from run_target t cross join unnest(t.requests) own (number) join work w on w.number = any (array[own.number])
 where t.run_id = $1::bigint and t.state = 'SENT' and w.token is null
 order by w.number desc limit $2::int`;
