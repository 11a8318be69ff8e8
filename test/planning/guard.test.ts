import { describe, expect, test } from 'vitest';
import { examples, planExample } from './support/examples.ts';

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
