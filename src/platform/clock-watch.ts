import type { Counter, Registry } from '@prometheus-io/client';
import type { Database, Transaction } from './database.ts';
import { messageOf } from './errors.ts';
import type { PartState } from './http.ts';
import type { Logger } from './logging.ts';
import { counter } from './metrics.ts';
import { repeat } from './repeat.ts';

/**
 * Watches the database's clock, so that no lease and no wait lasts longer than its own length when that clock goes back,
 * and none of a live instance ends early when it goes forward (docs/decisions/0005-clocks.md).
 *
 * Every instance notes the clock in the table `clock` twice a second. A clock with an earlier time than the note has gone back. A
 * clock that is far ahead of the note has gone forward, if this process, by its own monotonic clock, noted it a moment ago;
 * otherwise nobody has looked for that long. The instance that finds a jump corrects what is stored and moves the note, in
 * one transaction that holds the note's row: each jump is corrected once, or found again by the next instance. What is too
 * much for one transaction follows in small ones (`correctRest`), at each look, by every instance that finds some of it.
 */
export interface ClockWatchOptions {
  readonly db: Database;
  /** Run in this order when the clock went back by `ms`: they take waits back by it, and cut leases to their length. */
  readonly afterBack: readonly ((tx: Transaction, ms: number) => Promise<void>)[];
  /**
   * Corrects a little of what the clock went back for and `afterBack` leaves; called at each look, also by instances that
   * found no jump. @returns how many rows it corrected, and whether more may be left.
   */
  readonly correctRest: (db: Database) => Promise<{ readonly corrected: number; readonly left: boolean }>;
  /** Run in this order when the clock went forward: they give every lease its whole length again. */
  readonly afterForward: readonly ((tx: Transaction) => Promise<void>)[];
  readonly metrics: ClockMetrics;
  readonly logger: Logger;
  /** How often it looks; default 500. Less than half of CLOCK_AHEAD_MAX_MS. */
  readonly everyMs?: number;
  /** The clock of this process, in epoch milliseconds; default `Date.now`. */
  readonly processClock?: () => number;
}

export interface ClockWatch {
  state(): PartState;
  /** Looks at once, or right after the look under way. */
  look(): void;
  stop(): Promise<void>;
}

/** Steps up to this many milliseconds are left alone: NTP makes them, and they lengthen a wait by no more. */
export const CLOCK_STEP_MAX_MS = 1_000;
/** The clock counts as trusted up to this many milliseconds after the note. */
const CLOCK_AHEAD_MAX_MS = 2_000;
/**
 * An instance that has just started and finds an old note cannot know whether time passed or the clock jumped. It waits for
 * this many milliseconds: an instance that knows would have moved the note meanwhile.
 */
const NEWCOMER_WAITS_MS = 3_000;
/** Without a look for this long the part is not ready: leases of dead instances are not taken over meanwhile. */
const UNSEEN_MAX_MS = 10_000;
/** For this long the last jump is shown. */
const SHOWN_MS = 3_600_000;

/**
 * SQL: whether an instance noted the clock a moment ago, or none ever did. What ends by the clock and is somebody's (a
 * lease, a share) is taken over only then: right after the clock went forward every live lease looks expired.
 */
export const CLOCK_IS_TRUSTED = /* sql */ `
coalesce((select seen_at > now() - interval '${CLOCK_AHEAD_MAX_MS} milliseconds' from clock where one), true)`;

/** Starts to watch at once. */
export function watchClock(options: ClockWatchOptions): ClockWatch {
  const { db, metrics, logger, processClock = Date.now } = options;
  /** The last look that moved the note: what the clock showed, and when it was asked and answered by our own clock. */
  let seen: { readonly at: number; readonly askedAt: number; readonly answeredAt: number } | null = null;
  /** An old note that nobody moves, and since when this process has known it. */
  let old: { readonly note: string; readonly since: number } | null = null;
  let lookedAt = performance.now();
  let correcting: string | null = null;
  let problem: string | null = null;
  let jump: { readonly text: string; readonly at: number } | null = null;
  let processAhead = processClock() - performance.now();

  const looking = repeat(
    options.everyMs ?? 500,
    async () => {
      lookAtProcess();
      const askedAt = performance.now();
      const [moved] = await db.query<{ at: number }>(MOVE_NOTE);
      if (moved) saw(moved.at, askedAt);
      else await examine();
      await correctRest();
      problem = null;
    },
    (error) => {
      problem = messageOf(error);
    },
  );
  return {
    state: () => {
      const unseenMs = performance.now() - lookedAt;
      if (correcting !== null) {
        const why = problem === null ? '' : `, so far in vain: ${problem}`;
        return { part: 'clock', ready: false, detail: `${correcting}: waits and leases are being corrected${why}` };
      }
      if (unseenMs > UNSEEN_MAX_MS) {
        const why = problem === null ? '' : `: ${problem}`;
        return { part: 'clock', ready: false, detail: `not compared for ${Math.round(unseenMs / 1000)} s${why}` };
      }
      const shown = jump !== null && performance.now() - jump.at < SHOWN_MS ? jump : null;
      const ago = shown === null ? 0 : Math.round((performance.now() - shown.at) / 1000);
      return {
        part: 'clock',
        ready: true,
        detail: shown === null ? 'runs evenly' : `runs evenly; ${shown.text} ${ago} s ago, what waited was corrected`,
      };
    },
    look: () => looking.now(),
    stop: () => looking.stop(),
  };

  function saw(at: number, askedAt: number): void {
    seen = { at, askedAt, answeredAt: performance.now() };
    old = null;
    lookedAt = seen.answeredAt;
  }

  /** Corrects a batch, and looks again at once if there may be more: the note of the clock must not wait for all of it. */
  async function correctRest(): Promise<void> {
    const { corrected, left } = await options.correctRest(db);
    // The instance that found the jump may be another one, or have died since.
    if (left) correcting ??= "the database's clock went back";
    else correcting = null;
    if (left && corrected > 0) looking.now();
  }

  /** The clock does not fit the note: finds out why, and corrects what follows from it. */
  async function examine(): Promise<void> {
    const moved = await db.transaction(async (tx) => {
      const askedAt = performance.now();
      const [row] = await tx.query<Compared>(COMPARE);
      if (!row) throw new Error('The table clock has no row: run "conax-provisioning migrate"');
      const jumpMs = jumpOf(row, askedAt);
      if (jumpMs === null) return null;
      if (jumpMs !== 0) {
        // Before the corrections: health must report them while they run, and the log even if they fail.
        found('database', jumpMs);
        for (const correct of jumpMs < 0 ? options.afterBack : options.afterForward)
          await correct(tx, Math.abs(jumpMs));
      }
      const [note] = await tx.query<{ at: number }>(SET_NOTE);
      return { at: note?.at ?? row.at, askedAt };
    });
    if (moved) saw(moved.at, moved.askedAt);
    else lookedAt = performance.now();
  }

  /** By how many milliseconds the clock jumped, negative if it went back; null if that cannot be known yet. */
  function jumpOf({ note, at, aheadMs }: Compared, askedAt: number): number | null {
    const answeredAt = performance.now();
    if (aheadMs < -CLOCK_STEP_MAX_MS) {
      const own = seen === null ? 0 : askedAt - seen.answeredAt - (at - seen.at);
      return Math.min(aheadMs, -own);
    }
    if (aheadMs <= CLOCK_AHEAD_MAX_MS) return 0;
    if (seen !== null) {
      const forward = at - seen.at - (answeredAt - seen.askedAt);
      return forward > CLOCK_STEP_MAX_MS ? forward : 0;
    }
    if (old?.note !== note) old = { note, since: answeredAt };
    return answeredAt - old.since >= NEWCOMER_WAITS_MS ? 0 : null;
  }

  function found(clock: 'database' | 'process', jumpMs: number): void {
    const seconds = (Math.abs(jumpMs) / 1000).toFixed(1);
    const text = `the ${clock === 'database' ? "database's" : "process's"} clock went ${jumpMs < 0 ? 'back' : 'forward'} by ${seconds} s`;
    if (clock === 'database') {
      // A correction that failed is tried again: it is still the same jump.
      const isNews = correcting === null;
      correcting = text;
      jump = { text, at: performance.now() };
      if (!isNews) return;
    }
    metrics.jumps.inc({ clock, direction: jumpMs < 0 ? 'back' : 'forward' });
    logger.error({ clock, jumpMs: Math.round(jumpMs) }, `${text}: check its time service`);
  }

  /** Nothing here waits by the process's clock; dates in outcomes and next times of schedules come from it. */
  function lookAtProcess(): void {
    const ahead = processClock() - performance.now();
    const jumpMs = ahead - processAhead;
    if (Math.abs(jumpMs) > CLOCK_STEP_MAX_MS) found('process', jumpMs);
    processAhead = ahead;
  }
}

interface Compared {
  /** Names the note, to the microsecond. */
  readonly note: string;
  /** The database's clock, in epoch milliseconds, and how far it is ahead of the note. */
  readonly at: number;
  readonly aheadMs: number;
}

const EPOCH_MS = (time: string): string => /* sql */ `(extract(epoch from ${time}) * 1000)::float8`;

/**
 * One row, which waits for the instance that corrects. clock_timestamp() is read again after such a wait, because the row
 * was changed: the clock cannot seem earlier than a note that was written meanwhile.
 */
const MOVE_NOTE = /* sql */ `
update clock set seen_at = clock_timestamp()
 where one and (seen_at is null
                or seen_at between clock_timestamp() - interval '${CLOCK_AHEAD_MAX_MS} milliseconds'
                               and clock_timestamp() + interval '${CLOCK_STEP_MAX_MS} milliseconds')
returning ${EPOCH_MS('seen_at')} as at`;

const COMPARE = /* sql */ `
select seen_at::text as note, ${EPOCH_MS('clock_timestamp()')} as at,
       ${EPOCH_MS('clock_timestamp() - seen_at')} as "aheadMs"
  from clock where one for update`;

const SET_NOTE = /* sql */ `
update clock set seen_at = clock_timestamp() where one returning ${EPOCH_MS('seen_at')} as at`;

export interface ClockMetrics {
  readonly jumps: Counter<'clock' | 'direction'>;
}

/** Creates them in a registry; once per registry. */
export function clockMetrics(registry: Registry): ClockMetrics {
  return {
    jumps: counter(registry, {
      name: 'conax_clock_jumps_total',
      help: "ALERT: jumps of the database's clock that this instance corrected, and of its own, back and forward by more than a second.",
      labels: { clock: ['database', 'process'], direction: ['back', 'forward'] },
    }),
  };
}
