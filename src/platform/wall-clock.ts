/**
 * The clocks of a time zone. A wall time is what they show, kept as the milliseconds that UTC clocks would show it at: it
 * orders wall times and counts minutes between them, and names no instant by itself. Node's Intl knows the offsets.
 */
export interface WallClock {
  /** What the clocks show at an instant. */
  wallAt(instant: number): number;
  /**
   * When the clocks show a wall time, the earliest instant first: one, two if they are put back over it, or none if they
   * skip it. In the last case `skippedUntil` has the instant at which they go forward.
   */
  instantsOf(wall: number): { readonly shown: readonly number[]; readonly skippedUntil: number };
}

export const HOUR_MS = 3_600_000;
/** No clock is ever put on or back by more: whole days were skipped at the date line. */
const LONGEST_CHANGE_MS = 24 * HOUR_MS;
const SECOND_MS = 1_000;

/** @throws RangeError if there is no such time zone. */
export function wallClock(timeZone: string): WallClock {
  const format = new Intl.DateTimeFormat('en-US', {
    timeZone,
    hourCycle: 'h23',
    era: 'short',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
    second: 'numeric',
  });

  function wallAt(instant: number): number {
    const parts = new Map<string, string>();
    for (const { type, value } of format.formatToParts(instant)) parts.set(type, value);
    const part = (name: string): number => Number(parts.get(name));
    const shown = new Date(0);
    shown.setUTCFullYear(parts.get('era') === 'BC' ? 1 - part('year') : part('year'), part('month') - 1, part('day'));
    shown.setUTCHours(part('hour'), part('minute'), part('second'));
    // The clocks count milliseconds as UTC does.
    return shown.getTime() + (((instant % SECOND_MS) + SECOND_MS) % SECOND_MS);
  }

  const offsetAt = (instant: number): number => wallAt(instant) - instant;

  return {
    wallAt,
    instantsOf(wall) {
      const [before, after] = [offsetAt(wall - LONGEST_CHANGE_MS), offsetAt(wall + LONGEST_CHANGE_MS)];
      const shown = [...new Set([wall - before, wall - after])]
        .filter((instant) => wallAt(instant) === wall)
        .toSorted((one, other) => one - other);
      return { shown, skippedUntil: shown.length > 0 ? NaN : changeBetween(wall - after, wall - before) };
    },
  };

  /** The first instant with another offset than `early`, which `late` has; to the second, as offsets change. */
  function changeBetween(early: number, late: number): number {
    const offset = offsetAt(early);
    let [last, first] = [Math.floor(early / SECOND_MS), Math.ceil(late / SECOND_MS)];
    while (first - last > 1) {
      const middle = Math.floor((last + first) / 2);
      if (offsetAt(middle * SECOND_MS) === offset) last = middle;
      else first = middle;
    }
    return first * SECOND_MS;
  }
}
