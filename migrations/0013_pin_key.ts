import type { Knex } from 'knex';

/** Which key seals the PINs of this database (src/requests/pin-key.ts). */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(/* sql */ `
create table pin_key (
  only_row  boolean primary key default true check (only_row),
  -- an HMAC of a constant, keyed by the PIN key: tells keys apart and gives none away
  key_check text not null
);
`);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('drop table pin_key');
}
