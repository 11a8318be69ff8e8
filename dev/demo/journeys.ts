import type { Journey } from './journey.ts';
import {
  holidays,
  leaves,
  newCustomer,
  summerHouse,
  swappedService,
  twoPackages,
  unpaidBill,
} from './journeys/contracts.ts';
import { lostProduct, moreHardware, secondThoughts, swappedCard, twoRooms } from './journeys/hardware.ts';
import { duplicateAndLate, newerCrm, outage, poison, refusedByTheCas } from './journeys/trouble.ts';

/** The customers of the demo; together they touch every row of the trigger matrix. The outage comes last: it stops everybody. */
export function demoJourneys(): Journey[] {
  return [
    newCustomer(),
    unpaidBill(),
    holidays(),
    summerHouse(),
    leaves(),
    twoPackages(),
    swappedCard(),
    swappedService(),
    twoRooms(),
    moreHardware(),
    secondThoughts(),
    lostProduct(),
    duplicateAndLate(),
    newerCrm(),
    poison(),
    refusedByTheCas(),
    outage(),
  ];
}
