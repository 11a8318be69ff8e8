import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { addUser } from '../../src/users/changes.ts';
import { BASE, PASSWORD, startWebWorld, tellHousehold, type WebWorld } from './support.ts';

const run = promisify(execFile);
let world: WebWorld;

beforeAll(async () => {
  world = await startWebWorld();
  const agent = { username: 'agent1', role: 'operator', organisation: 'acme', unit: 'Nicosia' } as const;
  await addUser(world.db, { ...agent, password: PASSWORD, by: 'test' });
  await tellHousehold(world, 'S0000000329', '20000000329', ['1001']);
});
afterAll(() => world.close());

test('every example of docs/web-api.md answers as the page says', async () => {
  const page = await readFile(new URL('../../docs/web-api.md', import.meta.url), 'utf8');
  const examples = [...page.matchAll(/```sh\n(.*?)```\n```json\n(.*?)```/gs)];
  expect(examples).toHaveLength(11);
  const env: Record<string, string> = { PATH: process.env['PATH'] ?? '', API: `${world.service.url}${BASE}` };
  for (const [, command = '', documented = ''] of examples) {
    const { stdout } = await run('sh', ['-c', command], { env });
    const answer = JSON.parse(stdout) as { data: { token?: string; number?: string } | null };
    env['TOKEN'] ??= answer.data?.token ?? '';
    env['NUMBER'] ??= answer.data?.number ?? '';
    if (env['NUMBER'] === '') delete env['NUMBER'];
    expect(steady(answer)).toMatchObject(steady(JSON.parse(documented)) as object);
  }
});

/** Without what differs from run to run: ids, numbers, dates and ports. */
function steady(value: unknown): unknown {
  const text = JSON.stringify(value, null, 2)
    .replaceAll(/"[0-9A-F]{32}"/g, '"<hex>"')
    .replaceAll(/"(number|next_after)": "\d+"/g, '"$1": "<number>"')
    .replaceAll(/"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d"/g, '"<date>"')
    .replaceAll(/[0-9a-f]{8}-[0-9a-f-]{27}/g, '<uuid>');
  return JSON.parse(text);
}
