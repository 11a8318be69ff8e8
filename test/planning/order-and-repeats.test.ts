import { describe } from 'vitest';
import { examples } from './support/examples.ts';

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
