import type { Knex } from 'knex';

/** What `why` shows of reading and of operators (docs/why.md). Versions before this one neither read nor write it. */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(/* sql */ `
-- What each instance last reported of reading events (src/intake/report.ts). It writes its row every few seconds.
create table intake_instance (
  id          uuid primary key,
  -- why it reads nothing at all; null: it reads
  problem     text,
  -- since when the problem lasts; without one, since when it reads
  since       timestamptz not null,
  -- its partitions: topic, partition, unread, behind_ms, problem, problem_ms
  partitions  jsonb not null,
  reported_at timestamptz not null default now()
) with (fillfactor = 50);

-- Who did what to sending: paused and resumed it, or sent a request before others. Withdrawals and decisions about events
-- are in the rows of requests and events.
create table operator_action (
  id             bigint generated always as identity primary key,
  at             timestamptz not null default now(),
  action         text not null check (action in ('provider.pause', 'provider.resume', 'requests.process')),
  by_user        text not null,
  by_unit        text,
  -- null: it concerns every request
  request_number bigint references request (number) on delete cascade,
  detail         text
);
create index operator_action_request on operator_action (request_number) where request_number is not null;
create index operator_action_all on operator_action (at) where request_number is null;
`);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('drop table operator_action, intake_instance');
}
