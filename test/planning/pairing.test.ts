import { describe } from 'vitest';
import { examples } from './support/examples.ts';

describe('R7: a pairing group is the cards and set-top boxes of one distributor', () => {
  examples([
    {
      title: 'two rooms are two pairings',
      action: 'S: BECOME_SUBSCRIBER',
      after: ['K1 living', 'K2 living', 'B1 living', 'K3 bedroom', 'B2 bedroom', 'B3 bedroom'],
      sends: ['PAIR K1 K2 + B1 @living', 'PAIR K3 + B2 B3 @bedroom'],
    },
    {
      title: 'a group without a card, or without a set-top box: NOTHING_TO_PAIR',
      action: 'S: BECOME_SUBSCRIBER',
      after: ['K1 living', 'B1 bedroom', 'K2 -', 'B2 -'],
      sends: ['PAIR K2 + B2 @-'],
      withholds: ['PAIR K1: NOTHING_TO_PAIR', 'PAIR -: NOTHING_TO_PAIR'],
    },
    {
      title: 'a subscription without a device that the CAS knows',
      action: 'S: BECOME_SUBSCRIBER',
      after: ['X1 -', 'K1=- -', 'B1=- -'],
      sends: [],
      withholds: ['PAIR -: NOTHING_TO_PAIR'],
    },
    {
      title: 'a device without a CA id is no part of the group, and its arrival pairs nothing',
      action: 'I: ADD_INSTALLED_ITEM',
      after: ['K1 -', 'B1 -', 'B2=- -', 'X1 -'],
      incoming: ['B2', 'X1'],
      sends: [],
    },
    {
      title: 'a device whose CA id is malformed is left out: INVALID_CA_ID, the others are paired',
      action: 'S: ACTIVATE_SUBSCRIPTION',
      after: ['K1 -', 'K2=123 -', 'B1 -', 'B2=a_set-top_box_with_a_name_of_more_than_thirty_characters -'],
      sends: ['PAIR K1 + B1 @-'],
      withholds: ['PAIR 123: INVALID_CA_ID', 'PAIR -: INVALID_CA_ID'],
    },
    {
      title: 'nothing is left to pair without the malformed device',
      action: 'I: ADD_INSTALLED_ITEM',
      after: ['K2=123 -', 'B1 -'],
      incoming: ['B1'],
      sends: [],
      withholds: ['PAIR 123: INVALID_CA_ID', 'PAIR -: NOTHING_TO_PAIR'],
    },
    {
      title:
        'two known pairings in a group: that of the first card, in the order of the snapshot, that was there before',
      before: ['K2 living', 'K3 living', 'K1 bedroom', 'B1 living', 'B2 living'],
      action: 'S: CHANGE_SUBSCRIPTION_DISTRIBUTION',
      after: ['K1 living', 'K2 living', 'K3 living', 'B1 living', 'B2 living'],
      moved: ['K1: bedroom -> living'],
      known: ['K1 + B9', 'K2 + B1', 'K3 + B2'],
      sends: ['EXTEND K2 with K1 K3 + B2 @living'],
    },
    {
      title: 'a card that left and came back is paired anew: leaving voids what was known',
      before: ['K2 -', 'B1 -'],
      action: 'I: ADD_INSTALLED_ITEM',
      after: ['K1 -', 'K2 -', 'B1 -'],
      incoming: ['K1'],
      known: ['K2 + B1'],
      sends: ['EXTEND K2 with K1 @-'],
    },
  ]);
});

describe('R8: CREATE_PAIRING or ADD_TO_EXISTING_PAIRING', () => {
  examples([
    {
      title: 'no known pairing in the group: CREATE_PAIRING of the whole group',
      action: 'I: ADD_INSTALLED_ITEM',
      after: ['K1 -', 'B1 -', 'B2 -'],
      incoming: ['B2'],
      sends: ['PAIR K1 + B1 B2 @-'],
    },
    {
      title: 'known, some missing: ADD_TO_EXISTING_PAIRING with just those',
      action: 'I: ADD_INSTALLED_ITEM',
      after: ['K1 -', 'K2 -', 'B1 -', 'B2 -', 'B3 -'],
      incoming: ['K2', 'B3'],
      known: ['K1 + B1 B2'],
      sends: ['EXTEND K1 with K2 + B3 @-'],
    },
    {
      title: 'known, nothing missing: ALREADY_PAIRED',
      action: 'I: ADD_INSTALLED_ITEM',
      after: ['K1 -', 'B1 -'],
      incoming: ['B1'],
      known: ['K1 + B1 B2'],
      sends: [],
      withholds: ['EXTEND K1: ALREADY_PAIRED'],
    },
    {
      title: 'known, nothing missing: an activation pairs again all the same',
      action: 'S: END_SHORT_TERM_DEACTIVATION',
      after: ['K1 -', 'B1 -'],
      known: ['K1 + B1'],
      sends: ['PAIR K1 + B1 @-'],
    },
    {
      title: 'known, some missing: an activation still pairs the whole group, since the matrix triggers nothing else',
      action: 'S: ACTIVATE_SUBSCRIPTION',
      after: ['K1 -', 'B1 -', 'B2 -'],
      known: ['K1 + B1'],
      sends: ['PAIR K1 + B1 B2 @-'],
    },
    {
      title: 'known of a card that came from another room: that card identifies the pairing',
      action: 'S: CHANGE_SUBSCRIPTION_DISTRIBUTION',
      after: ['K1 bedroom', 'K2 living', 'B2 bedroom'],
      moved: ['K1: living -> bedroom'],
      known: ['K1 K2 + B1'],
      sends: ['EXTEND K1 with + B2 @bedroom'],
    },
    {
      title: 'a newcomer goes to the pairing that the group had, also where it stands first in the snapshot',
      action: 'I: ADD_INSTALLED_ITEM',
      after: ['K2 -', 'K1 -', 'B1 -'],
      incoming: ['K2'],
      known: ['K1 + B1'],
      sends: ['EXTEND K1 with K2 @-'],
    },
    {
      title: 'V: ADD_SERVICE looks at the groups of its incoming services only',
      action: 'V: ADD_SERVICE',
      after: ['sport 101 EFFECTIVE living', 'K1 living', 'B1 living', 'B2 living', 'K3 bedroom', 'B3 bedroom'],
      incoming: ['sport'],
      known: ['K1 + B1', 'K3 + B9'],
      sends: ['EXTEND K1 with + B2 @living', 'ADD 101 K1 @living'],
    },
    {
      title: 'V: ADD_SERVICE where everything is paired',
      action: 'V: ADD_SERVICE',
      after: ['sport 101 EFFECTIVE -', 'K1 -', 'B1 -'],
      incoming: ['sport'],
      known: ['K1 + B1'],
      sends: ['ADD 101 K1 @-'],
      withholds: ['EXTEND K1: ALREADY_PAIRED'],
    },
    {
      title: 'V: ADD_SERVICE creates no pairing where none is known',
      action: 'V: ADD_SERVICE',
      after: ['sport 101 EFFECTIVE -', 'K1 -', 'B1 -'],
      incoming: ['sport'],
      sends: ['ADD 101 K1 @-'],
      withholds: ['EXTEND K1: NOTHING_TO_PAIR'],
    },
  ]);
});

describe('R9: a swapped-out card', () => {
  examples([
    {
      title: 'its known pairing does not count: CREATE_PAIRING with the new one',
      before: ['K1 -', 'B1 -', 'B2 -'],
      action: 'I: SWAP_INSTALLED_ITEM',
      after: ['K2 -', 'B1 -', 'B2 -'],
      removed: ['K1 -'],
      incoming: ['K2'],
      known: ['K1 + B1 B2'],
      sends: ['PAIR K2 + B1 B2 @-'],
    },
    {
      title: 'another card of the group is paired and stays: the new one is added to its pairing',
      before: ['K1 -', 'K3 -', 'B1 -'],
      action: 'I: SWAP_INSTALLED_ITEM',
      after: ['K2 -', 'K3 -', 'B1 -'],
      removed: ['K1 -'],
      incoming: ['K2'],
      known: ['K1 K3 + B1'],
      sends: ['EXTEND K3 with K2 @-'],
    },
    {
      title: 'a staying card that is not paired does not help',
      before: ['K1 -', 'K3 -', 'B1 -'],
      action: 'I: SWAP_INSTALLED_ITEM',
      after: ['K2 -', 'K3 -', 'B1 -'],
      removed: ['K1 -'],
      incoming: ['K2'],
      known: ['K1 + B1'],
      sends: ['PAIR K2 K3 + B1 @-'],
    },
    {
      title: 'a swapped-out set-top box: its successor is added',
      action: 'I: SWAP_INSTALLED_ITEM',
      after: ['K1 -', 'B2 -'],
      removed: ['B1 -'],
      incoming: ['B2'],
      known: ['K1 + B1'],
      sends: ['EXTEND K1 with + B2 @-'],
    },
  ]);
});
