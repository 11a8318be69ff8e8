import { setTimeout as pause } from 'node:timers/promises';
import type { Database } from '../platform/database.ts';
import type { RunCounts } from '../features/runs/counts.ts';
import { kindOf } from '../features/runs/kinds.ts';
import { findRun } from '../features/runs/store.ts';
import { type RunView, runView } from '../features/runs/view.ts';
import { endLine, print, printJson, showInPlace } from './output.ts';
import { tellingWhy } from './sending-teller.ts';
import { untilToldToStop } from './signals.ts';

const LOOK_MS = 500;
/** Where nobody looks at the terminal a line now and then is enough. */
const LINE_EVERY_MS = 10_000;

/**
 * Shows how far a run is until it ends, waits for a person, or the command is told to stop; the run goes on then.
 * @throws Error where it ended otherwise than with a good outcome of every target.
 */
export function followRun(db: Database, id: number, json: boolean): Promise<void> {
  return tellingWhy(db, true, () => follow(db, id, json));
}

async function follow(db: Database, id: number, json: boolean): Promise<void> {
  const leaving = new AbortController();
  void untilToldToStop().then(() => leaving.abort());
  const beganAt = performance.now();
  let [shownAt, first] = [-Infinity, null as RunCounts | null];
  for (;;) {
    const run = await findRun(db, id);
    if (run === null) throw new Error(`Run ${id} is gone`);
    const view = await runView(db, run);
    first ??= view.counts;
    const waits = run.state !== 'PREPARING' && run.state !== 'RUNNING';
    if (waits || process.stderr.isTTY || performance.now() - shownAt >= LINE_EVERY_MS) {
      shownAt = performance.now();
      show(`${progressText(view)}${waits ? '' : rateText(first, view.counts, performance.now() - beganAt)}`, waits);
    }
    if (waits) return ended(view, json);
    if (leaving.signal.aborted) {
      throw new Error(`Run ${id} goes on without being watched; \`runs stop ${id}\` stops it`);
    }
    await pause(LOOK_MS, undefined, { signal: leaving.signal }).catch(() => {});
  }
}

/** `run 7 RUNNING: 12,300 of 50,000 (24 %): 12,298 COMPLETED, 2 CLIENT_NOT_FOUND; 480 pending, 37,220 waiting` */
export function progressText({ id, state, counts, failure }: RunView): string {
  const { targets, waiting, pending, outcomes } = counts;
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

function rateText(first: RunCounts, now: RunCounts, ms: number): string {
  const doneOf = ({ targets, waiting, pending }: RunCounts): number => targets - waiting - pending;
  const rate = (doneOf(now) - doneOf(first)) / (ms / 1_000);
  return ms < 2_000 || rate <= 0 ? '' : `; ${Math.round(rate).toLocaleString('en')}/s`;
}

/** On a terminal each line takes the place of the one before. */
function show(text: string, last: boolean): void {
  showInPlace(text);
  if (last) endLine();
}

async function ended(view: RunView, json: boolean): Promise<void> {
  await (json ? printJson(view, 'line') : print(`run ${view.id} is ${view.state}`));
  if (view.state === 'READY') return;
  if (view.state !== 'COMPLETED')
    throw new Error(`Run ${view.id} is ${view.state}; \`runs resume ${view.id}\` goes on with it`);
  const good = ['COMPLETED', ...(kindOf(view.kind).goodOutcomes ?? [])];
  const others = good.reduce((left, outcome) => left - (view.counts.outcomes[outcome] ?? 0), view.counts.targets);
  if (others === 0) return;
  throw new Error(
    `${others} of ${view.counts.targets} are not ${good.join(' or ')}; \`runs cards ${view.id} --outcome CODE\` lists them`,
  );
}
