import type { Queryable } from '../platform/database.ts';
import type { PartState } from '../platform/http.ts';

/**
 * The requests with a sealed PIN that none of this instance's keys opens. They are put off, and this instance does not
 * claim them again, so that one with the right key sends them. Keys change only with a restart, after which they are
 * tried again.
 */
export interface UnopenedPins {
  /** Returns the last 1,000; older ones may be claimed again, and are put off again. */
  numbers(): readonly number[];
  add(request: { readonly number: number }): void;
  /** Forgets requests that are final. Walks request_pin's primary key. */
  refresh(db: Queryable): Promise<void>;
  /** Returns the health: not ready while there are any. The part is not required, since everything else continues. */
  state(): PartState;
}

const NUMBERS_MAX = 1_000;

export function createUnopenedPins(): UnopenedPins {
  /** When this instance first found each, by performance.now(), the oldest first. */
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
