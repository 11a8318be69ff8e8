/**
 * Planner settings of sessions whose statements walk indexes, and must continue so while statistics lag behind tables
 * that grow from nothing to millions of rows.
 *
 * The settings are not enough. A table that was analysed while it was empty seems to have one row, and then walking its
 * whole primary key costs no more than one look-up. A prepared statement keeps such a plan while the table grows. So no
 * statement may leave the planner a reason to walk a whole index:
 * - A join looks rows up by `t.key = any (array[k.key])`. For `t.key = k.key` the planner also considers the order of
 *   the index, as for a merge join.
 * - `cross join lateral (select … where key = k.key offset 0)` does the same for rows that are only read, and costs
 *   less. It is the only way for a partial index, and if the index has all columns that are read.
 * - `order by` names the other side of the join, or `number + 0`. Otherwise the index of the primary key saves a sort.
 * - An index with the key in the second place is partial, so that it cannot be used for the key alone.
 *
 * `test/statements` checks this with empty, full and emptied tables.
 */

/** Every statement is prepared, and no value of a parameter makes another plan better. */
const WALK_INDEXES = {
  plan_cache_mode: 'force_generic_plan',
  enable_seqscan: 'off',
  enable_bitmapscan: 'off',
  jit: 'off',
} as const;

/**
 * Joins are of a batch's few rows with a table's many, always by an index. If the last analysis counted few rows in the
 * table, the planner prefers to read all of it into a hash table: 13,000 rows for each chunk of 200 events.
 */
const JOIN_BY_INDEX = { enable_hashjoin: 'off', enable_mergejoin: 'off' } as const;

/** Returns the settings for a pool that is opened with `prepared`; other work (reports, searches) plans better without. */
export function indexWalking(options: { readonly joinByIndex: boolean }): Readonly<Record<string, string>> {
  return options.joinByIndex ? { ...WALK_INDEXES, ...JOIN_BY_INDEX } : WALK_INDEXES;
}

/**
 * The planner settings under which the claim was measured (docs/ordered-claim.md), for the pool that dispatchers use.
 * Hash joins stay on: the claim joins what it claimed with itself.
 */
export const DISPATCH_PLANNER = indexWalking({ joinByIndex: false });
