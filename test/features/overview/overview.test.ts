import { afterAll, beforeAll, expect, test } from 'vitest';
import { runCli } from '../../support/cli.ts';
import { eventually } from '../../support/scene.ts';
import { OPERATIONS, startWebWorld, tellHousehold, type WebWorld } from '../../web-api/support.ts';

interface Overview {
  readonly at: string;
  readonly verdict: string;
  readonly parts: readonly { readonly part: string; readonly state: string; readonly sentence: string }[];
  readonly instances: readonly { readonly id: string; readonly host: string | null; readonly alive: boolean }[];
  readonly backlog: readonly { readonly class: string; readonly ready: number }[];
  readonly intake: { readonly last_event_date: string | null };
  readonly minutes: readonly { readonly at: string }[];
}

let world: WebWorld;
beforeAll(async () => {
  world = await startWebWorld();
  await tellHousehold(world, 'S1', '20000000001', ['1001']);
});
afterAll(() => world.close());

/** The overview once it fits; instances report every second. */
const overviewWith = (fits: (shown: Overview) => boolean, what: string): Promise<Overview> =>
  eventually(async () => {
    const { data } = await world.operate<Overview>('/overview', undefined, 'viewer');
    return fits(data) ? data : undefined;
  }, what);

test('all is well while events are read, commands sent and outcomes published', async () => {
  const shown = await overviewWith(
    ({ verdict, intake }) => verdict === 'OK' && intake.last_event_date !== null,
    'all is well',
  );
  expect(shown.parts.map(({ part, state, sentence }) => `${part} ${state} ${sentence}`)).toEqual([
    'DATABASE OK It answers.',
    'KAFKA OK It is read.',
    'SCHEMA_REGISTRY OK Nothing waits for it.',
    'CAS OK It answers.',
    'INTAKE OK Events are processed as they come.',
    'DISPATCH OK Commands are sent.',
    'OUTCOMES OK Outcomes are published.',
  ]);
  expect(shown.instances).toMatchObject([{ alive: true, slots: 16, requests_per_second: 1_000 }]);
  expect(shown.backlog.map(({ class: name, ready }) => `${name} ${ready}`)).toEqual([
    'EXPRESS 0',
    'GIVING 0',
    'TAKING 0',
    'BULK 0',
  ]);
  expect(shown.minutes).toHaveLength(60);
  const gaps = shown.minutes.slice(1).map(({ at }, index) => Date.parse(at) - Date.parse(shown.minutes[index]!.at));
  expect(new Set(gaps)).toEqual(new Set([60_000]));
});

test('who has the answer already gets 304 without a body, and the new one after a change', async () => {
  await overviewWith(({ verdict }) => verdict === 'OK', 'all is well');
  const authorization = `Bearer ${await world.token('viewer')}`;
  const ask = (headers: Record<string, string> = {}) =>
    fetch(`${world.service.url}${OPERATIONS}/overview`, { headers: { authorization, ...headers } });
  const known = await eventually(async () => {
    const tag = (await ask()).headers.get('etag') ?? '';
    const again = await ask({ 'if-none-match': `"other", ${tag}` });
    return again.status === 304 ? { tag, again, body: await again.text() } : undefined;
  }, 'an answer that is the same');
  expect(known.tag).toMatch(/^W\/"[\w-]{22}"$/);
  expect(known.body).toBe('');
  expect(known.again.headers.get('etag')).toBe(known.tag);
  expect(known.again.headers.get('content-length')).toBeNull();
  await world.operate('/provider/pause', { reason: 'CAS upgrade' }, 'admin');
  const paused = await overviewWith(({ verdict }) => verdict === 'ATTENTION', 'the pause');
  expect(paused.parts.find(({ part }) => part === 'DISPATCH')?.sentence).toBe(
    'Sending is paused by admin: CAS upgrade.',
  );
  expect((await ask({ 'if-none-match': known.tag })).status).toBe(200);
  await world.operate('/provider/resume', {}, 'admin');
});

test('an instance that runs is shown, however many were killed before it started', async () => {
  await world.db.query(`insert into service_instance (id, host, started_at, parts, reported_at)
    select gen_random_uuid(), 'killed', now() - interval '2 hours', '[]', now() - interval '1 hour'
      from generate_series(1, 150)`);
  const shown = await overviewWith(({ instances }) => instances.length > 1, 'the killed instances');
  expect(shown.instances.filter(({ alive }) => alive)).toHaveLength(1);
  expect(shown.instances.find(({ alive }) => alive)?.host).not.toBeNull();
  await world.db.query("delete from service_instance where host = 'killed'");
});

test('a refusal and a POST have no ETag', async () => {
  const authorization = `Bearer ${await world.token('viewer')}`;
  const refused = await fetch(`${world.service.url}${OPERATIONS}/runs/999999`, { headers: { authorization } });
  expect([refused.status, refused.headers.get('etag')]).toEqual([404, null]);
  const estimated = await world.operate(
    '/runs/estimate',
    { kind: 'RESYNC', parameters: {}, selection: { all: true } },
    'viewer',
  );
  expect([estimated.status, estimated.headers.get('etag')]).toEqual([200, null]);
});

test('50 who ask at once get one answer, or two if two seconds are over meanwhile', async () => {
  const asked = await Promise.all(
    Array.from({ length: 50 }, () => world.operate<Overview>('/overview', undefined, 'viewer')),
  );
  expect(new Set(asked.map(({ data }) => data.at)).size).toBeLessThanOrEqual(2);
});

test('the command prints the verdict, the parts, and what waits', async () => {
  await overviewWith(({ verdict }) => verdict === 'OK', 'all is well');
  const { exitCode, stdout } = await runCli(['overview'], { DATABASE_URL: world.env['DATABASE_URL'] ?? '' });
  expect({ exitCode, lines: stdout.split('\n').slice(0, 2) }).toEqual({
    exitCode: 0,
    lines: ['OK', '  DATABASE         OK         It answers.'],
  });
  expect(stdout).toMatch(/^waiting +0 scheduled, 0 retrying, 0 dead letters, /m);
});
