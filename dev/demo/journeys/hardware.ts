import { addItem, addService, move, removeItem, setService } from '../crm.ts';
import { type Journey, journey } from '../journey.ts';
import { ADD, CANCEL, subscribed } from './household.ts';

export function swappedCard(): Journey {
  const [old, replacement] = ['20000000701', '20000000702'];
  return journey('A broken card', 'S0000000701', ({ act, subscription }) => {
    subscribed(subscription, old, 'STB-701', ['1001', '1002']);
    act('subscribes', () => [{ action: 'S:BECOME_SUBSCRIBER' }], {
      outcome: 'PROVISIONED',
      requests: [`CREATE_PAIRING ${old}`, `${ADD} ${old}/1001`, `${ADD} ${old}/1002`],
    });
    act(
      'gets a new one',
      (s) => {
        const removed = removeItem(s, 'card');
        addItem(s, 'card-2', 'SMARTCARD', replacement);
        const facet = { removedItems: [removed], incomingItems: ['card-2'] };
        return [
          { action: 'I:SWAP_INSTALLED_ITEM', ...facet },
          { action: 'V:SWAP_INSTALLED_ITEM', ...facet },
        ];
      },
      {
        outcome: 'PROVISIONED',
        requests: [
          `${CANCEL} ${old}/1001`,
          `${CANCEL} ${old}/1002`,
          `CREATE_PAIRING ${replacement}`,
          `${ADD} ${replacement}/1001`,
          `${ADD} ${replacement}/1002`,
        ],
        withheld: [`${CANCEL} ALREADY_REQUESTED ${old}/1001`, `${CANCEL} ALREADY_REQUESTED ${old}/1002`],
      },
    );
  });
}

export function twoRooms(): Journey {
  const [living, bedroom] = ['20000000901', '20000000902'];
  return journey('Two rooms', 'S0000000901', ({ act, subscription }) => {
    subscription.state = 'EFFECTIVE';
    addItem(subscription, 'card', 'SMARTCARD', living, 'LIVING-ROOM');
    addItem(subscription, 'stb', 'SET_TOP_BOX', 'STB-901', 'LIVING-ROOM');
    addItem(subscription, 'card-2', 'SMARTCARD', bedroom, 'BEDROOM');
    addItem(subscription, 'stb-2', 'SET_TOP_BOX', 'STB-902', 'BEDROOM');
    addService(subscription, 'basic', '1001', { distributor: 'LIVING-ROOM' });
    addService(subscription, 'kids', '1007', { distributor: 'BEDROOM' });
    act('subscribes with a card in each room', () => [{ action: 'S:BECOME_SUBSCRIBER' }], {
      outcome: 'PROVISIONED',
      requests: [
        `CREATE_PAIRING ${living}`,
        `CREATE_PAIRING ${bedroom}`,
        `${ADD} ${living}/1001`,
        `${ADD} ${bedroom}/1007`,
      ],
    });
    act(
      'moves the kids pack to the living room',
      (s) => {
        const movedServices = [move(s, 'kids', 'LIVING-ROOM')];
        return [
          { action: 'S:CHANGE_SUBSCRIPTION_DISTRIBUTION', movedServices },
          { action: 'V:CHANGE_SUBSCRIPTION_DISTRIBUTION', movedServices },
        ];
      },
      {
        outcome: 'PROVISIONED',
        requests: [`${ADD} ${living}/1007`, `${CANCEL} ${bedroom}/1007`],
        withheld: [`ADD_TO_EXISTING_PAIRING ALREADY_PAIRED ${living}`],
      },
    );
    act(
      'puts the second STB into the living room as well',
      (s) => {
        const movedItems = [move(s, 'stb-2', 'LIVING-ROOM')];
        return [{ action: 'S:CHANGE_SUBSCRIPTION_DISTRIBUTION', movedItems }];
      },
      { outcome: 'PROVISIONED', requests: [`ADD_TO_EXISTING_PAIRING ${living}`] },
    );
  });
}

export function moreHardware(): Journey {
  const [card, second] = ['20000001001', '20000001002'];
  return journey('More hardware', 'S0000001001', ({ act, subscription }) => {
    subscription.state = 'EFFECTIVE';
    addItem(subscription, 'card', 'SMARTCARD', card, 'HOME');
    addItem(subscription, 'stb', 'SET_TOP_BOX', 'STB-1001', 'HOME');
    addService(subscription, 'basic', '1001', { distributor: 'HOME' });
    act('subscribes', () => [{ action: 'S:BECOME_SUBSCRIBER' }], {
      outcome: 'PROVISIONED',
      requests: [`CREATE_PAIRING ${card}`, `${ADD} ${card}/1001`],
    });
    act(
      'adds an STB',
      (s) => {
        addItem(s, 'stb-2', 'SET_TOP_BOX', 'STB-1002', 'HOME');
        return [{ action: 'I:ADD_INSTALLED_ITEM', incomingItems: ['stb-2'] }];
      },
      { outcome: 'PROVISIONED', requests: [`ADD_TO_EXISTING_PAIRING ${card}`] },
    );
    act(
      'adds a card, which the CRM then distributes to',
      (s) => {
        addItem(s, 'card-2', 'SMARTCARD', second, 'STORE');
        return [{ action: 'I:ADD_INSTALLED_ITEM', incomingItems: ['card-2'] }];
      },
      { outcome: 'NOTHING_TO_DO', withheld: [`CREATE_PAIRING NOTHING_TO_PAIR ${second}`] },
    );
    act(
      'has it moved to the home',
      (s) => [{ action: 'S:CHANGE_SUBSCRIPTION_DISTRIBUTION', movedItems: [move(s, 'card-2', 'HOME')] }],
      { outcome: 'PROVISIONED', requests: [`ADD_TO_EXISTING_PAIRING ${card}`, `${ADD} ${second}/1001`] },
    );
    act(
      'gives the first card back',
      (s) => [{ action: 'I:REMOVE_INSTALLED_ITEM', removedItems: [removeItem(s, 'card')] }],
      { outcome: 'PROVISIONED', requests: [`${CANCEL} ${card}/1001`] },
    );
  });
}

export function secondThoughts(): Journey {
  const [card, second] = ['20000001101', '20000001102'];
  return journey('Second thoughts', 'S0000001101', ({ act, subscription }) => {
    subscribed(subscription, card, 'STB-1101', ['1001', '1002']);
    act('subscribes', () => [{ action: 'S:BECOME_SUBSCRIBER' }], {
      outcome: 'PROVISIONED',
      requests: [`CREATE_PAIRING ${card}`, `${ADD} ${card}/1001`, `${ADD} ${card}/1002`],
    });
    act(
      'cancels a service',
      (s) => {
        setService(s, 'service-1002', 'CANCELLED');
        return [{ action: 'V:CANCEL_SERVICE', outgoingServices: ['service-1002'] }];
      },
      { outcome: 'PROVISIONED', requests: [`${CANCEL} ${card}/1002`] },
    );
    act(
      'takes the film pack',
      (s) => {
        addService(s, 'films', '1003');
        return [{ action: 'V:ADD_SERVICE', incomingServices: ['films'] }];
      },
      {
        outcome: 'PROVISIONED',
        requests: [`${ADD} ${card}/1003`],
        withheld: [`ADD_TO_EXISTING_PAIRING ALREADY_PAIRED ${card}`],
      },
    );
    act(
      'undoes that',
      (s) => {
        setService(s, 'films', 'REMOVED');
        return [{ action: 'V:UNDO_ADD_SERVICE', outgoingServices: ['films'] }];
      },
      { outcome: 'PROVISIONED', requests: [`${CANCEL} ${card}/1003`] },
    );
    act(
      'gets a second card by mistake',
      (s) => {
        addItem(s, 'card-2', 'SMARTCARD', second);
        return [{ action: 'I:ADD_INSTALLED_ITEM', incomingItems: ['card-2'] }];
      },
      {
        outcome: 'PARTLY_PROVISIONED',
        requests: [`ADD_TO_EXISTING_PAIRING ${card}`],
        withheld: [`${ADD} NOT_TRIGGERED ${second}/1001`],
      },
    );
    act('has that undone', (s) => [{ action: 'I:UNDO_ADD_INSTALLED_ITEM', removedItems: [removeItem(s, 'card-2')] }], {
      outcome: 'PROVISIONED',
      requests: [`${CANCEL} ${second}/1001`, `${CANCEL} ${second}/1002`],
    });
  });
}

export function lostProduct(): Journey {
  const card = '20000001201';
  return journey('A service without a card', 'S0000001201', ({ act }) => {
    act(
      'subscribes before the hardware is there',
      (s) => {
        s.state = 'EFFECTIVE';
        addService(s, 'basic', '1001');
        addService(s, 'magazine', null);
        return [{ action: 'S:BECOME_SUBSCRIBER' }];
      },
      {
        outcome: 'FAILED',
        withheld: ['CREATE_PAIRING NOTHING_TO_PAIR', `${ADD} NO_CARD_FOR_SERVICE -/1001`, `${ADD} NO_SERVICE_CA_ID`],
      },
    );
    act(
      'gets the hardware, and the subscription is activated',
      (s) => {
        addItem(s, 'card', 'SMARTCARD', card);
        addItem(s, 'stb', 'SET_TOP_BOX', 'STB-1201');
        return [{ action: 'S:ACTIVATE_SUBSCRIPTION' }];
      },
      {
        outcome: 'PROVISIONED',
        requests: [`CREATE_PAIRING ${card}`, `${ADD} ${card}/1001`],
        withheld: [`${ADD} NO_SERVICE_CA_ID`],
      },
    );
  });
}
