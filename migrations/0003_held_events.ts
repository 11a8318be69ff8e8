import type { Knex } from 'knex';

/** What a person decided about a held event, and the held ones for whoever decides. */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(/* sql */ `
alter table inbox
  -- for people: released or discarded, by whom and why
  add column resolution  text,
  add column resolved_at timestamptz;
create index inbox_held on inbox (id) where disposition = 'STALE';
`);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw(/* sql */ `
drop index inbox_held;
alter table inbox drop column resolution, drop column resolved_at;
`);
}
