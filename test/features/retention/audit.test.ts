import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { expect, onTestFinished, test } from 'vitest';
import { runRetention } from '../../../src/features/retention/remove.ts';
import { openDatabase } from '../../../src/platform/database.ts';
import { createTestDatabase } from '../../support/database.ts';

test('entries of the audit that are old enough are archived and removed, also those without an end', async () => {
  const database = await createTestDatabase();
  const db = openDatabase({ url: database.url, maxConnections: 2, applicationName: 'test' });
  const archive = mkdtempSync(join(tmpdir(), 'conax-archive-'));
  onTestFinished(async () => {
    await db.close();
    await database.drop();
    rmSync(archive, { recursive: true });
  });
  await db.query(`insert into audit (by_user, source, operation, input, started_at, result)
    values ('anna', 'api', 'old', '{}', now() - interval '31 days', 'OK'),
           ('anna', 'api', 'old', '{}', now() - interval '31 days', null),
           ('anna', 'api', 'young', '{}', now() - interval '29 days', 'OK')`);
  const days = { requests: 0, events: 0, outcomes: 0, runs: 0, audit: 30 };
  const ran = await runRetention({ db, days, archive, rest: 0, signal: new AbortController().signal });
  expect(ran).toEqual({ state: 'done', removed: { audit: 2 } });
  expect(await db.query('select operation from audit')).toEqual([{ operation: 'young' }]);
  const [file = ''] = readdirSync(archive);
  expect(file).toMatch(/^audit-/);
  const lines = gunzipSync(readFileSync(join(archive, file)))
    .toString()
    .trim()
    .split('\n');
  expect(lines.map((line) => JSON.parse(line) as unknown)).toMatchObject([
    { table: 'audit', row: { operation: 'old', result: 'OK' } },
    { table: 'audit', row: { operation: 'old', result: null } },
  ]);
});
