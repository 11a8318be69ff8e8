import type { Knex } from 'knex';

/**
 * What the service last saw of this server's clock (docs/decisions/0005-clocks.md). Versions before this one neither read
 * nor write it, and work beside it.
 */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(/* sql */ `
create table clock (
  one     boolean primary key default true check (one),
  -- null until an instance has looked for the first time
  seen_at timestamptz
) with (fillfactor = 50);
insert into clock default values;
`);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('drop table clock');
}
