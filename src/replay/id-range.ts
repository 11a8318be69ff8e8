import type { Queryable } from '../platform/database.ts';

/** A row gets its id up to so long after the time that it carries, which is that of its transaction's beginning. */
const TRANSACTION_MS = 120_000;

/**
 * Ids between which all rows of a table lie whose time is within a range; rows of other times may lie there too. The ids
 * and the times grow together but for the length of a transaction, so a few dozen looks at the primary key do what an
 * index on the time would do at the expense of every insert.
 */
export async function idRange(
  db: Queryable,
  table: 'inbox' | 'outbox',
  range: { readonly from: Date | null; readonly to: Date | null },
): Promise<{ readonly first: number; readonly last: number }> {
  const column = table === 'inbox' ? 'received_at' : 'created_at';
  const [bounds] = await db.query<{ first: number; last: number }>(
    `select coalesce(min(id), 1) as first, coalesce(max(id), 0) as last from ${table}`,
  );
  const first = bounds?.first ?? 1;
  const last = bounds?.last ?? 0;
  const { from, to } = range;
  return {
    first: from === null ? first : await firstNotBefore(from.getTime() - TRANSACTION_MS),
    last: to === null ? last : (await firstNotBefore(to.getTime() + TRANSACTION_MS)) - 1,
  };

  /** The lowest id from which on rows have that time or a later one; last + 1 where none has. */
  async function firstNotBefore(time: number): Promise<number> {
    let low = first;
    let high = last + 1;
    while (low < high) {
      const middle = Math.floor((low + high) / 2);
      const [row] = await db.query<{ id: number; time: Date }>(
        `select id, ${column} as time from ${table} where id >= $1 order by id limit 1`,
        [middle],
      );
      if (!row || row.time.getTime() >= time) high = middle;
      else low = row.id + 1;
    }
    return low;
  }
}
