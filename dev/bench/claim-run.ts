import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { loadLine, type Report } from './report.ts';
import { openSite } from './site.ts';

/** Runs `claim.ts` (claim and completion against a bare queue, by batch and backlog) on a durable server of its own. */
export async function claim(report: Report, options: { readonly backlog: number }): Promise<void> {
  const site = await openSite(report, { parts: ['postgres'] });
  try {
    const script = fileURLToPath(new URL('claim.ts', import.meta.url));
    const child = spawn(process.execPath, [script, String(options.backlog)], {
      env: { ...process.env, DATABASE_URL: site.databaseUrl },
      stdio: ['ignore', 'inherit', 'inherit'],
    });
    const kill = (): void => void child.kill();
    process.once('exit', kill);
    const [code] = (await once(child, 'exit')) as [number | null];
    process.off('exit', kill);
    report.check('the measurement went through', code === 0, `exit code ${code ?? 'none'}, ${loadLine()}`);
  } finally {
    await site.close();
  }
}
