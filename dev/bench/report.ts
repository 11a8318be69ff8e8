import { cpus, loadavg, release, totalmem } from 'node:os';

/** What a benchmark prints and checks; its exit code follows from the checks. */
export interface Report {
  line(text?: string): void;
  /** Prints whether it holds, and remembers. */
  check(what: string, holds: boolean, seen: string): void;
  readonly failed: number;
}

export function createReport(): Report {
  let failed = 0;
  return {
    line: (text = '') => console.log(text),
    check(what, holds, seen) {
      if (!holds) failed += 1;
      console.log(`${holds ? 'holds' : 'FAILS'}: ${what} (${seen})`);
    },
    get failed() {
      return failed;
    },
  };
}

/** The machine, and how busy it is with other things: figures without that are worth nothing. */
export function machineLine(): string {
  const all = cpus();
  return (
    `${new Date().toISOString().slice(0, 16)}Z, ${all.length} x ${all[0]?.model.trim() ?? 'unknown CPU'}, ` +
    `${Math.round(totalmem() / 2 ** 30)} GB, ${process.platform} ${release()}, Node ${process.version}, ${loadLine()}`
  );
}

/** The load average of the last minute. */
export function loadLine(): string {
  return `load ${loadavg()[0]?.toFixed(1) ?? '?'}`;
}

/** The value below which this share (0-1) of the values lies; 0 of nothing. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0;
}

export function median(values: readonly number[]): number {
  return quantile(values, 0.5);
}
