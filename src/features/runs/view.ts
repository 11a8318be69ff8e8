import { z } from 'zod';
import { instant } from '../../operations/fields.ts';
import type { Queryable } from '../../platform/database.ts';
import { countTargets, type RunCounts } from './counts.ts';
import { runStates } from './life-cycle.ts';
import type { RunRow } from './store.ts';

const counts = z.strictObject({
  targets: z.int(),
  waiting: z.int().describe('Nothing was sent for them yet.'),
  pending: z.int().describe('With requests that are not final.'),
  outcomes: z.record(z.string(), z.int()).describe('Targets by outcome: COMPLETED, an error code, or one of the kind.'),
});

export const runFields = {
  id: z.int(),
  kind: z.string(),
  state: z.enum(runStates as [string, ...string[]]),
  parameters: z.unknown(),
  selection: z.unknown().describe('Of a list its length is kept.'),
  counts,
  failure: z.string().nullable().describe('What went wrong with its last step.'),
  schedule_id: z.int().nullable(),
  created_by_user: z.string(),
  created_by_unit: z.string().nullable(),
  created_date: instant(),
  prepared_date: instant().nullable(),
  started_date: instant().nullable(),
  ended_date: instant().nullable(),
};

/** A run as operations show it. */
export const shownRun = z.strictObject(runFields).meta({ id: 'Run', description: 'A run, and how far it is.' });
export type ShownRun = z.output<typeof shownRun>;

/** Shows a run with its present counts; a completed run has stored counts. */
export async function showRun(db: Queryable, run: RunRow): Promise<ShownRun> {
  return {
    id: run.id,
    kind: run.kind,
    state: run.state,
    parameters: run.parameters,
    selection: run.selection,
    counts: run.counts === null ? await countTargets(db, run.id) : keptCounts(run.counts),
    failure: run.failure,
    schedule_id: run.scheduleId,
    created_by_user: run.createdByUser,
    created_by_unit: run.createdByUnit,
    created_date: run.createdAt.toISOString(),
    prepared_date: run.preparedAt?.toISOString() ?? null,
    started_date: run.startedAt?.toISOString() ?? null,
    ended_date: run.endedAt?.toISOString() ?? null,
  };
}

function keptCounts(outcomes: Readonly<Record<string, number>>): RunCounts {
  const targets = Object.values(outcomes).reduce((sum, count) => sum + count, 0);
  return { targets, waiting: 0, pending: 0, outcomes };
}

/** `run 7 RUNNING: 12,300 of 50,000 (24 %): 12,298 COMPLETED, 2 CLIENT_NOT_FOUND; 480 pending, 37,220 waiting` */
export function progressText({
  id,
  state,
  counts: { targets, waiting, pending, outcomes },
  failure,
}: ShownRun): string {
  const done = targets - waiting - pending;
  const percent = targets === 0 ? 100 : Math.floor((100 * done) / targets);
  const shown = Object.entries(outcomes).map(([outcome, count]) => `${count.toLocaleString('en')} ${outcome}`);
  const left = [
    ...(pending > 0 ? [`${pending.toLocaleString('en')} pending`] : []),
    ...(waiting > 0 ? [`${waiting.toLocaleString('en')} waiting`] : []),
  ];
  const parts = [shown.join(', '), left.join(', ')].filter((part) => part !== '').join('; ');
  const trouble = failure === null ? '' : ` (${failure})`;
  return `run ${id} ${state}${trouble}: ${done.toLocaleString('en')} of ${targets.toLocaleString('en')} (${percent} %)${parts === '' ? '' : `: ${parts}`}`;
}
