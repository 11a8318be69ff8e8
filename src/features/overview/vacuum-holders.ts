import type { Registry } from '@prometheus-io/client';
import type { Queryable } from '../../platform/database.ts';
import type { Logger } from '../../platform/logging.ts';
import { gauge, lastReading, plain } from '../../platform/metrics.ts';

/**
 * Finds what keeps PostgreSQL from removing dead rows: an old transaction, a prepared transaction, or a replication slot,
 * of any client of the server. The tables of the queue change all the time; their dead rows are read by every claim, and
 * sending gets slower by the hour.
 */
export interface HolderOptions {
  readonly db: Queryable;
  /** This instance, by the id of its dispatcher: the one that started first warns, for all. */
  readonly instance: string;
  readonly metrics: HolderMetrics;
  readonly logger: Logger;
  /** How old a holder must be for a warning; default 15 minutes. */
  readonly warnAfterMs?: number;
  /** How long after a warning about a holder the next one follows; default an hour. */
  readonly warnAgainMs?: number;
}

export interface HolderMetrics {
  /** Takes the age of the oldest holder in seconds, which counts as unknown a minute later. */
  readonly set: (seconds: number) => void;
}

interface Holder {
  readonly kind: 'session' | 'walsender' | 'prepared transaction' | 'replication slot';
  /** The process id, or the name. */
  readonly name: string;
  /** The transaction that it holds on to: with kind and name it says whether it is still the same one. */
  readonly holds: string;
  /** Null if nobody says since when: of a slot, or of a session that this role may not look at. */
  readonly since: Date | null;
  readonly seconds: number | null;
  readonly user: string | null;
  readonly application: string | null;
  readonly address: string | null;
  readonly state: string | null;
  /** Whether this instance is the one that warns. */
  readonly isFirst: boolean;
}

const WARN_AFTER_MS = 15 * 60_000;
const WARN_AGAIN_MS = 60 * 60_000;

/** Returns a function that looks once. What has no age of its own counts from the first look that found it. */
export function lookForHolders(options: HolderOptions): () => Promise<void> {
  const { db, instance, metrics, logger, warnAfterMs = WARN_AFTER_MS, warnAgainMs = WARN_AGAIN_MS } = options;
  /** By holder, as `performance.now()` has it. Only of those that the last look found. */
  let firstSeen = new Map<string, number>();
  let warned = new Map<string, number>();

  return async () => {
    const now = performance.now();
    const found = (await db.query<Holder>(HOLDERS, [instance])).map((holder) => {
      const key = `${holder.kind} ${holder.name} ${holder.since?.toISOString() ?? holder.holds}`;
      const seenAt = firstSeen.get(key) ?? now;
      return { holder, key, seenAt, ageMs: holder.seconds === null ? now - seenAt : holder.seconds * 1000 };
    });
    firstSeen = new Map(found.map(({ key, seenAt }) => [key, seenAt]));
    warned = new Map([...warned].filter(([key]) => firstSeen.has(key)));
    const [oldest] = found.toSorted((one, other) => other.ageMs - one.ageMs);
    metrics.set(Math.max(oldest?.ageMs ?? 0, 0) / 1000);
    if (oldest === undefined || oldest.ageMs < warnAfterMs || !oldest.holder.isFirst) return;
    if (now - (warned.get(oldest.key) ?? -Infinity) < warnAgainMs) return;
    warned.set(oldest.key, now);
    const { kind, name, user, application, address, state, since } = oldest.holder;
    logger.warn(
      { kind, name, user, application, address, state, since, ageSeconds: Math.round(oldest.ageMs / 1000) },
      `PostgreSQL cannot remove dead rows, and sending gets slower: ${remedyOf(oldest.holder)} (docs/database.md)`,
    );
  };
}

function remedyOf({ kind, name }: Holder): string {
  switch (kind) {
    case 'session':
      return `a transaction of session ${name} has been open for too long; end it, or select pg_terminate_backend(${name})`;
    case 'walsender':
      return `a query on the standby of session ${name} takes too long, and hot_standby_feedback is on; end that query`;
    case 'prepared transaction':
      return `prepared transaction ${name} was forgotten; commit prepared or rollback prepared`;
    case 'replication slot':
      return `replication slot ${name} holds an old transaction; if nobody uses it, pg_drop_replication_slot`;
  }
}

/**
 * Reads server-wide views, with a row for each session. Vacuum ignores transactions of vacuum itself and of other
 * databases, but not standbys. The query of a session is left out: it may have secrets. A role without pg_read_all_stats
 * sees of others no address, state or time.
 */
const HOLDERS = /* sql */ `
with holder as (
  select case backend_type when 'walsender' then backend_type else 'session' end as kind, pid::text as name,
         coalesce(backend_xid, backend_xmin)::text as holds, xact_start as since, usename::text as "user",
         application_name as application, host(client_addr) as address, state
    from pg_stat_activity a
   where (backend_xid is not null or backend_xmin is not null) and usesysid is not null and pid <> pg_backend_pid()
     and (datname = current_database() or backend_type = 'walsender')
     and not exists (select from pg_stat_progress_vacuum v where v.pid = a.pid)
  union all
  select 'prepared transaction', gid, transaction::text, prepared, owner::text, null, null, null
    from pg_prepared_xacts where database = current_database()
  union all
  select 'replication slot', slot_name::text, xmin::text, null, null, null, null,
         case when active then 'active' else 'inactive' end
    from pg_replication_slots where xmin is not null
)
select *, extract(epoch from clock_timestamp() - since)::float8 as seconds,
       $1::uuid is not distinct from (select id from dispatcher_instance where expires_at >= now()
                                       order by started_at, id limit 1) as "isFirst"
  from holder`;

/** Creates the metric; once per registry. */
export function holderMetrics(registry: Registry): HolderMetrics {
  const last = lastReading<number>();
  gauge(registry, {
    name: 'conax_database_oldest_transaction_seconds',
    help: 'Age of the oldest transaction, prepared transaction or replication slot, of any client, that keeps PostgreSQL from removing dead rows; 0 if there is none. Over 900 is worth an alert (docs/database.md). All instances show the same.',
    read: () => plain(last.get()),
  });
  return last;
}
