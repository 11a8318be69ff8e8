import { loadavg } from 'node:os';
import type { Load } from '../../test/outages/load.ts';
import type { Neighbours } from '../../test/outages/whole-service.ts';
import type { Instance, InstanceLook } from './instance.ts';

/** What was seen at one moment; null if PostgreSQL or the instance was not there to be asked. */
export interface Sample {
  /** Since the begin. */
  readonly seconds: number;
  readonly load1: number;
  /** Of the run itself: simulator, load, histories. */
  readonly ownHeapMb: number;
  readonly events: number;
  readonly steady: InstanceLook | null;
  readonly victim: InstanceLook | null;
  readonly database: Readonly<Record<string, number>> | null;
}

/** Rows come and go: their size has to stay. */
const HOT = ['work', 'lane', 'lane_pin', 'request_pin', 'provider', 'dispatcher_instance', 'lease', 'consumer_offset'];
/** Parts of permanent tables that are to stay small. */
const HOT_INDEXES = ['work_ready', 'work_scheduled', 'work_pkey', 'lane_pkey', 'outbox_unpublished', 'crm_action_due'];
/** Rows stay: bytes for each of them have to. */
const PERMANENT = [
  'inbox',
  'subscription',
  'subscription_card',
  'request',
  'attempt',
  'withheld',
  'crm_action',
  'outbox',
];

/**
 * Sizes in kB, rows, dead tuples, sessions and what is waiting. Reads every row of the permanent tables once: 300,000 are
 * counted in about 50 ms.
 */
export async function look(
  { neighbours, load, steady, victim }: { neighbours: Neighbours; load: Load; steady: Instance; victim: Instance },
  beganAt: number,
): Promise<Sample> {
  const [steadyLook, victimLook, database] = await Promise.all([
    steady.look(),
    victim.look(),
    databaseLook(neighbours, load).catch(() => null),
  ]);
  return {
    seconds: Math.round((performance.now() - beganAt) / 1_000),
    load1: loadavg()[0] ?? 0,
    ownHeapMb: process.memoryUsage().heapUsed / 2 ** 20,
    events: load.sent.size,
    steady: steadyLook,
    victim: victimLook,
    database,
  };
}

async function databaseLook({ db }: Neighbours, load: Load): Promise<Record<string, number>> {
  const [row] = await db.query<Record<string, number>>(`
    select (select count(*) from pg_stat_activity where application_name like 'conax%') as "sessions",
      (select count(*) from work) as "work rows",
      (select count(*) from outbox where published_at is null and parked_reason is null) as "unpublished rows",
      (select coalesce(sum(next_offset), 0)::float8 from consumer_offset) as "read",
      (select sum(n_dead_tup)::float8 from pg_stat_user_tables) as "dead tuples",
      ${[...HOT, ...HOT_INDEXES].map((name) => `pg_total_relation_size('${name}') / 1024.0::float8 as "${name} kB"`).join(', ')},
      ${PERMANENT.map((name) => `(select count(*) from ${name}) as "${name} rows", pg_total_relation_size('${name}')::float8 as "${name} bytes"`).join(', ')}`);
  const found: Record<string, number> = { ...row };
  found['behind'] = Math.max(0, load.messages - (found['read'] ?? 0));
  for (const name of PERMANENT) {
    found[`${name} bytes a row`] = (found[`${name} bytes`] ?? 0) / Math.max(1, found[`${name} rows`] ?? 0);
  }
  return found;
}

export const HOT_NAMES: readonly string[] = [...HOT, ...HOT_INDEXES].map((name) => `${name} kB`);
export const BYTES_A_ROW_NAMES: readonly string[] = PERMANENT.map((name) => `${name} bytes a row`);
