import { randomInt } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Subscription } from '../../src/events/crm.generated.ts';
import { differences, entitledOn, planFixes } from '../../src/planning/reconcile.ts';
import { snapshotCards } from '../../src/planning/snapshot.ts';
import { comparableServiceCaId } from '../../src/planning/command.ts';
import { expectedEntitlements } from '../support/expected-state.ts';
import { randomHistories } from '../support/histories.ts';
import { randomFrom } from '../support/random.ts';
import { cardCaId, commandLine, snapshotOf, withheldLine } from './support/examples.ts';
import { DEFAULT_RULES, emptyCas, type MemoryCas, obey } from './support/in-memory.ts';

/** A PLANNING_SEED repeats a run. */
const seed = Number(process.env['PLANNING_SEED'] ?? randomInt(2 ** 31));

const K1 = cardCaId('K1');

function found(snapshots: readonly Subscription[], active: readonly string[]): string[] {
  const entitled = entitledOn(K1, snapshots).map(({ serviceCaId }) => serviceCaId);
  return differences(entitled, active).map(({ finding, serviceCaId }) => `${finding} ${serviceCaId}`);
}

function fixed(snapshots: readonly Subscription[], missing: readonly string[], tooMuch: readonly string[]) {
  const all = [
    ...missing.map((serviceCaId) => ({ finding: 'MISSING_IN_CAS' as const, serviceCaId })),
    ...tooMuch.map((serviceCaId) => ({ finding: 'TOO_MUCH_IN_CAS' as const, serviceCaId })),
  ];
  const { fixes, withheld } = planFixes(K1, all, snapshots, DEFAULT_RULES);
  return {
    sends: fixes.map(({ command, subscription }) => `${commandLine(command)} ${subscription?.number ?? '-'}`),
    withholds: withheld.map(withheldLine),
  };
}

describe('what the CAS has on a card is compared with what the newest snapshots entitle', () => {
  const home = snapshotOf(['sport 101 EFFECTIVE living', 'film 0102 EFFECTIVE living', 'K1 living'], 'S1', 1);

  test('what is equal shows nothing, however the service CA ids are written', () => {
    expect(found([home], ['0000101', '102'])).toEqual([]);
  });

  test('what only the CRM has is missing, and what only the CAS has is too much', () => {
    expect(found([home], ['101', '777', '0777'])).toEqual(['MISSING_IN_CAS 0102', 'TOO_MUCH_IN_CAS 777']);
  });

  test('a service that is not effective, is elsewhere or has no CA id entitles nothing', () => {
    const other = snapshotOf(['a 1 NOT_EFFECTIVE -', 'b 2 EFFECTIVE living', 'c - EFFECTIVE -', 'K1 -'], 'S1', 1);
    expect(found([other], [])).toEqual([]);
  });

  test('every subscription that holds the card counts', () => {
    const second = snapshotOf(['kids 103 EFFECTIVE -', 'twin 00101 EFFECTIVE -', 'K1 -'], 'S2', 1);
    expect(found([home, second], ['101', '102'])).toEqual(['MISSING_IN_CAS 103']);
    expect(found([home, second], ['101', '102', '103'])).toEqual([]);
  });

  test('a card that nobody holds should have nothing', () => {
    expect(found([], ['101'])).toEqual(['TOO_MUCH_IN_CAS 101']);
  });
});

describe('a fix', () => {
  const home = snapshotOf(['sport 101 EFFECTIVE living', 'old 00777 CANCELLED living', 'K1 living'], 'S1', 1);
  const second = snapshotOf(['kids 103 EFFECTIVE -', 'K1 -'], 'S2', 1);

  test('cancels what is too much, then adds what is missing, in the name of the subscription that it follows from', () => {
    expect(fixed([home, second], ['101', '103'], ['777', '888'])).toEqual({
      sends: ['CANCEL 777 K1 @living S1', 'CANCEL 888 K1 @living S1', 'ADD 101 K1 @living S1', 'ADD 103 K1 @- S2'],
      withholds: [],
    });
  });

  test('of a card that nobody holds names no distributor and no subscription', () => {
    expect(fixed([], [], ['101'])).toEqual({ sends: ['CANCEL 101 K1 @- -'], withholds: [] });
  });

  test('never undoes what an event decided since', () => {
    expect(fixed([home], ['103'], ['0101'])).toEqual({
      sends: [],
      withholds: ['CANCEL 0101 K1: SUPERSEDED', 'ADD 103 K1: SUPERSEDED'],
    });
  });

  test('is withheld where a CA id cannot be sent', () => {
    const odd = snapshotOf(['sport 123456789 EFFECTIVE -', 'K1 -'], 'S1', 1);
    expect(fixed([odd], ['123456789'], ['x1'])).toEqual({
      sends: [],
      withholds: ['CANCEL x1 K1: INVALID_CA_ID', 'ADD 123456789 K1: INVALID_CA_ID'],
    });
  });
});

describe(`of random histories that share cards, and a CAS that drifted (PLANNING_SEED=${seed})`, () => {
  const drifts = fc.integer({ min: 0, max: 2 ** 31 - 1 }).map((history) => {
    const earlier = randomHistories(history, { subscriptions: 4, sharedCards: true, actions: 8 }).finalSnapshots;
    const { events, finalSnapshots } = randomHistories(history, { subscriptions: 4, sharedCards: true, actions: 14 });
    const cards = [...new Set(events.flatMap(({ subscription }) => snapshotCards(subscription)))];
    return { earlier, now: finalSnapshots, cards, cas: drifted(history, finalSnapshots, cards) };
  });

  test('the fixes of what was found leave exactly what the snapshots entitle', () => {
    fc.assert(
      fc.property(drifts, ({ now, cards, cas }) => {
        mend(cas, cards, now, now);
        expect(entitlementsOf(cas, cards)).toEqual(expected(now, cards));
      }),
      { seed, numRuns: 100 },
    );
  });

  test('findings of an earlier time cancel nothing that is entitled now, and add nothing that is not', () => {
    fc.assert(
      fc.property(drifts, ({ earlier, now, cards, cas }) => {
        const before = structuredClone(entitlementsOf(cas, cards));
        mend(cas, cards, earlier, now);
        const right = expected(now, cards);
        for (const [card, services] of entitlementsOf(cas, cards)) {
          const [had, should] = [before.get(card) ?? [], right.get(card) ?? []];
          expect(had.filter((service) => should.includes(service) && !services.includes(service))).toEqual([]);
          expect(services.filter((service) => !had.includes(service) && !should.includes(service))).toEqual([]);
        }
      }),
      { seed, numRuns: 100 },
    );
  });
});

/** What the snapshots entitle, with services left out and others put in. */
function drifted(history: number, snapshots: readonly Subscription[], cards: readonly string[]): MemoryCas {
  const random = randomFrom(history);
  const cas = emptyCas();
  const services = [...new Set(snapshots.flatMap((one) => one.services.flatMap(({ caId }) => caId ?? [])))];
  for (const [card, entitled] of expected(snapshots, cards)) {
    const kept = entitled.filter(() => random.chance(0.7));
    const extra = services.filter(() => random.chance(0.2)).map((caId) => comparableServiceCaId(caId));
    cas.entitlements.set(card, new Set([...kept, ...extra]));
  }
  return cas;
}

/** Finds differences by the snapshots of one time, and mends them by those of another. */
function mend(
  cas: MemoryCas,
  cards: readonly string[],
  foundBy: readonly Subscription[],
  mendedBy: readonly Subscription[],
): void {
  for (const card of cards) {
    const entitled = entitledOn(card, foundBy).map(({ serviceCaId }) => serviceCaId);
    const all = differences(entitled, [...(cas.entitlements.get(card) ?? [])]);
    for (const { command } of planFixes(card, all, mendedBy, DEFAULT_RULES).fixes) obey(cas, command);
  }
}

function expected(snapshots: readonly Subscription[], cards: readonly string[]): Map<string, string[]> {
  const entitled = expectedEntitlements(snapshots);
  return new Map(cards.map((card) => [card, entitled.get(card) ?? []]));
}

function entitlementsOf(cas: MemoryCas, cards: readonly string[]): Map<string, string[]> {
  return new Map(cards.map((card) => [card, [...(cas.entitlements.get(card) ?? [])].toSorted()]));
}
