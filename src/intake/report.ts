import { randomUUID } from 'node:crypto';
import type { Queryable } from '../platform/database.ts';
import { messageOf } from '../platform/errors.ts';
import type { Logger } from '../platform/logging.ts';
import { type Repeated, repeat } from '../platform/repeat.ts';
import type { PlaceProgress } from './progress.ts';

/** How reading of this instance is doing, for people who ask any instance why an event has no effect. */
export interface IntakeReport {
  /** Why nothing at all is read; null if reading works. */
  readonly problem: string | null;
  readonly partitions: readonly PlaceProgress[];
}

const LOOK_MS = 1_000;
/** How old a row may be while its instance runs; `why` takes one of three times this age as that of a dead instance. */
const WRITE_MS = 5_000;

/**
 * Keeps this instance's row in intake_instance: writes it every 5 s, and within a second if something stops or starts
 * being read. An outage of the database only delays it.
 */
export function reportIntake(database: Queryable, look: () => IntakeReport, logger: Logger): Repeated {
  const id = randomUUID();
  let since = performance.now();
  let wasReading: boolean | null = null;
  let written = '';
  let writtenAt = -Infinity;
  return repeat(
    LOOK_MS,
    async () => {
      const { problem, partitions } = look();
      const isReading = problem === null;
      if (isReading !== wasReading) since = performance.now();
      wasReading = isReading;
      const now = JSON.stringify([
        isReading,
        partitions.map((one) => [one.topic, one.partition, one.problem === null]),
      ]);
      if (now === written && performance.now() - writtenAt < WRITE_MS) return;
      await database.query(WRITE, [id, problem, performance.now() - since, JSON.stringify(partitions.map(stored))]);
      written = now;
      writtenAt = performance.now();
    },
    (error) => logger.debug({ reason: messageOf(error) }, 'the report about reading is written later'),
  );
}

function stored({ topic, partition, unread, behindMs, problem, problemMs }: PlaceProgress) {
  return { topic, partition, unread, behind_ms: behindMs, problem, problem_ms: problemMs };
}

/** The few rows of instances that ended are kept for a day, so that it shows when reading ended. */
const WRITE = /* sql */ `
with ended as (
  delete from intake_instance where id <> $1::uuid and reported_at < now() - interval '1 day'
)
insert into intake_instance (id, problem, since, partitions)
values ($1::uuid, $2, now() - $3::float8 * interval '1 millisecond', $4::jsonb)
on conflict (id) do update
   set problem = excluded.problem, since = excluded.since, partitions = excluded.partitions, reported_at = now()`;
