import type { Journey } from '../../dev/demo/journey.ts';
import {
  askedAgain,
  leadingZeros,
  neighbours,
  notYetEffective,
  roomWithoutCard,
  serviceFacetFirst,
  severalCards,
  stillEffective,
} from './entitlement-journeys.ts';
import {
  backAgain,
  malformedIds,
  missingDevice,
  movedAsAWhole,
  newRoom,
  refusedPairing,
  stayingCard,
} from './pairing-journeys.ts';

/**
 * Customers for the rules and the cells of the trigger matrix that the demo does not show. They are played one after
 * the other: the neighbours share a card.
 */
export function ruleJourneys(): Journey[] {
  return [
    severalCards(),
    roomWithoutCard(),
    notYetEffective(),
    stillEffective(),
    ...neighbours(),
    leadingZeros(),
    askedAgain(),
    malformedIds(),
    missingDevice(),
    serviceFacetFirst(),
    stayingCard(),
    newRoom(),
    movedAsAWhole(),
    backAgain(),
    refusedPairing(),
  ];
}
