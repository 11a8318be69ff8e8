import { createReadStream, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as pause } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { createGunzip } from 'node:zlib';
import { runRetention } from '../../src/features/retention/remove.ts';
import type { RowCounts } from '../../src/features/retention/rows.ts';
import { type Database, openDatabase } from '../../src/platform/database.ts';
import { DISPATCH_PLANNER, indexWalking } from '../../src/platform/planner-settings.ts';
import { dispatchToInstantCas } from './instant-cas.ts';
import { loadLine, median, type Report } from './report.ts';
import { type Filled, fillForRetention, KEPT_VERSIONS, VERSIONS } from './retention-fill.ts';
import { openSite, type Site } from './site.ts';

const DAYS = { requests: 365, events: 365, outcomes: 365, runs: 0, audit: 0 };
const SLOTS = 32;
const ROUNDS = 4;
/** So many requests a second, and the time for warming up, have to be there. */
const RATE_MOST = 12_000;
const LOOK_EVERY_MS = 10;
const LOOK_AT_HEAP_EVERY = 20;
const TABLES = ['request', 'attempt', 'request_final', 'inbox', 'withheld', 'outbox', 'crm_action'];

/**
 * The dispatcher with an instant CAS, by turns with retention beside it in the same process and without, on a table with
 * many old rows; then the rest of retention alone, with an archive that is read back and counted.
 */
export async function retention(
  report: Report,
  { rows, seconds }: { readonly rows: number; readonly seconds: number },
): Promise<void> {
  const site = await openSite(report, { parts: ['postgres'] });
  try {
    const filled: Filled = { old: rows, young: Math.ceil(rows / 10), pending: RATE_MOST * seconds * 2 * ROUNDS };
    const begunAt = performance.now();
    await fillForRetention(site.databaseUrl, filled);
    const before = await countRows(site.db);
    report.line(
      `${JSON.stringify(before)} rows, ${filled.pending} requests wait; made in ` +
        `${((performance.now() - begunAt) / 1000).toFixed(0)} s; ${loadLine()}`,
    );
    const db = openDatabase({
      url: site.databaseUrl,
      settings: indexWalking({ joinByIndex: true }),
      maxConnections: 2,
      applicationName: 'bench-retention',
      prepared: true,
    });
    try {
      await besideDispatch(report, site, db, seconds);
      await alone(report, site, db, filled, before);
    } finally {
      await db.close();
    }
  } finally {
    await site.close();
  }
}

async function besideDispatch(report: Report, site: Site, db: Database, seconds: number): Promise<void> {
  const dispatchDb = openDatabase({
    url: site.databaseUrl,
    settings: DISPATCH_PLANNER,
    maxConnections: 10,
    applicationName: 'bench-dispatch',
    prepared: true,
  });
  const dispatcher = dispatchToInstantCas(dispatchDb, SLOTS);
  const watch = watchLocks(site.db);
  const rates: Record<'without' | 'with', number[]> = { without: [], with: [] };
  let removed = 0;
  try {
    // Until plans are made and pages are in memory.
    await rateFor(site, 3);
    for (let round = 0; round < ROUNDS; round += 1) {
      // By turns, and each goes first as often as the other: a machine that grows busier slows both.
      const turns = round % 2 === 0 ? (['without', 'with'] as const) : (['with', 'without'] as const);
      for (const turn of turns) {
        const stop = new AbortController();
        const running =
          turn === 'without' ? null : runRetention({ db, days: DAYS, archive: null, signal: stop.signal });
        rates[turn].push(await rateFor(site, seconds));
        stop.abort();
        const result = await running;
        if (result) removed = result.removed['request'] ?? 0;
      }
    }
  } finally {
    await dispatcher.stop();
    await dispatchDb.close();
    await watch.stop();
  }
  const { looks, blocked, longestMs } = watch.seen();
  const ratios = rates.with.map((rate, index) => rate / (rates.without[index] ?? rate));
  const shown = (all: readonly number[]): string => all.map(Math.round).join(', ');
  report.line(
    `dispatch ${shown(rates.without)} requests/s without, ${shown(rates.with)} with retention, which removed ` +
      `${Math.round(removed / (ROUNDS * seconds))} requests/s with all that belongs to them; ${loadLine()}`,
  );
  const total = sumOf(rates.with) / sumOf(rates.without);
  report.check(
    'dispatch keeps at least 0.9 of its rate beside retention',
    total >= 0.9,
    `${total.toFixed(2)}; by rounds ${ratios.map((ratio) => ratio.toFixed(2)).join(', ')}`,
  );
  report.check(
    'nobody waits for a lock of retention for more than 50 ms',
    longestMs <= 50,
    `seen ${blocked} times in ${looks} looks, at most for ${Math.round(longestMs)} ms`,
  );
}

/** Requests that become final a second, over some seconds. */
async function rateFor(site: Site, seconds: number): Promise<number> {
  const pending = async (): Promise<number> => {
    const [row] = await site.db.query<{ count: number }>('select count(*) from work');
    return row?.count ?? 0;
  };
  const [before, begunAt] = [await pending(), performance.now()];
  await pause(seconds * 1000);
  const [after, took] = [await pending(), (performance.now() - begunAt) / 1000];
  if (after === 0) throw new Error('The requests that wait ran out: the rate would be too low');
  return (before - after) / took;
}

/** Looks again and again whether a session waits for a lock that retention holds. */
function watchLocks(db: Database): {
  stop(): Promise<void>;
  seen(): { readonly looks: number; readonly blocked: number; readonly longestMs: number };
} {
  const stopping = new AbortController();
  let [looks, blocked, longestMs] = [0, 0, 0];
  let since: number | null = null;
  const done = (async () => {
    while (!stopping.signal.aborted) {
      const [row] = await db.query<{ waits: boolean }>(BLOCKED_BY_RETENTION);
      looks += 1;
      const now = performance.now();
      if (row?.waits === true) {
        blocked += 1;
        since ??= now - LOOK_EVERY_MS;
        longestMs = Math.max(longestMs, now - since);
      } else since = null;
      await pause(LOOK_EVERY_MS);
    }
  })();
  return {
    async stop() {
      stopping.abort();
      await done;
    },
    seen: () => ({ looks, blocked, longestMs }),
  };
}

const BLOCKED_BY_RETENTION = /* sql */ `
select exists (
  select from pg_stat_activity waiting
   where waiting.wait_event_type = 'Lock'
     and exists (select from pg_stat_activity r where r.application_name = 'bench-retention'
                    and r.pid = any(pg_blocking_pids(waiting.pid)))) as waits`;

async function alone(report: Report, site: Site, db: Database, filled: Filled, before: RowCounts): Promise<void> {
  const archive = join(site.output, 'archive');
  mkdirSync(archive);
  // What was removed before has no archive: a round of its own begins here.
  await site.db.query('update retention_pass set ended_at = now()');
  const atStart = await countRows(site.db);
  const heap: number[] = [];
  let batches = 0;
  const begunAt = performance.now();
  const { signal } = new AbortController();
  const { state, removed } = await runRetention({
    db,
    days: DAYS,
    archive,
    rest: 0,
    signal,
    onProgress: () => void ((batches += 1) % LOOK_AT_HEAP_EVERY === 0 && heap.push(liveHeapMb())),
  });
  const seconds = (performance.now() - begunAt) / 1000;
  const rowsRemoved = sumOf(Object.values(removed));
  report.line(
    `retention alone, with an archive and without rests: ${rowsRemoved} rows in ${seconds.toFixed(0)} s, ` +
      `${Math.round(rowsRemoved / seconds)}/s; ${loadLine()}`,
  );
  report.check('it comes to its end', state === 'done', state);

  const after = await countRows(site.db);
  const { old, young } = filled;
  const keptEvents = young + (old * KEPT_VERSIONS) / VERSIONS;
  const finalSince = (after['request'] ?? 0) - young;
  report.check(
    'of the old rows those are left that planning needs, and of the others all',
    after['inbox'] === keptEvents &&
      after['crm_action'] === keptEvents &&
      after['request'] === (before['request'] ?? 0) - old &&
      after['request_final'] === after['attempt'] &&
      after['outbox'] === after['attempt'],
    `${JSON.stringify(after)}, ${finalSince} requests of today among them`,
  );
  const found = await archivedRows(archive);
  const missing = TABLES.filter((table) => (removed[table] ?? 0) !== (atStart[table] ?? 0) - (after[table] ?? 0));
  report.check('it has counted what went', missing.length === 0, JSON.stringify(removed));
  report.check(
    'the archive has each row that went once',
    TABLES.every((table) => table === 'crm_action' || (found[table] ?? 0) === (removed[table] ?? 0)) &&
      (found['crm_action'] ?? 0) >= (removed['crm_action'] ?? 0),
    `${JSON.stringify(found)} in ${readdirSync(archive).length} volumes`,
  );
  const fifth = Math.ceil(heap.length / 5);
  const [early, late] = [median(heap.slice(0, fifth)), median(heap.slice(-fifth))];
  report.check(
    'memory stays flat',
    late - early < 5,
    `live heap ${early.toFixed(1)} MB early, ${late.toFixed(1)} MB late, ${heap.length} looks`,
  );
  rmSync(archive, { recursive: true });
}

/** After a full collection. */
function liveHeapMb(): number {
  setFlagsFromString('--expose-gc');
  (runInNewContext('gc') as () => void)();
  return process.memoryUsage().heapUsed / 2 ** 20;
}

/** Lines of all volumes, by table. */
async function archivedRows(directory: string): Promise<Record<string, number>> {
  const found: Record<string, number> = {};
  for (const name of readdirSync(directory)) {
    const lines = createInterface({ input: createReadStream(join(directory, name)).pipe(createGunzip()) });
    for await (const line of lines) {
      const { table } = JSON.parse(line) as { table: string };
      found[table] = (found[table] ?? 0) + 1;
    }
  }
  return found;
}

async function countRows(db: Database): Promise<Record<string, number>> {
  const [row] = await db.query<Record<string, number>>(
    `select ${TABLES.map((table) => `(select count(*) from ${table}) as ${table}`).join(', ')}`,
  );
  return row ?? {};
}

function sumOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0);
}
