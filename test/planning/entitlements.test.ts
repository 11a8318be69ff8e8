import { describe } from 'vitest';
import { examples } from './support/examples.ts';

describe('R1: a service goes to every smart card with its distributor', () => {
  examples([
    {
      title: 'two rooms, two cards in one of them: each card gets the services of its own room',
      action: 'S: ACTIVATE_SUBSCRIPTION',
      after: ['sport 101 EFFECTIVE living', 'news 102 EFFECTIVE bedroom', 'K1 living', 'K2 living', 'K3 bedroom'],
      sends: ['ADD 101 K1 @living', 'ADD 101 K2 @living', 'ADD 102 K3 @bedroom'],
      withholds: ['PAIR K1: NOTHING_TO_PAIR', 'PAIR K3: NOTHING_TO_PAIR'],
    },
    {
      title: 'no distributor is a place like any other, and no wildcard',
      action: 'V: START_SERVICE',
      after: ['sport 101 EFFECTIVE -', 'K1 -', 'K2 living'],
      incoming: ['sport'],
      sends: ['ADD 101 K1 @-'],
    },
    {
      title: 'no card with the distributor of the service: NO_CARD_FOR_SERVICE',
      action: 'V: START_SERVICE',
      after: ['sport 101 EFFECTIVE living', 'K1 bedroom', 'B1 living'],
      incoming: ['sport'],
      sends: [],
      withholds: ['ADD 101 -: NO_CARD_FOR_SERVICE'],
    },
    {
      title: 'nor for a CANCEL',
      action: 'V: STOP_SERVICE',
      after: ['sport 101 NOT_EFFECTIVE living', 'K1 bedroom'],
      outgoing: ['sport'],
      sends: [],
      withholds: ['CANCEL 101 -: NO_CARD_FOR_SERVICE'],
    },
    {
      title: "a card without a CA id and other hardware are not the CAS's business",
      action: 'V: START_SERVICE',
      after: ['sport 101 EFFECTIVE living', 'K1=- living', 'X1=00000000009 living', 'K2 living'],
      incoming: ['sport'],
      sends: ['ADD 101 K2 @living'],
    },
    {
      title: 'a TERMINATE whose hardware has already gone still cancels the cards of the snapshot before',
      before: ['sport 101 EFFECTIVE living', 'K1 living', 'K2 bedroom'],
      action: 'S: TERMINATE_SUBSCRIPTION',
      after: ['sport 101 CANCELLED living'],
      sends: ['CANCEL 101 K1 @living'],
    },
    {
      title: 'also of a service that the snapshot before did not have yet',
      before: ['K1 living'],
      action: 'S: TERMINATE_SUBSCRIPTION',
      after: ['sport 101 CANCELLED living'],
      sends: ['CANCEL 101 K1 @living'],
    },
    {
      title: 'and of a service that moved unseen, with the card: where the snapshot before had both',
      before: ['sport 101 EFFECTIVE living', 'K1 living'],
      action: 'S: TERMINATE_SUBSCRIPTION',
      after: ['sport 101 CANCELLED bedroom'],
      sends: ['CANCEL 101 K1 @living'],
    },
    {
      title: 'so does an outgoing service whose card went to another room unseen',
      before: ['sport 101 EFFECTIVE living', 'K1 living'],
      action: 'V: STOP_SERVICE',
      after: ['sport 101 NOT_EFFECTIVE living', 'K1 bedroom'],
      outgoing: ['sport'],
      sends: ['CANCEL 101 K1 @living'],
    },
    {
      title: 'a lost card gets no ADD',
      before: ['sport 101 NOT_EFFECTIVE living', 'K1 living'],
      action: 'V: START_SERVICE',
      after: ['sport 101 EFFECTIVE living'],
      incoming: ['sport'],
      sends: [],
      withholds: ['ADD 101 -: NO_CARD_FOR_SERVICE'],
    },
  ]);
});

describe('R2: ADD only for effective services with a service CA id', () => {
  examples([
    {
      title: 'SHORT_TERM_EFFECTIVE is effective',
      action: 'S: SHORT_TERM_ACTIVATION',
      after: ['sport 101 SHORT_TERM_EFFECTIVE -', 'K1 -', 'B1 -'],
      sends: ['PAIR K1 + B1 @-', 'ADD 101 K1 @-'],
    },
    {
      title: 'an incoming service that is not effective: NOT_EFFECTIVE, on each card that it would go to',
      action: 'V: START_SERVICE',
      after: ['sport 101 NOT_EFFECTIVE living', 'news 102 DRAFT bedroom', 'K1 living', 'K2 living'],
      incoming: ['sport', 'news'],
      sends: [],
      withholds: ['ADD 101 K1: NOT_EFFECTIVE', 'ADD 101 K2: NOT_EFFECTIVE', 'ADD 102 -: NOT_EFFECTIVE'],
    },
    {
      title: 'a state that we do not know is not effective',
      action: 'V: START_SERVICE',
      after: ['sport 101 UNKNOWN -', 'K1 -'],
      incoming: ['sport'],
      sends: [],
      withholds: ['ADD 101 K1: NOT_EFFECTIVE'],
    },
    {
      title: "a service without a service CA id is not the CAS's business: NO_SERVICE_CA_ID, the others go on",
      action: 'S: BECOME_SUBSCRIBER',
      after: ['internet - EFFECTIVE -', 'sport 101 EFFECTIVE -', 'K1 -', 'B1 -'],
      sends: ['PAIR K1 + B1 @-', 'ADD 101 K1 @-'],
      withholds: ['ADD - -: NO_SERVICE_CA_ID'],
    },
    {
      title: 'neither is its end',
      action: 'V: REMOVE_SERVICE',
      after: ['internet - REMOVED -', 'K1 -'],
      outgoing: ['internet'],
      sends: [],
      withholds: ['CANCEL - -: NO_SERVICE_CA_ID'],
    },
  ]);
});

describe('R3: what can be revoked', () => {
  examples([
    {
      title: 'subscription actions revoke the four states that are not effective, and no history',
      action: 'S: TERMINATE_SUBSCRIPTION',
      after: [
        'a 1 NOT_EFFECTIVE -',
        'b 2 SHORT_TERM_NOT_EFFECTIVE -',
        'c 3 IN_RESTING -',
        'd 4 CANCELLED -',
        'e 5 DRAFT -',
        'f 6 REMOVED -',
        'g 7 REGRETTED -',
        'h 8 SWAPPED -',
        'K1 -',
      ],
      sends: ['CANCEL 1 K1 @-', 'CANCEL 2 K1 @-', 'CANCEL 3 K1 @-', 'CANCEL 4 K1 @-'],
    },
    {
      title: 'a service that is still effective: STILL_EFFECTIVE, on each of its cards',
      action: 'S: SHORT_TERM_DEACTIVATION',
      after: [
        'a 1 SHORT_TERM_NOT_EFFECTIVE -',
        'b 2 EFFECTIVE -',
        'c 3 SHORT_TERM_EFFECTIVE living',
        'd - EFFECTIVE -',
        'K1 -',
        'K2 -',
      ],
      sends: ['CANCEL 1 K1 @-', 'CANCEL 1 K2 @-'],
      withholds: [
        'CANCEL 2 K1: STILL_EFFECTIVE',
        'CANCEL 2 K2: STILL_EFFECTIVE',
        'CANCEL 3 -: STILL_EFFECTIVE',
        'CANCEL - -: NO_SERVICE_CA_ID',
      ],
    },
    {
      title: 'outgoing services are cancelled in any state but DRAFT, which was never active',
      action: 'V: REMOVE_SERVICE',
      after: ['a 1 EFFECTIVE -', 'b 2 REMOVED -', 'c 3 SWAPPED -', 'd 4 UNKNOWN -', 'e 5 DRAFT -', 'K1 -'],
      outgoing: ['a', 'b', 'c', 'd', 'e'],
      sends: ['CANCEL 1 K1 @-', 'CANCEL 2 K1 @-', 'CANCEL 3 K1 @-', 'CANCEL 4 K1 @-'],
      withholds: ['CANCEL 5 K1: NOT_EFFECTIVE'],
    },
    {
      title: 'services on a removed card: any state but DRAFT and history, of its own distributor',
      action: 'I: REMOVE_INSTALLED_ITEM',
      after: [
        'a 1 EFFECTIVE living',
        'b 2 NOT_EFFECTIVE living',
        'c 3 CANCELLED living',
        'd 4 DRAFT living',
        'e 5 REMOVED living',
        'f 6 REGRETTED living',
        'g 7 SWAPPED living',
        'h 8 EFFECTIVE bedroom',
        'i - EFFECTIVE living',
        'K2 living',
      ],
      removed: ['K1 living'],
      sends: ['CANCEL 1 K1 @living', 'CANCEL 2 K1 @living', 'CANCEL 3 K1 @living'],
      withholds: ['CANCEL - -: NO_SERVICE_CA_ID'],
    },
    {
      title: 'a removed card that the CRM detached from its distributor first: the one it had before',
      before: ['sport 101 EFFECTIVE living', 'K1 living'],
      action: 'I: REMOVE_INSTALLED_ITEM',
      after: ['sport 101 EFFECTIVE living'],
      removed: ['K1 -'],
      sends: ['CANCEL 101 K1 @living'],
    },
    {
      title: 'a removed set-top box, or a card without a CA id, has no services on it',
      action: 'I: REMOVE_INSTALLED_ITEM',
      after: ['sport 101 EFFECTIVE living', 'K2 living'],
      removed: ['B1 living', 'K1=- living'],
      sends: [],
    },
  ]);
});
