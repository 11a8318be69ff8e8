import type { Subscription, SubscriptionState } from '../events/crm.generated.ts';
import { addProposals } from './adds.ts';
import { createProposals } from './pairing.ts';
import { describeDistributor, oncePerAction, withhold } from './proposal.ts';
import type { Proposal } from './proposal.ts';
import { situationOfSnapshot } from './situation.ts';
import type { Situation } from './situation.ts';
import { isEffective } from './snapshot.ts';
import type { Plan, PlanningRules } from './types.ts';

/**
 * Returns everything that a subscription's newest snapshot entitles, as commands for a CAS that knows nothing about it.
 * First comes CREATE_PAIRING of each distributor's group that has both kinds (R7). Then comes ADD_SUBSCRIPTIONS of each
 * effective service on each card with its distributor (R1, R2). Nothing is revoked.
 *
 * Groups are paired if the subscription or one of their services is effective. Otherwise the next activation pairs
 * them, since a returned card may by now be paired with another customer's set-top box.
 */
export function planResync(subscription: Subscription, rules: PlanningRules): Pick<Plan, 'commands' | 'withheld'> {
  const situation = situationOfSnapshot(subscription, rules);
  return oncePerAction(
    [...pairings(situation, subscription.state), ...addProposals(situation, 'all effective services')],
    [],
  );
}

const EFFECTIVE_STATES: ReadonlySet<SubscriptionState> = new Set(['EFFECTIVE', 'SHORT_TERM_EFFECTIVE']);

function pairings(situation: Situation, state: SubscriptionState): Proposal[] {
  const { own } = situation;
  const effectiveDistributors = new Set(own.services.filter(isEffective).map((service) => service.distributor));
  const distributors = new Set(own.devices().map((device) => device.distributor));
  return [...distributors].flatMap((distributor) => {
    if (EFFECTIVE_STATES.has(state) || effectiveDistributors.has(distributor))
      return createProposals(situation, [distributor]);
    const [card] = own.cardsAt(distributor);
    const detail = `The subscription is ${state}, and no service with ${describeDistributor(distributor)} is effective.`;
    return [withhold('CREATE_PAIRING', 'NOT_EFFECTIVE', card ?? null, null, detail)];
  });
}
