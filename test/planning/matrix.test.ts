import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { TRIGGER_MATRIX } from '../../src/planning/trigger-matrix.ts';
import { examples, planExample } from './support/examples.ts';
import type { Example } from './support/examples.ts';

const ROOM = ['sport 101 EFFECTIVE living', 'news 102 EFFECTIVE living', 'K1 living', 'B1 living'];
const STOPPED = ['sport 101 NOT_EFFECTIVE living', 'news 102 NOT_EFFECTIVE living', 'K1 living', 'B1 living'];

const ROWS: Example[] = [
  ...[
    'S: BECOME_SUBSCRIBER',
    'S: ACTIVATE_SUBSCRIPTION',
    'S: END_SHORT_TERM_DEACTIVATION',
    'S: SHORT_TERM_ACTIVATION',
    'S: END_SUBSCRIPTION_RESTING',
  ].map((action) => ({
    title: `${action} pairs all devices and entitles all effective services`,
    action,
    after: [...ROOM, 'old 103 NOT_EFFECTIVE living'],
    sends: ['PAIR K1 + B1 @living', 'ADD 101 K1 @living', 'ADD 102 K1 @living'],
  })),
  {
    title:
      "S: CHANGE_SUBSCRIPTION_DISTRIBUTION pairs the new distributor's devices and entitles the pairs that the move linked",
    before: ['sport 101 EFFECTIVE living', 'K1 living', 'B1 bedroom'],
    action: 'S: CHANGE_SUBSCRIPTION_DISTRIBUTION',
    after: ['sport 101 EFFECTIVE bedroom', 'K1 living', 'K2 bedroom', 'B1 bedroom'],
    moved: ['sport: living -> bedroom', 'K2: - -> bedroom'],
    sends: ['PAIR K2 + B1 @bedroom', 'ADD 101 K2 @bedroom'],
  },
  {
    title: "S: CHANGE_SUBSCRIPTION_DISTRIBUTION adds a moved device to the new distributor's pairing",
    action: 'S: CHANGE_SUBSCRIPTION_DISTRIBUTION',
    after: ['K1 living', 'B1 living', 'B2 living'],
    moved: ['B2: bedroom -> living'],
    known: ['K1 + B1'],
    sends: ['EXTEND K1 with + B2 @living'],
  },
  ...[
    'S: DEACTIVATE_SUBSCRIPTION',
    'S: TERMINATE_SUBSCRIPTION',
    'S: REST_SUBSCRIPTION',
    'S: END_SHORT_TERM_ACTIVATION',
    'S: SHORT_TERM_DEACTIVATION',
  ].map((action) => ({
    title: `${action} cancels all revocable services`,
    action,
    after: STOPPED,
    sends: ['CANCEL 101 K1 @living', 'CANCEL 102 K1 @living'],
  })),
  {
    title: 'V: ADD_SERVICE adds devices that are not yet paired, and entitles the incoming services',
    action: 'V: ADD_SERVICE',
    after: [...ROOM, 'B2 living'],
    incoming: ['news'],
    known: ['K1 + B1'],
    sends: ['EXTEND K1 with + B2 @living', 'ADD 102 K1 @living'],
  },
  {
    title: 'V: START_SERVICE entitles the incoming services',
    action: 'V: START_SERVICE',
    after: ROOM,
    incoming: ['sport'],
    sends: ['ADD 101 K1 @living'],
  },
  {
    title: 'V: STOP_SERVICE cancels the outgoing services',
    action: 'V: STOP_SERVICE',
    after: STOPPED,
    outgoing: ['sport'],
    sends: ['CANCEL 101 K1 @living'],
  },
  ...['V: REMOVE_SERVICE', 'V: CANCEL_SERVICE', 'V: UNDO_ADD_SERVICE'].map((action) => ({
    title: `${action} cancels the outgoing services`,
    action,
    after: ['sport 101 REMOVED living', 'news 102 EFFECTIVE living', 'K1 living', 'B1 living'],
    outgoing: ['sport'],
    sends: ['CANCEL 101 K1 @living'],
  })),
  {
    title: 'V: SWAP_SERVICE cancels the outgoing services and entitles the incoming ones',
    action: 'V: SWAP_SERVICE',
    after: ['sport 101 SWAPPED living', 'news 102 EFFECTIVE living', 'K1 living', 'B1 living'],
    outgoing: ['sport'],
    incoming: ['news'],
    sends: ['CANCEL 101 K1 @living', 'ADD 102 K1 @living'],
  },
  {
    title: 'V: REGRET_SERVICE of a swap cancels the new service and entitles the old one again',
    action: 'V: REGRET_SERVICE',
    after: ['sport 101 EFFECTIVE living', 'news 102 REGRETTED living', 'K1 living'],
    outgoing: ['news'],
    incoming: ['sport'],
    sends: ['CANCEL 102 K1 @living', 'ADD 101 K1 @living'],
  },
  {
    title: 'V: REGRET_SERVICE of a plain addition has only outgoing services',
    action: 'V: REGRET_SERVICE',
    after: ['sport 101 EFFECTIVE living', 'news 102 REGRETTED living', 'K1 living'],
    outgoing: ['news'],
    sends: ['CANCEL 102 K1 @living'],
  },
  {
    title: 'V: SWAP_INSTALLED_ITEM cancels the services on the removed card and entitles those on the new card',
    action: 'V: SWAP_INSTALLED_ITEM',
    after: ['sport 101 EFFECTIVE living', 'K2 living', 'B1 living'],
    removed: ['K1 living'],
    incoming: ['K2'],
    sends: ['CANCEL 101 K1 @living', 'ADD 101 K2 @living'],
  },
  {
    title: 'V: CHANGE_SUBSCRIPTION_DISTRIBUTION cancels the pairs that the move unlinked',
    action: 'V: CHANGE_SUBSCRIPTION_DISTRIBUTION',
    after: ['sport 101 EFFECTIVE bedroom', 'K1 living', 'K2 bedroom'],
    moved: ['sport: living -> bedroom'],
    sends: ['CANCEL 101 K1 @living'],
  },
  {
    title: "I: ADD_INSTALLED_ITEM pairs the item's distributor",
    action: 'I: ADD_INSTALLED_ITEM',
    after: ['K1 living', 'B1 living'],
    incoming: ['B1'],
    sends: ['PAIR K1 + B1 @living'],
  },
  {
    title: "I: ADD_INSTALLED_ITEM adds to the known pairing of the item's distributor",
    action: 'I: ADD_INSTALLED_ITEM',
    after: ['K1 living', 'B1 living', 'B2 living'],
    incoming: ['B2'],
    known: ['K1 + B1'],
    sends: ['EXTEND K1 with + B2 @living'],
  },
  ...['I: REMOVE_INSTALLED_ITEM', 'I: UNDO_ADD_INSTALLED_ITEM'].map((action) => ({
    title: `${action} cancels the services on the removed card`,
    action,
    after: ['sport 101 EFFECTIVE living', 'B1 living'],
    removed: ['K1 living'],
    sends: ['CANCEL 101 K1 @living'],
  })),
  {
    title: "I: SWAP_INSTALLED_ITEM cancels the services on the removed card and pairs the new item's distributor",
    action: 'I: SWAP_INSTALLED_ITEM',
    after: ['sport 101 EFFECTIVE living', 'K2 living', 'B1 living'],
    removed: ['K1 living'],
    incoming: ['K2'],
    known: ['K1 + B1'],
    sends: ['CANCEL 101 K1 @living', 'PAIR K2 + B1 @living'],
  },
  {
    title: 'I: SWAP_INSTALLED_ITEM of a set-top box adds the new one to the known pairing of its distributor',
    action: 'I: SWAP_INSTALLED_ITEM',
    after: ['sport 101 EFFECTIVE living', 'K1 living', 'B2 living'],
    removed: ['B1 living'],
    incoming: ['B2'],
    known: ['K1 + B1'],
    sends: ['EXTEND K1 with + B2 @living'],
  },
];

describe('every row of the matrix makes its commands', () => {
  examples(ROWS);
});

describe('the matrix as data', () => {
  test('is the table of docs/trigger-matrix.md, cell by cell', () => {
    const document = readFileSync(new URL('../../docs/trigger-matrix.md', import.meta.url), 'utf8');
    const rows = document
      .split('\n')
      .filter((line) => /^\| [SVI]: /.test(line))
      .map((line) =>
        line
          .split('|')
          .slice(1, -1)
          .map((cell) => cell.trim()),
      );
    expect(rows).toEqual(TRIGGER_MATRIX);
  });

  test.each([
    ['S', 'SubscriptionActionEvent'],
    ['V', 'ServiceActionEvent'],
    ['I', 'InstalledItemActionEvent'],
  ])('has one row for every %s: action type of %s, and no other', (letter, record) => {
    const schema = readFileSync(
      new URL(`../../schemas/com.crm.subscription.v1.${record}.avsc`, import.meta.url),
      'utf8',
    );
    const symbols = actionTypes(JSON.parse(schema)).filter((symbol) => symbol !== 'UNKNOWN');
    const actions = TRIGGER_MATRIX.map(([action]) => action).filter((action) => action.startsWith(letter));
    expect(actions.toSorted()).toEqual(symbols.map((symbol) => `${letter}: ${symbol}`).toSorted());
  });

  test('has every cell shown by an example above', () => {
    const shown = new Set(
      ROWS.flatMap(({ action, sends }) => sends.map((line) => `${action} ${line.split(' ')[0] ?? ''}`)),
    );
    const cells = TRIGGER_MATRIX.flatMap(([action, cancel, create, extend, add]) => [
      ...(cancel === '' ? [] : [`${action} CANCEL`]),
      ...(create === '' ? [] : [`${action} PAIR`]),
      ...(extend === '' ? [] : [`${action} EXTEND`]),
      ...(add === '' ? [] : [`${action} ADD`]),
    ]);
    expect([...shown].toSorted()).toEqual(cells.toSorted());
  });

  test.each(TRIGGER_MATRIX.map((row) => [row[0], row] as const))(
    '%s triggers nothing in its empty cells, whatever its event says',
    (action, [, cancel, create, extend, add]) => {
      const { commands, withheld } = planExample({
        title: '',
        before: ['sport 101 EFFECTIVE living', 'news 102 DRAFT living', 'K1 living', 'B1 living', 'K3 living'],
        action,
        after: [
          'sport 101 EFFECTIVE living',
          'news 102 EFFECTIVE living',
          'old 103 NOT_EFFECTIVE living',
          'film 104 EFFECTIVE bedroom',
          'K1 living',
          'B1 living',
          'K2 living',
          'B2 living',
          'K4 bedroom',
        ],
        incoming: ['news', 'K2', 'B2'],
        outgoing: ['old'],
        removed: ['K3 living'],
        moved: ['film: living -> bedroom', 'K4: living -> bedroom'],
        known: ['K1 + B1'],
        sends: [],
      });
      const cells: Record<string, string> = {
        CANCEL_SUBSCRIPTIONS: cancel,
        CREATE_PAIRING: create,
        ADD_TO_EXISTING_PAIRING: extend,
        ADD_SUBSCRIPTIONS: add,
      };
      const named = [...commands, ...withheld.filter((entry) => entry.reason !== 'NOT_TRIGGERED')];
      expect(named.map((entry) => entry.type).filter((type) => cells[type] === '')).toEqual([]);
    },
  );
});

describe('R12: an action that the matrix does not know', () => {
  test.each(['S: UNKNOWN', 'V: UNKNOWN', 'I: UNKNOWN'])('%s plans nothing and says so', (action) => {
    const result = planExample({ title: '', action, after: ROOM, sends: [] });
    expect(result).toEqual({ commands: [], withheld: [], unknownAction: true });
  });

  test('a known action is not reported as unknown', () => {
    const result = planExample({ title: '', action: 'V: START_SERVICE', after: ROOM, incoming: ['sport'], sends: [] });
    expect(result.unknownAction).toBe(false);
  });
});

/** The symbols of the enum of the record's field `type`. */
function actionTypes(schema: unknown): string[] {
  const { fields } = schema as { fields: { name: string; type: { symbols?: string[] } }[] };
  return fields.find((field) => field.name === 'type')?.type.symbols ?? [];
}
