/** A small repeatable source of randomness: the same seed gives the same choices on every machine. */
export interface Random {
  /** A whole number from 0 to `below` - 1. */
  readonly int: (below: number) => number;
  /** True with this probability (0 to 1). */
  readonly chance: (probability: number) => boolean;
  /** One of the elements, which must not be empty. */
  readonly pick: <T>(elements: readonly T[]) => T;
  /** The elements in a random order. */
  readonly shuffled: <T>(elements: readonly T[]) => T[];
  /** A version 4 UUID. */
  readonly uuid: () => string;
}

/** Starts the sequence of a seed (mulberry32). */
export function randomFrom(seed: number): Random {
  let state = seed >>> 0;
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  const int = (below: number): number => Math.floor(next() * below);
  const pick = <T>(elements: readonly T[]): T => {
    const element = elements[int(elements.length)];
    if (element === undefined) throw new Error('There is nothing to pick from.');
    return element;
  };
  const shuffled = <T>(elements: readonly T[]): T[] =>
    elements
      .map((element) => ({ element, rank: next() }))
      .toSorted((one, other) => one.rank - other.rank)
      .map(({ element }) => element);
  const digits = (count: number): string => Array.from({ length: count }, () => int(16).toString(16)).join('');
  const uuid = (): string =>
    `${digits(8)}-${digits(4)}-4${digits(3)}-${pick(['8', '9', 'a', 'b'])}${digits(3)}-${digits(12)}`;
  return { int, chance: (probability) => next() < probability, pick, shuffled, uuid };
}
