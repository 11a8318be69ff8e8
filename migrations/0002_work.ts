import type { Knex } from 'knex';

/** The rows that order, lease and schedule the unfinished requests (docs/ordered-claim.md). */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(/* sql */ `
-- One narrow row for every unfinished request. It changes often and lives briefly, hence the room in its pages.
create table work (
  number   bigint primary key,
  -- on how many of its cards another request goes first: 0 = may be claimed; -1 = its date has not come
  waits    int not null,
  -- 2 * class (0 EXPRESS, 1 REGULAR, 2 bulk) + 1 until it is first claimed: due retries precede new requests
  rank     smallint not null,
  -- when it may be claimed: submitted, end of the back-off, end of the lease, or its date
  ready_at timestamptz not null,
  -- who claimed it; null when nobody has. Every later write by the claimant repeats it.
  token    uuid,
  -- a message or fingerprint is about to leave: after this nobody may repeat it
  sent_at  timestamptz,
  -- SOAP calls that were written down, and how often it was put off
  attempts int not null default 0,
  retries  int not null default 0,
  -- what the last try left open: a pairing command that was refused or has no readable answer (R8)
  doubt    jsonb,
  cards    text[] not null
) with (fillfactor = 80, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 20000,
        autovacuum_analyze_scale_factor = 0, autovacuum_analyze_threshold = 20000, autovacuum_vacuum_cost_delay = 0);
create index work_ready on work (rank, ready_at) where waits = 0;
create index work_scheduled on work (ready_at) where waits < 0;

-- The queue of each card: its due, unfinished requests, lowest number first.
create table lane (
  card   text not null,
  number bigint not null,
  primary key (card, number)
) with (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 20000,
        autovacuum_analyze_scale_factor = 0, autovacuum_analyze_threshold = 20000, autovacuum_vacuum_cost_delay = 0);

-- A final state would otherwise touch every index of the request: no index may name life_cycle_state.
drop index request_pending_pairing;
create index request_pairing on request (subscription_number, number)
  where type in ('CREATE_PAIRING', 'ADD_TO_EXISTING_PAIRING');

-- Cards whose turn is held by a request that is being sent although a lower number came due since.
create table lane_pin (
  card   text primary key,
  number bigint not null
) with (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 20000, autovacuum_vacuum_cost_delay = 0);
`);
}

/** Going back would forget the order of what is pending: restore a backup instead. */
export function down(): Promise<void> {
  return Promise.reject(new Error('0002 cannot be undone: it would forget the order of the pending requests'));
}
