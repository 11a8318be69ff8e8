import { readStored } from '../../http/problems.ts';
import { z } from 'zod';
import type { Queryable } from '../../platform/database.ts';
import { OperationError } from '../../http/operation-error.ts';
import type { NewTarget, TargetSource } from '../runs/kind.ts';
import { findRun, type RunRow } from '../runs/store.ts';

/** The RECONCILE run whose findings to fix. */
export const fixSelection = z.strictObject({
  run: z
    .int('give the number of a reconcile run')
    .min(1, 'give the number of a reconcile run')
    .describe('The number of the reconcile run.'),
});
export type FixSelection = z.output<typeof fixSelection>;

/** How many cards of the reconcile run one transaction reads. */
const PART = 5_000;
const SAMPLE = 10;

/** Selects the cards that a RECONCILE run found DIFFERENT, with what it found. */
export const differentCardsSource: TargetSource<FixSelection> = {
  schema: fixSelection,
  async begin(tx, _runId, selection) {
    await mustBeReconciled(tx, selection.run, 'selection.run');
    return { kept: selection, cursor: '' };
  },
  async collect(tx, runId, kept, after) {
    const { run } = readStored(fixSelection, kept, `The selection of run ${runId}`);
    const [part] = await tx.query<{ last: string | null; count: number }>(COLLECT, [runId, run, after, PART]);
    return part === undefined || part.count < PART ? null : part.last;
  },
  async estimate(db, { run }) {
    await mustBeReconciled(db, run, 'selection.run');
    const [counted] = await db.query<{ count: number }>(COUNT, [run]);
    const sample = await db.query<NewTarget>(SAMPLE_OF, [run, SAMPLE]);
    return { targets: counted?.count ?? 0, exact: true, sample };
  },
};

/**
 * Reads a RECONCILE run.
 * @param field the input's field that has the id, for errors.
 * @throws OperationError if there is no such run, or it is of another kind.
 */
export async function reconcileRun(db: Queryable, id: number, field: string): Promise<RunRow> {
  const run = await findRun(db, id);
  if (run === null) throw new OperationError('RUN_NOT_FOUND', field, `there is no run ${id}`);
  if (run.kind === 'RECONCILE') return run;
  throw new OperationError('PARAMETER_INVALID', field, `run ${id} is a ${run.kind} run; give one that reconciled`);
}

/**
 * Checks that a RECONCILE run is not under way.
 * @throws OperationError if the run is of another kind, or may still find something.
 */
export async function mustBeReconciled(db: Queryable, id: number, field: string): Promise<void> {
  const { state } = await reconcileRun(db, id, field);
  if (state === 'COMPLETED' || state === 'STOPPED' || state === 'FAILED') return;
  throw new OperationError('STATE_CONFLICT', field, `run ${id} is ${state}; wait until it is COMPLETED, or stop it`);
}

/** Walks run_target's primary key, part by part. */
const COLLECT = /* sql */ `
with part as materialized (
  select target, card, subscription_number, outcome, result from run_target
   where run_id = $2::bigint and target > $3::text order by target limit $4::int
), added as (
  insert into run_target (run_id, target, card, subscription_number, data)
  select $1::bigint, target, card, subscription_number, result from part where outcome = 'DIFFERENT'
  on conflict do nothing
)
select max(target) as last, count(*)::int as count from part`;

/** Walk run_target's primary key. */
const COUNT = /* sql */ `select count(*)::int as count from run_target where run_id = $1 and outcome = 'DIFFERENT'`;
const SAMPLE_OF = /* sql */ `
select target, card, subscription_number as subscription, result as data from run_target
 where run_id = $1 and outcome = 'DIFFERENT' order by target limit $2`;
