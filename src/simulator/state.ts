import { comparableServiceCaId } from '../planning/command.ts';

/** Cards and set-top boxes that work together. A card is in at most one pairing, a set-top box may be in several. */
export interface Pairing {
  readonly smartcards: Set<string>;
  readonly setTopBoxes: Set<string>;
}

/** What the CAS holds about one card. */
export interface Card {
  /** Product as the CAS compares it (no leading zeros) -> as it was first written. Those that ended are gone. */
  readonly entitlements: Map<string, string>;
  /** When products end, in epoch ms, by the same key; a product that is not in it has no end. Null if none has one. */
  ends: Map<string, number> | null;
  pairing: Pairing | null;
  /** `default`, the SHA-256 of the PIN that was set, or null if none was ever set. */
  pin: string | null;
  /** The newest messages and fingerprints, at most `shownMax` of each. */
  readonly messages: object[];
  readonly fingerprints: object[];
}

/** A card as the HTTP view shows and takes it. */
export interface CardView {
  readonly smartcard: string;
  readonly entitlements: readonly string[];
  /** Product as in `entitlements` -> when it ends, ISO 8601. Only if a product has an end. */
  readonly ends?: Readonly<Record<string, string>> | undefined;
  readonly pairing: { readonly smartcards: readonly string[]; readonly setTopBoxes: readonly string[] } | null;
}

/** The CAS's memory. Every card that it returns has lost the products that have ended by then. */
export interface CasState {
  /** Returns the card, and makes it if it is not there yet. */
  card(smartcard: string): Card;
  peek(smartcard: string): Card | undefined;
  cards(): Generator<[string, Card]>;
  readonly cardCount: number;
  /** Every pairing that the set-top box is in. */
  pairingsOf(setTopBox: string): ReadonlySet<Pairing>;
  /** Puts cards and set-top boxes into a pairing; the cards leave any other one. True if something changed. */
  join(pairing: Pairing, smartcards: Iterable<string>, setTopBoxes: Iterable<string>): boolean;
  /** Sets a card to the state in the view. Its former entitlements are gone, and it leaves its pairing. */
  put(view: CardView): void;
  clear(): void;
}

export const shownMax = 100;
const noPairings: ReadonlySet<Pairing> = new Set();

/** Makes an empty memory. `now` is the CAS's clock in epoch ms; products end by it. */
export function createState(now: () => number): CasState {
  const cards = new Map<string, Card>();
  const pairingsByBox = new Map<string, Set<Pairing>>();

  function peek(smartcard: string): Card | undefined {
    const found = cards.get(smartcard);
    if (found !== undefined) endProducts(found, now());
    return found;
  }

  function card(smartcard: string): Card {
    let found = peek(smartcard);
    if (found === undefined) {
      found = { entitlements: new Map(), ends: null, pairing: null, pin: null, messages: [], fingerprints: [] };
      cards.set(smartcard, found);
    }
    return found;
  }

  function leave(smartcard: string): void {
    const found = card(smartcard);
    const pairing = found.pairing;
    if (pairing === null) return;
    found.pairing = null;
    pairing.smartcards.delete(smartcard);
    if (pairing.smartcards.size > 0) return;
    for (const setTopBox of pairing.setTopBoxes) pairingsByBox.get(setTopBox)?.delete(pairing);
  }

  function join(pairing: Pairing, smartcards: Iterable<string>, setTopBoxes: Iterable<string>): boolean {
    let isChanged = false;
    for (const smartcard of smartcards) {
      if (pairing.smartcards.has(smartcard)) continue;
      leave(smartcard);
      card(smartcard).pairing = pairing;
      pairing.smartcards.add(smartcard);
      isChanged = true;
    }
    for (const setTopBox of setTopBoxes) {
      if (pairing.setTopBoxes.has(setTopBox)) continue;
      pairing.setTopBoxes.add(setTopBox);
      let pairings = pairingsByBox.get(setTopBox);
      if (pairings === undefined) pairingsByBox.set(setTopBox, (pairings = new Set()));
      pairings.add(pairing);
      isChanged = true;
    }
    return isChanged;
  }

  return {
    card,
    peek,
    *cards() {
      for (const entry of cards) {
        endProducts(entry[1], now());
        yield entry;
      }
    },
    get cardCount() {
      return cards.size;
    },
    pairingsOf: (setTopBox) => pairingsByBox.get(setTopBox) ?? noPairings,
    join,
    put(view) {
      const target = card(view.smartcard);
      target.entitlements.clear();
      target.ends = null;
      for (const caId of view.entitlements) {
        const end = view.ends?.[caId];
        entitle(target, caId, end === undefined ? null : Date.parse(end));
      }
      if (view.pairing === null) {
        leave(view.smartcard);
        return;
      }
      const wanted = new Set([view.smartcard, ...view.pairing.smartcards]);
      if (target.pairing !== null && isPairing(target.pairing, wanted, view.pairing.setTopBoxes)) return;
      for (const smartcard of wanted) leave(smartcard);
      join({ smartcards: new Set(), setTopBoxes: new Set() }, wanted, view.pairing.setTopBoxes);
    },
    clear() {
      cards.clear();
      pairingsByBox.clear();
    },
  };
}

/** Entitles a card to a product until `end` (epoch ms; null: without end). Returns true if that changed something. */
export function entitle(card: Card, caId: string, end: number | null): boolean {
  const key = comparableServiceCaId(caId);
  const isNew = !card.entitlements.has(key);
  if (!isNew && (card.ends?.get(key) ?? null) === end) return false;
  if (isNew) card.entitlements.set(key, caId);
  if (end === null) card.ends?.delete(key);
  else (card.ends ??= new Map()).set(key, end);
  return true;
}

/** Takes a product from a card. Returns true if it had it. */
export function revoke(card: Card, caId: string): boolean {
  const key = comparableServiceCaId(caId);
  card.ends?.delete(key);
  return card.entitlements.delete(key);
}

// When somebody looks, not by a timer: millions of products may have an end.
function endProducts({ entitlements, ends }: Card, now: number): void {
  if (ends === null) return;
  for (const [key, end] of ends) {
    if (end > now) continue;
    entitlements.delete(key);
    ends.delete(key);
  }
}

/** True if the pairing holds exactly these. */
export function isPairing(pairing: Pairing, smartcards: Iterable<string>, setTopBoxes: Iterable<string>): boolean {
  return isSame(pairing.smartcards, new Set(smartcards)) && isSame(pairing.setTopBoxes, new Set(setTopBoxes));
}

function isSame(a: ReadonlySet<string>, b: ReadonlySet<string>): boolean {
  return a.size === b.size && [...a].every((item) => b.has(item));
}

/** A card as the HTTP view shows it; one that was never heard of is empty. */
export function viewOf(smartcard: string, card: Card | undefined): CardView {
  const pairing = card?.pairing;
  const ends = [...(card?.ends ?? [])].map(([key, end]): [string, string] => [
    card?.entitlements.get(key) ?? key,
    new Date(end).toISOString(),
  ]);
  return {
    smartcard,
    entitlements: card === undefined ? [] : [...card.entitlements.values()].toSorted(),
    ...(ends.length === 0 ? {} : { ends: Object.fromEntries(ends) }),
    pairing:
      pairing === undefined || pairing === null
        ? null
        : { smartcards: [...pairing.smartcards].toSorted(), setTopBoxes: [...pairing.setTopBoxes].toSorted() },
  };
}
