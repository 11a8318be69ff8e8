import { setTimeout as sleep } from 'node:timers/promises';
import type { Registry } from '@prometheus-io/client';
import type { Database } from '../../platform/database.ts';
import { messageOf } from '../../platform/errors.ts';
import type { Logger } from '../../platform/logging.ts';
import { counter, gauge } from '../../platform/metrics.ts';
import { runRetention } from './remove.ts';
import { kindsToRemove, type RetentionDays } from './kinds.ts';
import type { RowCounts } from './rows.ts';
import { isDue } from './pass.ts';

export interface RetentionServiceOptions {
  /** Its statements walk indexes: a pool with `indexWalking` and `prepared`. */
  readonly db: Database;
  readonly days: RetentionDays;
  readonly archive: string | null;
  /** Sentences about topics from which removed events could come again; asked before each pass. */
  readonly topicsKeptTooLong: () => Promise<readonly string[]>;
  readonly metrics: RetentionMetrics;
  readonly logger: Logger;
  /** How long after the start of a pass the next one starts; default a day. */
  readonly everyMs?: number;
  /** How often it looks whether one is due; default a minute. */
  readonly lookEveryMs?: number;
}

const EVERY_MS = 86_400_000;
const LOOK_EVERY_MS = 60_000;

/** Runs retention once a day, on one of the instances, until it is stopped. Does nothing where every kind is kept for good. */
export function startRetention(options: RetentionServiceOptions): { stop(): Promise<void> } {
  const { db, days, archive, metrics, logger, everyMs = EVERY_MS, lookEveryMs = LOOK_EVERY_MS } = options;
  const stopping = new AbortController();
  const { signal } = stopping;
  const kinds = kindsToRemove(days);
  const done = kinds.length === 0 ? Promise.resolve() : run();
  return {
    async stop() {
      stopping.abort();
      await done;
    },
  };

  async function run(): Promise<void> {
    while (!signal.aborted) {
      try {
        await runIfDue();
        metrics.failing(false);
      } catch (error) {
        metrics.failing(true);
        logger.warn({ problem: messageOf(error) }, 'retention stopped early: it continues from there');
      }
      await sleep(lookEveryMs, undefined, { signal }).catch(() => {});
    }
  }

  async function runIfDue(): Promise<void> {
    if (!(await isDue(db, kinds, everyMs))) return;
    await warnOfTopics();
    const before: Record<string, RowCounts> = {};
    const { state, removed } = await runRetention({
      db,
      days,
      archive,
      signal,
      onProgress: ({ kind, removed: now }) => {
        metrics.removed(now, before[kind] ?? {});
        before[kind] = now;
      },
    });
    if (state === 'done') logger.info({ removed }, 'retention has removed what is older than its settings');
  }

  /** Kafka may be away: that keeps nobody from removing what is old. */
  async function warnOfTopics(): Promise<void> {
    if (days.events === 0) return;
    try {
      for (const problem of await options.topicsKeptTooLong())
        logger.warn({ problem }, 'retention forgets events early');
    } catch (error) {
      logger.warn({ problem: messageOf(error) }, 'how long Kafka keeps the events could not be asked');
    }
  }
}

/** The metrics of retention. */
export interface RetentionMetrics {
  /** Counts what a pass has removed by now, beyond what it had before. */
  removed(now: RowCounts, before: RowCounts): void;
  failing(isFailing: boolean): void;
}

export function retentionMetrics(registry: Registry): RetentionMetrics {
  const rows = counter(registry, {
    name: 'conax_retention_rows_removed_total',
    help: 'Rows that were older than their setting and removed, by table.',
    labels: { table: 'the tables of [retention.md](retention.md)' },
  });
  const failing = gauge(registry, {
    name: 'conax_retention_failing',
    help: 'ALERT when it stays 1: retention cannot continue; the log has the reason (such as an archive that cannot be written).',
  });
  return {
    removed(now, before) {
      for (const [table, count] of Object.entries(now)) {
        const more = count - (before[table] ?? 0);
        if (more > 0) rows.inc({ table }, more);
      }
    },
    failing: (isFailing) => failing.set(isFailing ? 1 : 0),
  };
}
