/**
 * `npm run test:alerts`: checks the alert rules and their unit tests with promtool; then makes each alert fire and end
 * against a running service, with a real Prometheus and the rules' waits and windows shortened to seconds. At the end
 * each query of the dashboards must have a result. Prints a table.
 * Exit code 0 if every alert fired and ended. Names of alerts as arguments: only the troubles that make these fire.
 */
import { spawnSync } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { alertsOf, queriesOfDashboards, RULES } from '../test/deploy/monitoring-files.ts';
import { missingPrograms, shortened, startPrometheus } from './alerts/prometheus.ts';
import { startScene } from './alerts/scene.ts';
import { troubles } from './alerts/troubles.ts';

const FIRES_WITHIN_MS = 45_000;
const ENDS_WITHIN_MS = 100_000;

const only = process.argv.slice(2);
const missing = missingPrograms();
if (missing.length > 0) {
  console.error(`${missing.join(' and ')} cannot be run: install Prometheus (Debian: apt-get install prometheus).`);
  process.exit(2);
}
for (const args of [
  ['check', 'rules', RULES],
  ['test', 'rules', 'deploy/alerts.test.yaml'],
]) {
  const { status } = spawnSync('promtool', args, { stdio: 'inherit' });
  if (status !== 0) process.exit(1);
}

const directory = await mkdtemp(join(tmpdir(), 'conax-alerts-'));
const archive = join(directory, 'archive');
const pinFile = join(directory, 'pin');
await writeFile(pinFile, '1234\n');
const closers: (() => Promise<unknown>)[] = [() => rm(directory, { recursive: true, force: true })];
const seen = new Map<string, { fired: string; ended: string; how: string }>();
let failed = 0;
try {
  const scene = await startScene(
    {
      KAFKA_STALLED_MS: '3000',
      CONAX_TIMEOUT_MS: '1000',
      LEASE_MS: '3000',
      PIN_KEY: '00'.repeat(32),
      RETENTION_OUTCOMES_DAYS: '1',
      RETENTION_ARCHIVE_DIR: archive,
    },
    pinFile,
  );
  closers.push(() => scene.close());
  await scene.start();
  const prometheus = await startPrometheus(directory, scene.address, shortened(await readFile(RULES, 'utf8')));
  closers.push(() => prometheus.stop());
  // Prometheus sees no increase of a counter that it has not read before.
  while ((await prometheus.query('count_over_time(conax_build_info[20s]) > 3')).length === 0) await pause(300);
  const chosen = troubles(archive).filter(
    ({ alerts }) => only.length === 0 || alerts.some((alert) => only.includes(alert)),
  );
  for (const trouble of chosen) {
    const { name, alerts } = trouble;
    const attempt = async (firing: boolean): Promise<string[]> =>
      Promise.all(
        alerts.map(async (alert) => {
          try {
            const seconds = await prometheus.until(alert, firing, firing ? FIRES_WITHIN_MS : ENDS_WITHIN_MS);
            console.log(`  ${alert} ${firing ? 'fires' : 'ended'} after ${seconds.toFixed(1)} s`);
            return `${seconds.toFixed(1)} s`;
          } catch (error) {
            failed += 1;
            console.error(String(error));
            return 'NEVER';
          }
        }),
      );
    console.log(`${name}: ${alerts.join(', ')}`);
    await trouble.cause(scene);
    const fired = await attempt(true);
    await trouble.remedy(scene);
    const ended = await attempt(false);
    for (const [index, alert] of alerts.entries())
      seen.set(alert, { fired: fired[index] ?? '', ended: ended[index] ?? '', how: name });
  }
  const queries = queriesOfDashboards();
  for (const { panel, expr } of queries) {
    // " > 0" hides codes that did not occur: they need not occur here.
    const filled = expr.replaceAll('$__rate_interval', '5m').replaceAll('$job', '.+').replace(/ > 0$/, '');
    if ((await prometheus.query(filled)).length > 0) continue;
    console.error(`The panel "${panel}" is empty: ${filled}`);
    failed += 1;
  }
  console.log(`${queries.length} queries of the dashboard were asked`);
  const rows = alertsOf().map(({ name }) => ({ alert: name, ...seen.get(name) }));
  console.table(rows);
  const untried = rows.filter(({ fired }) => fired === undefined).map(({ alert }) => alert);
  if (only.length === 0 && untried.length > 0) console.error(`Only promtool tests: ${untried.join(', ')}`);
  process.exitCode = failed > 0 || (only.length === 0 && untried.length > 0) ? 1 : 0;
} finally {
  for (const close of closers.toReversed()) await close();
}
