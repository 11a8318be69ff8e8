import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { type KeptLease, keepLease, restartLease } from '../../outcomes/lease.ts';
import type { Database, Transaction } from '../../platform/database.ts';
import { faultPoint } from '../../platform/fault-points.ts';
import { beginVolume, clearAbandonedVolumes, problemOfArchive, type Volume } from './archive.ts';
import { type RetentionDays, type RetentionKindName, kindsToRemove, retentionKinds } from './kinds.ts';
import { beginRound, endPass, movePass, type RetentionPass } from './pass.ts';
import type { RowCounts } from './rows.ts';

export interface RetentionOptions {
  /** Its statements walk indexes: a pool with `indexWalking` and `prepared`. */
  readonly db: Database;
  readonly days: RetentionDays;
  /** Where rows are archived before they are removed; null: nowhere. */
  readonly archive: string | null;
  /** After each batch it rests this many times as long as the batch took; default 9: it works a tenth of the time. */
  readonly rest?: number;
  /** Ends it soon: it goes on from there the next time. */
  readonly signal: AbortSignal;
  /** Called after each batch. */
  readonly onProgress?: (progress: RetentionProgress) => void;
  /** Keys that are looked at, and removed, at once; default 500. */
  readonly batchKeys?: number;
  /** Keys of one volume of the archive; default 10,000. */
  readonly volumeKeys?: number;
  /** How long others wait for one that died; default 10,000. */
  readonly leaseMs?: number;
}

export interface RetentionProgress {
  readonly kind: RetentionKindName;
  readonly position: number;
  /** Rows that this pass has removed, by table. */
  readonly removed: RowCounts;
}

export interface RetentionResult {
  /**
   * `busy`: another instance is at it, or died a moment ago. `stopped`: by the signal, or the lease went to another
   * one.
   */
  readonly state: 'done' | 'stopped' | 'busy';
  /** Rows removed, by table, by the passes that it worked on: since each started, also if it stopped early before. */
  readonly removed: RowCounts;
}

const LEASE = 'retention';
const LEASE_MS = 10_000;
const REST = 9;
const BATCH_KEYS = 500;
const VOLUME_KEYS = 10_000;
const REST_MIN_MS = 5;
const DAY_MS = 86_400_000;

/** After a jump of the database's clock: who removes rows renews the lease, or another takes it in its length. */
export function restartRetentionLease(tx: Transaction): Promise<void> {
  return restartLease(tx, LEASE, LEASE_MS);
}

/**
 * Removes rows that are older than their setting, in small transactions with rests between them, as one instance at a
 * time. Where there is an archive, each row is on its disk before it is removed; one whose removal was cut off is
 * archived again. The next run continues where a pass stopped.
 * @throws Error when the archive cannot be written, or the database fails: nothing is lost, run it again.
 */
export async function runRetention(options: RetentionOptions): Promise<RetentionResult> {
  const { db, days, archive, leaseMs = LEASE_MS } = options;
  const problem = archive === null ? null : await problemOfArchive(archive);
  if (problem !== null) throw new Error(problem);
  const lease = keepLease({ db, name: LEASE, owner: randomUUID(), durationMs: leaseMs, overlapDoesNoHarm: true });
  let removed: RowCounts = {};
  try {
    if (!(await lease.hold())) return { state: 'busy', removed };
    if (archive !== null) await clearAbandonedVolumes(archive);
    for (const pass of await beginRound(db, kindsToRemove(days))) {
      const over = await passOver(pass, options, lease);
      removed = sum(removed, over.removed);
      if (!over.ended) return { state: 'stopped', removed };
    }
    return { state: 'done', removed };
  } finally {
    // Where that fails the others wait for its end.
    await lease.giveBack().catch(() => {});
  }
}

/** How many rows would go now, by table, without the actions that would be left with nothing. */
export async function countRetention(
  options: Pick<RetentionOptions, 'db' | 'days' | 'signal' | 'batchKeys' | 'rest'>,
): Promise<RowCounts> {
  const { db, days, signal, batchKeys = BATCH_KEYS } = options;
  let counts: RowCounts = {};
  for (const name of kindsToRemove(days)) {
    const [clock] = await db.query<{ now: Date }>('select now()');
    const before = new Date((clock?.now.getTime() ?? 0) - days[name] * DAY_MS);
    let after = 0;
    for (let ended = false; !ended && !signal.aborted;) {
      const begunAt = performance.now();
      const walked = await retentionKinds[name].walk(db, { after, before, limit: batchKeys });
      const keys = walked.filter(({ goes }) => goes).map(({ key }) => key);
      if (keys.length > 0) counts = sum(counts, await retentionKinds[name].count(db, keys));
      after = walked.at(-1)?.key ?? after;
      ended = walked.length < batchKeys || !walked.some(({ aged }) => aged);
      await rest(begunAt, options);
    }
  }
  return counts;
}

async function passOver(
  pass: RetentionPass,
  options: RetentionOptions,
  lease: KeptLease,
): Promise<{ removed: RowCounts; ended: boolean }> {
  const { db, days, archive, signal, batchKeys = BATCH_KEYS, volumeKeys = VOLUME_KEYS } = options;
  const { kind: name, beganAt } = pass;
  const kind = retentionKinds[name];
  // Days are counted from the start of the pass, also if it continues later.
  const before = new Date(beganAt.getTime() - days[name] * DAY_MS);
  let { position, removed } = pass;
  /** Up to here everything is removed. */
  let reached = position;
  let volume: Volume | null = null;
  /** Keys of the volume: they are removed once it is sealed. */
  let held: number[] = [];

  try {
    for (let ended = false; !ended;) {
      if (await isOver()) return { removed, ended: false };
      const begunAt = performance.now();
      const walked = await kind.walk(db, { after: position, before, limit: batchKeys });
      const keys = walked.filter(({ goes }) => goes).map(({ key }) => key);
      position = walked.at(-1)?.key ?? position;
      ended = walked.length < batchKeys || !walked.some(({ aged }) => aged);
      if (archive === null) {
        await remove(keys, position);
      } else if (keys.length > 0) {
        volume ??= beginVolume(archive, name, keys[0] ?? 0);
        await write(volume, keys);
        held = [...held, ...keys];
      }
      await rest(begunAt, options);
      if (volume !== null && (ended || held.length >= volumeKeys) && !(await removeHeld(volume))) {
        return { removed, ended: false };
      }
    }
    await endPass(db, name);
    return { removed, ended: true };
  } finally {
    await volume?.discard();
  }

  async function write(into: Volume, keys: readonly number[]): Promise<void> {
    for await (const lines of kind.lines(db, keys)) await into.write(lines);
  }

  /** False if it ended before everything was removed: the rest is archived once more. */
  async function removeHeld(full: Volume): Promise<boolean> {
    faultPoint('retention: before seal');
    await full.seal();
    volume = null;
    faultPoint('retention: after seal');
    for (let from = 0; from < held.length; from += batchKeys) {
      if (await isOver()) return false;
      const begunAt = performance.now();
      const keys = held.slice(from, from + batchKeys);
      const isLast = from + batchKeys >= held.length;
      await remove(keys, isLast ? position : (keys.at(-1) ?? position));
      await rest(begunAt, options);
    }
    held = [];
    return true;
  }

  async function remove(keys: readonly number[], upTo: number): Promise<void> {
    for (let more = true; more;) {
      const begunAt = performance.now();
      const done = await db.transaction(async (tx) => {
        await tx.query(BE_QUIET);
        const gone = keys.length === 0 ? { rows: {}, more: false } : await kind.remove(tx, keys);
        const total = sum(removed, gone.rows);
        await movePass(tx, name, gone.more ? reached : upTo, total);
        if (keys.length > 0) faultPoint('retention: before commit');
        return { total, more: gone.more };
      });
      removed = done.total;
      more = done.more;
      if (keys.length > 0) faultPoint('retention: after commit');
      options.onProgress?.({ kind: name, position: more ? reached : upTo, removed });
      if (more) await rest(begunAt, options);
    }
    reached = upTo;
  }

  async function isOver(): Promise<boolean> {
    return signal.aborted || !(await lease.hold());
  }
}

/**
 * Retention waits for nobody's lock, and nobody waits for its commits to reach the disk: one that a crash of the server
 * loses is done again, with its position.
 */
const BE_QUIET = /* sql */ `
select set_config('lock_timeout', '200', true), set_config('synchronous_commit', 'off', true)`;

async function rest(
  begunAt: number,
  { rest: times = REST, signal }: Pick<RetentionOptions, 'rest' | 'signal'>,
): Promise<void> {
  if (times === 0) return;
  const ms = Math.max(REST_MIN_MS, times * (performance.now() - begunAt));
  await sleep(ms, undefined, { signal }).catch(() => {});
}

function sum(one: RowCounts, other: RowCounts): RowCounts {
  const tables = [...new Set([...Object.keys(one), ...Object.keys(other)])];
  return Object.fromEntries(tables.map((table) => [table, (one[table] ?? 0) + (other[table] ?? 0)]));
}
