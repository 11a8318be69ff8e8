import { addService, setService, type CrmEvent } from '../crm.ts';
import { asMessage, type Journey, journey } from '../journey.ts';
import { ADD, CANCEL, subscribed } from './household.ts';

export function duplicateAndLate(): Journey {
  const card = '20000001301';
  return journey('A network with hiccups', 'S0000001301', ({ act, hold, deliver, subscription }) => {
    subscribed(subscription, card, 'STB-1301', ['1001']);
    act(
      'subscribes; the event comes three times',
      () => [{ action: 'S:BECOME_SUBSCRIBER' }],
      { outcome: 'PROVISIONED', requests: [`CREATE_PAIRING ${card}`, `${ADD} ${card}/1001`] },
      { deliver: (sent) => [...sent, ...sent, ...sent].map(asMessage) },
    );
    const late = hold('takes the sports pack; that event is held up', (s) => {
      addService(s, 'sports', '1002');
      return [{ action: 'V:ADD_SERVICE', incomingServices: ['sports'] }];
    });
    act(
      'gives the sports pack back',
      (s) => {
        setService(s, 'sports', 'REMOVED');
        return [{ action: 'V:REMOVE_SERVICE', outgoingServices: ['sports'] }];
      },
      { outcome: 'PROVISIONED', requests: [`${CANCEL} ${card}/1002`] },
    );
    const { action } = firstOf(late).value;
    deliver('the event that was held up arrives: nothing is undone', late.map(asMessage), {
      actionId: action.id,
      actionNumber: action.number,
      outcome: 'NOTHING_TO_DO',
      withheld: [`ADD_TO_EXISTING_PAIRING ALREADY_PAIRED ${card}`, `${ADD} SUPERSEDED ${card}/1002`],
    });
  });
}

export function newerCrm(): Journey {
  const card = '20000001401';
  return journey('A newer CRM', 'S0000001401', ({ act, subscription }) => {
    subscribed(subscription, card, 'STB-1401', ['1001']);
    act('subscribes', () => [{ action: 'S:BECOME_SUBSCRIBER' }], {
      outcome: 'PROVISIONED',
      requests: [`CREATE_PAIRING ${card}`, `${ADD} ${card}/1001`],
    });
    act(
      'does something that we do not know',
      () => [{ action: 'V:UNKNOWN' }],
      { outcome: 'NOTHING_TO_DO' },
      { deliver: (sent) => sent.map((event) => ({ kind: 'newer-crm', event, symbol: 'UPGRADE_SERVICE' })) },
    );
  });
}

export function poison(): Journey {
  const card = '20000001501';
  const number = 'S0000001501';
  return journey('Poison', number, ({ act, deadLetter, subscription }) => {
    subscribed(subscription, card, 'STB-1501', ['1001']);
    deadLetter(
      'bytes that are no Avro',
      { kind: 'bytes', key: number, value: Buffer.from('{"not":"avro"}') },
      'NOT_AVRO',
    );
    act('subscribes, right behind them', () => [{ action: 'S:BECOME_SUBSCRIBER' }], {
      outcome: 'PROVISIONED',
      requests: [`CREATE_PAIRING ${card}`, `${ADD} ${card}/1001`],
    });
    act(
      'an event that contradicts itself',
      () => [{ action: 'V:ADD_SERVICE', incomingServices: ['no-such-service'] }],
      { outcome: 'INVALID' },
    );
  });
}

export function refusedByTheCas(): Journey {
  const card = '20000001601';
  return journey('A card that the CAS does not know', 'S0000001601', ({ act, subscription }) => {
    subscribed(subscription, card, 'STB-1601', ['1001', '1002']);
    act(
      'subscribes; the CAS refuses one product',
      () => [{ action: 'S:BECOME_SUBSCRIBER' }],
      {
        outcome: 'PARTLY_PROVISIONED',
        requests: [`CREATE_PAIRING ${card}`, `${ADD} ${card}/1001`, `${ADD} ${card}/1002 CLIENT_NOT_FOUND`],
      },
      {
        before: {
          says: 'the CAS refuses product 1002 on this card',
          rules: [{ match: { smartcard: card, serviceCaId: '1002' }, times: 1, fault: 'status:CLIENT_NOT_FOUND' }],
        },
      },
    );
    act('asks again', () => [{ action: 'S:ACTIVATE_SUBSCRIPTION' }], {
      outcome: 'PROVISIONED',
      requests: [`CREATE_PAIRING ${card}`, `${ADD} ${card}/1001`, `${ADD} ${card}/1002`],
    });
  });
}

export function outage(): Journey {
  const card = '20000001701';
  return journey('A CAS outage', 'S0000001701', ({ act, subscription }) => {
    subscribed(subscription, card, 'STB-1701', ['1001']);
    act(
      'subscribes while the CAS is away; it comes back after three seconds',
      () => [{ action: 'S:BECOME_SUBSCRIBER' }],
      { outcome: 'PROVISIONED', requests: [`CREATE_PAIRING ${card}`, `${ADD} ${card}/1001`] },
      {
        before: {
          says: 'every call is answered with 503',
          rules: [{ match: {}, times: null, fault: 'http:503' }],
          healsAfterMs: 3_000,
        },
      },
    );
  });
}

function firstOf(all: readonly CrmEvent[]): CrmEvent {
  const [first] = all;
  if (!first) throw new Error('The action has no event');
  return first;
}
