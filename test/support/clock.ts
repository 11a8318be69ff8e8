import type { Database, Transaction } from '../../src/platform/database.ts';

/**
 * Moves every time that the database holds by `ms`, as if its clock had gone back by that (negative: forward): to the
 * database, one is as good as the other. Needs no library that fakes the clock.
 */
export async function clockGoesBack(db: Database, ms: number): Promise<void> {
  await db.transaction(async (tx) => {
    for (const { table, columns } of await timedTables(tx)) {
      const moved = columns.map((column) => `${column} = ${column} + $1::float8 * interval '1 millisecond'`);
      await tx.query(`update ${table} set ${moved.join(', ')}`, [ms]);
    }
  });
}

function timedTables(tx: Transaction): Promise<{ table: string; columns: string[] }[]> {
  return tx.query<{ table: string; columns: string[] }>(
    `select c.table_name as table, array_agg(c.column_name::text) as columns
       from information_schema.columns c
       join information_schema.tables t using (table_schema, table_name)
      where c.table_schema = 'public' and t.table_type = 'BASE TABLE' and c.data_type = 'timestamp with time zone'
        and c.table_name not like 'knex%'
      group by c.table_name`,
  );
}
