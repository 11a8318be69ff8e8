import { z } from 'zod';
import { instant } from '../../operations/fields.ts';
import type { Queryable } from '../../platform/database.ts';

/** What one instance did in one minute. */
export interface MinuteFigures {
  /** CRM messages read. */
  readonly events: number;
  readonly completed: number;
  readonly rejected: number;
  /** SOAP calls, and requests that were put off after one. */
  readonly calls: number;
  readonly retries: number;
  /** How many requests besides bulk work became final, by the most milliseconds that they took; `Infinity`: longer. */
  readonly latency: Readonly<Record<string, number>>;
}

export interface StoredMinute extends MinuteFigures {
  readonly instance: string;
  /** When it began. */
  readonly minute: Date;
}

export const MINUTE_MS = 60_000;
/** How many full minutes the overview shows. */
const SHOWN = 60;
/** By then every instance has stored a minute that is over. */
const STORED_AFTER_MS = 5_000;

/** A minute of all instances together. */
export const shownMinute = z
  .strictObject({
    at: instant().describe('When it began.'),
    instances: z.int().describe('How many instances stored figures; 0: none ran, or none could write.'),
    events: z.int().describe('CRM messages read.'),
    requests_completed: z.int(),
    requests_rejected: z.int(),
    calls: z.int().describe('SOAP calls.'),
    retries: z.int().describe('Requests that were put off after a call without a result.'),
    latency_p50_ms: z
      .int()
      .nullable()
      .describe('From the event or call to the stored outcome, without bulk work; null if nothing became final.'),
    latency_p99_ms: z.int().nullable(),
  })
  .meta({ id: 'OverviewMinute', description: 'What all instances did in one minute.' });
export type ShownMinute = z.output<typeof shownMinute>;

/** Reads the last 60 full minutes, the oldest first; one without figures has zeros. */
export async function readMinutes(db: Queryable, now: Date): Promise<ShownMinute[]> {
  const end = Math.floor((now.getTime() - STORED_AFTER_MS) / MINUTE_MS) * MINUTE_MS;
  const begin = end - SHOWN * MINUTE_MS;
  const rows = await db.query<StoredMinute>(READ, [new Date(begin), new Date(end)]);
  const byMinute = Map.groupBy(rows, ({ minute }) => minute.getTime());
  return Array.from({ length: SHOWN }, (_, index) => {
    const at = begin + index * MINUTE_MS;
    return shown(new Date(at), byMinute.get(at) ?? []);
  });
}

function shown(at: Date, rows: readonly StoredMinute[]): ShownMinute {
  const sum = (of: (row: StoredMinute) => number): number => rows.reduce((total, row) => total + of(row), 0);
  const latency: Record<string, number> = {};
  for (const row of rows) {
    for (const [bound, count] of Object.entries(row.latency)) latency[bound] = (latency[bound] ?? 0) + count;
  }
  return {
    at: at.toISOString(),
    instances: rows.length,
    events: sum(({ events }) => events),
    requests_completed: sum(({ completed }) => completed),
    requests_rejected: sum(({ rejected }) => rejected),
    calls: sum(({ calls }) => calls),
    retries: sum(({ retries }) => retries),
    latency_p50_ms: percentile(latency, 0.5),
    latency_p99_ms: percentile(latency, 0.99),
  };
}

/**
 * Returns the upper bound of the bucket that has this part of all counts below or in it, so at most the true value is
 * lower; the highest finite bound if it is in the last bucket. Null if nothing is counted.
 */
export function percentile(latency: MinuteFigures['latency'], part: number): number | null {
  const buckets = Object.entries(latency)
    .map(([bound, count]) => [Number(bound), count] as const)
    .toSorted(([one], [other]) => one - other);
  const all = buckets.reduce((total, [, count]) => total + count, 0);
  let below = 0;
  let highest = 0;
  for (const [bound, count] of buckets) {
    if (Number.isFinite(bound)) highest = bound;
    below += count;
    if (count > 0 && below >= all * part) return Number.isFinite(bound) ? bound : highest;
  }
  return null;
}

/** Stores minutes; one that is there already stays as it is. Removes those that are older than two days. */
export async function writeMinutes(db: Queryable, rows: readonly StoredMinute[]): Promise<void> {
  await db.query(WRITE, [
    rows.map(({ minute }) => minute),
    rows.map(({ instance }) => instance),
    rows.map(({ events }) => events),
    rows.map(({ completed }) => completed),
    rows.map(({ rejected }) => rejected),
    rows.map(({ calls }) => calls),
    rows.map(({ retries }) => retries),
    rows.map(({ latency }) => JSON.stringify(latency)),
  ]);
}

/** Walks service_minute's primary key. */
const READ = /* sql */ `
select minute, instance, events, completed, rejected, calls, retries, latency
  from service_minute where minute >= $1::timestamptz and minute < $2::timestamptz limit 6000`;

/** Walks service_minute's primary key. */
const WRITE = /* sql */ `
with old as (
  delete from service_minute where minute < now() - interval '48 hours'
)
insert into service_minute (minute, instance, events, completed, rejected, calls, retries, latency)
select * from unnest($1::timestamptz[], $2::uuid[], $3::int[], $4::int[], $5::int[], $6::int[], $7::int[], $8::jsonb[])
on conflict do nothing`;
