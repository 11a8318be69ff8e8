import type { Database } from '../../platform/database.ts';
import { advanceReplay, type Replay } from './record.ts';

/** Reports the progress of a replay that commits nothing itself, and so renews its lease. */
export interface ProgressReporter {
  /** Stores the counts, at most once a second. A failure stops nothing. */
  report(counts: Readonly<Record<string, number>>): void;
  /** Waits until the last report is stored or has failed, so that it cannot overwrite what is stored next. */
  settled(): Promise<void>;
}

const EVERY_MS = 1_000;

export function progressReporter({ id }: Replay, db: Database, owner: string): ProgressReporter {
  let reportedAt = -Infinity;
  let reporting: Promise<unknown> = Promise.resolve();
  return {
    report(counts) {
      if (performance.now() - reportedAt < EVERY_MS) return;
      reportedAt = performance.now();
      reporting = advanceReplay(db, id, owner, { cursor: null, counts }).catch(() => {});
    },
    settled: async () => void (await reporting),
  };
}
