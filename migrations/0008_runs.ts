import type { Knex } from 'knex';

/** Runs over many cards or subscriptions, the communication queue, and schedules (docs/runs.md). */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(/* sql */ `
-- A person's or a schedule's work on many targets. Whoever changes it, the worker too, locks its row first.
create table run (
  id              bigint generated always as identity primary key,
  kind            text not null,
  state           text not null check (state in ('PREPARING', 'READY', 'RUNNING', 'STOPPED', 'COMPLETED', 'FAILED')),
  -- the worker has something to do for it: also a stopped one, until what was being sent is final
  open            boolean not null default true,
  -- waits for a person once its targets are counted
  hold            boolean not null default false,
  parameters      jsonb not null,
  selection       jsonb not null,
  -- how far collecting the targets has come; null once they are all there
  cursor          jsonb,
  created_by_user text not null,
  created_by_unit text,
  created_at      timestamptz not null default now(),
  prepared_at     timestamptz,
  started_at      timestamptz,
  ended_at        timestamptz,
  -- the sequence number of its last request
  last_sequence   int not null default 0,
  -- failures of the worker in a row, and what went wrong last
  failures        int not null default 0,
  failure         text,
  schedule_id     bigint,
  -- by outcome, once it is COMPLETED: they change no more
  counts          jsonb
);
create index run_open on run (id) where open;
create index run_schedule on run (schedule_id, id) where schedule_id is not null;

-- Who did what to it, and when. Rows only come.
create table run_change (
  run_id      bigint not null references run (id) on delete cascade,
  id          bigint generated always as identity,
  event       text not null,
  state       text not null,
  detail      text,
  by_user     text,
  by_unit     text,
  at          timestamptz not null default now(),
  primary key (run_id, id)
);

-- Each target once, so that none is done twice and progress is exact.
create table run_target (
  run_id              bigint not null references run (id) on delete cascade,
  -- a card, a subscription's number, or what the kind of the run makes of it
  target              text not null,
  card                text,
  subscription_number text,
  -- what the kind wants to know of it when its turn comes
  data                jsonb,
  state               text not null default 'WAITING' check (state in ('WAITING', 'SENT', 'DONE')),
  -- how often requests were made for it
  tries               smallint not null default 0,
  -- its requests that count: withdrawn by a stop, they are taken out again
  requests            bigint[] not null default '{}',
  -- COMPLETED, an error code, or what the kind says; set once it is DONE
  outcome             text,
  result              jsonb,
  primary key (run_id, target),
  check ((state = 'DONE') = (outcome is not null))
) with (fillfactor = 80);
create index run_target_waiting on run_target (run_id, target) where state = 'WAITING';
create index run_target_sent on run_target (run_id, target) where state = 'SENT';

-- The requests of one run, or of one call of a utility.
create index request_process on request (process_name, process_id, number) where process_id is not null;

-- Messages that wait until a run works through them.
create table communication_queue (
  number              bigint generated always as identity primary key,
  state               text not null default 'PENDING'
    check (state in ('PENDING', 'REJECTED', 'COMPLETED', 'COMPLETED_AND_REMOVED')),
  -- what to show, as the parameters of a message run have it
  message             jsonb not null,
  card                text,
  subscription_number text,
  -- the run that took it
  run_id              bigint references run (id) on delete set null,
  request_numbers     bigint[] not null default '{}',
  -- the cards that it goes to, once a run took it; those that are not done yet, and those that were refused
  cards               int,
  cards_left          int,
  cards_rejected      int not null default 0,
  detail              text,
  created_by_user     text not null,
  created_by_unit     text,
  created_at          timestamptz not null default now(),
  updated_by_user     text not null,
  updated_at          timestamptz not null default now(),
  check (num_nonnulls(card, subscription_number) = 1)
);
create index communication_queue_free on communication_queue (number) where state = 'PENDING' and run_id is null;
create index communication_queue_state on communication_queue (state, number);

-- Runs that start by the clock.
create table schedule (
  id              bigint generated always as identity primary key,
  name            text not null unique,
  kind            text not null,
  parameters      jsonb not null,
  selection       jsonb not null,
  cron            text not null,
  time_zone       text not null,
  enabled         boolean not null default true,
  -- null: never again
  next_at         timestamptz,
  last_run_id     bigint references run (id) on delete set null,
  created_by_user text not null,
  created_by_unit text,
  created_at      timestamptz not null default now(),
  updated_by_user text not null,
  updated_at      timestamptz not null default now()
);
create index schedule_due on schedule (next_at) where enabled;

-- What became of each due time.
create table schedule_start (
  schedule_id bigint not null references schedule (id) on delete cascade,
  due_at      timestamptz not null,
  outcome     text not null check (outcome in ('STARTED', 'SKIPPED', 'REFUSED')),
  run_id      bigint references run (id) on delete set null,
  detail      text,
  at          timestamptz not null default now(),
  primary key (schedule_id, due_at)
);
`);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw(/* sql */ `
drop table schedule_start, schedule, communication_queue, run_target, run_change, run;
drop index request_process;
`);
}
