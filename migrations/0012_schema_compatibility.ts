import type { Knex } from 'knex';

/**
 * Which versions of the service may work with these tables (src/platform/fitness.ts). A migration that older versions
 * cannot live with sets `must_know` to its own number; any other leaves it alone, so that they go on while the instances
 * are updated one by one.
 */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(/* sql */ `
create table schema_compatibility (
  only_row  boolean primary key default true check (only_row),
  -- the number of the newest migration that a version has to know to work with these tables
  must_know int not null
);
insert into schema_compatibility (must_know) values (11);
`);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('drop table schema_compatibility');
}
