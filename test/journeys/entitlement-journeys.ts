import { randomUUID } from 'node:crypto';
import { addItem, addService, type CrmEvent, removeItem, setService, setServices } from '../../dev/demo/crm.ts';
import { asMessage, type Journey, journey } from '../../dev/demo/journey.ts';
import { ADD, CANCEL, subscribed } from '../../dev/demo/journeys/household.ts';

export function severalCards(): Journey {
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

export function roomWithoutCard(): Journey {
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

export function notYetEffective(): Journey {
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

export function stillEffective(): Journey {
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

export function neighbours(): Journey[] {
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

export function leadingZeros(): Journey {
  const card = '30000000601';
  return journey('R4: leading zeros make no other product', 'S0000030601', ({ act, subscription }) => {
    subscribed(subscription, card, 'STB-30601', ['1007', '01007']);
    act('subscribes to one product twice', () => [{ action: 'S:BECOME_SUBSCRIBER' }], {
      outcome: 'PROVISIONED',
      requests: [`CREATE_PAIRING ${card}`, `${ADD} ${card}/1007`],
      withheld: [`${ADD} ALREADY_REQUESTED ${card}/01007`],
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

export function askedAgain(): Journey {
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

export function serviceFacetFirst(): Journey {
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
