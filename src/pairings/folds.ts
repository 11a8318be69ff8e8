import type { Subscription } from '../events/crm.generated.ts';
import type { PairingCommand } from '../planning/command.ts';
import { snapshotCards } from '../planning/snapshot.ts';
import type { KnownPairings, Pairing } from '../planning/types.ts';

/**
 * The known pairings of a subscription once a pairing command is COMPLETED, or for one that is PENDING ahead, as if it
 * were (R7). A card belongs to at most one pairing (A25): the command takes its cards out of any other, whose cards
 * lose them. CREATE_PAIRING replaces what was known of its cards; ADD_TO_EXISTING_PAIRING extends the pairing of the
 * existing card, which counts as paired with nothing else where none is known.
 */
export function foldPairing(known: KnownPairings, command: PairingCommand): Map<string, Pairing> {
  const cards = command.smartcards.map((device) => device.caId);
  const setTopBoxes = command.setTopBoxes.map((device) => device.caId);
  if (command.type === 'CREATE_PAIRING') {
    return together(known, { smartcards: cards, setTopBoxes });
  }
  const existing = command.existingSmartcard.caId;
  const pairing = known.get(existing) ?? { smartcards: [existing], setTopBoxes: [] };
  return together(known, {
    smartcards: [existing, ...pairing.smartcards, ...cards],
    setTopBoxes: [...pairing.setTopBoxes, ...setTopBoxes],
  });
}

/**
 * Returns the known pairings after an answer to GET_PAIRING_STATUS with the devices that are paired together (R8). What
 * was known of another card that it contradicts, by holding it together with one of these, is void: the CAS took it
 * elsewhere, and to pair it again does no harm, while to believe it paired leaves a black screen. For the answer that a
 * card is in no pairing, use `withoutCards`.
 */
export function foldAnswer(known: KnownPairings, answer: Pairing): Map<string, Pairing> {
  const answered = new Set(answer.smartcards);
  const uncontradicted = [...known].filter(
    ([card, pairing]) => answered.has(card) || !pairing.smartcards.some((member) => answered.has(member)),
  );
  return together(new Map(uncontradicted), answer);
}

/**
 * The known pairings without those of cards that the snapshot does not hold: leaving the subscription voids them, also
 * when the card comes back (R7). The cards that stay lose the departed ones, since their present holder may have
 * paired them again. Set-top boxes stay: the CAS takes none out of its pairings (A25).
 */
export function withoutDepartedCards(known: KnownPairings, snapshot: Subscription): Map<string, Pairing> {
  const held = new Set(snapshotCards(snapshot));
  const cards = [...known].flatMap(([card, pairing]) => [card, ...pairing.smartcards]);
  return withoutCards(
    known,
    cards.filter((card) => !held.has(card)),
  );
}

/** The known pairings once these cards are in no pairing: what is known of them is void, and the others lose them. */
export function withoutCards(known: KnownPairings, cards: readonly string[]): Map<string, Pairing> {
  const gone = new Set(cards);
  return new Map(
    [...known]
      .filter(([card]) => !gone.has(card))
      .map(([card, { smartcards, setTopBoxes }]) => [
        card,
        { smartcards: smartcards.filter((member) => !gone.has(member)), setTopBoxes },
      ]),
  );
}

/** The known pairings with the devices of one pairing held together, and its cards in no other. */
function together(known: KnownPairings, { smartcards, setTopBoxes }: Pairing): Map<string, Pairing> {
  const pairing: Pairing = { smartcards: [...new Set(smartcards)], setTopBoxes: [...new Set(setTopBoxes)] };
  const folded = withoutCards(known, pairing.smartcards);
  for (const card of pairing.smartcards) folded.set(card, pairing);
  return folded;
}
