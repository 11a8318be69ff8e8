import type { Knex } from 'knex';

/**
 * Makes space for the class TAKING between REGULAR, now GIVING, and bulk work (R13). Cancellations that wait already
 * stay among the commands that give. An instance of the version before claims bulk work no longer.
 */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(/* sql */ `
update work set rank = rank + 2 where rank in (4, 5);
comment on column work.rank is '2 * class (0 EXPRESS, 1 GIVING, 2 TAKING, 3 BULK) + 1 until it is first claimed';
`);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('update work set rank = rank - 2 where rank in (4, 5, 6, 7)');
}
