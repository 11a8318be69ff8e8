import type { Knex } from 'knex';

/**
 * Events, snapshots, provisioning requests, actions, outcomes and the provider.
 * The work rows that order and lease the unfinished requests come with 0002.
 */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(/* sql */ `
-- One row for every message that was read, with what became of it (its disposition).
create table inbox (
  id                   bigint generated always as identity primary key,
  event_id             text,
  disposition          text not null
    check (disposition in ('PLANNED', 'NOTHING_TO_DO', 'DUPLICATE', 'STALE', 'DEAD_LETTERED')),
  -- a version lower than the newest applied one when it was read
  late                 boolean not null default false,
  -- oddities that were counted and planned all the same: VERSION_GAP, SHARED_VERSION, FOREIGN_KEY, ...
  remarks              text[] not null default '{}',
  family               text,
  type                 text,
  writer_type          text,
  subscription_number  text,
  subscription_version bigint,
  action_id            text,
  occurred_at          timestamptz,
  received_at          timestamptz not null default now(),
  topic                text not null,
  partition            int not null,
  message_offset       bigint not null,
  message_timestamp    timestamptz not null,
  traceparent          text,
  dead_letter_reason   text,
  dead_letter_detail   text,
  -- the event as decoded; null where it could not be, and for duplicates
  event                jsonb
);
-- An eventId counts as seen only where the event was readable and in itself consistent.
create unique index inbox_seen on inbox (event_id) where disposition not in ('DUPLICATE', 'DEAD_LETTERED');
-- A dead letter that is read again from the same place is a duplicate.
create unique index inbox_dead_letter on inbox (topic, partition, message_offset, message_timestamp)
  where disposition = 'DEAD_LETTERED';
-- The newest snapshot of a version lower than an event's (R1), and the facets of an action.
create index inbox_version on inbox (subscription_number, subscription_version desc, id desc)
  where disposition in ('PLANNED', 'NOTHING_TO_DO', 'STALE');
create index inbox_action on inbox (action_id) where action_id is not null;

-- The newest applied snapshot of each subscription.
create table subscription (
  number     text primary key,
  crm_id     text not null,
  version    bigint not null,
  snapshot   jsonb not null,
  updated_at timestamptz not null default now()
);
create index subscription_crm_id on subscription (crm_id);

-- The smart cards of the newest snapshots, with the pairing that our own requests established (R7). A row goes when
-- the card leaves the subscription, and its pairing with it; requests numbered below joined_number belong to an
-- earlier stay of the card and establish nothing.
create table subscription_card (
  subscription_number   text not null references subscription (number),
  card                  text not null,
  joined_number         bigint not null,
  pairing_smartcards    text[],
  pairing_set_top_boxes text[],
  primary key (card, subscription_number),
  check ((pairing_smartcards is null) = (pairing_set_top_boxes is null))
);
create index subscription_card_subscription on subscription_card (subscription_number);

create sequence request_number as bigint cache 1;

-- The provisioning request, kept for good (until the retention command takes it).
create table request (
  number              bigint primary key,
  id                  uuid not null default gen_random_uuid(),
  type                text not null,
  sequence_number     int not null,
  life_cycle_state    text not null default 'PENDING' check (life_cycle_state in ('PENDING', 'COMPLETED', 'REJECTED')),
  priority            text not null default 'REGULAR' check (priority in ('REGULAR', 'EXPRESS')),
  bulk                boolean not null default false,
  command             jsonb not null,
  -- what makes two commands of one action the same (R6); null for requests that no event made
  command_key         text,
  cards               text[] not null,
  subscription_number text,
  subscription_id     text,
  scheduled_at        timestamptz not null default now(),
  submitted_at        timestamptz not null default now(),
  executed_at         timestamptz,
  attempts            int not null default 0,
  reference_number    text,
  error_code          text,
  error_description   text,
  -- what a GET command answered
  answer              jsonb,
  process_name        text not null,
  process_id          text,
  action_id           text,
  action_number       text,
  inbox_id            bigint,
  causation_event_id  text,
  traceparent         text,
  user_defined        jsonb,
  created_by_user     text,
  created_by_unit     text,
  updated_by_user     text,
  updated_by_unit     text,
  updated_at          timestamptz not null default now()
) with (fillfactor = 85);
create unique index request_id on request (id);
create index request_action on request (action_id, subscription_number) where action_id is not null;
create index request_subscription on request (subscription_number, number) where subscription_number is not null;
create index request_pending_pairing on request (subscription_number, number)
  where life_cycle_state = 'PENDING' and type in ('CREATE_PAIRING', 'ADD_TO_EXISTING_PAIRING');

-- A PIN lies here sealed until its request is final, then the row is deleted.
create table request_pin (
  request_number bigint primary key references request (number) on delete cascade,
  sealed         bytea not null
);

-- One row for every SOAP call of a request, with what left and what came back, secrets masked.
create table attempt (
  request_number bigint not null references request (number) on delete cascade,
  attempt        int not null,
  -- differs from the request's type where a question was asked (R8)
  command        text not null,
  operation      text not null,
  url            text not null,
  answer         text not null,
  code           text,
  description    text,
  http_status    int,
  request_body   text,
  response_body  text,
  started_at     timestamptz not null,
  duration_ms    real not null,
  instance       text not null,
  primary key (request_number, attempt)
);

-- Commands that were not sent, and why (R11).
create table withheld (
  inbox_id            bigint not null references inbox (id) on delete cascade,
  ordinal             int not null,
  subscription_number text not null,
  action_id           text not null,
  type                text not null,
  reason              text not null,
  smartcard           text,
  service_ca_id       text,
  detail              text not null,
  primary key (inbox_id, ordinal)
);
create index withheld_action on withheld (action_id, subscription_number);

-- One row for every CRM action; counts what its outcome still waits for.
create table crm_action (
  subscription_number text not null,
  id                  text not null,
  number              text not null,
  facets_expected     int,
  received_at         timestamptz not null default now(),
  unfinished          int not null default 0 check (unfinished >= 0),
  -- how many outcomes were written
  revision            int not null default 0,
  -- null: the last outcome says all there is to say. Else the next one goes out as soon as nothing is unfinished and
  -- every facet is here, or at this time with those that came.
  outcome_due_at      timestamptz,
  primary key (subscription_number, id)
) with (fillfactor = 80);
create index crm_action_due on crm_action (outcome_due_at) where outcome_due_at is not null and unfinished = 0;

-- What is to be published. Identity order is commit order for everything that one key's messages depend on.
create table outbox (
  id             bigint generated always as identity primary key,
  kind           text not null check (kind in ('REQUEST_OUTCOME', 'ACTION_OUTCOME', 'DEAD_LETTER')),
  -- ce_id
  event_id       uuid not null,
  message_key    bytea,
  -- outcomes: the record as JSON; dead letters: the bytes as they came
  record         jsonb,
  body           bytea,
  headers        jsonb not null default '{}',
  request_number bigint,
  action_id      text,
  created_at     timestamptz not null default now(),
  published_at   timestamptz,
  -- the broker will never take it: parked with an alert, so that its key goes on
  parked_reason  text,
  check (num_nonnulls(record, body) = 1 or kind = 'DEAD_LETTER')
) with (fillfactor = 80);
create index outbox_unpublished on outbox (id) where published_at is null and parked_reason is null;
create index outbox_request on outbox (request_number) where request_number is not null;
create index outbox_action on outbox (action_id) where action_id is not null;

-- Where reading goes on; written in the transaction of what was read.
create table consumer_offset (
  consumer_group text not null,
  topic          text not null,
  partition      int not null,
  next_offset    bigint not null,
  primary key (consumer_group, topic, partition)
);

-- The CAS: switched on and off while running, and the breaker that all instances share.
create table provider (
  name               text primary key,
  paused             boolean not null default false,
  paused_reason      text,
  paused_by          text,
  changed_at         timestamptz not null default now(),
  failures_in_a_row  int not null default 0,
  breaker_open_until timestamptz,
  breaker_probe_until timestamptz,
  breaker_openings   int not null default 0
);
insert into provider (name) values ('conax');

-- The shares of the CAS's limits that each running dispatcher holds.
create table dispatcher_instance (
  id                  uuid primary key,
  slots               int not null default 0,
  requests_per_second real not null default 0,
  started_at          timestamptz not null default now(),
  expires_at          timestamptz not null
);

-- Work of which one instance at a time does its part.
create table lease (
  name       text primary key,
  owner      uuid not null,
  expires_at timestamptz not null
);
`);
}

/** Going back would lose provisioning requests: restore a backup instead. */
export function down(): Promise<void> {
  return Promise.reject(new Error('0001 cannot be undone: it would drop every provisioning request'));
}
