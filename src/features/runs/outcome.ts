import type { FinalRequest } from './kind.ts';

/**
 * Returns the outcome of a target's final requests: OUTCOME_UNKNOWN, which a person must look at, before the first
 * refusal.
 */
export function outcomeOf(requests: readonly Pick<FinalRequest, 'state' | 'errorCode'>[]): string {
  const codes = requests.flatMap(({ state, errorCode }) => (state === 'REJECTED' ? [errorCode ?? 'REJECTED'] : []));
  return codes.includes('OUTCOME_UNKNOWN') ? 'OUTCOME_UNKNOWN' : (codes[0] ?? 'COMPLETED');
}
