import { describe, expect, test } from 'vitest';
import { foldAnswer, foldPairing, withoutCards, withoutDepartedCards } from '../../src/pairings/folds.ts';
import type { KnownPairings } from '../../src/planning/types.ts';
import type { PairingCommand } from '../../src/planning/command.ts';
import { cardCaId, commandOf, pairingLine, pairingOf, snapshotOf } from '../planning/support/examples.ts';

/** Known pairings from lines such as "K1: K1 K2 + B1". */
function known(...pairings: string[]): KnownPairings {
  return new Map(
    pairings.map((line) => {
      const [card = '', pairing = ''] = line.split(': ');
      return [cardCaId(card), pairingOf(pairing)];
    }),
  );
}

function lines(pairings: KnownPairings): string[] {
  return [...pairings].map(([card, pairing]) => `K${Number(card)}: ${pairingLine(pairing)}`).toSorted();
}

describe('a pairing command changes what is known', () => {
  test.each([
    ['the first pairing', [], 'PAIR K1 K2 + B1 @-', ['K1: K1 K2 + B1', 'K2: K1 K2 + B1']],
    ['CREATE replaces', ['K1: K1 + B1 B2'], 'PAIR K1 + B3 @-', ['K1: K1 + B3']],
    [
      'CREATE takes its cards out of their other pairings, whose cards lose them',
      ['K1: K1 K2 + B1', 'K2: K1 K2 + B1', 'K3: K3 + B2'],
      'PAIR K2 K3 + B3 @-',
      ['K1: K1 + B1', 'K2: K2 K3 + B3', 'K3: K2 K3 + B3'],
    ],
    [
      'ADD_TO_EXISTING extends the pairing for all of its cards',
      ['K1: K1 K2 + B1', 'K2: K1 K2 + B1'],
      'EXTEND K1 with K3 + B2 @-',
      ['K1: K1 K2 K3 + B1 B2', 'K2: K1 K2 K3 + B1 B2', 'K3: K1 K2 K3 + B1 B2'],
    ],
    [
      'ADD_TO_EXISTING takes the added cards out of their other pairings',
      ['K1: K1 + B1', 'K2: K2 K3 + B2', 'K3: K2 K3 + B2'],
      'EXTEND K1 with K2 @-',
      ['K1: K1 K2 + B1', 'K2: K1 K2 + B1', 'K3: K3 + B2'],
    ],
    ['an existing card that is not known counts as itself', [], 'EXTEND K1 with + B2 @-', ['K1: K1 + B2']],
    ['what is there already is not added twice', ['K1: K1 + B1'], 'EXTEND K1 with K1 + B1 B2 @-', ['K1: K1 + B1 B2']],
  ])('%s', (_title, before, command, after) => {
    expect(lines(foldPairing(known(...before), commandOf(command) as PairingCommand))).toEqual(after);
  });

  test('leaves the pairings that it was given as they were', () => {
    const given = known('K1: K1 + B1');
    foldPairing(given, commandOf('PAIR K1 + B2 @-') as PairingCommand);
    expect(lines(given)).toEqual(['K1: K1 + B1']);
  });
});

describe("an answer of GET_PAIRING_STATUS is the CAS's truth about its cards", () => {
  test.each([
    ['it replaces what was known of them', ['K1: K1 + B1'], 'K1 + B2', ['K1: K1 + B2']],
    ['it may name cards that nothing was known of', [], 'K1 K2 + B1', ['K1: K1 K2 + B1', 'K2: K1 K2 + B1']],
    [
      'what was known of a card that it contradicts is void',
      ['K1: K1 K2 + B1', 'K2: K1 K2 + B1', 'K3: K3 + B3'],
      'K1 + B1',
      ['K1: K1 + B1', 'K3: K3 + B3'],
    ],
  ])('%s', (_title, before, answer, after) => {
    expect(lines(foldAnswer(known(...before), pairingOf(answer)))).toEqual(after);
  });

  test('that a card is in no pairing: it is forgotten, and the others lose it', () => {
    expect(lines(withoutCards(known('K1: K1 K2 + B1', 'K2: K1 K2 + B1'), [cardCaId('K1')]))).toEqual(['K2: K2 + B1']);
  });
});

describe('R7: leaving the subscription voids a known pairing', () => {
  test('of the card that left, which the staying cards lose; set-top boxes stay paired', () => {
    const before = known('K1: K1 K2 + B1 B2', 'K2: K1 K2 + B1 B2');
    const without = withoutDepartedCards(before, snapshotOf(['K2 -', 'B1 -'], 'S1', 2));
    expect(lines(without)).toEqual(['K2: K2 + B1 B2']);
    const cameBack = withoutDepartedCards(without, snapshotOf(['K1 -', 'K2 -', 'B1 -'], 'S1', 3));
    expect(lines(cameBack)).toEqual(['K2: K2 + B1 B2']);
  });

  test('nothing changes for cards that stay, whatever their distributor', () => {
    const before = known('K1: K1 + B1');
    expect(withoutDepartedCards(before, snapshotOf(['K1 bedroom'], 'S1', 2))).toEqual(before);
  });
});
