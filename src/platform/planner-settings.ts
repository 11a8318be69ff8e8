/** Every statement is prepared, and no value of a parameter makes another plan better. */
const WALK_INDEXES = ['plan_cache_mode=force_generic_plan', 'enable_seqscan=off', 'enable_bitmapscan=off', 'jit=off'];

/**
 * Joins are of a batch's few rows with a table's many, always by an index. Told how few the table had when it was last
 * analysed, the planner would rather read all of it into a hash table: 13,000 rows for each chunk of 200 events.
 */
const JOIN_BY_INDEX = ['enable_hashjoin=off', 'enable_mergejoin=off'];

/**
 * The address of the database with planner settings for statements that walk indexes, and must go on doing so while
 * statistics lag behind tables that grow from nothing to millions of rows. For a pool that is opened with `prepared`;
 * other work (reports, searches) plans better without.
 */
export function indexWalkingUrl(databaseUrl: string, options: { readonly joinByIndex: boolean }): string {
  const url = new URL(databaseUrl);
  const given = url.searchParams.get('options');
  const settings = [...WALK_INDEXES, ...(options.joinByIndex ? JOIN_BY_INDEX : [])];
  url.searchParams.set('options', [...(given ? [given] : []), ...settings.map((one) => `-c ${one}`)].join(' '));
  return url.href;
}
