import type { Actor } from '../operations/actor.ts';
import { OperationError } from '../operations/operation-error.ts';
import type { Database, Transaction } from '../platform/database.ts';
import { faultPoint } from '../platform/fault-points.ts';
import type { RecordOutcomes } from '../requests/finish.ts';
import { withdrawUnclaimed } from '../requests/withdraw.ts';
import { mayGo, type RunState } from './life-cycle.ts';
import { lockRun, moveRun, type RunRow } from './store.ts';
import { takeBack } from './targets.ts';

/** A transaction withdraws requests of so many cards (ordered-claim.md: PostgreSQL has room for so many locks). */
const CARDS_AT_ONCE = 1_000;

/**
 * Stops a run: from the commit of the first transaction on nothing more is sent for it but what an instance had claimed
 * already, and that ends by itself. What nobody has begun to send is withdrawn, and its targets wait again for a
 * resume. Stopping a stopped run does what is left of it. Gives how many requests were withdrawn.
 * @throws OperationError where there is no such run, or it cannot be stopped any more.
 */
export async function stopRun(db: Database, id: number, by: Actor, recordOutcomes: RecordOutcomes): Promise<number> {
  let withdrawn = 0;
  for (;;) {
    const { count, more } = await db.transaction(async (tx) => {
      const run = await existing(tx, id);
      if (run.state !== 'STOPPED') await move(tx, run, 'STOPPED', 'stopped', by);
      const part = await withdrawSome(tx, id, by, recordOutcomes);
      faultPoint('run: before stop');
      return part;
    });
    faultPoint('run: after stop');
    withdrawn += count;
    if (!more) return withdrawn;
  }
}

/**
 * Starts a run that was held, or goes on with one that was stopped or failed. Gives its new state.
 * @throws OperationError where there is no such run, or it cannot be resumed.
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

async function withdrawSome(
  tx: Transaction,
  id: number,
  by: Actor,
  recordOutcomes: RecordOutcomes,
): Promise<{ count: number; more: boolean }> {
  const unclaimed = await tx.query<{ number: number; cards: number }>(UNCLAIMED, [id]);
  let cards = 0;
  const beyond = unclaimed.findIndex((request) => (cards += request.cards) > CARDS_AT_ONCE);
  const some = beyond === -1 ? unclaimed : unclaimed.slice(0, Math.max(1, beyond));
  const why = `Withdrawn: run ${id} was stopped before it was sent.`;
  const withdrawn = await withdrawUnclaimed(
    tx,
    some.map(({ number }) => number),
    { by: by.user, why },
    recordOutcomes,
  );
  await takeBack(tx, id, withdrawn);
  return { count: withdrawn.length, more: some.length < unclaimed.length };
}

/** Walks run_target_sent, no more rows than the window has requests, and work's primary key. */
const UNCLAIMED = /* sql */ `
select w.number, cardinality(w.cards) as cards
  from run_target t cross join unnest(t.requests) own (number) join work w on w.number = own.number
 where t.run_id = $1::bigint and t.state = 'SENT' and w.token is null
 order by w.number`;
