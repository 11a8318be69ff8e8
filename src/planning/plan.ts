import { addedCardProposals, addProposals } from './adds.ts';
import { cancelProposals } from './cancels.ts';
import { pairingProposals } from './pairing.ts';
import { oncePerAction } from './proposal.ts';
import { situationOf } from './situation.ts';
import { assertCommands, assertPlannable } from './size.ts';
import { triggersOf } from './trigger-matrix.ts';
import type { Plan, PlanningInput } from './types.ts';

/**
 * Plans one event by the trigger matrix and the rules R1-R12. Returns the commands in sending order (R5: CANCEL,
 * pairing, ADD), and the withheld ones with their reasons (R11). The same input gives the same plan. An action that the
 * matrix does not know plans nothing and is marked (R12).
 * @throws TooManyCommandsError before the work starts.
 */
export function plan(input: PlanningInput): Plan {
  const triggers = triggersOf(input.event);
  if (triggers === null) return { commands: [], withheld: [], unknownAction: true };
  const situation = situationOf(input);
  assertPlannable(situation);
  const proposals = [
    ...cancelProposals(situation, triggers.cancel),
    ...pairingProposals(situation, triggers, input.knownPairings),
    ...addProposals(situation, triggers.add),
    ...(triggers.action === 'I: ADD_INSTALLED_ITEM' ? addedCardProposals(situation) : []),
  ];
  assertCommands(proposals.length);
  return { ...oncePerAction(proposals, input.earlier), unknownAction: false };
}
