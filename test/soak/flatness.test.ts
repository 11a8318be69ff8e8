import { describe, expect, test } from 'vitest';
import { type Flatness, flatness } from '../../dev/soak/flatness.ts';
import type { Sample } from '../../dev/soak/samples.ts';
import { randomFrom } from '../support/random.ts';

const random = randomFrom(1);

/** An hour of samples every ten seconds, in which only the live heap is anything. */
function hour(heapMb: (seconds: number) => number | null): Sample[] {
  return Array.from({ length: 361 }, (_, index) => {
    const seconds = 10 * index;
    const value = heapMb(seconds);
    const steady = { startedAt: 0, rssMb: 0, externalMb: 0, sockets: 0, timers: 0, handles: 0, lagP99Ms: 0 };
    return {
      seconds,
      load1: 0,
      ownHeapMb: 0,
      events: 0,
      steady: value === null ? null : { ...steady, heapMb: value },
      victim: null,
      database: null,
    };
  });
}

function heapOf(samples: readonly Sample[]): Flatness | undefined {
  return flatness(samples).find(({ name }) => name === 'live heap MB');
}
const noise = (): number => random.int(400) / 100 - 2;

describe('Over the second half of a soak', () => {
  test('a level with noise is flat, whatever the first half was', () => {
    expect(heapOf(hour((seconds) => (seconds < 1_700 ? seconds / 100 : 40 + noise())))?.flat).toBe(true);
  });

  test('a slow rise within the same noise is seen, and how much it is', () => {
    const { flat, growth, allowed } = heapOf(hour((seconds) => 40 + noise() + (4 * seconds) / 1_800)) ?? {};
    expect(flat).toBe(false);
    expect(growth).toBeCloseTo(4, 0);
    expect(allowed).toBeCloseTo(2.3, 0);
  });

  test('heaps that faults leave for a while count little, also at the very end', () => {
    const fault = (seconds: number): boolean => seconds % 600 > 520 || seconds > 3_500;
    const { flat, max } = heapOf(hour((seconds) => 40 + noise() + (fault(seconds) ? 100 : 0))) ?? {};
    expect(flat).toBe(true);
    expect(max).toBeGreaterThan(130);
  });

  test('moments at which nothing could be asked are left out', () => {
    expect(heapOf(hour((seconds) => (seconds % 30 === 0 ? null : 40 + noise())))?.flat).toBe(true);
  });

  test('what was never seen does not count as flat', () => {
    expect(heapOf(hour(() => null))?.flat).toBe(false);
  });
});
