import type { Database, Transaction } from '../../platform/database.ts';
import { evaluate, type EvaluateOptions } from './evaluate.ts';
import { type PlanRow, planRows } from './plan-rows.ts';
import type { GroupPage } from './select-events.ts';

/** The number of rows with the same verdict, command and reason. */
export interface SummaryLine {
  readonly verdict: PlanRow['verdict'];
  readonly type: string | null;
  readonly reason: string | null;
  readonly count: number;
}

/** What a replay would do. */
export interface PlanSummary {
  readonly events: number;
  readonly subscriptions: number;
  /** Subscriptions with at least one command that is new, no longer made or changed. */
  readonly differing: number;
  /** Subscriptions for which something would be sent. */
  readonly mended: number;
  /** Counts by verdict, command and reason. */
  readonly lines: readonly SummaryLine[];
  /** What a run would send, by command. */
  readonly send: Readonly<Record<string, number>>;
  /** The differences for which it would send nothing, by reason. */
  readonly unsent: Readonly<Record<string, number>>;
}

/**
 * Compares what today's rules make of selected events with what was made then, and counts what a run would send now.
 *
 * It changes nothing: it reads in short transactions that PostgreSQL keeps read-only, so nothing else waits. Its memory
 * does not grow with the number of events.
 * @param on `row` is called and awaited for every row, in the order of the subscriptions and versions.
 */
export async function planEvents(
  db: Database,
  pages: AsyncIterable<GroupPage>,
  options: EvaluateOptions,
  on: {
    readonly row: (row: PlanRow) => Promise<void> | void;
    readonly progress: (events: number, subscriptions: number) => void;
    readonly signal?: AbortSignal;
  },
): Promise<PlanSummary> {
  const summary = createSummary();
  const decided: EvaluateOptions['decided'] = new Map();
  for await (const groups of pages) {
    const evaluated = await db.transaction(async (tx) => {
      await readOnly(tx);
      return evaluate(tx, groups, { ...options, decided });
    });
    for (const one of evaluated) {
      const rows = planRows(one);
      summary.add(one.events, rows);
      for (const row of rows) await on.row(row);
    }
    on.progress(summary.events(), summary.subscriptions());
    if (on.signal?.aborted) break;
  }
  return summary.whole();
}

/** Makes the transaction read-only, with one snapshot of the database. */
async function readOnly(tx: Transaction): Promise<void> {
  await tx.query('set transaction isolation level repeatable read, read only');
}

export function createSummary() {
  const lines = new Map<
    string,
    { verdict: PlanRow['verdict']; type: string | null; reason: string | null; count: number }
  >();
  const send: Record<string, number> = {};
  const unsent: Record<string, number> = {};
  const counts = { events: 0, subscriptions: 0, differing: 0, mended: 0 };
  return { add, events: () => counts.events, subscriptions: () => counts.subscriptions, whole };

  function add(events: number, rows: readonly PlanRow[]): void {
    counts.events += events;
    counts.subscriptions += 1;
    if (rows.some(isDifference)) counts.differing += 1;
    const effects = rows.flatMap((row) => row.effects);
    if (effects.some(({ kind }) => kind === 'send')) counts.mended += 1;
    for (const effect of effects) {
      if (effect.kind === 'send') send[effect.command.type] = (send[effect.command.type] ?? 0) + 1;
      else unsent[effect.reason] = (unsent[effect.reason] ?? 0) + 1;
    }
    for (const { verdict, type, reason } of rows) {
      const key = JSON.stringify([verdict, type, reason]);
      const line = lines.get(key) ?? { verdict, type, reason, count: 0 };
      line.count += 1;
      lines.set(key, line);
    }
  }

  function whole(): PlanSummary {
    const sorted = [...lines].toSorted(([one], [other]) => (one < other ? -1 : 1)).map(([, line]) => line);
    return { ...counts, lines: sorted, send, unsent };
  }
}

/** Returns whether today's rules and the earlier ones disagree. */
export function isDifference({ verdict }: PlanRow): boolean {
  return verdict === 'new' || verdict === 'no longer' || verdict === 'changed';
}
