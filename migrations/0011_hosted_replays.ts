import type { Knex } from 'knex';

/** Replays that the service itself works on, begun through the operations API; plans are such (docs/replay.md). */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(/* sql */ `
alter table replay
  drop constraint replay_kind_check,
  add constraint replay_kind_check check (kind in ('PLAN', 'EVENTS', 'OUTCOMES')),
  -- an instance of the service works on it, instead of the command that began it
  add column hosted boolean not null default false,
  -- why the service gave it up
  add column failure text,
  -- the summary of a plan
  add column result jsonb;
create index replay_hosted on replay (id) where hosted and state = 'RUNNING';

-- What a plan has to show: what differs, and what a run would do about it.
create table replay_plan_row (
  replay_id bigint not null references replay (id) on delete cascade,
  position  int not null,
  content   jsonb not null,
  primary key (replay_id, position)
);
`);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw(/* sql */ `
drop table replay_plan_row;
drop index replay_hosted;
delete from replay where kind = 'PLAN';
alter table replay
  drop column result, drop column failure, drop column hosted,
  drop constraint replay_kind_check,
  add constraint replay_kind_check check (kind in ('EVENTS', 'OUTCOMES'));
`);
}
