import type { Knex } from 'knex';

/** Replays: who let what be processed or published again, why, and how far it came (docs/replay.md). */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(/* sql */ `
create table replay (
  id                bigint generated always as identity primary key,
  kind              text not null check (kind in ('EVENTS', 'OUTCOMES')),
  state             text not null default 'RUNNING' check (state in ('RUNNING', 'STOPPED', 'COMPLETED')),
  -- what it takes and how, as it was asked for: a resumed replay goes by it
  selection         jsonb not null,
  reason            text not null,
  created_by_user   text not null,
  created_by_unit   text,
  started_at        timestamptz not null default now(),
  ended_at          timestamptz,
  -- what is done with, in the order of the kind; written in the transaction of what it stands for
  cursor            text,
  counts            jsonb not null default '{}',
  -- the process that works on it; another one may take it over once the lease has ended
  owner             uuid,
  lease_until       timestamptz,
  stop_requested_by text
);

-- What a replay did about each command that today's rules see otherwise: the request that it made, or why it made none.
create table replay_item (
  replay_id           bigint not null references replay (id) on delete cascade,
  id                  bigint generated always as identity,
  subscription_number text not null,
  inbox_id            bigint,
  verdict             text not null,
  command             jsonb,
  request_number      bigint,
  reason              text,
  detail              text,
  primary key (replay_id, id)
);

-- Cards that subscriptions held and hold no more: whose snapshot guarded a cancel then (R4) is found by it.
create table past_card (
  card                text not null,
  subscription_number text not null,
  primary key (card, subscription_number)
);
insert into past_card (card, subscription_number)
select distinct u.card, r.subscription_number from request r cross join unnest(r.cards) as u (card)
 where r.subscription_number is not null
   and not exists (select from subscription_card c where c.card = u.card and c.subscription_number = r.subscription_number);

-- Set for an outcome that was published before and is to be published again.
alter table outbox add column replay_id bigint;
`);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw(/* sql */ `
alter table outbox drop column replay_id;
drop table replay_item, replay, past_card;
`);
}
