import type { Queryable } from '../platform/database.ts';
import type { PartState } from '../platform/http.ts';

/**
 * The requests whose sealed PIN none of this instance's keys opens. They are put off and never claimed again by this
 * instance, so that one with the right key sends them. Keys change only with a restart, and a restart tries them again.
 */
export interface UnopenedPins {
  /** The last 1,000 of them; older ones may be claimed again, and are put off again. */
  numbers(): readonly number[];
  add(request: { readonly number: number }): void;
  /** Forgets those that are final by now. Walks request_pin's primary key. */
  refresh(db: Queryable): Promise<void>;
  /** For the health: not ready while there are any, and not required, since everything else goes on. */
  state(): PartState;
}

const NUMBERS_MAX = 1_000;

export function createUnopenedPins(): UnopenedPins {
  /** By number, the oldest first: when this instance first found it, by performance.now(). */
  const since = new Map<number, number>();
  return {
    numbers: () => [...since.keys()],
    add({ number }) {
      if (since.has(number)) return;
      since.set(number, performance.now());
      const [oldest] = since.keys();
      if (since.size > NUMBERS_MAX && oldest !== undefined) since.delete(oldest);
    },
    async refresh(db) {
      if (since.size === 0) return;
      const waiting = await db.query<{ number: number }>(
        'select request_number as number from request_pin where request_number = any($1::bigint[])',
        [[...since.keys()]],
      );
      const numbers = new Set(waiting.map(({ number }) => number));
      for (const number of since.keys()) if (!numbers.has(number)) since.delete(number);
    },
    state() {
      const [oldest] = since;
      if (oldest === undefined)
        return { part: 'pins', ready: true, detail: 'no PIN was left unopened', required: false };
      const [number, foundAt] = oldest;
      const seconds = Math.round((performance.now() - foundAt) / 1000);
      return {
        part: 'pins',
        ready: false,
        detail:
          `${since.size} with a PIN that no key of PIN_KEY_FILE here opens, request ${number} for ${seconds} s: ` +
          'give every instance the same keys, or withdraw what no key opens',
        required: false,
      };
    },
  };
}
