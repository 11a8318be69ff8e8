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

/**
 * Planner settings of sessions whose statements walk indexes, and must continue to do so while tables grow faster than
 * their statistics, from nothing to millions of rows. For a pool that is opened with `prepared`; other work (reports,
 * searches) plans better without.
 */
export function indexWalking(options: { readonly joinByIndex: boolean }): Readonly<Record<string, string>> {
  return options.joinByIndex ? { ...WALK_INDEXES, ...JOIN_BY_INDEX } : WALK_INDEXES;
}

/**
 * The planner settings under which the claim was measured (docs/ordered-claim.md), for the pool that dispatchers use.
 * Hash joins stay on: the claim joins what it claimed with itself.
 */
export const DISPATCH_PLANNER = indexWalking({ joinByIndex: false });
