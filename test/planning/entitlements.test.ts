import { describe, expect, test } from 'vitest';
import { examples, planExample } from './support/examples.ts';

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

describe('R4: the entitlement guard', () => {
  examples([
    {
      title: 'two packages share a Conax product: stopping one leaves the card entitled through the other',
      action: 'V: STOP_SERVICE',
      after: ['sport 101 NOT_EFFECTIVE -', 'sport-plus 101 EFFECTIVE -', 'K1 -'],
      outgoing: ['sport'],
      sends: [],
      withholds: ['CANCEL 101 K1: STILL_ENTITLED'],
    },
    {
      title: 'service CA ids are compared without leading zeros',
      action: 'S: DEACTIVATE_SUBSCRIPTION',
      after: ['sport 0101 NOT_EFFECTIVE -', 'sport-plus 101 EFFECTIVE -', 'K1 -'],
      sends: [],
      withholds: ['CANCEL 0101 K1: STILL_ENTITLED', 'CANCEL 101 K1: STILL_EFFECTIVE'],
    },
    {
      title: 'the other service guards only the cards of its own distributor',
      action: 'V: REMOVE_SERVICE',
      after: ['sport 101 REMOVED living', 'sport-plus 101 EFFECTIVE bedroom', 'K1 living', 'K2 bedroom'],
      outgoing: ['sport'],
      sends: ['CANCEL 101 K1 @living'],
    },
    {
      title: 'an outgoing service never guards itself, even where the CRM still calls it effective',
      action: 'V: STOP_SERVICE',
      after: ['sport 101 EFFECTIVE -', 'K1 -'],
      outgoing: ['sport'],
      sends: ['CANCEL 101 K1 @-'],
    },
    {
      title: 'a swap between packages that share the product: no CANCEL, and the ADD of the new one',
      action: 'V: SWAP_SERVICE',
      after: ['sport 101 SWAPPED -', 'sport-plus 101 EFFECTIVE -', 'K1 -'],
      outgoing: ['sport'],
      incoming: ['sport-plus'],
      sends: ['ADD 101 K1 @-'],
      withholds: ['CANCEL 101 K1: STILL_ENTITLED'],
    },
    {
      title: 'another subscription that holds the card entitles it',
      action: 'I: REMOVE_INSTALLED_ITEM',
      after: ['sport 101 EFFECTIVE -', 'news 102 EFFECTIVE -'],
      removed: ['K1 -'],
      others: [['x 0101 EFFECTIVE room', 'y 102 EFFECTIVE elsewhere', 'K1 room']],
      sends: ['CANCEL 102 K1 @-'],
      withholds: ['CANCEL 101 K1: STILL_ENTITLED'],
    },
    {
      title: 'services of another subscription that are not effective guard nothing',
      action: 'V: STOP_SERVICE',
      after: ['sport 101 NOT_EFFECTIVE -', 'K1 -'],
      outgoing: ['sport'],
      others: [['x 101 NOT_EFFECTIVE -', 'K1 -']],
      sends: ['CANCEL 101 K1 @-'],
    },
    {
      title: 'a service on a removed card guards nothing: the card is no longer there',
      action: 'I: REMOVE_INSTALLED_ITEM',
      after: ['sport 101 EFFECTIVE -', 'sport-plus 101 EFFECTIVE -', 'K2 -'],
      removed: ['K1 -'],
      sends: ['CANCEL 101 K1 @-'],
      withholds: ['CANCEL 101 K1: ALREADY_REQUESTED'],
    },
    {
      title: 'a card that is registered again as another item keeps its services',
      action: 'I: SWAP_INSTALLED_ITEM',
      after: ['sport 101 EFFECTIVE -', 'K2=00000000001 -'],
      removed: ['K1 -'],
      incoming: ['K2'],
      sends: [],
      withholds: ['CANCEL 101 K1: STILL_ENTITLED', 'PAIR K1: NOTHING_TO_PAIR'],
    },
  ]);

  test('says in the detail which service keeps the card entitled', () => {
    const { withheld } = planExample({
      title: '',
      action: 'V: STOP_SERVICE',
      after: ['sport 101 NOT_EFFECTIVE -', 'sport-plus 101 EFFECTIVE -', 'K1 -'],
      outgoing: ['sport'],
      sends: [],
    });
    expect(withheld.map(({ detail }) => detail)).toEqual([
      'Of service sport (NOT_EFFECTIVE, no distributor): the card stays entitled through service sport-plus (EFFECTIVE, no distributor).',
    ]);
  });
});

describe('R5: inside one event CANCEL goes first, then pairing, then ADD', () => {
  examples([
    {
      title: 'an installed item swap with added cards entitled',
      action: 'I: ADD_INSTALLED_ITEM',
      after: ['sport 101 EFFECTIVE -', 'K1 -', 'B1 -'],
      incoming: ['K1', 'B1'],
      rules: { entitleAddedCards: true },
      sends: ['PAIR K1 + B1 @-', 'ADD 101 K1 @-'],
    },
    {
      title: 'a swapped card: revoked before its successor is paired',
      action: 'I: SWAP_INSTALLED_ITEM',
      after: ['sport 101 EFFECTIVE -', 'K2 -', 'B1 -'],
      removed: ['K1 -'],
      incoming: ['K2'],
      sends: ['CANCEL 101 K1 @-', 'PAIR K2 + B1 @-'],
    },
  ]);
});

describe('R6: one action never makes the same command twice', () => {
  examples([
    {
      title: 'the second facet of a card swap: what the first one cancelled is ALREADY_REQUESTED',
      action: 'V: SWAP_INSTALLED_ITEM',
      after: ['sport 101 EFFECTIVE -', 'K2 -', 'B1 -'],
      removed: ['K1 -'],
      incoming: ['K2'],
      earlier: ['CANCEL 101 K1 @-', 'PAIR K2 + B1 @-'],
      sends: ['ADD 101 K2 @-'],
      withholds: ['CANCEL 101 K1: ALREADY_REQUESTED'],
    },
    {
      title: 'one that was REJECTED is asked again',
      action: 'V: START_SERVICE',
      after: ['sport 101 EFFECTIVE -', 'news 102 EFFECTIVE -', 'K1 -'],
      incoming: ['sport', 'news'],
      earlier: ['rejected: ADD 101 K1 @-', 'ADD 102 K1 @-'],
      sends: ['ADD 101 K1 @-'],
      withholds: ['ADD 102 K1: ALREADY_REQUESTED'],
    },
    {
      title: 'of a rejected and a later request for the same command the last one decides',
      action: 'V: START_SERVICE',
      after: ['sport 101 EFFECTIVE -', 'news 102 EFFECTIVE -', 'K1 -'],
      incoming: ['sport', 'news'],
      earlier: ['rejected: ADD 101 K1 @-', 'ADD 101 K1 @-', 'ADD 102 K1 @-', 'rejected: ADD 102 K1 @-'],
      sends: ['ADD 102 K1 @-'],
      withholds: ['ADD 101 K1: ALREADY_REQUESTED'],
    },
    {
      title: 'parameters are compared without leading zeros',
      action: 'V: START_SERVICE',
      after: ['sport 0101 EFFECTIVE -', 'K1 -'],
      incoming: ['sport'],
      earlier: ['ADD 101 K1 @-'],
      sends: [],
      withholds: ['ADD 0101 K1: ALREADY_REQUESTED'],
    },
    {
      title: 'nor twice within one event: two packages with one product are one ADD',
      action: 'S: BECOME_SUBSCRIBER',
      after: ['sport 101 EFFECTIVE -', 'sport-plus 00101 EFFECTIVE -', 'K1 -', 'B1 -'],
      sends: ['PAIR K1 + B1 @-', 'ADD 101 K1 @-'],
      withholds: ['ADD 00101 K1: ALREADY_REQUESTED'],
    },
    {
      title: 'the pairing that another facet asked for, its devices in another order',
      action: 'S: BECOME_SUBSCRIBER',
      after: ['K1 -', 'K2 -', 'B1 -'],
      earlier: ['PAIR K2 K1 + B1 @-'],
      sends: [],
      withholds: ['PAIR K1: ALREADY_REQUESTED'],
    },
    {
      title: 'the distributor is a parameter',
      action: 'V: START_SERVICE',
      after: ['sport 101 EFFECTIVE living', 'K1 living'],
      incoming: ['sport'],
      earlier: ['ADD 101 K1 @-'],
      sends: ['ADD 101 K1 @living'],
    },
  ]);
});

describe('R11: a CA id that does not fit its pattern withholds that command only', () => {
  examples([
    {
      title: 'a malformed card, a malformed service, and a sound pair',
      action: 'V: START_SERVICE',
      after: ['sport 101 EFFECTIVE -', 'news 123456789 EFFECTIVE -', 'K1=12 -', 'K2 -'],
      incoming: ['sport', 'news'],
      sends: ['ADD 101 K2 @-'],
      withholds: ['ADD 101 12: INVALID_CA_ID', 'ADD 123456789 12: INVALID_CA_ID', 'ADD 123456789 K2: INVALID_CA_ID'],
    },
    {
      title: 'also for a CANCEL',
      action: 'V: STOP_SERVICE',
      after: ['sport 1o1 NOT_EFFECTIVE -', 'K1 -'],
      outgoing: ['sport'],
      sends: [],
      withholds: ['CANCEL 1o1 K1: INVALID_CA_ID'],
    },
    {
      title: 'the patterns are settings',
      action: 'V: START_SERVICE',
      after: ['sport ABC EFFECTIVE -', 'K1=12 -'],
      incoming: ['sport'],
      rules: { smartcardPattern: /^\d{2}$/, servicePattern: /^[A-C]+$/ },
      sends: ['ADD ABC 12 @-'],
    },
  ]);
});
