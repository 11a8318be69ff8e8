import { randomInt } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Subscription } from '../../src/events/crm.generated.ts';
import { plan } from '../../src/planning/plan.ts';
import { planResync } from '../../src/planning/resync.ts';
import { expectedEntitlements, expectedPairings } from '../support/expected-state.ts';
import { randomHistories } from '../support/histories.ts';
import { commandLine, eventOf, snapshotOf, withheldLine } from './support/examples.ts';
import { DEFAULT_RULES, emptyCas, obey } from './support/in-memory.ts';

/** A PLANNING_SEED repeats a run. */
const seed = Number(process.env['PLANNING_SEED'] ?? randomInt(2 ** 31));

function resynced(lines: readonly string[], state: Subscription['state'] = 'EFFECTIVE'): Record<string, string[]> {
  const { commands, withheld } = planResync({ ...snapshotOf(lines, 'S1', 1), state }, DEFAULT_RULES);
  return { sends: commands.map(commandLine), withholds: withheld.map(withheldLine) };
}

describe('a resync sends what the newest snapshot entitles', () => {
  test('each group is paired before its effective services are added, each on every card with its distributor', () => {
    expect(
      resynced([
        'sport 101 EFFECTIVE living',
        'film 102 SHORT_TERM_EFFECTIVE living',
        'kids 103 EFFECTIVE bedroom',
        'news 104 NOT_EFFECTIVE living',
        'K1 living',
        'K2 living',
        'B1 living',
        'K3 bedroom',
        'B3 bedroom',
      ]),
    ).toEqual({
      sends: [
        'PAIR K1 K2 + B1 @living',
        'PAIR K3 + B3 @bedroom',
        'ADD 101 K1 @living',
        'ADD 101 K2 @living',
        'ADD 102 K1 @living',
        'ADD 102 K2 @living',
        'ADD 103 K3 @bedroom',
      ],
      withholds: [],
    });
  });

  test('what cannot be sent is told with its reason, and the rest goes on', () => {
    expect(
      resynced([
        'sport 101 EFFECTIVE -',
        'twin 00101 EFFECTIVE -',
        'radio - EFFECTIVE -',
        'film 123456789 EFFECTIVE -',
        'kids 103 EFFECTIVE attic',
        'K1 -',
        'K2=12 -',
        'B1 -',
        'K3 garage',
      ]),
    ).toEqual({
      sends: ['PAIR K1 + B1 @-', 'ADD 101 K1 @-'],
      withholds: [
        'PAIR 12: INVALID_CA_ID',
        'PAIR K3: NOTHING_TO_PAIR',
        'ADD 101 12: INVALID_CA_ID',
        'ADD 00101 K1: ALREADY_REQUESTED',
        'ADD 00101 12: INVALID_CA_ID',
        'ADD - -: NO_SERVICE_CA_ID',
        'ADD 123456789 K1: INVALID_CA_ID',
        'ADD 123456789 12: INVALID_CA_ID',
        'ADD 103 -: NO_CARD_FOR_SERVICE',
      ],
    });
  });

  test('hardware of a subscription that has ended is not paired: somebody else may have the card by now', () => {
    const lines = ['sport 101 CANCELLED -', 'K1 -', 'B1 -'];
    expect(resynced(lines, 'TERMINATED')).toEqual({ sends: [], withholds: ['PAIR K1: NOT_EFFECTIVE'] });
    expect(resynced(lines, 'EFFECTIVE')).toEqual({ sends: ['PAIR K1 + B1 @-'], withholds: [] });
  });

  test('a service that is effective although its subscription is not brings its group along', () => {
    expect(resynced(['sport 101 EFFECTIVE living', 'K1 living', 'B1 living', 'K2 -', 'B2 -'], 'NOT_EFFECTIVE')).toEqual(
      { sends: ['PAIR K1 + B1 @living', 'ADD 101 K1 @living'], withholds: ['PAIR K2: NOT_EFFECTIVE'] },
    );
  });
});

describe(`of random histories (PLANNING_SEED=${seed})`, () => {
  const histories = fc
    .integer({ min: 0, max: 2 ** 31 - 1 })
    .map((history) => randomHistories(history, { subscriptions: 4, sharedCards: 'returned', actions: 14 }));

  test('resyncs of all subscriptions make an empty CAS equal to the CRM, entitlements and pairings', () => {
    fc.assert(
      fc.property(histories, ({ finalSnapshots }) => {
        const cas = emptyCas();
        for (const snapshot of finalSnapshots) {
          for (const command of planResync(snapshot, DEFAULT_RULES).commands) obey(cas, command);
        }
        const entitled = [...expectedEntitlements(finalSnapshots)].filter(([, services]) => services.length > 0);
        expect(new Map([...cas.entitlements].map(([card, services]) => [card, [...services].toSorted()]))).toEqual(
          new Map(entitled),
        );
        const paired = expectedPairings(finalSnapshots.filter(({ state }) => state === 'EFFECTIVE'));
        for (const [card, boxes] of paired) {
          expect(cas.pairings.get(card)?.setTopBoxes.toSorted() ?? []).toEqual(boxes);
        }
        expect(cas.complaints).toEqual([]);
      }),
      { seed, numRuns: 100 },
    );
  });

  test('a resync of an effective subscription sends what its activation would', () => {
    fc.assert(
      fc.property(histories, ({ finalSnapshots }) => {
        for (const snapshot of finalSnapshots.filter(({ state }) => state === 'EFFECTIVE')) {
          const activation = eventOf({ title: '', action: 'S: ACTIVATE_SUBSCRIPTION', after: [], sends: [] });
          const { commands } = plan({
            event: { ...activation, subscription: snapshot },
            previous: null,
            newest: null,
            others: [],
            knownPairings: new Map(),
            earlier: [],
            rules: DEFAULT_RULES,
          });
          expect(planResync(snapshot, DEFAULT_RULES).commands).toEqual(commands);
        }
      }),
      { seed, numRuns: 50 },
    );
  });
});
