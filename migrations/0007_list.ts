import type { Knex } from 'knex';

/**
 * Lists of requests by type, life cycle state and reference number, and waiting for a final state
 * (docs/decisions/0004-lists.md).
 */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(/* sql */ `
-- A request's type never changes, so finishing leaves this index alone.
create index request_type on request (type, number);

-- One narrow row for every final request, written when it becomes final and never changed: state and reference number
-- indexed on the request itself would make every finish write to each of that table's indexes.
create table request_final (
  state         text not null check (state in ('COMPLETED', 'REJECTED')),
  number        bigint not null,
  -- the beginning of the reference number, as much as fits an index
  reference_key text,
  primary key (state, number)
);
create index request_final_reference on request_final (reference_key, number) where reference_key is not null;
insert into request_final (state, number, reference_key)
select life_cycle_state, number, left(reference_number, 200) from request where life_cycle_state <> 'PENDING';

-- Somebody waits for its final state and wants to be told (await-final.ts).
alter table work add column awaited boolean not null default false;
`);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw(/* sql */ `
alter table work drop column awaited;
drop table request_final;
drop index request_type;
`);
}
