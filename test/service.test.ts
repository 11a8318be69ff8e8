import { randomBytes } from 'node:crypto';
import kafkajs from '../src/platform/kafkajs/index.ts';
import { afterEach, describe, expect, test } from 'vitest';
import { freePort } from '../dev/stack/ports.ts';
import { migrate } from '../src/connections.ts';
import { createLogger } from '../src/platform/logging.ts';
import { type Service, startService } from '../src/service.ts';
import type { ServiceSettings } from '../src/settings.ts';
import { submitRequests } from '../src/requests/submit.ts';
import { addTo, requestFor } from './requests/support.ts';
import { runCli } from './support/cli.ts';
import { action, eventually, household, send } from './support/scene.ts';
import { kafkaBrokers } from './support/stack.ts';
import { startTcpProxy, targetOf, type TcpProxy, through } from './support/tcp-proxy.ts';
import { openSurroundings, type Surroundings } from './support/world.ts';

const logger = createLogger('silent');
const closers: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close();
});

async function open(): Promise<Surroundings> {
  const surroundings = await openSurroundings();
  closers.push(() => surroundings.close());
  return surroundings;
}

async function start(settings: ServiceSettings): Promise<Service> {
  const service = await startService(settings, logger);
  closers.push(() => service.stop());
  return service;
}

async function readiness({ url }: Service): Promise<{ status: number; parts: Record<string, string> }> {
  const answer = await fetch(`${url}/health/ready`);
  const { parts } = (await answer.json()) as { parts: { part: string; detail: string }[] };
  return { status: answer.status, parts: Object.fromEntries(parts.map(({ part, detail }) => [part, detail])) };
}

async function cutOff(url: string): Promise<{ proxy: TcpProxy; url: string }> {
  const proxy = await startTcpProxy(targetOf(url));
  closers.push(() => proxy.close());
  proxy.cut();
  return { proxy, url: through(proxy, url) };
}

async function dropTables({ db }: Surroundings): Promise<void> {
  await db.query('drop schema public cascade');
  await db.query('create schema public');
}

const NO_TABLES =
  'The database has no tables of conax-provisioning: run "conax-provisioning migrate" with the same DATABASE_URL.';

describe('The service', () => {
  test('whose port is taken sends nothing to the CAS and reads nothing from Kafka', async () => {
    const world = await open();
    await world.db.transaction((tx) => submitRequests(tx, [requestFor(addTo('10000000001'))]));
    await send(world, action(household('S1', '10000000002', ['1001']), { action: 'S:BECOME_SUBSCRIBER' }).events);
    const taken = Number(new URL(world.simulatorUrl).port);
    await expect(startService({ ...world.settings, HTTP_PORT: taken }, logger)).rejects.toThrow(
      `EADDRINUSE: address already in use 127.0.0.1:${taken}`,
    );
    expect(await world.journal()).toEqual([]);
    expect(await world.db.query('select from inbox')).toEqual([]);
    const admin = new kafkajs.Kafka({ brokers: [kafkaBrokers()], logLevel: kafkajs.logLevel.NOTHING }).admin();
    await admin.connect();
    const { groups } = await admin.describeGroups([world.settings.KAFKA_GROUP_ID]);
    await admin.disconnect();
    expect(groups[0]?.state).toBe('Dead');
  });

  test('waits for a database that is away, says so, turns calls away, and starts once it is there', async () => {
    const world = await open();
    const { proxy, url } = await cutOff(world.settings.DATABASE_URL);
    const service = await start({ ...world.settings, DATABASE_URL: url });
    const away = await readiness(service);
    expect(away.status).toBe(503);
    expect(away.parts).toMatchObject({ intake: 'starting', dispatch: 'starting', outcomes: 'starting' });
    const call = await fetch(`${service.url}/api/v1/provider`);
    expect([call.status, ((await call.json()) as { status: { code: string } }).status.code]).toEqual([
      503,
      'DATABASE_UNAVAILABLE',
    ]);
    proxy.heal();
    await service.started;
    await eventually(async () => ((await readiness(service)).status === 200 ? true : undefined), 'ready');
  });

  test('can be stopped while it waits for a database that is away', async () => {
    const world = await open();
    const { url } = await cutOff(world.settings.DATABASE_URL);
    const service = await start({ ...world.settings, DATABASE_URL: url });
    await service.stop();
    await expect(service.started).resolves.toBeUndefined();
  });

  test('refuses a database without its tables, and its readiness says why', async () => {
    const world = await open();
    await dropTables(world);
    const service = await start(world.settings);
    await expect(service.started).rejects.toThrow(NO_TABLES);
    expect(await readiness(service)).toMatchObject({ status: 503, parts: { database: NO_TABLES } });
  });

  test('as a command ends with 1 and one sentence if the database has no tables', async () => {
    const world = await open();
    await dropTables(world);
    expect(await runCli(['serve'], world.env)).toMatchObject({ exitCode: 1, stderr: `${NO_TABLES}\n` });
  });

  test('reports tables that are lost, or become too new, while it runs', async () => {
    const world = await open();
    const service = await start(world.settings);
    await service.started;
    await eventually(async () => ((await readiness(service)).status === 200 ? true : undefined), 'ready');
    await world.db.query('update schema_compatibility set must_know = 999');
    expect((await readiness(service)).parts['database']).toMatch(/This version .* is too old for the database/);
    await dropTables(world);
    expect(await readiness(service)).toMatchObject({
      status: 503,
      parts: { database: expect.stringContaining('run "conax-provisioning migrate"') as string },
    });
  });

  test('with another PIN_KEY than the instance before it, or without one, does not start', async () => {
    const world = await open();
    const key = randomBytes(32).toString('hex');
    const first = await start({ ...world.settings, PIN_KEY: key });
    await first.started;
    const other = await start({ ...world.settings, PIN_KEY: randomBytes(32).toString('hex') });
    await expect(other.started).rejects.toThrow(/^PIN_KEY is another key than the one that seals the PINs/);
    const without = await start(world.settings);
    await expect(without.started).rejects.toThrow(/^PIN_KEY is not set, and other instances on this database have one/);
    const rotating = await start({ ...world.settings, PIN_KEY: `${randomBytes(32).toString('hex')}\n${key}` });
    await rotating.started;
  });
});

describe('migrate', () => {
  test.each(['DATABASE_URL', 'KAFKA_BROKERS', 'SCHEMA_REGISTRY_URL'] as const)(
    'waits for what %s names, and goes on once it is there',
    async (setting) => {
      const world = await open();
      const given = setting === 'KAFKA_BROKERS' ? `kafka://${kafkaBrokers()}` : world.settings[setting];
      const { proxy, url } = await cutOff(given);
      const settings = { ...world.settings, [setting]: setting === 'KAFKA_BROKERS' ? [new URL(url).host] : url };
      let done = false;
      const migrated = migrate(settings, logger).then(() => (done = true));
      await expect(migrate(settings, logger, { patienceMs: 0 })).rejects.toThrow(
        / at 127\.0\.0\.1:\d+ cannot be (used|reached): /,
      );
      expect(done).toBe(false);
      proxy.heal();
      await migrated;
    },
  );

  test('gives up in the end, and its last error names what is away', async () => {
    const world = await open();
    const port = await freePort();
    const away = { ...world.settings, SCHEMA_REGISTRY_URL: `http://127.0.0.1:${port}` };
    await expect(migrate(away, logger, { patienceMs: 1_500 })).rejects.toThrow(
      /^The schema registry at 127\.0\.0\.1:\d+ refused the connection \(ECONNREFUSED\)/,
    );
    await expect(
      migrate({ ...world.settings, DATABASE_URL: `postgres://u@127.0.0.1:${port}/x` }, logger, { patienceMs: 0 }),
    ).rejects.toThrow(/^PostgreSQL at 127\.0\.0\.1:\d+ refused the connection \(ECONNREFUSED\)/);
  });
});
