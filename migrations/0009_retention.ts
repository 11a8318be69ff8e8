import type { Knex } from 'knex';

/** How far retention has come with each kind of row (docs/retention.md). */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(/* sql */ `
-- The last pass over each kind, written in the transactions that remove: who goes on after a crash knows where, and the
-- counts are exact.
create table retention_pass (
  kind     text primary key,
  began_at timestamptz not null,
  -- the key up to which the pass has looked
  position bigint not null default 0,
  -- rows removed so far, by table
  removed  jsonb not null default '{}',
  -- null while the pass is under way, or since it was broken off
  ended_at timestamptz
);
`);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('drop table retention_pass');
}
