import { randomInt, randomUUID } from 'node:crypto';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { countRetention, type RetentionOptions, runRetention } from '../../../src/features/retention/remove.ts';
import { retentionPasses } from '../../../src/features/retention/pass.ts';
import type { Database } from '../../../src/platform/database.ts';
import { listRequests } from '../../../src/requests/list.ts';
import type { TestIntake } from '../../intake/support.ts';
import { runCli } from '../../support/cli.ts';
import {
  allRows,
  archived,
  keptKeys,
  lost,
  normalized,
  openAgedHistory,
  otherRows,
  restore,
  type Rows,
  TABLES,
  unfound,
} from './support.ts';

const seed = Number(process.env['RETENTION_SEED'] ?? randomInt(2 ** 31));
const DAYS = { requests: 60, events: 40, outcomes: 20, runs: 0, audit: 0 };

let intake: TestIntake;
let db: Database;
let before: Rows;
let kept: Awaited<ReturnType<typeof keptKeys>>;
beforeAll(async () => {
  intake = await openAgedHistory(seed, 12);
  db = intake.db;
  before = await allRows(db);
  kept = await keptKeys(db, DAYS);
});
beforeEach(() => restore(db, before));
afterAll(() => intake.close());

const directories: string[] = [];
afterEach(() => {
  for (const made of directories.splice(0)) rmSync(made, { recursive: true });
});
function directory(): string {
  const made = mkdtempSync(join(tmpdir(), 'conax-archive-'));
  directories.push(made);
  return made;
}

function retain(more: Partial<RetentionOptions> = {}) {
  const { signal } = new AbortController();
  return runRetention({ db, days: DAYS, archive: null, rest: 0, signal, batchKeys: 20, ...more });
}

describe(`retention (RETENTION_SEED=${seed})`, () => {
  test('removes exactly what is final and old enough, table by table, as a dry run has counted', async () => {
    const others = await otherRows(db);
    const counted = await countRetention({ db, days: DAYS, rest: 0, signal: new AbortController().signal });
    expect(await allRows(db)).toEqual(before);

    const { state, removed } = await retain();
    const after = await allRows(db);
    expect(state).toBe('done');
    expect(normalized(after)).toEqual(kept);
    const gone = Object.fromEntries(TABLES.map((table) => [table, lost(before, after)[table].length]));
    expect(gone).toEqual(removed);
    expect({ ...counted, crm_action: removed['crm_action'] }).toEqual(removed);
    for (const table of TABLES) {
      expect(gone[table], `${table} has lost some`).toBeGreaterThan(0);
      expect(after[table].size, `${table} has kept some`).toBeGreaterThan(0);
    }
    expect(await otherRows(db)).toBe(others);

    const again = await retain();
    expect(Object.values(again.removed).every((count) => count === 0)).toBe(true);
    expect(await allRows(db)).toEqual(after);
  });

  test('days of 0 keep for good', async () => {
    await retain({ days: { requests: 0, events: 0, outcomes: 10, runs: 0, audit: 0 } });
    const gone = lost(before, await allRows(db));
    expect(gone.outbox.length).toBeGreaterThan(0);
    expect(TABLES.filter((table) => table !== 'outbox' && gone[table].length > 0)).toEqual([]);
  });

  test('the archive has every row that went, as it was: put back from it they are the same', async () => {
    const archive = directory();
    await retain({ archive, volumeKeys: 60 });
    const left = await allRows(db);
    const rows = archived(archive);
    const gone = lost(before, left);
    for (const table of TABLES) {
      expect(unfound(gone[table], rows[table])).toEqual([]);
    }
    expect(readdirSync(archive).filter((name) => !name.endsWith('.jsonl.gz'))).toEqual([]);
    expect(readdirSync(archive).length).toBeGreaterThan(4);
    await restore(db, Object.fromEntries(TABLES.map((table) => [table, [...left[table], ...rows[table]]])) as never);
    expect(await allRows(db)).toEqual(before);
  });

  test('an archive that cannot be written stops it, and nothing is removed', async () => {
    await expect(retain({ archive: '/nowhere/at/all' })).rejects.toThrow(/does not exist: create it, or mount/);
    const file = join(directory(), 'file');
    writeFileSync(file, '');
    await expect(retain({ archive: file })).rejects.toThrow(/is a file: name a directory/);
    expect(await allRows(db)).toEqual(before);
  });

  test('one that is stopped goes on from there, and the counts are those of the whole pass', async () => {
    let stops = 0;
    for (;;) {
      const stop = new AbortController();
      let batches = 0;
      const { state } = await retain({
        signal: stop.signal,
        onProgress: () => void ((batches += 1) === 3 && stop.abort()),
      });
      if (state === 'done') break;
      stops += 1;
    }
    expect(stops).toBeGreaterThan(3);
    const after = await allRows(db);
    expect(normalized(after)).toEqual(kept);
    const gone = lost(before, after);
    const passes = await retentionPasses(db);
    for (const table of TABLES) {
      const counted = passes.reduce((sum, { removed }) => sum + (removed[table] ?? 0), 0);
      expect(counted, `of ${table}`).toBe(gone[table].length);
    }
  });

  test('of two at once one works and the other says so; one that lost its lease stops', async () => {
    const results = await Promise.all([retain({ rest: 1 }), retain({ rest: 1 })]);
    expect(results.map(({ state }) => state).toSorted()).toEqual(['busy', 'done']);
    expect(normalized(await allRows(db))).toEqual(kept);

    await restore(db, before);
    const taken = `update lease set owner = $1, expires_at = now() + interval '1 minute' where name = 'retention'`;
    const robbed = retain({ leaseMs: 60, rest: 10, onProgress: () => void db.query(taken, [randomUUID()]) });
    expect((await robbed).state).toBe('stopped');
    await db.query('delete from lease');
  });

  test('lists show what is left, whole, and a request that went is said to be gone', async () => {
    const { url } = intake;
    const numbers = await db.query<{ number: number }>('select number from request order by number');
    await retain();
    const left = await db.query<{ number: number; type: string; life_cycle_state: string }>(
      'select number, type, life_cycle_state from request order by number',
    );
    for (const state of ['PENDING', 'COMPLETED', 'REJECTED'] as const) {
      const listed = await listRequests(db, { filter: { lifeCycleState: state }, limit: 1_000 });
      expect(listed.map(({ number }) => number)).toEqual(
        left.filter((row) => row.life_cycle_state === state).map(({ number }) => number),
      );
    }
    const ofType = await listRequests(db, { filter: { type: 'ADD_SUBSCRIPTIONS' }, limit: 1_000 });
    expect(ofType.map(({ number }) => number)).toEqual(
      left.filter((row) => row.type === 'ADD_SUBSCRIPTIONS').map(({ number }) => number),
    );
    const gone = numbers.find(({ number }) => !left.some((row) => row.number === number))?.number;
    expect(await runCli(['requests', 'show', String(gone)], { DATABASE_URL: url })).toMatchObject({
      exitCode: 3,
      stderr: `provisioning request ${gone} is not kept any more (docs/retention.md), or its number was never used\n`,
    });
    const [orphan] = await db.query<{ number: number; event: string }>(
      `select number, causation_event_id as event from request r
        where causation_event_id is not null and not exists (select from inbox i where i.id = r.inbox_id) limit 1`,
    );
    const { stdout } = await runCli(['requests', 'show', String(orphan?.number)], { DATABASE_URL: url });
    expect(stdout).toContain(`${orphan?.event}, which is no longer kept (RETENTION_EVENTS_DAYS)`);
  });
});

describe('conax-provisioning retention', () => {
  test('counts, removes with an archive, and tells of its passes', async () => {
    const archive = directory();
    const env = { DATABASE_URL: intake.url, RETENTION_REQUESTS_DAYS: '60', RETENTION_EVENTS_DAYS: '40' };
    const [counted, status] = await Promise.all([
      runCli(['retention', 'run', '--dry-run', '--rest', '0'], env),
      runCli(['retention', 'status'], env),
    ]);
    expect(counted).toMatchObject({ exitCode: 0, stdout: expect.stringMatching(/^[\d,]+ requests, .+ would go\n$/) });
    expect(status).toMatchObject({ exitCode: 0, stdout: '', stderr: 'retention has not run yet\n' });
    const removed = await runCli(['retention', 'run', '--archive', archive, '--json'], env);
    expect(removed.exitCode).toBe(0);
    expect(JSON.parse(removed.stdout)).toMatchObject({ request: expect.any(Number), inbox: expect.any(Number) });
    expect(readdirSync(archive).toSorted()).toEqual([
      expect.stringMatching(/^events-.+\.jsonl\.gz$/),
      expect.stringMatching(/^requests-.+\.jsonl\.gz$/),
    ]);
    expect((await runCli(['retention', 'status'], env)).stdout).toMatch(
      /^requests +began \S+, ended \S+: [\d,]+ requests, .+ removed\nevents .+ removed\n$/,
    );
  });

  test.each([
    [{}, [], 'There is nothing to remove: set one of the RETENTION_…_DAYS (docs/settings.md)'],
    [{ RETENTION_EVENTS_DAYS: '1' }, ['--rest', 'x'], '--rest is "x": give a number from 0 to 999'],
    [
      { RETENTION_EVENTS_DAYS: '1' },
      ['--archive', '/nowhere'],
      'The archive directory "/nowhere" does not exist: create it, or mount it',
    ],
    [
      { RETENTION_EVENTS_DAYS: '40', RETENTION_REQUESTS_DAYS: '39' },
      [],
      'These settings are wrong (docs/settings.md describes them all):\n  RETENTION_REQUESTS_DAYS is 39: set it to at least RETENTION_EVENTS_DAYS (40)',
    ],
  ])('%j %j ends with 2 and says why', async (env, args, says) => {
    const ran = await runCli(['retention', 'run', ...args], {
      DATABASE_URL: 'postgres://nobody@127.0.0.1:1/x',
      ...env,
    });
    expect(ran).toMatchObject({ exitCode: 2, stdout: '', stderr: `${says}\n` });
  });
});
