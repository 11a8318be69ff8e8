import type { Queryable } from './database.ts';

/** How long after its time a row may get its id: the time is that of the start of the transaction. */
const TRANSACTION_MS = 120_000;

/** A table whose ids and times grow together: its name and the columns of both. */
export interface TimedTable {
  readonly table: string;
  readonly id: string;
  readonly time: string;
}

/**
 * Returns a range of ids that contains all rows of a table whose time is in a range. It may contain rows of other
 * times.
 *
 * Ids and times grow together, give or take the length of a transaction. So a few dozen look-ups in the primary key
 * replace an index on the time, which would slow down every insert.
 */
export async function idRange(
  db: Queryable,
  { table, id, time }: TimedTable,
  range: { readonly from: Date | null; readonly to: Date | null },
): Promise<{ readonly first: number; readonly last: number }> {
  const [bounds] = await db.query<{ first: number; last: number }>(
    `select coalesce(min(${id}), 1) as first, coalesce(max(${id}), 0) as last from ${table}`,
  );
  const first = bounds?.first ?? 1;
  const last = bounds?.last ?? 0;
  const { from, to } = range;
  return {
    first: from === null ? first : await firstNotBefore(from.getTime() - TRANSACTION_MS),
    last: to === null ? last : (await firstNotBefore(to.getTime() + TRANSACTION_MS)) - 1,
  };

  /** Returns the lowest id from which all rows have that time or a later one, or last + 1 if there is none. */
  async function firstNotBefore(instant: number): Promise<number> {
    let low = first;
    let high = last + 1;
    while (low < high) {
      const middle = Math.floor((low + high) / 2);
      const [row] = await db.query<{ id: number; time: Date }>(
        `select ${id} as id, ${time} as time from ${table} where ${id} >= $1 order by ${id} limit 1`,
        [middle],
      );
      if (!row || row.time.getTime() >= instant) high = middle;
      else low = row.id + 1;
    }
    return low;
  }
}
