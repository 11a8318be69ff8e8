import type { HeldCard } from './card-holders.ts';
import type { KindContext, RunRequest, RunTarget, TargetPlan } from './kind.ts';

/** One request for each card; none for a CA id that does not fit its pattern (snapshots may have such): INVALID_CA_ID. */
export function forEachCard<T extends RunTarget>(
  targets: readonly T[],
  cards: readonly HeldCard[],
  { rules }: KindContext,
  request: (card: HeldCard, target: T) => RunRequest,
): TargetPlan[] {
  return targets.map((target, index): TargetPlan => {
    const card = cards[index];
    if (card === undefined || !rules.smartcardPattern.test(card.smartcard.caId)) {
      return { target: target.target, requests: [], outcome: 'INVALID_CA_ID' };
    }
    return { target: target.target, requests: [request(card, target)] };
  });
}
