import type { Knex } from 'knex';

/** From a number that somebody reads out to everything that is known of it (docs/why.md). */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(/* sql */ `
-- The requests of a card, by number. Most have one card; the second and later cards of the others have a row each. A
-- request's cards never change, so finishing leaves both alone.
create index request_card on request ((cards[1]), number);
create table request_further_card (
  card   text not null,
  number bigint not null references request (number) on delete cascade,
  primary key (card, number)
);
create index request_further_card_number on request_further_card (number);
insert into request_further_card (card, number)
select card, number from request cross join unnest(cards[2:]) card where cardinality(cards) > 1;
-- The subscriptions that hold a device, a set-top box as well.
create index subscription_devices on subscription using gin (jsonb_path_query_array(snapshot, '$.installedItems[*].caId'));
create index crm_action_number on crm_action (number);
-- Dead letters of a subscription: those that named it, and those whose key is its number.
create index inbox_dead_letter_subscription on inbox (subscription_number, id)
  where disposition = 'DEAD_LETTERED' and subscription_number is not null;
create index outbox_dead_letter_key on outbox (substring(message_key for 100), id)
  where kind = 'DEAD_LETTER' and message_key is not null;
`);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw(/* sql */ `
drop table request_further_card;
drop index request_card, subscription_devices, crm_action_number, inbox_dead_letter_subscription, outbox_dead_letter_key`);
}
