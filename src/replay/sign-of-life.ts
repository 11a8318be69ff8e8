import type { Database } from '../platform/database.ts';
import { advanceReplay, type Replay } from './record.ts';

/** Tells how far a replay is that has nothing of its own to commit. */
export interface SignOfLife {
  /** At most once a second; that it cannot be told stops nothing. */
  tell(counts: Readonly<Record<string, number>>): void;
  /** What was told is written, or never will be: what comes later is not overwritten by it. */
  settled(): Promise<void>;
}

const EVERY_MS = 1_000;

export function signOfLife({ id }: Replay, db: Database, owner: string): SignOfLife {
  let toldAt = -Infinity;
  let telling: Promise<unknown> = Promise.resolve();
  return {
    tell(counts) {
      if (performance.now() - toldAt < EVERY_MS) return;
      toldAt = performance.now();
      telling = advanceReplay(db, id, owner, { cursor: null, counts }).catch(() => {});
    },
    settled: async () => void (await telling),
  };
}
