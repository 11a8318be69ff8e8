import { type ProviderStatus, providerStatus } from '../../dispatch/provider.ts';
import type { Queryable } from '../../platform/database.ts';
import { classNames } from '../../requests/request-class.ts';
import { groupRefusals, type Refusals } from '../requests/refusals.ts';
import { readMinutes, type ShownMinute } from './minutes.ts';
import type { ReportedPart } from './report.ts';

/** How far a figure is counted; one more means that there are more. */
export const COUNT_MAX = 5_000;
const REFUSALS_MAX = 1_000;
const DAY_MS = 86_400_000;

/** An instance by its report. */
export interface InstanceFact {
  readonly id: string;
  readonly host: string;
  readonly started: Date;
  readonly parts: readonly ReportedPart[];
  /** False: it has not reported for 15 s, so it was killed. */
  readonly alive: boolean;
}

/** How an instance reads events, by its report (src/intake/report.ts). */
export interface IntakeFact {
  readonly problem: string | null;
  readonly since: Date;
  readonly reported: Date;
  readonly partitions: readonly {
    readonly topic: string;
    readonly partition: number;
    readonly unread: number | null;
    readonly behind_ms: number | null;
    readonly problem: string | null;
    readonly problem_ms: number | null;
  }[];
}

export interface BacklogFact {
  readonly class: number;
  readonly ready: number;
  readonly oldest: Date | null;
}

/** What waits, and for whom. */
export interface WaitingFact {
  readonly scheduled: number;
  readonly retrying: number;
  readonly deadLetters: number;
  readonly oldestDeadLetter: Date | null;
  readonly heldEvents: number;
  readonly oldestHeldEvent: Date | null;
  readonly unpublished: number;
  readonly oldestUnpublished: Date | null;
  readonly parked: number;
  readonly oldestParked: Date | null;
  readonly lastEvent: Date | null;
}

export interface RunFact {
  readonly id: number;
  readonly kind: string;
  readonly state: string;
  readonly by: string;
  readonly created: Date;
}

/** Everything that the overview is made of. */
export interface Facts {
  readonly now: Date;
  readonly provider: ProviderStatus;
  readonly instances: readonly InstanceFact[];
  /** Of the instances that are alive. */
  readonly intake: readonly IntakeFact[];
  readonly backlog: readonly BacklogFact[];
  readonly waiting: WaitingFact;
  readonly refusals: Refusals;
  readonly runs: readonly RunFact[];
  readonly minutes: readonly ShownMinute[];
}

/** Reads the facts, one statement after the other: they are cheap, and the connections are for others. */
export async function readFacts(db: Queryable): Promise<Facts> {
  const waiting = await readWaiting(db);
  const { now } = waiting;
  const since = new Date(now.getTime() - DAY_MS);
  return {
    now,
    provider: await providerStatus(db),
    instances: await db.query<InstanceFact>(INSTANCES),
    intake: await db.query<IntakeFact>(INTAKE),
    backlog: await db.query<BacklogFact>(BACKLOG),
    waiting,
    refusals: await groupRefusals(db, { since, from: 0, lookedMax: REFUSALS_MAX }),
    runs: await db.query<RunFact>(RUNS),
    minutes: await readMinutes(db, now),
  };
}

/** Reads what waits; each figure is counted up to COUNT_MAX and one more. */
export async function readWaiting(db: Queryable): Promise<WaitingFact & { readonly now: Date }> {
  const [waiting] = await db.query<WaitingFact & { now: Date }>(WAITING);
  if (waiting === undefined) throw new Error('The statement about what waits returned no row');
  return waiting;
}

/** A scalar that counts rows of a subselect, no further than COUNT_MAX and one more. */
function counted(rows: string): string {
  return `(select count(*)::int from (select ${rows} limit ${COUNT_MAX + 1}) counted)`;
}

const UNPUBLISHED = 'from outbox where published_at is null and parked_reason is null';
const PARKED = 'from outbox where parked_reason is not null';
const HELD = "from inbox where disposition = 'STALE'";
const UNDECIDED = "from inbox where disposition = 'DEAD_LETTERED' and resolved_at is null";
const RANKS_OF_RETRIES = [0, 2, 4, 6];

/**
 * Walks work_scheduled, work_ready, inbox_undecided, inbox_held, outbox_unpublished and outbox_parked, and inbox's primary
 * key to its newest row. A row of work whose time has not come is retried then, if nobody holds it under a lease.
 */
const WAITING = /* sql */ `
select now() as now, ${counted('from work where waits < 0')} as scheduled,
       ${counted(
         `from (${RANKS_OF_RETRIES.map(
           (rank) =>
             `(select from work where waits = 0 and rank = ${rank} and ready_at > now() and token is null limit ${COUNT_MAX + 1})`,
         ).join(' union all ')}) retried`,
       )} as retrying,
       ${counted(UNDECIDED)} as "deadLetters",
       (select received_at ${UNDECIDED} order by id limit 1) as "oldestDeadLetter",
       ${counted(HELD)} as "heldEvents",
       (select received_at ${HELD} order by id limit 1) as "oldestHeldEvent",
       ${counted(UNPUBLISHED)} as unpublished,
       (select created_at ${UNPUBLISHED} order by id limit 1) as "oldestUnpublished",
       ${counted(PARKED)} as parked,
       (select created_at ${PARKED} order by id limit 1) as "oldestParked",
       (select received_at from inbox order by id desc limit 1) as "lastEvent"`;

/** Walks work_ready from the oldest entry of each rank. */
const BACKLOG = /* sql */ `
${classNames
  .map((_, requestClass) => {
    const ready = (rank: number): string =>
      `from work where waits = 0 and rank = ${rank} and ready_at <= now() order by ready_at limit`;
    const ranks = [requestClass * 2, requestClass * 2 + 1];
    return `select ${requestClass} as class,
       (${ranks.map((rank) => `(select count(*) from (select ${ready(rank)} ${COUNT_MAX + 1}) r)`).join(' + ')})::int as ready,
       least(${ranks.map((rank) => `(select ready_at ${ready(rank)} 1)`).join(', ')}) as oldest`;
  })
  .join('\nunion all\n')}
order by class`;

/** Reads the few rows of the instances: those that reported last, or killed ones could hide those that run. */
const INSTANCES = /* sql */ `
select id, host, started_at as started, parts, reported_at >= now() - interval '15 seconds' as alive
  from (select * from service_instance order by reported_at desc, id limit 100) latest order by started_at, id`;

/** Reads the few rows of the instances. */
const INTAKE = /* sql */ `
select problem, since, reported_at as reported, partitions
  from intake_instance where reported_at >= now() - interval '15 seconds' order by id limit 100`;

/** Walks run_open. */
const RUNS = /* sql */ `
select id, kind, state, created_by_user as by, created_at as created
  from run where open and state in ('PREPARING', 'RUNNING') order by id desc limit 50`;
