import { BYTES_A_ROW_NAMES, HOT_NAMES, type Sample } from './samples.ts';

/** What has to stay flat: how it is read from a sample, and how much it may grow over the second half of the run. */
interface Measure {
  readonly name: string;
  readonly of: (sample: Sample) => number | undefined;
  /** The larger one of a share of the median and a floor, in the measure's own unit. */
  readonly share: number;
  readonly floor: number;
}

/** A measure over the second half. */
export interface Flatness {
  readonly name: string;
  readonly median: number;
  readonly max: number;
  /** What the line through it rises in the second half. */
  readonly growth: number;
  readonly allowed: number;
  readonly flat: boolean;
}

/** A vacuum begins at 20,000 dead rows of the hot tables: about 4 MB that come and are used again. */
const HOT_FLOOR_KB = 4_096;

const database =
  (name: string): Measure['of'] =>
  (sample) =>
    sample.database?.[name];

const MEASURES: readonly Measure[] = [
  { name: 'live heap MB', of: ({ steady }) => steady?.heapMb, share: 0.05, floor: 2 },
  { name: 'resident memory MB', of: ({ steady }) => steady?.rssMb, share: 0.15, floor: 20 },
  { name: 'external memory MB', of: ({ steady }) => steady?.externalMb, share: 0.1, floor: 4 },
  { name: 'sockets', of: ({ steady }) => steady?.sockets, share: 0.1, floor: 3 },
  { name: 'timers', of: ({ steady }) => steady?.timers, share: 0.1, floor: 10 },
  { name: 'open handles', of: ({ steady }) => steady?.handles, share: 0.1, floor: 10 },
  { name: 'event loop lag p99 ms', of: ({ steady }) => steady?.lagP99Ms, share: 0.5, floor: 100 },
  { name: 'sessions at PostgreSQL', of: database('sessions'), share: 0.1, floor: 6 },
  { name: 'messages not read', of: database('behind'), share: 0.5, floor: 200 },
  { name: 'requests not final', of: database('work rows'), share: 0.5, floor: 200 },
  { name: 'outcomes not published', of: database('unpublished rows'), share: 0.5, floor: 200 },
  { name: 'dead tuples', of: database('dead tuples'), share: 0.5, floor: 40_000 },
  ...HOT_NAMES.map((name) => ({ name, of: database(name), share: 0.1, floor: HOT_FLOOR_KB })),
  ...BYTES_A_ROW_NAMES.map((name) => ({ name, of: database(name), share: 0.05, floor: 5 })),
];

/**
 * Each measure's rise over the second half of the samples, by Theil and Sen: the median of the slopes between any two of
 * them, so that the heaps which an outage leaves for a while count little.
 */
export function flatness(samples: readonly Sample[]): Flatness[] {
  const end = samples.at(-1)?.seconds ?? 0;
  const half = samples.filter(({ seconds }) => seconds >= end / 2);
  return MEASURES.map(({ name, of, share, floor }) => {
    const points = half.flatMap((sample) => {
      const value = of(sample);
      return value === undefined ? [] : [[sample.seconds, value] as const];
    });
    const values = points.map(([, value]) => value);
    const slopes = points.flatMap(([x, y], index) =>
      points.slice(index + 1).flatMap(([laterX, laterY]) => (laterX > x ? [(laterY - y) / (laterX - x)] : [])),
    );
    const middle = median(values);
    const growth = median(slopes) * (end / 2);
    const allowed = Math.max(share * middle, floor);
    return { name, median: middle, max: Math.max(...values), growth, allowed, flat: growth <= allowed };
  });
}

/** NaN where there is nothing: then nothing was seen to be flat. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? NaN;
}
