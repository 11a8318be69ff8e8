import { describe } from 'vitest';
import { examples } from './support/examples.ts';

const S = 'S: CHANGE_SUBSCRIPTION_DISTRIBUTION';
const V = 'V: CHANGE_SUBSCRIPTION_DISTRIBUTION';

describe('R10: the S: facet of a distribution change entitles the pairs that the move linked', () => {
  examples([
    {
      title: 'a service goes to another room: the cards there get it, and the room is paired if it is not',
      action: S,
      after: ['sport 101 EFFECTIVE bedroom', 'K1 living', 'B1 living', 'K2 bedroom', 'B2 bedroom'],
      moved: ['sport: living -> bedroom'],
      sends: ['PAIR K2 + B2 @bedroom', 'ADD 101 K2 @bedroom'],
    },
    {
      title: 'a service-only move where the new room is paired: ALREADY_PAIRED',
      action: S,
      after: ['sport 101 EFFECTIVE bedroom', 'K2 bedroom', 'B2 bedroom'],
      moved: ['sport: living -> bedroom'],
      known: ['K2 + B2'],
      sends: ['ADD 101 K2 @bedroom'],
      withholds: ['EXTEND K2: ALREADY_PAIRED'],
    },
    {
      title: 'a service goes to a room without a card: NO_CARD_FOR_SERVICE',
      action: S,
      after: ['sport 101 EFFECTIVE bedroom', 'K1 living', 'B2 bedroom'],
      moved: ['sport: living -> bedroom'],
      sends: [],
      withholds: ['ADD 101 -: NO_CARD_FOR_SERVICE', 'PAIR -: NOTHING_TO_PAIR'],
    },
    {
      title: 'a card goes to another room: it gets the services there that are effective',
      action: S,
      after: [
        'sport 101 EFFECTIVE bedroom',
        'old 102 NOT_EFFECTIVE bedroom',
        'news 103 EFFECTIVE living',
        'K1 bedroom',
        'K2 bedroom',
        'B2 bedroom',
      ],
      moved: ['K1: living -> bedroom'],
      known: ['K1 + B1', 'K2 + B2'],
      sends: ['EXTEND K2 with K1 @bedroom', 'ADD 101 K1 @bedroom'],
    },
    {
      title: 'a stopped service moves: NOT_EFFECTIVE',
      action: S,
      after: ['sport 101 NOT_EFFECTIVE bedroom', 'K2 bedroom'],
      moved: ['sport: living -> bedroom'],
      sends: [],
      withholds: ['ADD 101 K2: NOT_EFFECTIVE', 'PAIR K2: NOTHING_TO_PAIR'],
    },
    {
      title: 'a room that moves as a whole keeps its entitlements',
      before: ['sport 101 EFFECTIVE living', 'K1 living', 'B1 living'],
      action: S,
      after: ['sport 101 EFFECTIVE bedroom', 'K1 bedroom', 'B1 bedroom'],
      moved: ['sport: living -> bedroom', 'K1: living -> bedroom', 'B1: living -> bedroom'],
      known: ['K1 + B1'],
      sends: [],
      withholds: ['EXTEND K1: ALREADY_PAIRED'],
    },
    {
      title: 'from no distributor into a room, as the CRM distributes a new card',
      before: ['sport 101 EFFECTIVE living', 'K1 living', 'B1 living', 'K2 -'],
      action: S,
      after: ['sport 101 EFFECTIVE living', 'K1 living', 'B1 living', 'K2 living'],
      moved: ['K2: - -> living'],
      known: ['K1 + B1'],
      sends: ['EXTEND K1 with K2 @living', 'ADD 101 K2 @living'],
    },
    {
      title: 'out of a room into no distributor',
      action: S,
      after: ['sport 101 EFFECTIVE -', 'K1 living', 'K2 -', 'B2 -'],
      moved: ['sport: living -> -'],
      sends: ['PAIR K2 + B2 @-', 'ADD 101 K2 @-'],
    },
    {
      title: 'a pair that was effective before through another service is not linked anew',
      before: ['sport 101 EFFECTIVE living', 'sport-plus 0101 EFFECTIVE bedroom', 'K2 bedroom'],
      action: S,
      after: ['sport 101 EFFECTIVE bedroom', 'sport-plus 0101 EFFECTIVE bedroom', 'K2 bedroom'],
      moved: ['sport: living -> bedroom'],
      sends: [],
      withholds: ['PAIR K2: NOTHING_TO_PAIR'],
    },
    {
      title: 'nor where two services with one product change places',
      action: S,
      after: ['sport 101 EFFECTIVE bedroom', 'sport-plus 101 EFFECTIVE living', 'K1 living', 'K2 bedroom'],
      moved: ['sport: living -> bedroom', 'sport-plus: bedroom -> living'],
      sends: [],
      withholds: ['PAIR K1: NOTHING_TO_PAIR', 'PAIR K2: NOTHING_TO_PAIR'],
    },
    {
      title: 'services and cards that came in a version that is missing are not linked by the move',
      before: ['sport 101 EFFECTIVE living', 'K2 bedroom', 'B2 bedroom', 'news 102 EFFECTIVE living'],
      action: S,
      after: [
        'sport 101 EFFECTIVE bedroom',
        'news 102 EFFECTIVE living',
        'film 103 EFFECTIVE bedroom',
        'K2 bedroom',
        'B2 bedroom',
        'K3 living',
      ],
      moved: ['sport: living -> bedroom'],
      known: ['K2 + B2'],
      sends: ['ADD 101 K2 @bedroom'],
      withholds: ['EXTEND K2: ALREADY_PAIRED'],
    },
    {
      title: 'a list of moves that is not complete: the snapshot before tells the rest',
      before: ['sport 101 EFFECTIVE living', 'K1 living', 'K2 bedroom'],
      action: S,
      after: ['sport 101 EFFECTIVE bedroom', 'K1 living', 'K2 bedroom'],
      sends: ['ADD 101 K2 @bedroom'],
      withholds: ['PAIR K2: NOTHING_TO_PAIR'],
    },
  ]);
});

describe('R10: the V: facet of a distribution change cancels the pairs that the move unlinked', () => {
  examples([
    {
      title: 'a service leaves a room: the CANCEL names the distributor that it had',
      action: V,
      after: ['sport 101 EFFECTIVE bedroom', 'K1 living', 'K2 bedroom'],
      moved: ['sport: living -> bedroom'],
      sends: ['CANCEL 101 K1 @living'],
    },
    {
      title: 'a card leaves a room: the services there are cancelled on it, in any state but DRAFT',
      action: V,
      after: [
        'sport 101 EFFECTIVE living',
        'old 102 NOT_EFFECTIVE living',
        'older 103 REMOVED living',
        'new 104 DRAFT living',
        'K1 bedroom',
        'K2 living',
      ],
      moved: ['K1: living -> bedroom'],
      sends: ['CANCEL 101 K1 @living', 'CANCEL 102 K1 @living', 'CANCEL 103 K1 @living'],
    },
    {
      title: 'a room that moves as a whole loses nothing',
      action: V,
      after: ['sport 101 EFFECTIVE bedroom', 'K1 bedroom', 'B1 bedroom'],
      moved: ['sport: living -> bedroom', 'K1: living -> bedroom', 'B1: living -> bedroom'],
      sends: [],
    },
    {
      title: 'a stopped service that moves away is cancelled; one that moves with its card is unchanged',
      action: V,
      after: ['a 1 NOT_EFFECTIVE bedroom', 'b 2 NOT_EFFECTIVE -', 'K1 living', 'K2 -'],
      moved: ['a: living -> bedroom', 'b: attic -> -', 'K2: attic -> -'],
      sends: ['CANCEL 1 K1 @living'],
    },
    {
      title: 'the card stays entitled through another service of its room: STILL_ENTITLED',
      action: V,
      after: ['sport 101 EFFECTIVE bedroom', 'sport-plus 101 EFFECTIVE living', 'K1 living'],
      moved: ['sport: living -> bedroom'],
      sends: [],
      withholds: ['CANCEL 101 K1: STILL_ENTITLED'],
    },
    {
      title: 'or through another subscription',
      action: V,
      after: ['sport 101 EFFECTIVE bedroom', 'K1 living'],
      moved: ['sport: living -> bedroom'],
      others: [['x 101 EFFECTIVE -', 'K1 -']],
      sends: [],
      withholds: ['CANCEL 101 K1: STILL_ENTITLED'],
    },
    {
      title: 'a room without a card has nothing to cancel',
      action: V,
      after: ['sport 101 EFFECTIVE bedroom', 'K2 bedroom'],
      moved: ['sport: living -> bedroom'],
      sends: [],
    },
    {
      title: 'a card that went away with the move is cancelled where the snapshot before had it',
      before: ['sport 101 EFFECTIVE living', 'K1 living'],
      action: V,
      after: ['sport 101 EFFECTIVE bedroom'],
      moved: ['sport: living -> bedroom'],
      sends: ['CANCEL 101 K1 @living'],
    },
    {
      title: 'or where the event says that it was',
      action: V,
      after: ['sport 101 EFFECTIVE bedroom'],
      moved: ['sport: living -> bedroom'],
      removed: ['K1 living'],
      sends: ['CANCEL 101 K1 @living'],
    },
    {
      title: 'a card that moved unseen, in a version that has not come, keeps nothing behind',
      before: ['sport 101 EFFECTIVE -', 'K1 -'],
      action: V,
      after: ['sport 101 EFFECTIVE bedroom', 'K1 living'],
      moved: ['sport: living -> bedroom'],
      sends: ['CANCEL 101 K1 @living'],
    },
  ]);
});

describe('R10: an added card is entitled by a later action (A22)', () => {
  examples([
    {
      title: 'the ADDs that it lacks show as NOT_TRIGGERED',
      action: 'I: ADD_INSTALLED_ITEM',
      after: ['sport 101 EFFECTIVE -', 'old 102 NOT_EFFECTIVE -', 'internet - EFFECTIVE -', 'K1 -', 'K2 -', 'B1 -'],
      incoming: ['K2'],
      known: ['K1 + B1'],
      sends: ['EXTEND K1 with K2 @-'],
      withholds: ['ADD 101 K2: NOT_TRIGGERED'],
    },
    {
      title: 'ENTITLE_ADDED_CARDS sends them instead',
      action: 'I: ADD_INSTALLED_ITEM',
      after: ['sport 101 EFFECTIVE -', 'old 102 NOT_EFFECTIVE -', 'news 103 EFFECTIVE living', 'K1 -', 'K2 -', 'B1 -'],
      incoming: ['K2'],
      known: ['K1 + B1'],
      rules: { entitleAddedCards: true },
      sends: ['EXTEND K1 with K2 @-', 'ADD 101 K2 @-'],
    },
    {
      title: 'what an earlier facet of the action sent is not lacking',
      action: 'I: ADD_INSTALLED_ITEM',
      after: ['sport 101 EFFECTIVE -', 'K1 -', 'B1 -'],
      incoming: ['K1', 'B1'],
      earlier: ['PAIR K1 + B1 @-', 'ADD 101 K1 @-'],
      sends: [],
      withholds: ['PAIR K1: ALREADY_REQUESTED', 'ADD 101 K1: ALREADY_REQUESTED'],
    },
    {
      title: 'a malformed card shows as INVALID_CA_ID',
      action: 'I: ADD_INSTALLED_ITEM',
      after: ['sport 101 EFFECTIVE -', 'K1=1 -'],
      incoming: ['K1'],
      sends: [],
      withholds: ['PAIR 1: INVALID_CA_ID', 'PAIR -: NOTHING_TO_PAIR', 'ADD 101 1: INVALID_CA_ID'],
    },
    {
      title: 'a set-top box or a card in a room without services lacks nothing',
      action: 'I: ADD_INSTALLED_ITEM',
      after: ['sport 101 EFFECTIVE living', 'K1 -', 'B1 -'],
      incoming: ['K1', 'B1'],
      sends: ['PAIR K1 + B1 @-'],
    },
    {
      title: 'a swapped-in card is entitled by the V: facet; the I: facet says nothing of it',
      action: 'I: SWAP_INSTALLED_ITEM',
      after: ['sport 101 EFFECTIVE -', 'K2 -', 'B1 -'],
      incoming: ['K2'],
      removed: ['K1 -'],
      sends: ['CANCEL 101 K1 @-', 'PAIR K2 + B1 @-'],
    },
  ]);
});

describe('V: SWAP_INSTALLED_ITEM', () => {
  examples([
    {
      title: "the new card gets the effective services of its own distributor, whatever the old one's was",
      action: 'V: SWAP_INSTALLED_ITEM',
      after: [
        'sport 101 EFFECTIVE living',
        'old 102 NOT_EFFECTIVE living',
        'news 103 EFFECTIVE bedroom',
        'internet - EFFECTIVE bedroom',
        'K2 bedroom',
      ],
      removed: ['K1 living'],
      incoming: ['K2'],
      sends: ['CANCEL 101 K1 @living', 'CANCEL 102 K1 @living', 'ADD 103 K2 @bedroom'],
      withholds: ['ADD - -: NO_SERVICE_CA_ID'],
    },
    {
      title: 'a swapped set-top box concerns no service',
      action: 'V: SWAP_INSTALLED_ITEM',
      after: ['sport 101 EFFECTIVE -', 'K1 -', 'B2 -'],
      removed: ['B1 -'],
      incoming: ['B2'],
      sends: [],
    },
  ]);
});
