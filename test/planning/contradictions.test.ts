import { describe, expect, test } from 'vitest';
import { contradictionsOf } from '../../src/events/contradictions.ts';
import { randomHistories } from '../support/histories.ts';
import { eventOf } from './support/examples.ts';
import type { Example } from './support/examples.ts';

const ROOM = ['sport 101 EFFECTIVE living', 'K1 living', 'B1 living'];
const MOVE = 'V: CHANGE_SUBSCRIPTION_DISTRIBUTION';

function contradictions(example: Omit<Example, 'title' | 'sends'>): string[] {
  return contradictionsOf(eventOf({ title: '', sends: [], ...example }));
}

describe('an event that contradicts itself', () => {
  test.each<[string, Omit<Example, 'title' | 'sends'>, string[]]>([
    [
      'names an outgoing service that the snapshot lacks',
      { action: 'V: STOP_SERVICE', after: ROOM, outgoing: ['news'] },
      ['outgoingServices names the service "news", which the snapshot lacks.'],
    ],
    [
      'names an incoming item that the snapshot lacks',
      { action: 'I: ADD_INSTALLED_ITEM', after: ROOM, incoming: ['K2'] },
      ['incomingInstalledItems names the installed item "K2", which the snapshot lacks.'],
    ],
    [
      'moves an item that the snapshot lacks',
      { action: MOVE, after: ROOM, moved: ['K2: - -> living'] },
      ['movedInstalledItems names the installed item "K2", which the snapshot lacks.'],
    ],
    [
      'removes an item that is still there',
      { action: 'I: REMOVE_INSTALLED_ITEM', after: ROOM, removed: ['K1 living'] },
      ['removedInstalledItems has the installed item "K1", which is still in the snapshot.'],
    ],
    [
      'moves a service to where the snapshot does not have it',
      { action: MOVE, after: ROOM, moved: ['sport: living -> bedroom'] },
      [
        'movedServices moves the service "sport" to distributor "bedroom", but the snapshot has it with distributor "living".',
      ],
    ],
    [
      'moves an item to no distributor, but the snapshot has it with one',
      { action: 'S: CHANGE_SUBSCRIPTION_DISTRIBUTION', after: ROOM, moved: ['K1: living -> -'] },
      [
        'movedInstalledItems moves the installed item "K1" to distributor null, but the snapshot has it with distributor "living".',
      ],
    ],
    [
      'has a service twice',
      { action: 'S: BECOME_SUBSCRIBER', after: [...ROOM, 'sport 102 EFFECTIVE bedroom'] },
      ['subscription.services has the id "sport" more than once.'],
    ],
    [
      'has an installed item twice',
      { action: 'S: BECOME_SUBSCRIBER', after: [...ROOM, 'K1 bedroom'] },
      ['subscription.installedItems has the id "K1" more than once.'],
    ],
    [
      'names an id twice in each of its lists',
      {
        action: MOVE,
        after: ROOM,
        incoming: ['sport', 'sport', 'K1', 'K1'],
        outgoing: ['sport', 'sport'],
        removed: ['K9 -', 'K9 -'],
        moved: ['sport: - -> living', 'sport: - -> living', 'K1: - -> living', 'K1: - -> living'],
      },
      [
        'movedServices has the id "sport" more than once.',
        'movedInstalledItems has the id "K1" more than once.',
        'incomingServices has the id "sport" more than once.',
        'outgoingServices has the id "sport" more than once.',
        'incomingInstalledItems has the id "K1" more than once.',
        'removedInstalledItems has the id "K9" more than once.',
      ],
    ],
  ])('%s', (_title, example, sentences) => {
    expect(contradictions(example)).toEqual(sentences);
  });

  test('has a service id in incomingServices that the snapshot lacks', () => {
    const event = eventOf({ title: '', action: 'V: ADD_SERVICE', after: ROOM, incoming: ['sport'], sends: [] });
    const broken = { ...event, incomingServices: ['news', 'sport'] } as typeof event;
    expect(contradictionsOf(broken)).toEqual(['incomingServices names the service "news", which the snapshot lacks.']);
  });

  test('has no subscription number, event id or action id', () => {
    const event = eventOf({ title: '', action: 'S: BECOME_SUBSCRIBER', after: ROOM, sends: [] });
    const blank = {
      ...event,
      eventId: '',
      action: { ...event.action, id: ' ' },
      subscription: { ...event.subscription, number: '' },
    };
    expect(contradictionsOf(blank)).toEqual([
      'eventId is "", but must not be blank.',
      'action.id is " ", but must not be blank.',
      'subscription.number is "", but must not be blank.',
    ]);
  });
});

describe('an event that is sound', () => {
  test.each<[string, Omit<Example, 'title' | 'sends'>]>([
    [
      'may remove a card that is there again as another item',
      { action: 'I: SWAP_INSTALLED_ITEM', after: ['K2=00000000001 -'], removed: ['K1 -'], incoming: ['K2'] },
    ],
    [
      'may have a service in both lists',
      { action: 'V: SWAP_SERVICE', after: ROOM, incoming: ['sport'], outgoing: ['sport'] },
    ],
    [
      'may move from and to no distributor',
      { action: MOVE, after: ['sport 101 EFFECTIVE -', 'K1 living'], moved: ['sport: living -> -', 'K1: - -> living'] },
    ],
    ['may have an empty snapshot', { action: 'S: TERMINATE_SUBSCRIPTION', after: [] }],
  ])('%s', (_title, example) => {
    expect(contradictions(example)).toEqual([]);
  });

  test('is every event of random histories', () => {
    const { events } = randomHistories(1, { subscriptions: 20, sharedCards: true });
    expect(events.flatMap((event) => contradictionsOf({ ...event, writerType: event.type }))).toEqual([]);
  });
});
