import { addItem, addService, removeItem, setService, setServices } from '../crm.ts';
import { type Journey, journey } from '../journey.ts';
import { ADD, CANCEL, subscribed } from './household.ts';

export function newCustomer(): Journey {
  const card = '20000000101';
  return journey('A new customer', 'S0000000101', ({ act }) => {
    act(
      'subscribes, with a card, an STB and two packages',
      (s) => {
        s.state = 'EFFECTIVE';
        addItem(s, 'card', 'SMARTCARD', card);
        addItem(s, 'stb', 'SET_TOP_BOX', 'STB-101');
        addService(s, 'basic', '1001');
        addService(s, 'sports', '1002');
        return [{ action: 'S:BECOME_SUBSCRIBER' }];
      },
      { outcome: 'PROVISIONED', requests: [`CREATE_PAIRING ${card}`, `${ADD} ${card}/1001`, `${ADD} ${card}/1002`] },
    );
    act(
      'takes the film pack too',
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
      'stops the sports pack',
      (s) => {
        setService(s, 'sports', 'NOT_EFFECTIVE');
        return [{ action: 'V:STOP_SERVICE', outgoingServices: ['sports'] }];
      },
      { outcome: 'PROVISIONED', requests: [`${CANCEL} ${card}/1002`] },
    );
    act(
      'starts it again',
      (s) => {
        setService(s, 'sports', 'EFFECTIVE');
        return [{ action: 'V:START_SERVICE', incomingServices: ['sports'] }];
      },
      { outcome: 'PROVISIONED', requests: [`${ADD} ${card}/1002`] },
    );
    act(
      'gives the film pack back',
      (s) => {
        setService(s, 'films', 'REMOVED');
        return [{ action: 'V:REMOVE_SERVICE', outgoingServices: ['films'] }];
      },
      { outcome: 'PROVISIONED', requests: [`${CANCEL} ${card}/1003`] },
    );
  });
}

export function unpaidBill(): Journey {
  const card = '20000000201';
  return journey('An unpaid bill', 'S0000000201', ({ act, subscription }) => {
    subscribed(subscription, card, 'STB-201', ['1001', '1002']);
    act('subscribes', () => [{ action: 'S:BECOME_SUBSCRIBER' }], {
      outcome: 'PROVISIONED',
      requests: [`CREATE_PAIRING ${card}`, `${ADD} ${card}/1001`, `${ADD} ${card}/1002`],
    });
    act(
      'does not pay',
      (s) => {
        s.state = 'NOT_EFFECTIVE';
        setServices(s, 'NOT_EFFECTIVE');
        return [{ action: 'S:DEACTIVATE_SUBSCRIPTION' }];
      },
      { outcome: 'PROVISIONED', requests: [`${CANCEL} ${card}/1001`, `${CANCEL} ${card}/1002`] },
    );
    act(
      'pays',
      (s) => {
        s.state = 'EFFECTIVE';
        setServices(s, 'EFFECTIVE');
        return [{ action: 'S:ACTIVATE_SUBSCRIPTION' }];
      },
      {
        outcome: 'PROVISIONED',
        requests: [`CREATE_PAIRING ${card}`, `${ADD} ${card}/1001`, `${ADD} ${card}/1002`],
      },
    );
  });
}

export function holidays(): Journey {
  const card = '20000000301';
  const all = [`CREATE_PAIRING ${card}`, `${ADD} ${card}/1001`];
  return journey('Holidays', 'S0000000301', ({ act, subscription }) => {
    subscribed(subscription, card, 'STB-301', ['1001']);
    act('subscribes', () => [{ action: 'S:BECOME_SUBSCRIBER' }], { outcome: 'PROVISIONED', requests: all });
    act(
      'pauses for a week',
      (s) => {
        s.state = 'SHORT_TERM_NOT_EFFECTIVE';
        setServices(s, 'SHORT_TERM_NOT_EFFECTIVE');
        return [{ action: 'S:SHORT_TERM_DEACTIVATION' }];
      },
      { outcome: 'PROVISIONED', requests: [`${CANCEL} ${card}/1001`] },
    );
    act(
      'is back',
      (s) => {
        s.state = 'EFFECTIVE';
        setServices(s, 'EFFECTIVE');
        return [{ action: 'S:END_SHORT_TERM_DEACTIVATION' }];
      },
      { outcome: 'PROVISIONED', requests: all },
    );
    act(
      'rests the subscription for the winter',
      (s) => {
        s.state = 'IN_RESTING';
        setServices(s, 'IN_RESTING');
        return [{ action: 'S:REST_SUBSCRIPTION' }];
      },
      { outcome: 'PROVISIONED', requests: [`${CANCEL} ${card}/1001`] },
    );
    act(
      'ends the rest',
      (s) => {
        s.state = 'EFFECTIVE';
        setServices(s, 'EFFECTIVE');
        return [{ action: 'S:END_SUBSCRIPTION_RESTING' }];
      },
      { outcome: 'PROVISIONED', requests: all },
    );
  });
}

export function summerHouse(): Journey {
  const card = '20000000401';
  return journey('A summer house', 'S0000000401', ({ act, subscription }) => {
    subscribed(subscription, card, 'STB-401', ['1001', '1004']);
    setServices(subscription, 'NOT_EFFECTIVE');
    act(
      'opens it for the season',
      (s) => {
        s.state = 'SHORT_TERM_EFFECTIVE';
        setServices(s, 'SHORT_TERM_EFFECTIVE');
        return [{ action: 'S:SHORT_TERM_ACTIVATION' }];
      },
      {
        outcome: 'PROVISIONED',
        requests: [`CREATE_PAIRING ${card}`, `${ADD} ${card}/1001`, `${ADD} ${card}/1004`],
      },
    );
    act(
      'closes it',
      (s) => {
        s.state = 'NOT_EFFECTIVE';
        setServices(s, 'NOT_EFFECTIVE');
        return [{ action: 'S:END_SHORT_TERM_ACTIVATION' }];
      },
      { outcome: 'PROVISIONED', requests: [`${CANCEL} ${card}/1001`, `${CANCEL} ${card}/1004`] },
    );
  });
}

export function leaves(): Journey {
  const card = '20000000501';
  return journey('A customer leaves', 'S0000000501', ({ act, subscription }) => {
    subscribed(subscription, card, 'STB-501', ['1001', '1002']);
    act('subscribes', () => [{ action: 'S:BECOME_SUBSCRIBER' }], {
      outcome: 'PROVISIONED',
      requests: [`CREATE_PAIRING ${card}`, `${ADD} ${card}/1001`, `${ADD} ${card}/1002`],
    });
    act(
      'ends the contract; the hardware is gone with it',
      (s) => {
        s.state = 'TERMINATED';
        setServices(s, 'CANCELLED');
        removeItem(s, 'card');
        removeItem(s, 'stb');
        return [{ action: 'S:TERMINATE_SUBSCRIPTION' }];
      },
      { outcome: 'PROVISIONED', requests: [`${CANCEL} ${card}/1001`, `${CANCEL} ${card}/1002`] },
    );
  });
}

export function twoPackages(): Journey {
  const card = '20000000601';
  return journey('Two packages, one product', 'S0000000601', ({ act, subscription }) => {
    subscribed(subscription, card, 'STB-601', ['1001']);
    addService(subscription, 'family', '1005');
    addService(subscription, 'football', '1005');
    act('subscribes', () => [{ action: 'S:BECOME_SUBSCRIBER' }], {
      outcome: 'PROVISIONED',
      requests: [`CREATE_PAIRING ${card}`, `${ADD} ${card}/1001`, `${ADD} ${card}/1005`],
      withheld: [`${ADD} ALREADY_REQUESTED ${card}/1005`],
    });
    act(
      'gives one of them back: the screen must stay bright',
      (s) => {
        setService(s, 'football', 'REMOVED');
        return [{ action: 'V:REMOVE_SERVICE', outgoingServices: ['football'] }];
      },
      { outcome: 'NOTHING_TO_DO', withheld: [`${CANCEL} STILL_ENTITLED ${card}/1005`] },
    );
  });
}

export function swappedService(): Journey {
  const card = '20000000801';
  return journey('A change of mind', 'S0000000801', ({ act, subscription }) => {
    subscribed(subscription, card, 'STB-801', ['1001']);
    act('subscribes', () => [{ action: 'S:BECOME_SUBSCRIBER' }], {
      outcome: 'PROVISIONED',
      requests: [`CREATE_PAIRING ${card}`, `${ADD} ${card}/1001`],
    });
    act(
      'swaps basic for premium',
      (s) => {
        setService(s, 'service-1001', 'SWAPPED');
        addService(s, 'premium', '1006');
        return [{ action: 'V:SWAP_SERVICE', incomingServices: ['premium'], outgoingServices: ['service-1001'] }];
      },
      { outcome: 'PROVISIONED', requests: [`${CANCEL} ${card}/1001`, `${ADD} ${card}/1006`] },
    );
    act(
      'regrets it',
      (s) => {
        setService(s, 'premium', 'REGRETTED');
        setService(s, 'service-1001', 'EFFECTIVE');
        return [{ action: 'V:REGRET_SERVICE', incomingServices: ['service-1001'], outgoingServices: ['premium'] }];
      },
      { outcome: 'PROVISIONED', requests: [`${CANCEL} ${card}/1006`, `${ADD} ${card}/1001`] },
    );
  });
}
