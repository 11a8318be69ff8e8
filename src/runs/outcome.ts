import type { FinalRequest } from './kind.ts';

/** What a target's final requests come to: what a person has to look at before the rest, else the first refusal. */
export function outcomeOf(requests: readonly Pick<FinalRequest, 'state' | 'errorCode'>[]): string {
  const codes = requests.flatMap(({ state, errorCode }) => (state === 'REJECTED' ? [errorCode ?? 'REJECTED'] : []));
  return codes.includes('OUTCOME_UNKNOWN') ? 'OUTCOME_UNKNOWN' : (codes[0] ?? 'COMPLETED');
}
