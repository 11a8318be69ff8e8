import { indexWalkingUrl } from '../platform/planner-settings.ts';

/**
 * The address of the database with the planner settings under which the claim was measured (docs/ordered-claim.md). For
 * the pool that dispatchers use, which is to be opened with `prepared`. Hash joins stay on: the claim joins what it
 * claimed with itself.
 */
export function dispatchDatabaseUrl(databaseUrl: string): string {
  return indexWalkingUrl(databaseUrl, { joinByIndex: false });
}
