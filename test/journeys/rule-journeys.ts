import { randomUUID } from 'node:crypto';
import { addItem, addService, type CrmEvent, move, removeItem, setService, setServices } from '../../dev/demo/crm.ts';
import { asMessage, type Journey, journey } from '../../dev/demo/journey.ts';
import { ADD, CANCEL, subscribed } from '../../dev/demo/journeys/household.ts';

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

function severalCards(): Journey {
  const [one, two] = ['30000000101', '30000000102'];
  return journey('R1: a service goes to every card of its distributor', 'S0000030101', ({ act, subscription }) => {
    subscribed(subscription, one, 'STB-30101', ['1001']);
    addItem(subscription, 'card-2', 'SMARTCARD', two);
    act('subscribes with two cards', () => [{ action: 'S:BECOME_SUBSCRIBER' }], {
      outcome: 'PROVISIONED',
      requests: [`CREATE_PAIRING ${one}`, `${ADD} ${one}/1001`, `${ADD} ${two}/1001`],
    });
    act(
      'leaves with the hardware',
      (s) => {
        s.state = 'TERMINATED';
        setServices(s, 'CANCELLED');
        removeItem(s, 'card');
        removeItem(s, 'card-2');
        return [{ action: 'S:TERMINATE_SUBSCRIPTION' }];
      },
      { outcome: 'PROVISIONED', requests: [`${CANCEL} ${one}/1001`, `${CANCEL} ${two}/1001`] },
    );
  });
}

function roomWithoutCard(): Journey {
  const card = '30000000201';
  return journey('R1: a service in a room without a card', 'S0000030201', ({ act, subscription }) => {
    subscribed(subscription, card, 'STB-30201', ['1001']);
    act('subscribes', () => [{ action: 'S:BECOME_SUBSCRIBER' }], {
      outcome: 'PROVISIONED',
      requests: [`CREATE_PAIRING ${card}`, `${ADD} ${card}/1001`],
    });
    act(
      'takes a service for the attic',
      (s) => {
        addService(s, 'attic', '1002', { distributor: 'ATTIC' });
        return [{ action: 'V:ADD_SERVICE', incomingServices: ['attic'] }];
      },
      {
        outcome: 'FAILED',
        withheld: [`${ADD} NO_CARD_FOR_SERVICE -/1002`, 'ADD_TO_EXISTING_PAIRING NOTHING_TO_PAIR'],
      },
    );
  });
}

function notYetEffective(): Journey {
  const card = '30000000301';
  return journey('R2: only effective services are added', 'S0000030301', ({ act, subscription }) => {
    subscribed(subscription, card, 'STB-30301', ['1001']);
    act('subscribes', () => [{ action: 'S:BECOME_SUBSCRIBER' }], {
      outcome: 'PROVISIONED',
      requests: [`CREATE_PAIRING ${card}`, `${ADD} ${card}/1001`],
    });
    act(
      'takes a service that is not effective yet',
      (s) => {
        addService(s, 'later', '1002', { state: 'NOT_EFFECTIVE' });
        return [{ action: 'V:ADD_SERVICE', incomingServices: ['later'] }];
      },
      {
        outcome: 'NOTHING_TO_DO',
        withheld: [`${ADD} NOT_EFFECTIVE ${card}/1002`, `ADD_TO_EXISTING_PAIRING ALREADY_PAIRED ${card}`],
      },
    );
  });
}

function stillEffective(): Journey {
  const card = '30000000401';
  return journey('R3: a service that is still effective is not cancelled', 'S0000030401', ({ act, subscription }) => {
    subscribed(subscription, card, 'STB-30401', ['1001', '1002']);
    act('subscribes', () => [{ action: 'S:BECOME_SUBSCRIBER' }], {
      outcome: 'PROVISIONED',
      requests: [`CREATE_PAIRING ${card}`, `${ADD} ${card}/1001`, `${ADD} ${card}/1002`],
    });
    act(
      'is deactivated, but for one service',
      (s) => {
        s.state = 'NOT_EFFECTIVE';
        setService(s, 'service-1001', 'NOT_EFFECTIVE');
        return [{ action: 'S:DEACTIVATE_SUBSCRIPTION' }];
      },
      {
        outcome: 'PARTLY_PROVISIONED',
        requests: [`${CANCEL} ${card}/1001`],
        withheld: [`${CANCEL} STILL_EFFECTIVE ${card}/1002`],
      },
    );
  });
}

function neighbours(): Journey[] {
  const card = '30000000501';
  return [
    journey('R4: the first of two subscriptions that share a card', 'S0000030501', ({ act, subscription }) => {
      subscribed(subscription, card, 'STB-30501', ['1005']);
      act('subscribes', () => [{ action: 'S:BECOME_SUBSCRIBER' }], {
        outcome: 'PROVISIONED',
        requests: [`CREATE_PAIRING ${card}`, `${ADD} ${card}/1005`],
      });
    }),
    journey('R4: the second one', 'S0000030502', ({ act, subscription }) => {
      subscribed(subscription, card, 'STB-30502', ['1005', '1006']);
      act('subscribes', () => [{ action: 'S:BECOME_SUBSCRIBER' }], {
        outcome: 'PROVISIONED',
        requests: [`CREATE_PAIRING ${card}`, `${ADD} ${card}/1005`, `${ADD} ${card}/1006`],
      });
      act(
        'is deactivated; the first one keeps its product',
        (s) => {
          s.state = 'NOT_EFFECTIVE';
          setServices(s, 'NOT_EFFECTIVE');
          return [{ action: 'S:DEACTIVATE_SUBSCRIPTION' }];
        },
        {
          outcome: 'PROVISIONED',
          requests: [`${CANCEL} ${card}/1006`],
          withheld: [`${CANCEL} STILL_ENTITLED ${card}/1005`],
        },
      );
    }),
  ];
}

function leadingZeros(): Journey {
  const card = '30000000601';
  return journey('R4: leading zeros make no other product', 'S0000030601', ({ act, subscription }) => {
    subscribed(subscription, card, 'STB-30601', ['1007', '01007']);
    act('subscribes to one product twice', () => [{ action: 'S:BECOME_SUBSCRIBER' }], {
      outcome: 'PROVISIONED',
      requests: [`CREATE_PAIRING ${card}`, `${ADD} ${card}/1007`],
    });
    act(
      'gives one back',
      (s) => {
        setService(s, 'service-01007', 'REMOVED');
        return [{ action: 'V:REMOVE_SERVICE', outgoingServices: ['service-01007'] }];
      },
      { outcome: 'NOTHING_TO_DO', withheld: [`${CANCEL} STILL_ENTITLED ${card}/01007`] },
    );
  });
}

function askedAgain(): Journey {
  const card = '30000000701';
  let events: CrmEvent[] = [];
  return journey('R6: a rejected command may be asked for again', 'S0000030701', ({ act, deliver, subscription }) => {
    subscribed(subscription, card, 'STB-30701', ['1001']);
    act(
      'subscribes; the CAS refuses the product',
      () => [{ action: 'S:BECOME_SUBSCRIBER' }],
      {
        outcome: 'PARTLY_PROVISIONED',
        requests: [`CREATE_PAIRING ${card}`, `${ADD} ${card}/1001 FEATURE_NOT_AVAILABLE`],
      },
      {
        before: {
          says: 'the CAS refuses product 1001 on this card',
          rules: [{ match: { smartcard: card, serviceCaId: '1001' }, times: 1, fault: 'status:FEATURE_NOT_AVAILABLE' }],
        },
        deliver: (sent) => {
          events = sent;
          return sent.map(asMessage);
        },
      },
    );
    const again = events.map((event) => ({ ...event, value: { ...event.value, eventId: randomUUID() } }));
    const [first] = again;
    if (!first) throw new Error('The action has no event');
    deliver('the CRM sends a new event of the same action', again.map(asMessage), {
      actionId: first.value.action.id,
      actionNumber: first.value.action.number,
      outcome: 'PROVISIONED',
      requests: [`CREATE_PAIRING ${card}`, `${ADD} ${card}/1001`],
      withheld: [`CREATE_PAIRING ALREADY_REQUESTED ${card}`],
    });
  });
}

function malformedIds(): Journey {
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

function missingDevice(): Journey {
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

function serviceFacetFirst(): Journey {
  const [old, replacement] = ['30000001001', '30000001002'];
  return journey('R6: a swap whose service facet comes first', 'S0000031001', ({ act, subscription }) => {
    subscribed(subscription, old, 'STB-31001', ['1001']);
    act('subscribes', () => [{ action: 'S:BECOME_SUBSCRIBER' }], {
      outcome: 'PROVISIONED',
      requests: [`CREATE_PAIRING ${old}`, `${ADD} ${old}/1001`],
    });
    act(
      'gets a new card',
      (s) => {
        const facet = { removedItems: [removeItem(s, 'card')], incomingItems: ['card-2'] };
        addItem(s, 'card-2', 'SMARTCARD', replacement);
        return [
          { action: 'V:SWAP_INSTALLED_ITEM', ...facet },
          { action: 'I:SWAP_INSTALLED_ITEM', ...facet },
        ];
      },
      {
        outcome: 'PROVISIONED',
        requests: [`${CANCEL} ${old}/1001`, `${ADD} ${replacement}/1001`, `CREATE_PAIRING ${replacement}`],
        withheld: [`${CANCEL} ALREADY_REQUESTED ${old}/1001`],
      },
    );
  });
}

function stayingCard(): Journey {
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

function newRoom(): Journey {
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
      withheld: [`${ADD} NO_CARD_FOR_SERVICE -/1002`, 'CREATE_PAIRING NOTHING_TO_PAIR'],
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

function movedAsAWhole(): Journey {
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

function backAgain(): Journey {
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

function refusedPairing(): Journey {
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
