import { addItem, addService, type CrmEvent, removeItem, setService } from '../../dev/demo/crm.ts';
import { asMessage, type Journey, journey, type Message, type Script } from '../../dev/demo/journey.ts';
import { ADD, CANCEL, subscribed } from '../../dev/demo/journeys/household.ts';

/**
 * Customers whose actions do not come as a whole: facets that are late, broken or held. For a service that holds late
 * events (STALE_POLICY=hold) and does not wait long for facets.
 */
export function facetJourneys(): Journey[] {
  return [missingFacet(), sentAfterAll(), brokenFacet(), onlyBroken(), heldEvent(), lateFacet(), unreadable()];
}

function missingFacet(): Journey {
  const [old, replacement] = ['31000000101', '31000000102'];
  return journey('A facet that comes after the wait', 'S0000031101', (script) => {
    subscribes(script, old, ['1001']);
    let late: CrmEvent | undefined;
    const { act, deliver } = script;
    act(
      'gets a new card; the service facet is missing',
      (s) => {
        const facet = { removedItems: [removeItem(s, 'card')], incomingItems: ['card-2'] };
        addItem(s, 'card-2', 'SMARTCARD', replacement);
        return [
          { action: 'I:SWAP_INSTALLED_ITEM', ...facet },
          { action: 'V:SWAP_INSTALLED_ITEM', ...facet },
        ];
      },
      {
        outcome: 'PROVISIONED',
        facets: ['INSTALLED_ITEM SWAP_INSTALLED_ITEM PLANNED'],
        requests: [`${CANCEL} ${old}/1001`, `CREATE_PAIRING ${replacement}`],
      },
      {
        deliver: ([first, second]) => {
          late = second;
          return messages(first);
        },
      },
    );
    deliver('the service facet comes after all', messages(late), {
      ...actionOf(late),
      outcome: 'PROVISIONED',
      facets: ['INSTALLED_ITEM SWAP_INSTALLED_ITEM PLANNED', 'SERVICE SWAP_INSTALLED_ITEM PLANNED'],
      requests: [`${CANCEL} ${old}/1001`, `CREATE_PAIRING ${replacement}`, `${ADD} ${replacement}/1001`],
      withheld: [`${CANCEL} ALREADY_REQUESTED ${old}/1001`],
    });
  });
}

function sentAfterAll(): Journey {
  const [card, second] = ['31000000201', '31000000202'];
  return journey('What one facet withholds another sends', 'S0000031201', (script) => {
    subscribes(script, card, ['1001']);
    let late: CrmEvent | undefined;
    const { act, deliver } = script;
    act(
      'gets a second card; the facet that distributes to it is missing',
      (s) => {
        addItem(s, 'card-2', 'SMARTCARD', second);
        return [
          { action: 'I:ADD_INSTALLED_ITEM', incomingItems: ['card-2'] },
          { action: 'V:SWAP_INSTALLED_ITEM', incomingItems: ['card-2'] },
        ];
      },
      {
        outcome: 'PARTLY_PROVISIONED',
        requests: [`ADD_TO_EXISTING_PAIRING ${card}`],
        withheld: [`${ADD} NOT_TRIGGERED ${second}/1001`],
      },
      {
        deliver: ([first, other]) => {
          late = other;
          return messages(first);
        },
      },
    );
    deliver('it comes after all', messages(late), {
      ...actionOf(late),
      outcome: 'PROVISIONED',
      requests: [`ADD_TO_EXISTING_PAIRING ${card}`, `${ADD} ${second}/1001`],
    });
  });
}

function brokenFacet(): Journey {
  const card = '31000000301';
  return journey('A broken facet beside a sound one', 'S0000031301', (script) => {
    subscribes(script, card, ['1001']);
    let sound: CrmEvent | undefined;
    const { act, deliver } = script;
    act(
      'takes a service and an STB; the facet of the STB contradicts itself',
      (s) => {
        addService(s, 'sports', '1002');
        addItem(s, 'stb-2', 'SET_TOP_BOX', 'STB-31302');
        return [
          { action: 'V:ADD_SERVICE', incomingServices: ['sports'] },
          { action: 'I:ADD_INSTALLED_ITEM', incomingItems: ['stb-2'] },
        ];
      },
      {
        outcome: 'PARTLY_PROVISIONED',
        facets: ['SERVICE ADD_SERVICE PLANNED', 'INSTALLED_ITEM ADD_INSTALLED_ITEM DEAD_LETTERED'],
        requests: [`ADD_TO_EXISTING_PAIRING ${card}`, `${ADD} ${card}/1002`],
      },
      {
        deliver: ([first, second]) => {
          sound = second;
          return messages(first, second && { ...second, value: { ...second.value, ...NOWHERE } });
        },
      },
    );
    deliver('the CRM corrects it, with the same eventId', messages(sound), {
      ...actionOf(sound),
      outcome: 'PROVISIONED',
      facets: ['SERVICE ADD_SERVICE PLANNED', 'INSTALLED_ITEM ADD_INSTALLED_ITEM NOTHING_TO_DO'],
      requests: [`ADD_TO_EXISTING_PAIRING ${card}`, `${ADD} ${card}/1002`],
      withheld: [`ADD_TO_EXISTING_PAIRING ALREADY_PAIRED ${card}`],
    });
  });
}

function onlyBroken(): Journey {
  const card = '31000000401';
  return journey('An action of which nothing can be read, then read', 'S0000031401', (script) => {
    subscribes(script, card, ['1001']);
    let sound: CrmEvent | undefined;
    const { act, deliver } = script;
    act(
      'takes a service; PostgreSQL cannot keep the event',
      (s) => {
        addService(s, 'sports', '1002');
        return [{ action: 'V:ADD_SERVICE', incomingServices: ['sports'] }];
      },
      { outcome: 'INVALID', facets: ['SERVICE ADD_SERVICE DEAD_LETTERED'] },
      {
        deliver: ([first]) => {
          sound = first;
          return messages(first && withNul(first));
        },
      },
    );
    deliver('the CRM corrects it', messages(sound), {
      ...actionOf(sound),
      outcome: 'PROVISIONED',
      facets: ['SERVICE ADD_SERVICE PLANNED'],
      requests: [`${ADD} ${card}/1002`],
      withheld: [`ADD_TO_EXISTING_PAIRING ALREADY_PAIRED ${card}`],
    });
  });
}

function heldEvent(): Journey {
  const card = '31000000501';
  return journey('A late event is held', HELD_SUBSCRIPTION, (script) => {
    subscribes(script, card, ['1001']);
    const { act, deliver, hold } = script;
    const [late] = hold('takes the sports pack', (s) => {
      addService(s, 'sports', '1002');
      return [{ action: 'V:ADD_SERVICE', incomingServices: ['sports'] }];
    });
    const [later] = hold('takes the news', (s) => {
      addService(s, 'news', '1003');
      return [{ action: 'V:ADD_SERVICE', incomingServices: ['news'] }];
    });
    act(
      'gives the sports pack back',
      (s) => {
        setService(s, 'sports', 'REMOVED');
        return [{ action: 'V:REMOVE_SERVICE', outgoingServices: ['sports'] }];
      },
      { outcome: 'PROVISIONED', requests: [`${CANCEL} ${card}/1002`] },
    );
    for (const event of [late, later]) {
      deliver('an event from before arrives, and a person has to decide', messages(event), {
        ...actionOf(event),
        outcome: 'HELD',
        facets: ['SERVICE ADD_SERVICE STALE'],
      });
    }
  });
}

function lateFacet(): Journey {
  const card = '31000000601';
  return journey('A late facet of a planned action is not held', 'S0000031601', (script) => {
    subscribes(script, card, ['1001']);
    let late: CrmEvent | undefined;
    const { act, deliver } = script;
    act(
      'takes a service and an STB; the facet of the service is missing',
      (s) => {
        addService(s, 'sports', '1002');
        addItem(s, 'stb-2', 'SET_TOP_BOX', 'STB-31602');
        return [
          { action: 'I:ADD_INSTALLED_ITEM', incomingItems: ['stb-2'] },
          { action: 'V:ADD_SERVICE', incomingServices: ['sports'] },
        ];
      },
      { outcome: 'PROVISIONED', requests: [`ADD_TO_EXISTING_PAIRING ${card}`] },
      {
        deliver: ([first, second]) => {
          late = second;
          return messages(first);
        },
      },
    );
    act(
      'gives the first service back',
      (s) => {
        setService(s, 'service-1001', 'REMOVED');
        return [{ action: 'V:REMOVE_SERVICE', outgoingServices: ['service-1001'] }];
      },
      { outcome: 'PROVISIONED', requests: [`${CANCEL} ${card}/1001`] },
    );
    deliver('the missing facet comes', messages(late), {
      ...actionOf(late),
      outcome: 'PROVISIONED',
      requests: [`ADD_TO_EXISTING_PAIRING ${card}`, `${ADD} ${card}/1002`],
      withheld: [`ADD_TO_EXISTING_PAIRING ALREADY_PAIRED ${card}`],
    });
  });
}

/** The subscription with two events that wait for a person. */
export const HELD_SUBSCRIPTION = 'S0000031501';

function unreadable(): Journey {
  const card = '31000000701';
  const key = 'S0000031701';
  return journey('Messages that cannot be processed', key, (script) => {
    const { deadLetter, act, subscription, hold } = script;
    const bytes = (value: Buffer): Message => ({ kind: 'bytes', key, value });
    deadLetter('nothing at all', bytes(Buffer.alloc(0)), 'EMPTY_MESSAGE');
    deadLetter('text', bytes(Buffer.from('good morning')), 'NOT_AVRO');
    deadLetter('a schema that nobody registered', bytes(Buffer.from('007fffffffaaaa', 'hex')), 'UNKNOWN_SCHEMA');
    subscribed(subscription, card, 'STB-31701', ['1001']);
    const [whole] = hold('looks around', () => [{ action: 'I:ADD_INSTALLED_ITEM' }]);
    if (!whole) throw new Error('The action has no event');
    deadLetter('half an event', { kind: 'cut', event: whole, bytes: 40 }, 'UNREADABLE');
    const [wrong] = hold('gets a card', () => [{ action: 'I:ADD_INSTALLED_ITEM', incomingItems: ['gone'] }]);
    if (!wrong) throw new Error('The action has no event');
    deadLetter('an event about a card that is not there', asMessage(wrong), 'CONTRADICTORY');
    const [nul] = hold('becomes subscriber', () => [{ action: 'S:BECOME_SUBSCRIBER' }]);
    if (!nul) throw new Error('The action has no event');
    deadLetter('an event that PostgreSQL cannot keep', asMessage(withNul(nul)), 'PROCESSING_FAILED');
    act('subscribes, right behind them', () => [{ action: 'S:BECOME_SUBSCRIBER' }], {
      outcome: 'PROVISIONED',
      requests: [`CREATE_PAIRING ${card}`, `${ADD} ${card}/1001`],
    });
  });
}

const NOWHERE = { incomingInstalledItems: ['gone'] };

function subscribes({ act, subscription }: Script, card: string, serviceCaIds: readonly string[]): void {
  subscribed(subscription, card, `STB-${card}`, serviceCaIds);
  act('subscribes', () => [{ action: 'S:BECOME_SUBSCRIBER' }], {
    outcome: 'PROVISIONED',
    requests: [`CREATE_PAIRING ${card}`, ...serviceCaIds.map((caId) => `${ADD} ${card}/${caId}`)],
  });
}

/** The event with a character that PostgreSQL takes nowhere. */
function withNul(event: CrmEvent): CrmEvent {
  const { subscription } = event.value;
  const [first, ...others] = subscription.services;
  const services = first ? [{ ...first, productCode: 'P\u0000' }, ...others] : [];
  return { ...event, value: { ...event.value, subscription: { ...subscription, services } } };
}

function messages(...sent: readonly (CrmEvent | undefined)[]): Message[] {
  return sent.flatMap((event) => (event ? [asMessage(event)] : []));
}

function actionOf(event: CrmEvent | undefined): { actionId: string; actionNumber: string } {
  if (!event) throw new Error('The action has no such event');
  return { actionId: event.value.action.id, actionNumber: event.value.action.number };
}
