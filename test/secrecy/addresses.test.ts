import { createServer } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { runCli, startCli } from '../support/cli.ts';
import { eventually } from '../support/scene.ts';
import { openSurroundings, type Surroundings } from '../support/world.ts';
import { foundIn, needlesOf } from './traces.ts';

const SECRET = 'Tr0ub4dor-secret';
const NEEDLES = needlesOf(SECRET);

let world: Surroundings;
/** Nobody listens there. */
let closedPort = 0;

beforeAll(async () => {
  world = await openSurroundings();
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closedPort = (server.address() as { port: number }).port;
  await new Promise((resolve) => server.close(resolve));
});
afterAll(() => world.close());

interface Health {
  readonly parts: readonly { readonly part: string; readonly ready: boolean }[];
}

test.for<[string, Record<string, string>, readonly string[]]>([
  [
    'the addresses of the registry, the CAS and the database',
    {
      SCHEMA_REGISTRY_URL: `http://user:${SECRET}@127.0.0.1:PORT/apis`,
      CONAX_BASE_URL: `http://user:${SECRET}@127.0.0.1:PORT`,
      DATABASE_PASSWORD: SECRET,
    },
    ['outcomes', 'cas'],
  ],
  [
    'the login at the brokers',
    { KAFKA_SASL_MECHANISM: 'plain', KAFKA_SASL_USERNAME: 'user', KAFKA_SASL_PASSWORD: SECRET },
    ['intake'],
  ],
])(
  'a password in %s shows in no health, metric, log line or error',
  { timeout: 240_000 },
  async ([, given, troubled]) => {
    const { DATABASE_PASSWORD: password, ...settings } = given;
    const database = new URL(world.env['DATABASE_URL'] ?? '');
    if (password !== undefined) Object.assign(database, { username: database.username || 'postgres', password });
    const overrides = Object.entries(settings).map(([name, value]) => [
      name,
      value.replace('PORT', String(closedPort)),
    ]);
    const env = { ...world.env, ...Object.fromEntries(overrides), DATABASE_URL: database.href, LOG_LEVEL: 'trace' };
    const service = startCli(['serve'], env);
    const [, url = ''] = await service.line(/"url":"(http:[^"]+)"/, 90_000);
    await runCli(['pair', 'status', '--card', '20000000001', '--no-wait'], env);
    // An outcome to publish needs brokers and registry.
    const later = ['--schedule', '2035-01-01T00:00:00', '--no-wait', '--json'];
    const made = await runCli(['message', 'bark', 'x', '--card', '20000000002', ...later], env);
    const [, number = ''] = /"number":\s*"?(\d+)/.exec(made.stdout) ?? [];
    const withdrawn = await runCli(['requests', 'withdraw', number], env);
    expect(withdrawn).toMatchObject({ exitCode: 0 });
    const health = await eventually(
      async () => {
        const text = await (await fetch(`${url}/health/ready`)).text();
        const { parts } = JSON.parse(text) as Health;
        return troubled.every((name) => parts.some(({ part, ready }) => part === name && !ready)) ? text : undefined;
      },
      `trouble with ${troubled.join(' and ')}`,
      90_000,
    );
    const metrics = await (await fetch(`${url}/metrics`)).text();
    service.signal('SIGTERM');
    const { stdout, stderr } = await service.ended;
    expect(stdout).toContain('HTTP server listens');
    expect(foundIn([health, metrics, stdout, stderr].join('\n'), NEEDLES)).toEqual([]);
  },
);
