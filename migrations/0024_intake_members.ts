import type { Knex } from 'knex';

/**
 * Who is a member of the consumer group, so that the others notice when one dies (src/intake/members.ts). Older
 * versions neither write nor read it: nobody removes their instances from the group.
 */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(/* sql */ `
create table intake_member (
  -- as Kafka names it; its instance holds an advisory lock for it as long as it lives
  member_id      text primary key,
  consumer_group text not null,
  joined_at      timestamptz not null default now()
)`);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('drop table intake_member');
}
