import type { Knex } from 'knex';

/**
 * Keeps indexes that have `number` in the second place from being walked for a number. While statistics say that the
 * table is empty all its indexes cost the same, and PostgreSQL takes the newest. It cannot take a partial index for a
 * condition on `number` alone. Every row is in each of these indexes, except requests that no card gets.
 */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(/* sql */ `
drop index request_card, request_type, communication_queue_state;
create index request_card on request ((cards[1]), number) where cards[1] is not null;
create index request_type on request (type, number) where type is not null;
create index communication_queue_state on communication_queue (state, number) where state is not null;
`);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw(/* sql */ `
drop index request_card, request_type, communication_queue_state;
create index request_card on request ((cards[1]), number);
create index request_type on request (type, number);
create index communication_queue_state on communication_queue (state, number);
`);
}
