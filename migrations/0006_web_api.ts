import type { Knex } from 'knex';

/** The keys under which POSTs of the Web API may be sent again. */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(/* sql */ `
-- One row for every POST with an Idempotency-Key, kept for a day. Neither key nor body can be read or guessed from it
-- (src/http/idempotency.ts).
create table web_api_idempotency (
  username       text not null,
  call           text not null,
  key_hash       bytea not null,
  body_hash      bytea not null,
  -- null only inside of the transaction that makes the request
  request_number bigint,
  created_at     timestamptz not null default now(),
  primary key (username, call, key_hash)
);
create index web_api_idempotency_age on web_api_idempotency (created_at);
`);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('drop table web_api_idempotency');
}
