import { spawnSync } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { freePort } from '../stack/ports.ts';
import { superviseUntilReady } from '../stack/supervised.ts';

/** A Prometheus that reads one instance each second. */
export interface Prometheus {
  /** Resolves with the seconds until the alert fires, or no longer does. @throws Error after the deadline. */
  until(alert: string, firing: boolean, deadlineMs: number): Promise<number>;
  /** Returns the result of a query, one sample each. @throws Error if Prometheus refuses it. */
  query(expr: string): Promise<unknown[]>;
  stop(): Promise<void>;
}

const LOOK_EVERY_MS = 300;

/** Returns whether the programs are there, by running each. */
export function missingPrograms(): string[] {
  return ['promtool', 'prometheus'].filter((name) => spawnSync(name, ['--version']).status !== 0);
}

/** Returns the rules with waits and windows of seconds, so that a run takes minutes; everything else stays. */
export function shortened(rules: string): string {
  return rules
    .replaceAll(/for: \w+/g, 'for: 2s')
    .replaceAll('[15m]', '[20s]')
    .replaceAll('offset 15m', 'offset 20s')
    .replaceAll('[30m]', '[60s]')
    .replaceAll(/> (120|300)\b/g, '> 3');
}

/** Starts Prometheus with these rules in the directory, where its data is too. Nothing of it outlives this process. */
export async function startPrometheus(directory: string, target: string, rules: string): Promise<Prometheus> {
  await mkdir(directory, { recursive: true });
  const config = join(directory, 'prometheus.yml');
  await writeFile(join(directory, 'rules.yml'), rules);
  await writeFile(
    config,
    `global: { scrape_interval: 1s, scrape_timeout: 1s, evaluation_interval: 1s }
rule_files: [rules.yml]
scrape_configs: [{ job_name: conax-provisioning, static_configs: [{ targets: ['${target}'] }] }]
`,
  );
  const address = `127.0.0.1:${await freePort()}`;
  const ask = async (path: string): Promise<unknown> => {
    const answer = await fetch(`http://${address}${path}`, { signal: AbortSignal.timeout(10_000) });
    if (!answer.ok) throw new Error(`Prometheus: ${path} answers ${answer.status}: ${await answer.text()}`);
    return path.startsWith('/api') ? await answer.json() : await answer.text();
  };
  const process = await superviseUntilReady(
    'Prometheus',
    {
      command: 'prometheus',
      args: [
        `--config.file=${config}`,
        `--storage.tsdb.path=${join(directory, 'data')}`,
        `--web.listen-address=${address}`,
      ],
      logFile: join(directory, 'prometheus.log'),
      orphanSignal: 'SIGTERM',
      removeWhenOrphaned: [directory],
    },
    async () => void (await ask('/-/ready')),
    30_000,
  );
  return {
    async until(alert, firing, deadlineMs) {
      const startedAt = performance.now();
      for (;;) {
        const { data } = (await ask('/api/v1/alerts')) as {
          data: { alerts: { labels: Record<string, string>; state: string }[] };
        };
        const fires = data.alerts.some(({ labels, state }) => labels['alertname'] === alert && state === 'firing');
        const ms = performance.now() - startedAt;
        if (fires === firing) return ms / 1000;
        if (ms > deadlineMs)
          throw new Error(`${alert} ${firing ? 'did not fire' : 'still fires'} after ${deadlineMs} ms`);
        await pause(LOOK_EVERY_MS);
      }
    },
    async query(expr) {
      const { data } = (await ask(`/api/v1/query?query=${encodeURIComponent(expr)}`)) as {
        data: { result: unknown[] };
      };
      return data.result;
    },
    stop: () => process.stop('SIGTERM', 10_000),
  };
}
