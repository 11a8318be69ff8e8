import { hostname } from 'node:os';
import { setTimeout as wait } from 'node:timers/promises';
import type { Registry } from '@prometheus-io/client';
import type { Queryable } from '../../platform/database.ts';
import { newestMigration } from '../../platform/fitness.ts';
import { messageOf } from '../../platform/errors.ts';
import type { PartState } from '../../platform/http.ts';
import type { Logger } from '../../platform/logging.ts';
import { repeat } from '../../platform/repeat.ts';
import { figuresOf } from './figures.ts';
import { MINUTE_MS, type StoredMinute, writeMinutes } from './minutes.ts';

/** How one part of an instance last said that it is doing. */
export interface ReportedPart {
  readonly part: string;
  readonly ready: boolean;
  readonly detail: string;
  /** Since when it is ready, or is not; ISO 8601. */
  readonly since: string;
}

const LOOK_MS = 1_000;
/** How old a row may be while its instance runs; three times this age means that it ended. */
const WRITE_MS = 5_000;
/** How many minutes are kept in memory while the database is away; the oldest go first. */
const KEPT_MAX = 120;

/** How long a stop waits for a database that is down. */
const LAST_WORDS_MS = 1_000;

export interface ReportOptions {
  readonly db: Queryable;
  /** That of the dispatcher. */
  readonly id: string;
  readonly parts: () => readonly PartState[];
  readonly registry: Registry;
  readonly logger: Logger;
  /** The clock of this process, in epoch milliseconds; default `Date.now`. */
  readonly clock?: () => number;
}

export interface Reporting {
  /** Stores what is left, and removes this instance's row. */
  stop(): Promise<void>;
}

/**
 * Tells the others how this instance is doing, for the overview: its row in service_instance every 5 s, and within a
 * second if a part starts or stops being ready; and a row in service_minute for each minute. While the database is away,
 * the minutes of up to two hours are kept and stored later. A process that is killed loses its last minute.
 */
export function startReporting({ db, id, parts, registry, logger, clock = Date.now }: ReportOptions): Reporting {
  const startedAt = new Date(clock());
  const figures = figuresOf(registry);
  let reported = new Map<string, ReportedPart>();
  let written = -Infinity;
  /** A part became ready or ceased to be, and the database does not know it yet. */
  let isNews = true;
  let minute = minuteOf(clock());
  let kept: StoredMinute[] = [];

  const reporting = repeat(
    LOOK_MS,
    async () => {
      if (minuteOf(clock()) !== minute) await endMinute();
      look();
      if (isNews || performance.now() - written >= WRITE_MS) await writeInstance();
      if (kept.length > 0) await writeKept();
    },
    (error) => logger.debug({ reason: messageOf(error) }, 'the report for the overview is written later'),
  );
  return {
    async stop() {
      await reporting.stop();
      await endMinute();
      const last = Promise.allSettled([writeKept(), db.query(REMOVE, [id])]);
      await Promise.race([last, wait(LAST_WORDS_MS, undefined, { ref: false })]);
    },
  };

  function look(): void {
    const now = new Date(clock()).toISOString();
    const before = reported;
    reported = new Map(
      parts().map(({ part, ready, detail }) => {
        const last = before.get(part);
        const isSame = last?.ready === ready;
        if (!isSame) isNews = true;
        return [part, { part, ready, detail, since: isSame ? last.since : now }];
      }),
    );
  }

  async function writeInstance(): Promise<void> {
    await db.query(WRITE, [id, hostname(), startedAt, JSON.stringify([...reported.values()]), newestMigration()]);
    written = performance.now();
    isNews = false;
  }

  async function endMinute(): Promise<void> {
    const ended = minute;
    minute = minuteOf(clock());
    kept.push({ ...(await figures()), instance: id, minute: new Date(ended) });
    kept = kept.slice(-KEPT_MAX);
  }

  async function writeKept(): Promise<void> {
    const rows = [...kept];
    await writeMinutes(db, rows);
    kept = kept.slice(rows.length);
  }
}

function minuteOf(at: number): number {
  return Math.floor(at / MINUTE_MS) * MINUTE_MS;
}

/** The few rows of instances that were killed are kept for a day. */
const WRITE = /* sql */ `
with ended as (
  delete from service_instance where id <> $1::uuid and reported_at < now() - interval '1 day'
)
insert into service_instance (id, host, started_at, parts, knows)
values ($1::uuid, $2, $3::timestamptz, $4::jsonb, $5)
on conflict (id) do update set parts = excluded.parts, reported_at = now()`;

const REMOVE = /* sql */ `delete from service_instance where id = $1::uuid`;
