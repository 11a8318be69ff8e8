import type { Database, Transaction } from '../../platform/database.ts';
import { faultPoint } from '../../platform/fault-points.ts';
import type { RecordOutcomes } from '../../requests/finish.ts';
import type { NewRequest } from '../../requests/new-request.ts';
import { submitRequests } from '../../requests/submit.ts';
import { withdrawSome } from './control.ts';
import { countTargets } from './counts.ts';
import {
  type AnyKind,
  type KindContext,
  outcomeOf,
  type Run,
  type RunRequest,
  type SettledTarget,
  type TargetPlan,
  type Verdict,
} from './kind.ts';
import { kindOf } from './kinds.ts';
import { keepCounts, moveRun, type RunRow, tryLockOpenRun, writeFailure, writeProgress } from './store.ts';
import { changeTargets, settledTargets, type TargetChange, unsettledRequests, waitingTargets } from './targets.ts';

export interface StepParts {
  readonly db: Database;
  readonly context: KindContext;
  /** Default: all kinds. */
  readonly kinds?: ReadonlyMap<string, AnyKind>;
  readonly recordOutcomes: RecordOutcomes;
  /** How many requests of one run may be pending at once. */
  readonly window: number;
  /** How many requests per second are made for one run. */
  readonly perSecond: number;
}

/**
 * `more`: there is more to do at once. `done`: something was done, and there will be more to do later, as with `wait`.
 * `not ours`: another instance has the run, or it needs no work.
 */
export type Step = 'more' | 'done' | 'wait' | 'not ours';

/**
 * Does the next piece of one run's work, in at most two transactions. The first handles final requests; the second adds
 * targets or makes requests. Each first locks the run's row without waiting. So any number of instances may work on the
 * run, and one can finish what another started. A stop takes that lock between two steps.
 */
export async function stepRun(id: number, parts: StepParts): Promise<Step> {
  const settled = await inRun(id, parts, settleTargets);
  if (settled === 'not ours') return settled;
  const advanced = await inRun(id, parts, advance);
  if (settled === 'more') return 'more';
  return settled === 'done' && advanced === 'wait' ? 'done' : advanced;
}

type Work = (tx: Transaction, run: RunRow, kind: AnyKind, parts: StepParts) => Promise<Step>;

async function inRun(id: number, parts: StepParts, work: Work): Promise<Step> {
  const step = await parts.db.transaction(async (tx) => {
    const run = await tryLockOpenRun(tx, id);
    if (run === null) return 'not ours';
    const done = await work(tx, run, kindOf(run.kind, parts.kinds), parts);
    if (done !== 'more' && done !== 'done') return done;
    if (run.failures > 0) await writeFailure(tx, id, null);
    faultPoint('run: before commit');
    return done;
  });
  if (step === 'more' || step === 'done') faultPoint('run: after commit');
  return step;
}

/** How many targets one transaction checks for final requests. */
const SETTLED_AT_ONCE = 500;

async function settleTargets(tx: Transaction, run: RunRow, kind: AnyKind, { context }: StepParts): Promise<Step> {
  const settled = await settledTargets(tx, run.id, SETTLED_AT_ONCE);
  if (settled.length === 0) return 'wait';
  const verdicts =
    kind.settle === undefined ? settled.map(plainVerdict) : await kind.settle(tx, asKindSees(run), settled, context);
  eachOnce(kind, settled, verdicts);
  await changeTargets(tx, run.id, verdicts.map(changeOf));
  return settled.length === SETTLED_AT_ONCE ? 'more' : 'done';
}

function plainVerdict({ target, requests }: SettledTarget): Verdict {
  return { target, outcome: outcomeOf(requests) };
}

function changeOf(verdict: Verdict): TargetChange {
  const result = verdict.result === undefined ? {} : { result: verdict.result };
  return 'again' in verdict
    ? { target: verdict.target, to: 'WAITING', ...result }
    : { target: verdict.target, to: 'DONE', outcome: verdict.outcome, ...result };
}

async function advance(tx: Transaction, run: RunRow, kind: AnyKind, parts: StepParts): Promise<Step> {
  if (run.state === 'PREPARING') return await collect(tx, run, kind);
  const unsettled = await unsettledRequests(tx, run.id);
  if (run.state !== 'RUNNING') {
    // The call that stopped the run also does this, but its process may have died.
    if (unsettled > 0) return (await withdrawSome(tx, run.id, null, parts.recordOutcomes)) > 0 ? 'more' : 'wait';
    await writeProgress(tx, run.id, { open: false });
    return 'not ours';
  }
  const room = parts.window - unsettled;
  const tenthOfSecond = Math.ceil(parts.perSecond / 10);
  const most = Math.min(kind.chunk, tenthOfSecond);
  // Waits for several, because a transaction costs nearly the same for one request as for many.
  if (!run.due || room <= 0 || room < Math.min(most, Math.ceil(parts.window / 2))) return 'wait';
  const sent = await sendMore(tx, run, kind, Math.min(room, most), parts);
  if (sent > 0) return sent === tenthOfSecond ? 'done' : 'more';
  if (unsettled > 0) return 'wait';
  const { targets, outcomes } = await countTargets(tx, run.id);
  await keepCounts(tx, run.id, outcomes);
  await moveRun(tx, run, { to: 'COMPLETED', event: 'completed', by: null, detail: `${targets} targets` });
  return 'more';
}

async function collect(tx: Transaction, run: RunRow, kind: AnyKind): Promise<Step> {
  const cursor = run.cursor === null ? null : await kind.source.collect(tx, run.id, run.selection, run.cursor);
  await writeProgress(tx, run.id, { cursor });
  if (cursor === null) {
    await moveRun(tx, run, { to: run.hold ? 'READY' : 'RUNNING', event: 'prepared', by: null });
  }
  return 'more';
}

/** Makes the requests of the next targets; returns how many targets there were. */
async function sendMore(
  tx: Transaction,
  run: RunRow,
  kind: AnyKind,
  limit: number,
  { context, perSecond }: StepParts,
): Promise<number> {
  const targets = await waitingTargets(tx, run.id, limit);
  if (targets.length === 0) return 0;
  const plans = await kind.planRequests(tx, asKindSees(run), targets, context);
  eachOnce(kind, targets, plans);
  const requests = plans.flatMap((plan): readonly RunRequest[] => plan.requests);
  const stored = await submitRequests(
    tx,
    requests.map((request, index) => newRequest(run, kind, request, run.lastSequence + index + 1)),
  );
  let next = 0;
  const numbersOf = (plan: TargetPlan): number[] => {
    const own = stored.slice(next, next + plan.requests.length);
    next += plan.requests.length;
    return own.map(({ number }) => number);
  };
  await changeTargets(
    tx,
    run.id,
    plans.map((plan): TargetChange => {
      const result = plan.result === undefined ? {} : { result: plan.result };
      return 'outcome' in plan
        ? { target: plan.target, to: 'DONE', outcome: plan.outcome, ...result }
        : { target: plan.target, to: 'SENT', requests: numbersOf(plan), ...result };
    }),
  );
  await writeProgress(tx, run.id, {
    lastSequence: run.lastSequence + requests.length,
    dueInMs: (requests.length * 1_000) / perSecond,
  });
  return targets.length;
}

function newRequest(run: RunRow, kind: AnyKind, request: RunRequest, sequenceNumber: number): NewRequest {
  return {
    ...request,
    sequenceNumber,
    bulk: true,
    process: { name: kind.process, id: String(run.id) },
    createdBy: { user: run.createdByUser, unit: run.createdByUnit },
  };
}

/** Does not check the parameters again: they were checked at creation, and a date in them may have passed since. */
function asKindSees(run: RunRow): Run<never> {
  return {
    id: run.id,
    kind: run.kind,
    state: run.state,
    parameters: run.parameters as never,
    createdBy: { user: run.createdByUser, unit: run.createdByUnit },
    createdAt: run.createdAt,
  };
}

/** Checks that the kind returned each target once. The engine would ask for a missing one for ever. */
function eachOnce(
  kind: AnyKind,
  asked: readonly { readonly target: string }[],
  answered: readonly { readonly target: string }[],
): void {
  const answers = new Set(answered.map(({ target }) => target));
  if (
    answers.size === asked.length &&
    answered.length === asked.length &&
    asked.every(({ target }) => answers.has(target))
  )
    return;
  throw new Error(
    `Kind ${kind.name} was asked about ${asked.length} targets and answered about ${answers.size} others`,
  );
}
