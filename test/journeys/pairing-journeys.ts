import { addItem, addService, move, removeItem } from '../../dev/demo/crm.ts';
import { type Journey, journey } from '../../dev/demo/journey.ts';
import { ADD, CANCEL, subscribed } from '../../dev/demo/journeys/household.ts';

export function malformedIds(): Journey {
  const card = '30000000801';
  return journey('R7: malformed CA ids stop only their own command', 'S0000030801', ({ act, subscription }) => {
    subscribed(subscription, card, 'STB-30801', ['1001', 'SPORTS']);
    addItem(subscription, 'broken', 'SMARTCARD', '12AB');
    act('subscribes', () => [{ action: 'S:BECOME_SUBSCRIBER' }], {
      outcome: 'PARTLY_PROVISIONED',
      requests: [`CREATE_PAIRING ${card}`, `${ADD} ${card}/1001`],
      withheld: [
        'CREATE_PAIRING INVALID_CA_ID 12AB',
        `${ADD} INVALID_CA_ID 12AB/1001`,
        `${ADD} INVALID_CA_ID 12AB/SPORTS`,
        `${ADD} INVALID_CA_ID ${card}/SPORTS`,
      ],
    });
  });
}

export function missingDevice(): Journey {
  const card = '30000000901';
  return journey('R8: an added service pairs what is not paired yet', 'S0000030901', ({ act, subscription }) => {
    subscribed(subscription, card, 'STB-30901', ['1001']);
    const late = addItem(subscription, 'stb-2', 'SET_TOP_BOX', null);
    act('subscribes; one STB has no CA id yet', () => [{ action: 'S:BECOME_SUBSCRIBER' }], {
      outcome: 'PROVISIONED',
      requests: [`CREATE_PAIRING ${card}`, `${ADD} ${card}/1001`],
    });
    act(
      'takes a service; the STB has its CA id by now',
      (s) => {
        late.caId = 'STB-30902';
        addService(s, 'sports', '1002');
        return [{ action: 'V:ADD_SERVICE', incomingServices: ['sports'] }];
      },
      { outcome: 'PROVISIONED', requests: [`ADD_TO_EXISTING_PAIRING ${card}`, `${ADD} ${card}/1002`] },
    );
  });
}

export function stayingCard(): Journey {
  const [staying, old, replacement] = ['30000001101', '30000001102', '30000001103'];
  return journey('R9: a swap where another card stays', 'S0000031101', ({ act, subscription }) => {
    subscribed(subscription, staying, 'STB-31101', ['1001']);
    addItem(subscription, 'card-2', 'SMARTCARD', old);
    act('subscribes with two cards', () => [{ action: 'S:BECOME_SUBSCRIBER' }], {
      outcome: 'PROVISIONED',
      requests: [`CREATE_PAIRING ${staying}`, `${ADD} ${staying}/1001`, `${ADD} ${old}/1001`],
    });
    act(
      'gets a new one for the second',
      (s) => {
        const facet = { removedItems: [removeItem(s, 'card-2')], incomingItems: ['card-3'] };
        addItem(s, 'card-3', 'SMARTCARD', replacement);
        return [
          { action: 'I:SWAP_INSTALLED_ITEM', ...facet },
          { action: 'V:SWAP_INSTALLED_ITEM', ...facet },
        ];
      },
      {
        outcome: 'PROVISIONED',
        requests: [`${CANCEL} ${old}/1001`, `ADD_TO_EXISTING_PAIRING ${staying}`, `${ADD} ${replacement}/1001`],
        withheld: [`${CANCEL} ALREADY_REQUESTED ${old}/1001`],
      },
    );
  });
}

export function newRoom(): Journey {
  const [living, bedroom] = ['30000001201', '30000001202'];
  return journey('R8, R10: a card and an STB come to a new room', 'S0000031201', ({ act, subscription }) => {
    subscription.state = 'EFFECTIVE';
    addItem(subscription, 'card', 'SMARTCARD', living, 'LIVING-ROOM');
    addItem(subscription, 'stb', 'SET_TOP_BOX', 'STB-31201', 'LIVING-ROOM');
    addItem(subscription, 'card-2', 'SMARTCARD', bedroom, 'LIVING-ROOM');
    addItem(subscription, 'stb-2', 'SET_TOP_BOX', 'STB-31202', 'LIVING-ROOM');
    addService(subscription, 'basic', '1001', { distributor: 'LIVING-ROOM' });
    addService(subscription, 'kids', '1002', { distributor: 'BEDROOM' });
    act('subscribes, with everything in the living room', () => [{ action: 'S:BECOME_SUBSCRIBER' }], {
      outcome: 'PARTLY_PROVISIONED',
      requests: [`CREATE_PAIRING ${living}`, `${ADD} ${living}/1001`, `${ADD} ${bedroom}/1001`],
      withheld: [`${ADD} NO_CARD_FOR_SERVICE -/1002`],
    });
    act(
      'moves a card and an STB to the bedroom',
      (s) => {
        const movedItems = [move(s, 'card-2', 'BEDROOM'), move(s, 'stb-2', 'BEDROOM')];
        return [
          { action: 'V:CHANGE_SUBSCRIPTION_DISTRIBUTION', movedItems },
          { action: 'S:CHANGE_SUBSCRIPTION_DISTRIBUTION', movedItems },
        ];
      },
      {
        outcome: 'PROVISIONED',
        requests: [`${CANCEL} ${bedroom}/1001`, `${ADD} ${bedroom}/1002`],
        withheld: [`ADD_TO_EXISTING_PAIRING ALREADY_PAIRED ${bedroom}`],
      },
    );
    act(
      'gets a card and an STB for the kitchen',
      (s) => {
        addItem(s, 'card-3', 'SMARTCARD', '30000001203', 'KITCHEN');
        addItem(s, 'stb-3', 'SET_TOP_BOX', 'STB-31203', 'KITCHEN');
        return [{ action: 'I:ADD_INSTALLED_ITEM', incomingItems: ['card-3', 'stb-3'] }];
      },
      { outcome: 'PROVISIONED', requests: ['CREATE_PAIRING 30000001203'] },
    );
  });
}

export function movedAsAWhole(): Journey {
  const card = '30000001301';
  return journey('R10: what moves as a whole stays untouched', 'S0000031301', ({ act, subscription }) => {
    subscription.state = 'EFFECTIVE';
    addItem(subscription, 'card', 'SMARTCARD', card, 'CELLAR');
    addItem(subscription, 'stb', 'SET_TOP_BOX', 'STB-31301', 'HALL');
    addService(subscription, 'basic', '1001', { distributor: 'CELLAR' });
    act('subscribes; the card is in the cellar', () => [{ action: 'S:BECOME_SUBSCRIBER' }], {
      outcome: 'PROVISIONED',
      requests: [`${ADD} ${card}/1001`],
      withheld: [`CREATE_PAIRING NOTHING_TO_PAIR ${card}`, 'CREATE_PAIRING NOTHING_TO_PAIR'],
    });
    act(
      'moves card and service to the hall, where the STB is',
      (s) => {
        const facet = { movedServices: [move(s, 'basic', 'HALL')], movedItems: [move(s, 'card', 'HALL')] };
        return [
          { action: 'S:CHANGE_SUBSCRIPTION_DISTRIBUTION', ...facet },
          { action: 'V:CHANGE_SUBSCRIPTION_DISTRIBUTION', ...facet },
        ];
      },
      { outcome: 'PROVISIONED', requests: [`CREATE_PAIRING ${card}`] },
    );
  });
}

export function backAgain(): Journey {
  const card = '30000001401';
  return journey('R7: a card that comes back is not known to be paired', 'S0000031401', ({ act, subscription }) => {
    subscribed(subscription, card, 'STB-31401', ['1001']);
    act('subscribes', () => [{ action: 'S:BECOME_SUBSCRIBER' }], {
      outcome: 'PROVISIONED',
      requests: [`CREATE_PAIRING ${card}`, `${ADD} ${card}/1001`],
    });
    act('gives the card back', (s) => [{ action: 'I:REMOVE_INSTALLED_ITEM', removedItems: [removeItem(s, 'card')] }], {
      outcome: 'PROVISIONED',
      requests: [`${CANCEL} ${card}/1001`],
    });
    act(
      'gets the same one again',
      (s) => {
        addItem(s, 'card-again', 'SMARTCARD', card);
        return [{ action: 'I:ADD_INSTALLED_ITEM', incomingItems: ['card-again'] }];
      },
      {
        outcome: 'PARTLY_PROVISIONED',
        requests: [`CREATE_PAIRING ${card}`],
        withheld: [`${ADD} NOT_TRIGGERED ${card}/1001`],
      },
    );
  });
}

export function refusedPairing(): Journey {
  const card = '30000001501';
  return journey('R8: a refused pairing is asked about', 'S0000031501', ({ act, subscription }) => {
    subscribed(subscription, card, 'STB-31501', ['1001']);
    act(
      'subscribes; the CAS refuses the pairing',
      () => [{ action: 'S:BECOME_SUBSCRIBER' }],
      {
        outcome: 'PARTLY_PROVISIONED',
        requests: [`CREATE_PAIRING ${card} CLIENT_NOT_MANAGED_BY_SMS`, `${ADD} ${card}/1001`],
      },
      {
        before: {
          says: 'the CAS refuses to pair this card',
          rules: [
            {
              match: { command: 'CREATE_PAIRING', smartcard: card },
              times: 1,
              fault: 'status:CLIENT_NOT_MANAGED_BY_SMS',
            },
          ],
        },
      },
    );
  });
}
