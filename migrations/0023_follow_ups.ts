import type { Knex } from 'knex';

/** What `migrate` still has to fill in after older instances, and which instances these are (docs/upgrade.md). */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(/* sql */ `
create table follow_up (
  name    text primary key,
  -- null: an older instance ran since, and may have left something out again
  done_at timestamptz
);
-- The number of the newest migration that the instance knows; null: of a version before this column.
alter table service_instance add column knows int;
`);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('alter table service_instance drop column knows; drop table follow_up');
}
