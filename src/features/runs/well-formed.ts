import { type HeldCard, heldCards } from '../../identifiers/holders.ts';
import type { Transaction } from '../../platform/database.ts';
import type { KindContext, RunRequest, RunTarget, TargetPlan } from './kind.ts';

/**
 * Plans one request for each card. A CA id that does not fit its pattern, as snapshots may have, gets INVALID_CA_ID.
 */
export async function forEachCard<T extends RunTarget>(
  tx: Transaction,
  targets: readonly T[],
  { rules }: KindContext,
  request: (card: HeldCard, target: T) => RunRequest,
): Promise<TargetPlan[]> {
  const cards = await heldCards(
    tx,
    targets.map(({ card, subscription }) => ({ card: card ?? '', subscription })),
  );
  return targets.map((target, index): TargetPlan => {
    const card = cards[index];
    if (card === undefined || !rules.smartcardPattern.test(card.smartcard.caId)) {
      return { target: target.target, requests: [], outcome: 'INVALID_CA_ID' };
    }
    return { target: target.target, requests: [request(card, target)] };
  });
}
