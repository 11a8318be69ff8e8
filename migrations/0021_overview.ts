import type { Knex } from 'knex';

/**
 * What the overview shows of instances and of the last hours. Versions before this one neither read nor write it. Its
 * indexes on big tables are built afterwards (migrations/follow-ups/indexes.ts).
 */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(/* sql */ `
-- How each instance last said that its parts are doing (src/features/overview/report.ts).
create table service_instance (
  -- that of dispatcher_instance
  id          uuid primary key,
  host        text not null,
  started_at  timestamptz not null,
  -- part, ready, detail, since
  parts       jsonb not null,
  reported_at timestamptz not null default now()
) with (fillfactor = 50);

-- What each instance did in each minute, kept for two days.
create table service_minute (
  minute    timestamptz not null,
  instance  uuid not null,
  events    int not null,
  completed int not null,
  rejected  int not null,
  calls     int not null,
  retries   int not null,
  -- requests that became final, by the most milliseconds that they took
  latency   jsonb not null,
  primary key (minute, instance)
);
`);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('drop index if exists inbox_undecided, outbox_parked; drop table service_minute, service_instance');
}
