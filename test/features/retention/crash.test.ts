import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { randomInt } from 'node:crypto';
import { mkdtempSync, readdirSync, rmSync, utimesSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { FAULT_POINTS } from '../../../src/platform/fault-points.ts';
import { randomFrom } from '../../support/random.ts';
import {
  allRows,
  archived,
  keptKeys,
  lost,
  normalized,
  openAgedHistory,
  otherRows,
  TABLES,
  unfound,
} from './support.ts';

const first = Number(process.env['RETENTION_SEED'] ?? randomInt(2 ** 31 - 100));
/** How often it dies at each place, each time with another history. RETENTION_KILLS=10 is the full size. */
const KILLS = Number(process.env['RETENTION_KILLS'] ?? 1);
const POINTS = FAULT_POINTS.filter((point) => point.startsWith('retention:'));
const PROCESS = fileURLToPath(new URL('process.ts', import.meta.url));

/** Runs it to its end, or to the point at which it dies; true if it died. */
async function dies(...args: string[]): Promise<boolean> {
  const child = spawn(process.execPath, [PROCESS, ...args], { stdio: ['ignore', 'ignore', 'inherit'] });
  const [exitCode, signal] = (await once(child, 'exit')) as [number | null, NodeJS.Signals | null];
  if (signal === 'SIGKILL') return true;
  expect(exitCode).toBe(0);
  return false;
}

test.each(Array.from({ length: KILLS }, (_, index) => first + index))(
  'killed before and after every commit and every volume, it loses no row: each is in the archive before it goes (RETENTION_SEED=%i)',
  async (seed) => {
    const archive = mkdtempSync(join(tmpdir(), 'conax-archive-'));
    const intake = await openAgedHistory(seed, 12);
    const { db, url } = intake;
    try {
      const kept = await keptKeys(db, { requests: 60, events: 40, outcomes: 20, runs: 0, audit: 0 });
      const before = await allRows(db);
      const others = await otherRows(db);
      const random = randomFrom(seed);
      for (const point of POINTS) {
        expect(await dies(url, archive, point, String(1 + random.int(2))), `at ${point}`).toBe(true);
        const gone = lost(before, await allRows(db));
        const rows = archived(archive);
        for (const table of TABLES) {
          expect(unfound(gone[table], rows[table]), `${point}: ${table}`).toEqual([]);
        }
      }
      // What it left unfinished is thrown away once nobody can be writing to it.
      const unfinished = readdirSync(archive).filter((name) => name.endsWith('.part'));
      expect(unfinished.length).toBeGreaterThan(0);
      for (const name of unfinished) utimesSync(join(archive, name), 0, 0);

      expect(await dies(url, archive)).toBe(false);
      const after = await allRows(db);
      expect(normalized(after)).toEqual(kept);
      expect(await otherRows(db)).toBe(others);
      expect(readdirSync(archive).filter((name) => name.endsWith('.part'))).toEqual([]);
      const gone = lost(before, after);
      const rows = archived(archive);
      for (const table of TABLES) {
        expect(unfound(gone[table], rows[table])).toEqual([]);
      }
    } finally {
      await intake.close();
      rmSync(archive, { recursive: true });
    }
  },
);
