import type { CommandType } from '../planning/command.ts';

/** One SOAP call as the CAS saw it. */
export interface JournalEntry {
  readonly seq: number;
  /** When it arrived, ISO 8601 with milliseconds, UTC. */
  readonly at: string;
  /** Null if the request could not be read as any of the 13. */
  readonly command: CommandType | null;
  readonly parameters: Readonly<Record<string, unknown>>;
  /** The answer: a status code, SOAP_FAULT or HTTP_<number>; null if no readable answer went out. */
  statusCode: string | null;
  /** Whether the state changed, or the text went to the screen. */
  effect: boolean;
}

export interface Journal {
  add(command: CommandType | null, parameters: JournalEntry['parameters']): JournalEntry;
  /** Iterates over the kept entries with a higher number than `seq`, the oldest first. */
  after(seq: number): IterableIterator<JournalEntry>;
  /** Forgets the entries; the numbers continue. */
  clear(): void;
}

/**
 * Keeps the newest `entriesMax` calls (about 250 bytes each). Numbers start with 1, grow by 1 in order of arrival and are
 * never used twice.
 */
export function createJournal(entriesMax: number): Journal {
  // Entries are kept in blocks, so that removing the oldest ones does not move all others.
  const blockSize = Math.min(10_000, Math.max(1, entriesMax));
  let blocks: JournalEntry[][] = [];
  let firstSeq = 1;
  let nextSeq = 1;
  let second = 0;
  let secondText = '';

  // Formatting a whole date for each of thousands of calls a second costs more than the rest of the entry.
  function isoTime(now: number): string {
    const currentSecond = Math.floor(now / 1000);
    if (currentSecond !== second) {
      second = currentSecond;
      secondText = new Date(currentSecond * 1000).toISOString().slice(0, 20);
    }
    return `${secondText}${String(now % 1000).padStart(3, '0')}Z`;
  }

  return {
    add(command, parameters) {
      const entry = { seq: nextSeq++, at: isoTime(Date.now()), command, parameters, statusCode: null, effect: false };
      const last = blocks.at(-1);
      if (last !== undefined && last.length < blockSize) last.push(entry);
      else blocks.push([entry]);
      while (nextSeq - firstSeq > entriesMax + blockSize) firstSeq += blocks.shift()?.length ?? 0;
      return entry;
    },
    *after(seq) {
      for (const block of blocks.slice()) {
        if ((block.at(-1)?.seq ?? 0) <= seq) continue;
        for (const entry of block) {
          if (entry.seq > seq) yield entry;
        }
      }
    },
    clear() {
      blocks = [];
      firstSeq = nextSeq;
    },
  };
}
