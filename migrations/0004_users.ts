import type { Knex } from 'knex';

/** People and systems that use the Web API, their tokens, and the limits of logging in. */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(/* sql */ `
create table web_user (
  -- in lower case: two users never differ by case alone
  username      text primary key,
  organisation  text not null,
  unit          text,
  role          text not null check (role in ('viewer', 'operator', 'admin')),
  -- argon2id, with its parameters and salt
  password_hash text not null,
  disabled      boolean not null default false,
  created_at    timestamptz not null default now()
);

-- Who changed which user, when. Rows only come.
create table web_user_change (
  id         bigint generated always as identity primary key,
  username   text not null references web_user (username),
  change     text not null check (change in ('ADDED', 'DISABLED', 'ENABLED', 'PASSWORD_RESET')),
  changed_by text not null,
  changed_at timestamptz not null default now()
);
create index web_user_change_username on web_user_change (username, id);

-- The tokens that logins gave out, as SHA-256: who reads the table can use none of them.
create table web_user_token (
  token_hash bytea primary key,
  username   text not null references web_user (username),
  idle_ms    int not null,
  -- the last use that was written down; uses that follow within a minute are not
  used_at    timestamptz not null default now(),
  expires_at timestamptz not null
);
create index web_user_token_username on web_user_token (username, used_at);
create index web_user_token_expires on web_user_token (expires_at);

-- Failed logins by user name and by source. Both are folded into a fixed number of slots, so that made-up names and
-- addresses cannot fill the table; the key keeps outsiders from choosing names that share somebody's slot.
create table login_limit (
  kind     text not null check (kind in ('source', 'username')),
  slot     int not null check (slot between 0 and 65535),
  -- when everything that was counted will have been forgotten again
  clear_at timestamptz not null,
  primary key (kind, slot)
) with (fillfactor = 70);
create table login_limit_key (
  one boolean primary key default true check (one),
  key text not null
);
insert into login_limit_key (key) values (gen_random_uuid()::text || gen_random_uuid()::text);
`);
}

/** Drops all users. */
export async function down(knex: Knex): Promise<void> {
  await knex.raw('drop table web_user_token, web_user_change, web_user, login_limit, login_limit_key');
}
