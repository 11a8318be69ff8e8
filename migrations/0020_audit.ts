import type { Knex } from 'knex';

/** Who did what when (docs/users.md). Versions before this one neither read nor write it. */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(/* sql */ `
create table audit (
  id         bigint generated always as identity primary key,
  started_at timestamptz not null default now(),
  -- null: somebody whose name no user has tried to log in
  by_user    text,
  by_unit    text,
  source     text not null check (source in ('api', 'cli')),
  operation  text not null,
  -- secrets masked, long texts and lists cut
  input      jsonb not null,
  -- OK or a code of docs/errors-web-api.md; null: under way, or whoever did it died or lost the database before the end
  result     text,
  ended_at   timestamptz,
  -- the run, replay, queue entry and requests that the output names
  made       jsonb
-- the end of an operation stays in its page
) with (fillfactor = 70);
`);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('drop table audit');
}
