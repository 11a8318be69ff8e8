/**
 * The address of the database with the planner settings under which the claim was measured (docs/ordered-claim.md):
 * the dispatcher's statements walk indexes, and must go on doing so while statistics lag behind a backlog that grew
 * from nothing to a million rows. For the pool that dispatchers use, which is to be opened with `prepared`; other work
 * plans better without.
 */
export function dispatchDatabaseUrl(databaseUrl: string): string {
  const url = new URL(databaseUrl);
  const given = url.searchParams.get('options');
  url.searchParams.set('options', [...(given ? [given] : []), ...SETTINGS.map((one) => `-c ${one}`)].join(' '));
  return url.href;
}

/** Generic plans: the statements are prepared, and no value of a parameter makes another plan better. */
const SETTINGS = ['plan_cache_mode=force_generic_plan', 'enable_seqscan=off', 'enable_bitmapscan=off', 'jit=off'];
